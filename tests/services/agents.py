"""An agent as tests play it, and the services it talks to."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from common.tls import TlsIdentity, client_context
from fastmcp_vault.vault.admin import VaultAdmin
from init import vault_pki
from init.agent import issue
from services.agents import run
from services.agents.settings import AgentsSettings
from stack.ports import free_ports
from stack.testing import Stack
from tests.support.eventually import eventually

EVERY = ("agent:commands", "agent:results", "agent:dispatch")


@dataclass(frozen=True)
class Services:
    """Where the two services are."""

    auth: str
    plain: str
    tls: str


class Site:
    """The stack's services and their authority, with an administrator's means."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        ports = stack.ports
        self.vault = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
        self.authority = str((self.vault.read(f"{vault_pki.MOUNT}/cert/ca") or {})["certificate"])
        self.services = Services(
            f"https://localhost:{ports['agent-auth']}",
            stack.url("biz-service"),
            f"https://localhost:{ports['biz-service-tls']}",
        )

    def agent(self, name: str, *scopes: str, ttl: str = "1h") -> Agent:
        """An agent of the operators with a certificate for these scopes; all of them when none is named."""
        return Agent(self.services, issue(self.vault, name, scopes or EVERY, ttl=ttl))

    def key(self) -> tuple[str, str]:
        """The key id and the key that tokens are signed with now."""
        data = (self.vault.read(vault_pki.KEY_PATH) or {})["data"]
        return data["current_kid"], data["current_key"]

    def settings(self, **changes: Any) -> AgentsSettings:
        """The stack's own settings of the services, on other ports."""
        ports = free_ports(("biz", "tls", "auth"))
        given = {name.lower(): value for name, value in self.stack.environment("agents").items()}
        own = {
            "biz_service_port": ports["biz"],
            "biz_service_tls_port": ports["tls"],
            "agent_auth_port": ports["auth"],
            "agent_auth_public_url": f"https://localhost:{ports['auth']}",
        }
        return AgentsSettings(**{**given, **own, **changes})

    def close(self) -> None:
        self.vault.close()


OPENED: list[Agent] = []
"""Agents whose connections the end of the test closes."""


class Agent:
    """An agent with its certificate."""

    def __init__(self, services: Services, identity: TlsIdentity | None, *, authority: str = "") -> None:
        self.services, self.identity = services, identity
        trusted = authority or (identity.authority if identity else "")
        self.http = httpx2.Client(verify=client_context(trusted, identity), timeout=30, trust_env=False)
        OPENED.append(self)

    def at(self, services: Services) -> Agent:
        """The same agent, at other services."""
        return Agent(services, self.identity)

    def ask(self, **form: Any) -> httpx2.Response:
        """The token endpoint's answer."""
        return self.http.post(f"{self.services.auth}/oauth2/token", data={"grant_type": "client_credentials"} | form)

    def token(self, scope: str | None = None) -> str:
        """A token."""
        answer = self.ask(**({} if scope is None else {"scope": scope}))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> httpx2.Response:
        """The revocation endpoint's answer."""
        return self.http.post(f"{self.services.auth}/oauth2/revoke", data={"token": token})

    def call(self, path: str, token: str | None, body: Any = None, *, tls: bool = False) -> httpx2.Response:
        """One call of the business service: GET, or POST with a body."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"{self.services.tls if tls else self.services.plain}{path}"
        if body is None:
            return self.http.get(url, headers=headers)
        return self.http.post(url, headers=headers | {"Content-Type": "application/json"}, content=json.dumps(body))


def refused(answer: httpx2.Response) -> tuple[int, str, str]:
    """Status, ``error`` and ``error_description`` of a refusal."""
    body = answer.json()
    assert set(body) == {"error", "error_description"}, body
    return answer.status_code, body["error"], body["error_description"]


def forged(site: Site, *, header: dict[str, Any] | None = None, key: str | None = None, **changes: Any) -> str:
    """A token signed with the services' own key, but for what is changed; a claim set to None is left out."""
    kid, current = site.key()
    now = int(time.time())
    claims = {
        "iss": site.services.auth,
        "aud": "biz-service",
        "sub": "t-forged",
        "scope": "agent:commands agent:results",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 120,
    } | changes
    payload = json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    head = {"alg": "HS256", "typ": "at+jwt", "kid": kid} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    signed = f"{b64(json.dumps(head).encode())}.{b64(payload)}"
    digest = {"HS256": "sha256", "HS512": "sha512"}[head["alg"]]
    return f"{signed}.{b64(hmac.digest((key or current).encode(), signed.encode(), digest))}"


def b64(data: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@asynccontextmanager
async def running(settings: AgentsSettings) -> AsyncIterator[Services]:
    """Both services in this process, with settings of the test's own, until the block ends."""
    stopping = asyncio.Event()
    names = [run.AGENT_AUTH, run.BIZ_SERVICE]
    task = asyncio.create_task(run.run(settings, names, stopping))
    services = Services(
        f"https://localhost:{settings.agent_auth_port}",
        f"http://localhost:{settings.biz_service_port}",
        f"https://localhost:{settings.biz_service_tls_port}",
    )
    try:
        await eventually(lambda: task.done() or _listens(settings.biz_service_port), within=60)
        if task.done():
            await task
        yield services
    finally:
        for agent in [each for each in OPENED if each.services == services]:
            agent.http.close()
        stopping.set()
        await task


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
