"""An agent that is suspended, or whose owner is, gets no token and can use none that it has."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from fastmcp_vault.state import Principal, State
from services.agents.errors import AgentSuspended
from services.agents.suspended import require_admitted
from tests.services.agents import Site, refused
from tests.support.eventually import eventually


async def test_a_suspended_agent_is_refused_by_both_services_and_another_is_not(site: Site, name: str) -> None:
    agent, another = site.agent(name), site.agent(f"{name}-2")
    token = await asyncio.to_thread(agent.token)
    environment = site.stack.environment("app")
    principal = Principal("client", site.settings().issuer, f"agent-{name}")
    async with State(SecretStr(environment["STATE_DSN"])) as state:
        await state.principals.suspend(principal, name=name, reason="it runs away")
        try:
            await eventually(lambda: agent.call("/api/whoami", token).status_code == 403)
            wanted = (403, "access_denied", f"The client agent-{name} is suspended, for everybody: it runs away.")
            assert refused(agent.call("/api/whoami", token)) == wanted
            assert refused(agent.ask()) == wanted
            assert another.call("/api/whoami", await asyncio.to_thread(another.token)).status_code == 200
        finally:
            await state.principals.resume(principal)
        await eventually(lambda: agent.call("/api/whoami", token).status_code == 200)


async def test_the_agents_of_a_suspended_person_are_refused_with_them(site: Site, name: str) -> None:
    settings = site.settings()
    owner = Principal("person", settings.issuer, f"sub-of-{name}")
    async with State(SecretStr(site.stack.environment("app")["STATE_DSN"])) as state:
        require_admitted(state, f"{name}:laptop", issuer=settings.issuer)
        await state.principals.suspend(owner, name=name, reason="on leave")
        try:
            await eventually(lambda: state.suspended(owner))
            with pytest.raises(AgentSuspended, match="on leave"):
                require_admitted(state, f"{name}:laptop", issuer=settings.issuer)
            require_admitted(state, name, issuer=settings.issuer)
        finally:
            await state.principals.resume(owner)
