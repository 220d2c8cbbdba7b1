"""Which tokens are active, in Redis: written when one is issued, read with every request, gone with the token's end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.agents.errors import Unavailable
from services.agents.settings import AgentsSettings

PREFIX = "agent-token:"
TIMEOUT_SECONDS = 1.0

Standing = Literal["active", "revoked", "unknown"]


class ActiveTokens:
    """``agent-token:<jti>`` is ``active`` or ``revoked`` while the token lives. Times in seconds.

    Every method raises Unavailable when Redis does not answer: what cannot be known is refused.
    """

    def __init__(self, settings: AgentsSettings) -> None:
        password = settings.redis_password
        # Not tried again behind the request's back: an answer in a second beats one that comes late.
        self._redis: Redis = Redis(
            host=settings.redis_host,
            port=settings.redis_port,
            ssl=settings.redis_tls,
            password=password.get_secret_value() if password else None,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    async def activate(self, jti: str, *, seconds: float) -> None:
        """A token was issued that lives this long."""
        async with _asking():
            await self._redis.set(PREFIX + jti, "active", ex=max(1, round(seconds)))

    async def revoke(self, jti: str, *, seconds: float) -> None:
        """It is good no more, from the next request on."""
        async with _asking():
            await self._redis.set(PREFIX + jti, "revoked", ex=max(1, round(seconds)))

    async def standing(self, jti: str) -> Standing:
        """What is known of a token; ``unknown`` also after Redis has lost its memory."""
        async with _asking():
            found = await self._redis.get(PREFIX + jti)
        return "active" if found == "active" else "revoked" if found == "revoked" else "unknown"

    async def answers(self) -> bool:
        """Whether Redis is there."""
        try:
            async with _asking():
                return bool(await self._redis.ping())
        except Unavailable:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable(
            "Redis, which knows the active tokens, does not answer: no request is let through.",
            fix="Start Redis (REDIS_HOST, REDIS_PORT), then try again.",
        ) from error
