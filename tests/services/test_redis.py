"""With a real Redis: a token is good while it stands there as active, and nothing is let through when nobody knows."""

from __future__ import annotations

import asyncio

from tests.services.agents import Site, forged, refused, running
from tests.services.redis_server import RedisServer


async def test_what_is_not_active_in_redis_is_refused_and_without_redis_everything(
    site: Site, name: str, redis: RedisServer
) -> None:
    settings = site.settings(use_redis=True, redis_port=redis.port)
    async with running(settings) as services:
        agent = await asyncio.to_thread(lambda: site.agent(name).at(services))

        async def whoami(token: str) -> tuple[int, str, str]:
            answer = await asyncio.to_thread(agent.call, "/api/whoami", token)
            return (200, "", "") if answer.status_code == 200 else refused(answer)

        good, revoked = await asyncio.to_thread(agent.token), await asyncio.to_thread(agent.token)
        assert [await whoami(good), await whoami(revoked)] == [(200, "", "")] * 2
        stranger = await asyncio.to_thread(lambda: forged(site, iss=services.auth))
        assert await whoami(stranger) == (401, "invalid_token", "token_not_active")

        await asyncio.to_thread(agent.revoke, revoked)
        assert await whoami(revoked) == (401, "invalid_token", "token_revoked")
        assert (await whoami(good))[0] == 200

        redis.kill()
        status, error, why = await whoami(good)
        assert (status, error) == (503, "temporarily_unavailable")
        assert "Redis" in why
        assert refused(await asyncio.to_thread(agent.ask))[:2] == (503, "temporarily_unavailable")
        health = await asyncio.to_thread(agent.call, "/health", None)
        assert (health.status_code, health.json()["redis"]) == (503, "down")
        denied = await asyncio.to_thread(agent.call, "/api/whoami", None)
        assert refused(denied)[:2] == (401, "missing_token")

        await asyncio.to_thread(redis.start)
        assert await whoami(good) == (401, "invalid_token", "token_not_active"), "what Redis forgot is not let through"
        assert await whoami(await asyncio.to_thread(agent.token)) == (200, "", "")
