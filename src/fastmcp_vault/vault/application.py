"""An application that logs in by itself and keeps its secrets fresh, for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import CredentialMissing, Problem, VaultDenied
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.config import ClientConfig
from fastmcp_vault.vault.kept import KeptByApplication, KeptDynamic, KeptKV, KeptStatic, Kind, Secret, Use
from fastmcp_vault.vault.session import VaultSession

_log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often it is looked whether something is due."""

REFUSED_SECONDS = 5.0
"""After a refusal it is tried again this much later: somebody may have mended the policy."""

State = Literal["fresh", "stale", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One secret, or the token itself, as it may be shown. ``left``: seconds, None where nothing counts down."""

    kind: Kind | Literal["token"]
    path: str
    state: State
    detail: str
    left: float | None
    problem: Problem | None = None


def _told(problem: Problem, path: str) -> Problem:
    """A refusal as the owner of an application understands it, not a person who is signed in."""
    mount, _, name = path.partition("/")
    told: Problem = problem
    if isinstance(problem, VaultDenied):
        told = VaultDenied(
            Sentence("No policy of this application allows it to read {path}.", path=path),
            fix="Allow it in the policy of its role.",
        )
    elif isinstance(problem, CredentialMissing):
        told = CredentialMissing(
            Sentence("There is nothing at {path}.", path=path),
            fix=Sentence("Make it in the engine {mount}: {name}.", mount=mount, name=name),
        )
    told.__cause__ = problem
    return told


@dataclass(slots=True)
class _Care:
    """A secret under care, and how the last attempt to look after it went."""

    kept: KeptByApplication
    problem: Problem | None = None
    not_before: float = float("-inf")
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.5))


async def _drop(_kind: Kind, _secret: Secret) -> None:
    """Without a use there is nothing to keep a value for."""


class Application:
    """Looks after the secrets that ``config`` names, with the token of ``session``.

    Each secret goes to ``use`` as it comes and is then forgotten here. ``changed`` is told of each that is new,
    or could not be had. ``clock`` gives seconds since the epoch. One event loop.
    """

    def __init__(
        self,
        config: ClientConfig,
        vault: Vault,
        session: VaultSession,
        *,
        use: Use = _drop,
        changed: Callable[[SecretRow], None] = lambda _row: None,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._vault, self._session = vault, session
        self._use, self._changed, self._clock, self._pause = use, changed, clock, pause
        kept: list[KeptByApplication] = []
        if config.kv_secret_enabled:
            kept.append(KeptKV(config.kv_mount, config.kv_secret_path, interval=config.kv_secret_refresh_interval))
        if config.database_dynamic_enabled:
            kept.append(KeptDynamic(config.database_mount, config.database_dynamic_role_id))
        if config.database_static_enabled:
            kept.append(KeptStatic(config.database_mount, config.database_static_role_id))
        self._cares = [_Care(one) for one in kept]

    async def refresh(self) -> None:
        """Look after everything that is due now, all at once. A failure is shown in its row, and tried again later."""
        await asyncio.gather(*(self._look_after(care) for care in self._cares))

    async def run(self) -> None:
        """Keep everything fresh until cancelled."""
        while True:
            await self.refresh()
            await self._pause(TICK_SECONDS)

    def rows(self) -> list[SecretRow]:
        """The token and every secret, as they stand now."""
        return [self._token_row(), *(self._row(care) for care in self._cares)]

    async def _look_after(self, care: _Care) -> None:
        now = self._clock()
        try:
            token = self._session.current
            if now < care.not_before or not care.kept.due(now, token):
                return
            new = await care.kept.fetch(self._vault, token, now, self._use)
        except Problem as refused:
            problem = _told(refused, care.kept.path)
            first, care.problem = care.problem is None, problem
            care.not_before = now + (care.backoff.failed() if problem.retryable else REFUSED_SECONDS)
            if first:
                self._changed(self._row(care))
            return
        mended, care.problem = care.problem is not None, None
        care.backoff.succeeded()
        if new or mended:
            self._changed(self._row(care))

    def _row(self, care: _Care) -> SecretRow:
        fact = care.kept.fact
        left = fact.remaining(self._clock()) if fact else None
        usable = fact is not None and left != 0
        state: State = "waiting" if fact is None else "fresh"
        if care.problem is not None:
            state = "stale" if usable else "failed"
        return SecretRow(care.kept.kind, care.kept.path, state, fact.detail if fact else "", left, care.problem)

    def _token_row(self) -> SecretRow:
        try:
            token = self._session.current
        except Problem as problem:
            return SecretRow("token", "auth/approle", "failed", "", None, problem)
        policies = ", ".join(token.policies)
        return SecretRow("token", "auth/approle", "fresh", f"policies {policies}", token.lease.remaining(self._clock()))
