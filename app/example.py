"""The example application, run inside the app while somebody watches: the same code as ``python -m vault_client``."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from app.settings import AppSettings
from common.vault_login import own_login
from fastmcp_vault.errors import NotReady, Problem
from fastmcp_vault.vault import Vault, VaultSession
from fastmcp_vault.vault.application import Application, SecretRow
from fastmcp_vault.vault.config import ClientConfig

IDLE_SECONDS = 30.0
"""Nobody has looked for so long: it ends, and its database users with it."""

ANSWER_SECONDS = 5.0
"""How long Vault may take for one answer: somebody is waiting."""

CHANGES = 8
"""How many of the last changes are remembered."""


@dataclass(frozen=True, slots=True)
class View:
    """What may be shown now: the token and each secret, and what changed lately (when, which), the newest first."""

    rows: list[SecretRow]
    changes: list[tuple[float, SecretRow]]

    @property
    def well(self) -> bool:
        """Whether everything is fresh."""
        return all(row.state == "fresh" for row in self.rows)


class Example:
    """Starts with the first look, looks after its secrets while it is watched, and gives everything back afterwards.

    The secrets are the example application's own, nobody's in particular, so everybody sees the same.
    """

    def __init__(self, settings: AppSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock
        self._task: asyncio.Task[None] | None = None
        self._application: asyncio.Future[Application] | None = None
        self._changes: deque[tuple[float, SecretRow]] = deque(maxlen=CHANGES)
        self._watched_at = 0.0

    async def look(self) -> View:
        """How it stands. Raises the Problem that keeps it from logging in."""
        self._watched_at = self._clock()
        if self._task is None or self._task.done() or self._application is None:
            self._application = asyncio.get_running_loop().create_future()
            self._changes.clear()
            self._task = asyncio.create_task(self._run(self._application))
        application = await asyncio.shield(self._application)
        return View(application.rows(), list(self._changes))

    async def close(self) -> None:
        """End it, if it runs; its Vault token is revoked."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, started: asyncio.Future[Application]) -> None:
        config = ClientConfig.model_construct(
            vault_entity=self._settings.example_entity,
            vault_url=self._settings.vault_addr,
            http_timeout=ANSWER_SECONDS,
        )
        vault = config.vault()
        try:
            await self._watch(config, vault, started)
        except Problem as problem:
            if not started.done():
                started.set_exception(problem)
        except BaseException:
            if not started.done():
                started.set_exception(NotReady("The example application is stopping.", fix="Look again in a moment."))
                started.exception()
            raise
        finally:
            await vault.close()

    async def _watch(self, config: ClientConfig, vault: Vault, started: asyncio.Future[Application]) -> None:
        login = own_login(self._settings, self._settings.example_role_id, self._settings.example_secret_id)
        async with VaultSession(vault, login, check_every=10.0) as session:
            application = Application(config, vault, session, changed=self._remember)
            await application.refresh()
            started.set_result(application)
            keeping = asyncio.create_task(application.run())
            try:
                while self._clock() - self._watched_at < IDLE_SECONDS:  # noqa: ASYNC110 - each look moves the end
                    await asyncio.sleep(1.0)
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)

    def _remember(self, row: SecretRow) -> None:
        self._changes.appendleft((self._clock(), row))
