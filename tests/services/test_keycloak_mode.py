"""AUTH_MODE=keycloak: agents get their tokens from Keycloak by mutual TLS (RFC 8705), and no secret is shared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from init.agent import register
from init.keycloak_admin import RealmAdmin
from stack.processes import wait_until
from tests.services.agents import Agent, Site, forged, refused, running
from tests.services.keycloak_tls import keycloak_tls

TOKEN = "/realms/mcp-demo/protocol/openid-connect/token"


@pytest.fixture(scope="module")
def keycloak(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The realm over mutual TLS."""
    with keycloak_tls(site, tmp_path_factory.mktemp("keycloak")) as address:
        yield address


@pytest.fixture
def admin(site: Site) -> Iterator[RealmAdmin]:
    """The realm's administrator."""
    secrets = site.stack.secrets
    found = RealmAdmin(
        site.stack.url("keycloak"),
        username=secrets["KEYCLOAK_ADMIN"],
        password=SecretStr(secrets["KEYCLOAK_ADMIN_PASSWORD"]),
    )
    found.log_in()
    yield found
    found.close()


def ask(agent: Agent, keycloak: str, name: str) -> Any:
    """What Keycloak's token endpoint answers the agent, known by its certificate alone."""
    form = {"grant_type": "client_credentials", "client_id": f"agent-{name}"}
    return agent.http.post(f"{keycloak}{TOKEN}", data=form)


def first_answer(agent: Agent, token: str, *, tls: bool = False) -> httpx2.Response:
    """The service's first answer to a token of Keycloak's, whose keys it fetches for it. On a busy machine Keycloak may
    be too slow for that; then the service says 503 and "try again", which is what is done here."""
    answer = agent.call("/api/whoami", token, tls=tls)
    for _ in wait_until(time.monotonic() + 30, step=0.5):
        if answer.status_code != 503:
            break
        assert "Retry-After" in answer.headers
        answer = agent.call("/api/whoami", token, tls=tls)
    return answer


async def test_keycloaks_bound_tokens_open_the_service_and_stay_bound(
    site: Site, name: str, keycloak: str, admin: RealmAdmin
) -> None:
    register(admin, "mcp-demo", name, ["agent:commands"])
    mode = {"auth_mode": "keycloak-only"}
    async with running(site.settings(**mode)) as services:

        def play() -> None:
            agent = site.agent(name).at(services)
            thief = site.agent(f"{name}-b").at(services)
            assert ask(thief, keycloak, name).status_code == 401, "another agent's certificate"
            answer = ask(agent, keycloak, name)
            assert answer.status_code == 200, answer.text
            token = answer.json()["access_token"]
            known = first_answer(agent, token, tls=True).json()
            assert (known["agent"], known["issued_by"], known["connection"]) == (name, "keycloak", "mutual-tls")
            assert known["scopes"] == ["agent:commands"] or "agent:commands" in known["scopes"]
            assert agent.call("/api/commands", token, tls=True).status_code == 200
            assert refused(agent.call("/api/results", token, {}, tls=True))[:2] == (403, "insufficient_scope")
            assert refused(thief.call("/api/whoami", token, tls=True))[2] == "certificate_mismatch"
            head, _, _ = token.rpartition(".")
            assert refused(agent.call("/api/whoami", f"{head}.AAAA", tls=True))[2] == "invalid_signature"
            own = agent.token()
            assert refused(agent.call("/api/whoami", own, tls=True))[2] == "unsupported_algorithm"
            stranger = forged(site, iss=site.stack.url("keycloak") + "/realms/mcp-demo")
            assert refused(agent.call("/api/whoami", stranger, tls=True))[2] == "unsupported_algorithm"

        await asyncio.to_thread(play)
    async with running(site.settings(auth_mode="keycloak")) as services:

        def both() -> None:
            agent = site.agent(name).at(services)
            theirs = ask(agent, keycloak, name).json()["access_token"]
            assert first_answer(agent, theirs, tls=True).json()["issued_by"] == "keycloak"
            assert agent.call("/api/whoami", agent.token(), tls=True).json()["issued_by"] == "agent-auth"

        await asyncio.to_thread(both)


async def test_a_token_that_is_not_bound_or_not_for_this_service_is_refused(site: Site, alice: Any) -> None:
    lab = {
        "grant_type": "password",
        "client_id": "lab-jira",
        "client_secret": site.stack.secrets["LAB_CLIENT_SECRET"],
        "username": alice.username,
        "password": alice.password,
    }
    async with running(site.settings(auth_mode="keycloak")) as services:

        def play() -> None:
            agent = Agent(services, None, authority=site.authority)
            token = agent.http.post(f"{site.stack.url('keycloak')}{TOKEN}", data=lab).json()["access_token"]
            assert refused(first_answer(agent, token))[2] == "invalid_audience"

        await asyncio.to_thread(play)
