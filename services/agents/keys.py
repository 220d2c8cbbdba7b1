"""The signing keys of agents' tokens, from Vault or set: two at most, the current one signs, both verify."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from joserfc.jwk import OctKey
from pydantic import SecretStr

from fastmcp_vault.errors import Problem
from services.agents.errors import Unavailable

RETRY_SECONDS = 1.0
"""Key ids that are not known cause at most one look at Vault in this time, which all who sent them wait for."""

REFRESH_SECONDS = 10.0
"""How old the keys may grow before they are looked at again, in the background."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key for HS256 (RFC 7518 §3.2) and the id that tokens name it by."""

    kid: str
    digest: bytes = field(repr=False)
    key: OctKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, secret: SecretStr, kid: str = "") -> SigningKey:
        """From a text; without an id it gets one that is the same wherever the same text is set."""
        value = secret.get_secret_value().encode()
        derived = "set-" + hashlib.sha256(b"kid\0" + value).hexdigest()[:8]
        return cls(kid or derived, hashlib.sha256(value).digest(), OctKey.import_key(value))


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The key that signs now, and the one that signed before it, while its tokens live."""

    current: SigningKey
    previous: SigningKey | None = None

    def for_token(self, kid: str | None) -> list[SigningKey]:
        """The keys that a token of this ``kid`` may be signed with; without one, any."""
        every = [key for key in (self.current, self.previous) if key is not None]
        return every if kid is None else [key for key in every if key.kid == kid]


def from_vault(data: Mapping[str, SecretStr]) -> KeyPair:
    """The pair as ``secret/services/agent-jwt`` holds it. Raises Unavailable."""
    try:
        current = SigningKey.of(data["current_key"], data["current_kid"].get_secret_value())
        previous = None
        if data.get("previous_key"):
            previous = SigningKey.of(data["previous_key"], data["previous_kid"].get_secret_value())
    except (KeyError, ValueError):
        raise Unavailable(
            "The agents' signing keys in Vault cannot be used.", fix="`./demo agent rotate-key`."
        ) from None
    return KeyPair(current, previous)


Fetch = Callable[[], Awaitable[KeyPair]]


class SigningKeyRing:
    """The keys, fetched once for all who wait, kept through an outage of Vault. One event loop.

    ``clock``: seconds, from any start.
    """

    def __init__(self, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._pair: KeyPair | None = None
        self._tried_at = self._fetched_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    @classmethod
    def fixed(cls, secret: SecretStr) -> SigningKeyRing:
        """One key that was set, and never changes."""
        pair = KeyPair(SigningKey.of(secret))

        async def fetch() -> KeyPair:
            return pair

        ring = cls(fetch)
        ring._pair, ring._fetched_at, ring._tried_at = pair, float("inf"), float("inf")
        return ring

    async def pair(self) -> KeyPair:
        """The keys. Raises Unavailable when they have never been there."""
        now = self._clock()
        if self._pair is None or now - self._fetched_at >= REFRESH_SECONDS:
            task = self._refresh(now)
            if self._pair is None and task is not None:
                await asyncio.shield(task)
        if self._pair is None:
            raise Unavailable(
                "The agents' signing keys cannot be read.", fix="`./demo status` says whether Vault is up."
            )
        return self._pair

    async def for_token(self, kid: str | None) -> list[SigningKey]:
        """The keys for a token; an id that is not known may be that of a new key, so Vault is asked."""
        found = (await self.pair()).for_token(kid)
        if not found:
            await self._look_again()
            found = (await self.pair()).for_token(kid)
        return found

    async def close(self) -> None:
        """Wait for no more keys."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _look_again(self) -> None:
        """Return after a look at Vault that began now or later: an earlier one may have missed the newest key."""
        asked_at = self._clock()
        while self._tried_at < asked_at:
            task = self._refresh(self._clock())
            if task is not None:
                await asyncio.shield(task)
            else:
                await asyncio.sleep(RETRY_SECONDS - (self._clock() - self._tried_at))

    def _refresh(self, now: float) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one if the last is long enough ago."""
        if self._fetching is None and now - self._tried_at >= RETRY_SECONDS:
            self._tried_at = now
            self._fetching = asyncio.create_task(self._fetch_once())
        return self._fetching

    async def _fetch_once(self) -> None:
        try:
            self._pair = await self._fetch()
            self._fetched_at = self._clock()
        except Problem as problem:
            _log.warning("The agents' signing keys could not be read: %s", problem)
        finally:
            self._fetching = None
