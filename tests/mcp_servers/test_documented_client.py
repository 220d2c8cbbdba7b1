"""A client known by its metadata document, from the bare address to a tool's answer; and whoever poses as one.

A stack of its own: CLIENT_DOCUMENTS is a setting of its start.
"""

from __future__ import annotations

import base64
import json
import re
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from fastmcp import Client
from fastmcp.client.auth import OAuth

from docs import plain_client
from fastmcp_vault.http import TimedSession
from stack.testing import Stack, running
from tests.support import people
from tests.support.document_server import REDIRECT, DocumentServer, document_server
from tests.support.visiting import AtTheForm

pytestmark = pytest.mark.filterwarnings("ignore:Using in-memory token storage")

SERVICES = ("postgres", "openbao", "keycloak", "init", "mock", "mcp-jira")


@dataclass(frozen=True)
class Place:
    """A stack that lets two documents in, and the host that publishes them and others."""

    stack: Stack
    host: DocumentServer
    app: str
    reader: str

    @property
    def jira(self) -> str:
        return f"{self.stack.url('mcp-jira')}/mcp"

    def alice(self) -> AtTheForm:
        return AtTheForm(people.read_users(self.stack.instance.users_file)["alice"])

    def asked(self, client_id: str, **changes: str) -> requests.Response:
        """What Keycloak answers to an authorization request of that client."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT,
            "scope": "mcp:jira",
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
        }
        with TimedSession(timeout=30) as http:
            return http.get(
                f"{self.stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect/auth",
                params={name: value for name, value in (query | changes).items() if value},
                allow_redirects=False,
            )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with document_server(tmp_path_factory.mktemp("documents")) as host, pytest.MonkeyPatch.context() as patch:
        local = ["http://localhost/callback", REDIRECT]
        app = host.publish("/app.json", client_name="Documented app", redirect_uris=local)
        reader = host.publish("/reader.json", client_name="Documented reader", scope="mcp:jira")
        refused = host.publish("/refused.json", scope="mcp:jira vault:login")
        patch.setenv("CLIENT_DOCUMENTS", f"{app} {reader} {refused}")
        patch.setenv("CLIENT_DOCUMENTS_CA", str(host.authority))
        with running(only=SERVICES) as stack:
            yield Place(stack, host, app, reader)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def words(answer: requests.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_metadata_invites_clients_to_come_with_their_documents(place: Place) -> None:
    keycloak = place.stack.url("keycloak")
    with TimedSession() as http:
        for where in (
            "/.well-known/oauth-authorization-server/realms/mcp-demo",
            "/realms/mcp-demo/.well-known/openid-configuration",
        ):
            metadata = http.get(f"{keycloak}{where}").json()
            assert metadata["client_id_metadata_document_supported"] is True
            assert "none" in metadata["token_endpoint_auth_methods_supported"]
            assert metadata["registration_endpoint"], "who has no document registers as ever"


async def test_fastmcps_own_client_is_known_by_its_document(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = place.alice()
    monkeypatch.setattr(webbrowser, "open", visit)
    seen = len(place.host.seen)
    async with Client(place.jira, auth=OAuth(client_metadata_url=place.app)) as client:
        issue = await client.call_tool("get_issue", {"issue_key": "PROJ-1"})
    assert issue.structured_content is not None
    assert issue.structured_content["key"] == "PROJ-1"
    assert requests.utils.quote(place.app, safe="") in visit.url
    assert "Documented app (localhost)" in visit.asked
    assert "Change things with the jira tools" in visit.asked
    assert len(place.host.seen) == seen, "Keycloak reads no document"


def test_a_plain_client_gets_a_token_for_this_server_and_the_scopes_of_its_document(place: Place) -> None:
    visit = place.alice()
    with plain_client.Client(place.jira, document=place.reader, scope="mcp:jira") as client:
        client.sign_in(visit)
        assert client.call("credential_status", {})["username"] == "alice"
        assert client.ask("add_comment", {"issue_key": "PROJ-1", "body": "no"}).status_code == 403
        issued = claims(client.token)
    assert "Documented reader (localhost)" in visit.asked
    assert "Change things" not in visit.asked
    assert (issued["aud"], issued["azp"]) == ("mcp-jira", place.reader)
    assert "mcp:jira:write" not in issued["scope"].split()
    assert "invalid_scope" in place.asked(place.reader, scope="mcp:jira:write").headers["Location"]


def test_whoever_has_no_document_registers_as_ever(place: Place) -> None:
    visit = place.alice()
    with plain_client.Client(place.jira) as client:
        client.sign_in(visit)
        assert client.call("get_issue", {"issue_key": "PROJ-1"})["key"] == "PROJ-1"
    assert "Plain client" in visit.asked


@pytest.mark.parametrize("scope", ["vault:login", "offline_access", "tokens:issue", "agent:dispatch", "realm-roles"])
def test_a_documented_client_has_none_of_the_other_scopes(place: Place, scope: str) -> None:
    assert "invalid_scope" in place.asked(place.app, scope=f"mcp:jira {scope}").headers["Location"]


@pytest.mark.parametrize(
    "redirect",
    ["https://evil.example/callback", "http://127.0.0.1/other", "http://127.0.0.1.evil.example/callback", ""],
)
def test_a_redirect_that_the_document_does_not_name_is_refused(place: Place, redirect: str) -> None:
    answer = place.asked(place.app, redirect_uri=redirect)
    assert answer.status_code == 400
    assert "redirect_uri" in words(answer)


def test_without_pkce_there_is_no_code(place: Place) -> None:
    for more in ({"code_challenge": "", "code_challenge_method": ""}, {"code_challenge_method": "plain"}):
        answer = place.asked(place.app, **more)
        assert answer.status_code == 302
        assert "error=invalid_request" in answer.headers["Location"]


def test_an_address_that_is_not_on_the_list_is_nobody_and_is_never_asked_for(place: Place) -> None:
    unlisted = place.host.publish("/unlisted.json")
    seen = len(place.host.seen)
    keycloak, vault = place.stack.url("keycloak"), place.stack.url("openbao")
    for name in (
        unlisted,
        f"{place.host.base}/refused.json",
        f"{place.app}#x",
        f"{place.app}?x=1",
        place.app.replace("/app", "/x/../app"),
        place.app.replace("https://", "https://user:pass@"),
        place.app.replace("https://", "HTTPS://"),
        f"{vault}/v1/sys/health",
        f"{keycloak}/realms/mcp-demo",
        "https://169.254.169.254/latest/meta-data",
    ):
        answer = place.asked(name)
        assert answer.status_code == 400, name
        assert "Client not found" in words(answer), name
    assert len(place.host.seen) == seen
