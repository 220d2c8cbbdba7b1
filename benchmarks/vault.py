"""Vault and Keycloak by plain HTTP: what a first call cannot do without, and what calls leave behind."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from benchmarks.people import BenchVisit
from stack.testing import Stack

EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "audience": "vault",
    "scope": "vault:login",
}


class Trips:
    """The three round trips of one server, on connections that are kept open, by the standard library's own client."""

    def __init__(self, stack: Stack, server: str) -> None:
        self._server, self._stack = server, stack
        self._keycloak = http.client.HTTPConnection(urlsplit(stack.url("keycloak")).netloc, timeout=20)
        self._vault = http.client.HTTPConnection(urlsplit(stack.url("openbao")).netloc, timeout=20)

    async def run(self, visit: BenchVisit) -> float:
        """Milliseconds of exchange (RFC 8693), login (POST auth/jwt/login) and read; the token is then revoked.

        A database user is of no use before it is connected, so that connecting counts there.
        """
        began = time.perf_counter()
        exchanged = self._exchange(visit)["access_token"]
        login = self._ask("POST", "auth/jwt/login", {"role": f"mcp-{self._server}", "jwt": exchanged})
        token, name = login["auth"]["client_token"], visit.person.username
        connection = None
        if self._server == "jira":
            self._ask("GET", f"secret/data/users/{name}/jira", token=token)
        else:
            made = self._ask("GET", f"database/creds/{name}", token=token)["data"]
            place = f"host=localhost port={self._stack.ports['postgres']} dbname=shop user={made['username']}"
            connection = await psycopg.AsyncConnection.connect(place, password=made["password"])
        took = (time.perf_counter() - began) * 1000
        if connection is not None:
            await connection.close()
        self._ask("POST", "auth/token/revoke-self", token=token)
        return took

    def forget(self, name: str) -> None:
        """Remove what is stored for this person at the server, with every version."""
        self._ask("DELETE", f"secret/metadata/users/{name}/{self._server}", token=self._stack.secrets["VAULT_TOKEN"])

    def tokens(self, visit: BenchVisit) -> int:
        """Live Vault tokens that the server holds for this session."""
        root, found = self._stack.secrets["VAULT_TOKEN"], 0
        for accessor in self._ask("LIST", "auth/token/accessors", token=root)["data"]["keys"]:
            looked = self._ask("POST", "auth/token/lookup-accessor", {"accessor": accessor}, token=root, strict=False)
            meta = (looked.get("data") or {}).get("meta") or {}
            found += meta.get("sid") == visit.sid and meta.get("server") == f"mcp-{self._server}"
        return found

    def leases(self, visit: BenchVisit) -> int:
        """Live leases of database users made for this person."""
        path = f"sys/leases/lookup/database/creds/{visit.person.username}"
        answer = self._ask("LIST", path, token=self._stack.secrets["VAULT_TOKEN"], strict=False)
        return len((answer.get("data") or {}).get("keys") or [])

    def close(self) -> None:
        """Close the connections."""
        self._keycloak.close()
        self._vault.close()

    def _exchange(self, visit: BenchVisit) -> dict[str, Any]:
        client = f"mcp-{self._server}"
        form = EXCHANGE | {
            "client_id": client,
            "client_secret": self._stack.secrets[f"MCP_{self._server.upper()}_CLIENT_SECRET"],
            "subject_token": visit.token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        path = "/realms/mcp-demo/protocol/openid-connect/token"
        self._keycloak.request("POST", path, urlencode(form), headers)
        return _answer(self._keycloak.getresponse())

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, token: str = "", strict: bool = True
    ) -> dict[str, Any]:
        headers = {"X-Vault-Token": token} if token else {}
        self._vault.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
        return _answer(self._vault.getresponse(), strict=strict)


def _answer(response: http.client.HTTPResponse, *, strict: bool = True) -> dict[str, Any]:
    body = response.read()
    if strict and response.status >= 300:
        raise RuntimeError(f"HTTP {response.status}: {body[:300].decode('utf-8', 'replace')}")
    return dict(json.loads(body)) if body else {}
