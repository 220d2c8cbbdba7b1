"""Any client, from a bare address: discovery, registration, Keycloak's own pages, a tool's answer."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
import requests

from docs import plain_client
from stack.testing import Stack
from tests.support.login import agree
from tests.support.people import Person


class AtTheForm:
    """Answers Keycloak's pages and lets the redirect arrive, as a browser beside the client would."""

    def __init__(self, person: Person, *, yes: bool = True) -> None:
        self.person, self.yes = person, yes
        self.asked = self.url = ""

    def __call__(self, url: str) -> bool:
        self.url = url
        threading.Thread(target=self._visit, daemon=True).start()
        return True

    def _visit(self) -> None:
        arrived, self.asked = agree(self.url, self.person.username, self.person.password, yes=self.yes)
        with requests.Session() as browser:
            browser.trust_env = False
            browser.get(arrived, timeout=30)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@pytest.mark.parametrize(
    ("server", "tool", "arguments", "key"),
    [
        ("jira", "get_issue", {"issue_key": "PROJ-1"}, "key"),
        ("github", "list_repos", {}, "repos"),
        ("postgres", "list_tables", {}, "tables"),
    ],
)
def test_plain_http_gets_from_the_bare_address_to_a_tools_answer(
    stack: Stack, person: Person, server: str, tool: str, arguments: dict[str, Any], key: str
) -> None:
    visit = AtTheForm(person)
    with plain_client.Client(f"{stack.url(f'mcp-{server}')}/mcp") as client:
        client.sign_in(visit)
        found = client.call(tool, arguments)
        status = client.call("credential_status", {})
    assert key in found or "result" in found, found
    assert status["username"] == person.username
    assert f"Use the {server} tools" in visit.asked
    assert "Plain client" in visit.asked
    issued = claims(client.token)
    assert issued["aud"] == f"mcp-{server}"
    assert f"mcp:{server}" in issued["scope"].split()
    assert not any(scope.endswith(":write") or scope == "offline_access" for scope in issued["scope"].split())
