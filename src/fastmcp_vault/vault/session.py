"""One login kept alive: renewed in good time, looked at now and then, made anew when it is lost, revoked at the end."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Self

from pydantic import SecretStr

from fastmcp_vault.background import Background
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Problem, VaultDenied, VaultUnavailable
from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.lease import Lease
from fastmcp_vault.vault.logins import Login
from fastmcp_vault.vault.models import VaultToken
from fastmcp_vault.vault.renewer import Renewer, wait_for

_log = logging.getLogger(__name__)

_NOT_YET = VaultUnavailable("This process is not logged in to Vault yet.", fix="It goes on trying; look again soon.")


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long a session goes on trying to log in: by default until it succeeds, whatever the reason."""

    from_the_start: bool = False
    """Whether the block is entered without a login when the first attempt fails, and the attempts go on inside."""
    seconds: float = math.inf
    through_refusals: bool = True
    """Whether it also tries again when Vault refused; where the login cannot get better by waiting, it need not."""


class VaultSession:
    """A login to Vault for as long as the block runs: ``async with VaultSession(vault, approle(…)) as session``.

    The token is renewed once ``fraction`` of its life is gone. One that cannot be renewed (refused, lost, at
    its maximum) is replaced by logging in anew, with backoff, as long as ``persistence`` says; :meth:`over` tells
    when that is over. With ``check_every`` (seconds) Vault is also asked whether the token still lives. At
    the end the tokens are revoked, with the leases they made. One event loop; ``clock`` gives seconds,
    ``wait`` waits for an event or that many seconds.
    """

    def __init__(
        self,
        vault: Vault,
        login: Login,
        *,
        fraction: float = 4 / 5,
        check_every: float | None = None,
        persistence: Persistence = Persistence(),
        revoke_at_end: bool = True,
        clock: Callable[[], float] = time.time,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] = wait_for,
    ) -> None:
        self._vault, self._login = vault, login
        self._check_every, self._persistence, self._revoke_at_end = check_every, persistence, revoke_at_end
        self._clock, self._wait = clock, wait
        self._renewer: Renewer[str] = Renewer(fraction=fraction, jitter=0.0, clock=clock, wait=wait)
        self._held: VaultToken | None = None
        self._former: list[VaultToken] = []
        self._problem: Problem = _NOT_YET
        self._ended = asyncio.Event()
        self._mending = asyncio.Lock()
        self._background = Background()

    @property
    def current(self) -> VaultToken:
        """The live token with its policies and lease. Raises the Problem that took it away."""
        if self._held is None:
            raise self._problem
        if self._held.lease.remaining(self._clock()) <= 0:
            raise VaultDenied("The Vault token's time is over.", fix="It is being replaced; try again in a moment.")
        return self._held

    @property
    def token(self) -> SecretStr:
        """The live token. Raises the Problem that took it away."""
        return self.current.token

    @property
    def lease(self) -> Lease:
        """The live token's lease. Raises the Problem that took the token away."""
        return self.current.lease

    async def over(self) -> Problem:
        """Returns, with the reason, once the login is lost for good."""
        await self._ended.wait()
        return self._problem

    async def __aenter__(self) -> Self:
        await self._renewer.__aenter__()
        try:
            self._take(await self._login(self._vault))
        except Problem as problem:
            if not (self._persistence.from_the_start and self._worth_another(problem)):
                await self._stop()
                raise
            self._problem = problem
            self._background.start(self._log_in_anew())
        if self._check_every is not None:
            self._background.start(self._look_every(self._check_every))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        if not self._revoke_at_end:
            return
        now = self._clock()
        living = [token for token in (*self._former, self._held) if token and token.lease.remaining(now) > 0]
        self._held, self._former = None, []
        for token in living:
            try:
                await self._vault.revoke_self(token.token)
            except Problem as problem:
                _log.warning("A Vault token could not be revoked and ends by itself: %s", problem.what)

    async def _stop(self) -> None:
        await self._renewer.__aexit__()
        self._background.cancel()
        await self._background.close()

    def _take(self, token: VaultToken) -> None:
        """Use this token from now on. The one before is kept until its end: leases that it made hang on it."""
        now = self._clock()
        self._former = [t for t in self._former if t.lease.remaining(now) > 0]
        if self._held is not None and self._held.accessor != token.accessor:
            self._former.append(self._held)
        self._held = token
        if math.isfinite(token.lease.duration):
            # Renewed or not: one that Vault does not renew is replaced at the same point of its life.
            lease = replace(token.lease, renewable=True)
            self._renewer.keep("token", lease, self._renew, lost=lambda problem: self._lost(token.accessor, problem))

    async def _renew(self) -> Lease | None:
        """Renewed; or, at its maximum, a new login; None when neither prolongs it."""
        held = self.current
        renewed = await self._prolonged(held)
        if renewed is not None:
            self._held = renewed
            return renewed.lease
        fresh = await self._login(self._vault)
        if not _later(fresh, held):
            self._background.start(self._until_the_end_of(held))
            return None
        self._take(fresh)
        return replace(fresh.lease, renewable=True)

    async def _prolonged(self, held: VaultToken) -> VaultToken | None:
        """The same token with more time, or None where Vault gives it none. Raises what may pass by itself."""
        if not held.lease.renewable:
            return None
        try:
            renewed = await self._vault.renew_self(held.token)
        except Problem as problem:
            if problem.retryable:
                raise
            return None
        return renewed if _later(renewed, held) else None

    async def _until_the_end_of(self, held: VaultToken) -> None:
        await self._pause(held.lease.remaining(self._clock()))
        over = VaultDenied("The Vault token's time is over, and it cannot be renewed.", fix="Give a new one.")
        await self._lost(held.accessor, over)

    async def _lost(self, accessor: str, problem: Problem) -> None:
        async with self._mending:
            if self._held is None or self._held.accessor != accessor:
                return
            self._held, self._problem = None, problem
            self._renewer.forget("token")
            _log.warning("The Vault token is lost: %s Logging in anew.", problem.what)
            await self._log_in_anew()

    async def _log_in_anew(self) -> None:
        backoff = Backoff(first=0.2)
        give_up_at = self._clock() + self._persistence.seconds
        while True:
            try:
                self._take(await self._login(self._vault))
                _log.info("Logged in to Vault.")
                return
            except Problem as problem:
                self._problem = problem
                pause = backoff.failed()
                if not self._worth_another(problem) or self._clock() + pause > give_up_at:
                    _log.error("The login to Vault is lost: %s", problem.what)
                    self._ended.set()
                    return
            await self._pause(pause)

    def _worth_another(self, problem: Problem) -> bool:
        return problem.retryable or self._persistence.through_refusals

    async def _look_every(self, seconds: float) -> None:
        """Ask Vault whether the token lives and for how long: it may have been revoked, or the machine have slept."""
        while True:
            await self._pause(seconds)
            held = self._held
            if held is None:
                continue
            try:
                seen = await self._vault.examine(held.token)
            except VaultDenied as problem:
                await self._lost(held.accessor, problem)
            except Problem as problem:
                _log.warning("The Vault token could not be looked at: %s", problem.what)
            else:
                if self._held is held and abs(seen.lease.expires_at - held.lease.expires_at) > 2 * _GRAIN:
                    self._take(seen)

    async def _pause(self, seconds: float) -> None:
        await self._wait(asyncio.Event(), seconds)


_GRAIN = 1.0
"""Vault tells times to live in whole seconds."""


def _later(new: VaultToken, old: VaultToken) -> bool:
    """Whether ``new`` lives longer by more than Vault's rounding."""
    return new.lease.expires_at > old.lease.expires_at + min(_GRAIN, new.lease.duration / 10)
