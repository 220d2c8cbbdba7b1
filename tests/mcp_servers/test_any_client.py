"""Any client, from a bare address: discovery, registration, Keycloak's own pages, a tool's answer."""

from __future__ import annotations

import base64
import json
import threading
import webbrowser
from typing import Any

import pytest
import requests
from fastmcp import Client
from fastmcp.client.auth import OAuth
from pydantic import SecretStr

from docs import plain_client
from init.keycloak_admin import RealmAdmin
from stack.testing import Stack
from tests.mcp_servers.callers import says_yes
from tests.support.browser import agree_in_chromium, chromium
from tests.support.eventually import eventually
from tests.support.people import Person
from tests.support.visiting import AtTheForm

# FastMCP's client warns that tokens kept in memory are lost with the process, as they should be here.
pytestmark = pytest.mark.filterwarnings("ignore:Using in-memory token storage")


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def at(stack: Stack, server: str) -> str:
    return f"{stack.url(f'mcp-{server}')}/mcp"


@pytest.mark.parametrize(
    ("server", "tool", "arguments", "key"),
    [
        ("jira", "get_issue", {"issue_key": "PROJ-1"}, "key"),
        ("github", "list_repos", {}, "repositories"),
        ("postgres", "list_tables", {}, "tables"),
    ],
)
def test_plain_http_gets_from_the_bare_address_to_a_tools_answer(
    stack: Stack, person: Person, server: str, tool: str, arguments: dict[str, Any], key: str
) -> None:
    visit = AtTheForm(person)
    with plain_client.Client(at(stack, server)) as client:
        client.sign_in(visit)
        assert client.call(tool, arguments)[key]
        assert client.call("credential_status", {})["username"] == person.username
    assert "Plain client" in visit.asked
    assert f"Use the {server} tools" in visit.asked
    assert f"Change things with the {server} tools" in visit.asked
    issued = claims(client.token)
    assert issued["aud"] == f"mcp-{server}"
    assert {f"mcp:{server}", f"mcp:{server}:write"} <= set(issued["scope"].split())
    assert "offline_access" not in issued["scope"].split()


def test_a_client_that_may_only_read_is_told_what_to_ask_for_and_steps_up(stack: Stack, person: Person) -> None:
    comment = {"issue_key": "PROJ-1", "body": "Stepped up."}
    with plain_client.Client(at(stack, "jira"), scope="mcp:jira") as client:
        reading = AtTheForm(person)
        client.sign_in(reading)
        assert "Change things" not in reading.asked
        assert client.call("get_issue", {"issue_key": "PROJ-1"})["key"] == "PROJ-1"
        refused = client.ask("add_comment", comment)
        assert refused.status_code == 403
        assert refused.json()["error"] == "insufficient_scope"
        client.scope = refused.json()["scope"]
        writing = AtTheForm(person)
        client.sign_in(writing)
        assert "Change things with the jira tools" in writing.asked
        answered = client.ask("add_comment", comment)
        assert answered.status_code == 200
        assert "/approve?id=" in answered.json()["result"]["content"][0]["text"]


def test_whoever_says_no_on_the_consent_page_gives_nothing(stack: Stack, person: Person) -> None:
    with plain_client.Client(at(stack, "jira")) as client, pytest.raises(SystemExit, match="Not signed in"):
        client.sign_in(AtTheForm(person, yes=False))
    assert not client.token


def test_a_registered_clients_token_cannot_be_exchanged_for_one_that_opens_vault(stack: Stack, person: Person) -> None:
    """Even if somebody had switched exchange on for it."""
    realm = f"{stack.url('keycloak')}/realms/mcp-demo"
    admin = RealmAdmin(
        stack.url("keycloak"), username="admin", password=SecretStr(stack.secrets["KEYCLOAK_ADMIN_PASSWORD"])
    )

    class Sly(plain_client.Client):
        def register(self, endpoint: str, redirect: str, scope: str) -> str:
            self.name = super().register(endpoint, redirect, scope)
            (made,) = admin.get("/mcp-demo/clients", clientId=self.name)
            made["attributes"]["standard.token.exchange.enabled"] = "true"
            admin.put(f"/mcp-demo/clients/{made['id']}", made)
            return self.name

    with Sly(at(stack, "jira")) as client:
        client.sign_in(AtTheForm(person))
        for more in ({}, {"audience": "vault"}, {"scope": "vault:login"}):
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "client_id": client.name,
                "subject_token": client.token,
                "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
                **more,
            }
            answer = client.http.post(f"{realm}/protocol/openid-connect/token", data=form, timeout=30)
            assert answer.status_code in (400, 401, 403), answer.text
            assert "access_token" not in answer.json()
    admin.close()


async def test_fastmcps_own_client_signs_in_and_reads_and_writes(
    stack: Stack, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = AtTheForm(person)
    monkeypatch.setattr(webbrowser, "open", visit)
    auth = OAuth(client_name="FastMCP in a test")
    async with Client(at(stack, "jira"), auth=auth, elicitation_handler=says_yes) as client:
        issue = await client.call_tool("get_issue", {"issue_key": "PROJ-1"})
        written = await client.call_tool("add_comment", {"issue_key": "PROJ-1", "body": "From any client."})
    assert issue.structured_content is not None
    assert issue.structured_content["key"] == "PROJ-1"
    assert not written.is_error
    assert "FastMCP in a test" in visit.asked


@pytest.mark.skipif(chromium() is None, reason="needs a Chromium")
async def test_a_person_at_a_real_browser_sees_the_login_and_the_consent_page(
    stack: Stack, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def visit(url: str) -> None:
        seen.append(agree_in_chromium(url, person, arriving="http://localhost:*/callback?*"))

    def open_browser(url: str) -> bool:
        threading.Thread(target=visit, args=(url,), daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    async with Client(at(stack, "github"), auth=OAuth(client_name="FastMCP at a browser")) as client:
        status = await client.call_tool("credential_status")
    assert status.structured_content is not None
    assert status.structured_content["username"] == person.username
    await eventually(lambda: bool(seen))  # the browser closes after it has delivered the code
    assert "FastMCP at a browser" in seen[0]
    assert "Use the github tools" in seen[0]


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_says_that_there_are_public_clients(stack: Stack, name: str) -> None:
    """A program that registers for what it finds there would ask for a secret otherwise, and be refused."""
    realm = f"{stack.url('keycloak')}/realms/mcp-demo"
    found = requests.get(f"{realm}/.well-known/{name}", timeout=30).json()
    assert "none" in found["token_endpoint_auth_methods_supported"]
    assert "tls_client_auth" in found["token_endpoint_auth_methods_supported"], "what Keycloak says by itself stays"
