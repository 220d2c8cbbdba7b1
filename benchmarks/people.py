"""The people of a benchmark: a users file as large as wanted, and their real sign-ins at Keycloak."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import requests
import yaml
from pydantic import SecretStr

from fastmcp_vault.http import async_client
from fastmcp_vault.oidc import Keycloak, unverified_claims
from stack.layout import ROOT
from stack.testing import Stack


@dataclass(frozen=True, slots=True)
class BenchPerson:
    """Somebody in the users file who holds a credential for every server."""

    username: str
    password: str
    email: str
    jira_token: str


@dataclass(frozen=True, slots=True)
class BenchVisit:
    """Somebody with an access token for one server (``sid``: the session it belongs to)."""

    person: BenchPerson
    token: str

    @property
    def sid(self) -> str:
        """The session's id at Keycloak."""
        return str(unverified_claims(self.token)["sid"])


def write_users(path: Path, count: int) -> Path:
    """The project's own users file with ``count`` people added, at ``path``."""
    users = yaml.safe_load((ROOT / "init" / "users.yaml").read_text())
    users["users"] += [_entry(f"bench{number:05d}") for number in range(count)]
    path.write_text(yaml.dump(users, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))
    return path


def read_users(path: Path, prefix: str = "bench") -> Iterator[BenchPerson]:
    """The people in a users file whose names begin with ``prefix``, each once."""
    for entry in yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["users"]:
        if entry["username"].startswith(prefix):
            token = entry["entitlements"]["jira"]["api_token"]
            yield BenchPerson(entry["username"], entry["password"], entry["email"], token)


def _entry(name: str) -> dict[str, object]:
    email = f"{name}@example.com"
    return {
        "username": name,
        "password": f"{name}-password",
        "email": email,
        "first_name": "Bench",
        "last_name": name,
        "realm_roles": [],
        "entitlements": {
            "jira": {"email": email, "api_token": f"demo-jira-token-{name}"},
            "github": {"login": name, "token": f"demo-github-token-{name}"},
            "postgres": {"grants": ["shop_read"]},
        },
    }


class Reception:
    """Signs people in. ``visit`` by a lab client's direct grant; ``app_visit`` as the app does, by Keycloak's page."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._realm = f"{stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect"
        self._client = async_client(connections=20)

    async def visit(self, person: BenchPerson, server: str) -> BenchVisit:
        """A session with a token for ``server`` alone (RFC 6749 §4.3; demo profile only)."""
        form = {
            "grant_type": "password",
            "client_id": f"lab-{server}",
            "client_secret": self._stack.secrets["LAB_CLIENT_SECRET"],
            "username": person.username,
            "password": person.password,
        }
        answer: httpx2.Response = await self._client.post(f"{self._realm}/token", data=form)
        answer.raise_for_status()
        return BenchVisit(person, answer.json()["access_token"])

    async def app_visit(self, person: BenchPerson, server: str) -> BenchVisit:
        """A session of the app's, exchanged for ``server``: only the app may ask for calls without reuse."""
        back = f"{self._stack.url('app')}/auth/callback"
        keycloak = Keycloak(
            base_url=self._stack.url("keycloak"),
            public_url=self._stack.url("keycloak"),
            realm="mcp-demo",
            client_id="mcp-demo-app",
            client_secret=SecretStr(self._stack.secrets["APP_CLIENT_SECRET"]),
        )
        try:
            wanted = keycloak.login_request(redirect_uri=back)
            code = await asyncio.to_thread(_fill_in, wanted.url, person)
            tokens = await keycloak.redeem(code=code, verifier=wanted.verifier, nonce=wanted.nonce, redirect_uri=back)
            got = await keycloak.exchange(tokens.access_token, audience=f"mcp-{server}", scope=f"mcp:{server}")
        finally:
            await keycloak.close()
        return BenchVisit(person, got.access_token.get_secret_value())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _fill_in(url: str, person: BenchPerson) -> str:
    """The authorization code after Keycloak's login form was filled in and sent."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(url, timeout=30)
        action = re.search(r'<form[^>]*id="kc-form-login"[^>]*action="([^"]+)"', page.text)
        if action is None:
            raise RuntimeError(f"Keycloak shows no login form (HTTP {page.status_code}).")
        # The cookies are Secure, which browsers send to http://localhost all the same; requests would not.
        cookies = "; ".join(f"{c.name}={c.value}" for c in browser.cookies)
        answer = browser.post(
            html.unescape(action[1]),
            data={"username": person.username, "password": person.password, "credentialId": ""},
            headers={"Cookie": cookies},
            timeout=30,
            allow_redirects=False,
        )
    return parse_qs(urlsplit(answer.headers.get("Location", "")).query)["code"][0]
