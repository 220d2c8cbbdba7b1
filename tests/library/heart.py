"""The heart without a server: real clients over a fake issuer and a fake Vault that keep books, on a clock in hand."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx2
from pydantic import SecretStr

from fastmcp_vault.circuit import Circuit
from fastmcp_vault.credentials.caller import Caller, VerifiedToken
from fastmcp_vault.credentials.calls import Call
from fastmcp_vault.credentials.logins import Logins, VaultLogin
from fastmcp_vault.credentials.manager import Credentials
from fastmcp_vault.credentials.sources import Credential, DatabaseSource, KVSource, Source
from fastmcp_vault.oidc import Claims, Endpoints, OidcClient
from fastmcp_vault.state import MemoryState
from fastmcp_vault.vault import DatabaseCredential, Vault

BEGIN = 1_800_000_000.0
HERS = {"email": "alice@example.com", "api_token": "the-token-of-alice"}
ONCE = {"/token": 1, "auth/jwt/login": 1, "identity/entity/id": 1, "secret/data/users/alice/jira": 1}
"""The requests of a first call."""
TOKEN_LIFE, LEASE_LIFE, LONGEST = 900.0, 600.0, 3600.0


class Clock:
    """Seconds that pass when a test says so; ``pause`` ends once they have."""

    def __init__(self) -> None:
        self.now = BEGIN
        self._pauses: list[tuple[float, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.append((self.now + seconds, until))
        await until

    async def forward(self, seconds: float) -> None:
        """Let the time pass, each pause at its moment, and everything that then goes on."""
        end = self.now + seconds
        while due := min((at for at, until in self._pauses if at <= end and not until.done()), default=None):
            self.now = due
            for at, until in self._pauses:
                if at <= due and not until.done():
                    until.set_result(None)
            self._pauses = [(at, until) for at, until in self._pauses if not until.done()]
            await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(25):
        await asyncio.sleep(0)


@dataclass
class Token:
    """A Vault token in the fake Vault's books."""

    id: str
    accessor: str
    sub: str
    entity: str
    server: str
    sid: str
    made_at: float
    expires_at: float
    revoked: bool = False


@dataclass
class User:
    """A database user in the fake Vault's books; it ends with the token that made it."""

    name: str
    token: Token
    lease: str
    made_at: float
    expires_at: float


@dataclass
class World:
    """A fake issuer and a fake Vault: who there is, what is stored, what was made, and every request as it came.

    ``gates``: requests whose path begins so wait for their event. ``away``: hosts that do not answer.
    """

    clock: Clock = field(default_factory=Clock)
    people: dict[str, str] = field(default_factory=dict)
    """Entity by user id."""
    usernames: dict[str, str] = field(default_factory=dict)
    """The user name that a login carries, where it is not the entity's name."""
    secrets: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    grants: set[str] = field(default_factory=set)
    """Entities that may have a database user."""
    ended: set[str] = field(default_factory=set)
    """Sessions that the issuer has ended."""
    tokens: dict[str, Token] = field(default_factory=dict)
    users: list[User] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    _numbers: Any = field(default_factory=itertools.count)

    def person(self, name: str, *, secret: dict[str, str] | None = None, database: bool = False) -> str:
        """Somebody new, with what they hold; their user id."""
        sub = f"sub-of-{name}"
        self.people[sub] = name
        if secret is not None:
            self.secrets[f"users/{name}/jira"] = [secret]
        if database:
            self.grants.add(name)
        return sub

    def live(self) -> list[Token]:
        """The Vault tokens that open something now."""
        return [token for token in self.tokens.values() if not token.revoked and token.expires_at > self.clock.now]

    def count(self, path: str) -> int:
        """How often a path that begins so was asked for."""
        return sum(one.startswith(path) for one in self.asked)

    @property
    def transport(self) -> httpx2.AsyncBaseTransport:
        """What the real clients send through."""
        return httpx2.MockTransport(self._answer)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/v1/")
        self.asked.append(path)
        for begin, gate in list(self.gates.items()):
            if path.startswith(begin):
                await gate.wait()
        if request.url.host in self.away:
            raise httpx2.ConnectError("nobody there")
        await asyncio.sleep(0)
        if request.url.host == "issuer":
            return self._issuer(parse_qs(request.content.decode()))
        body = json.loads(request.content) if request.content else {}
        if path == "auth/jwt/login":
            return self._login(body)
        token = self.tokens.get(request.headers.get("X-Vault-Token", ""))
        if token is None or token not in self.live():
            return _refused(403, "permission denied")
        return self._asked(path, body, token)

    def _issuer(self, form: dict[str, list[str]]) -> httpx2.Response:
        sub, sid = form["subject_token"][0].split("|")[:2]
        if sid in self.ended:
            return httpx2.Response(400, json={"error": "invalid_token", "error_description": "Invalid token"})
        return httpx2.Response(200, json={"access_token": f"{sub}|{sid}|vault", "expires_in": 60})

    def _login(self, body: dict[str, Any]) -> httpx2.Response:
        sub, sid, _ = body["jwt"].split("|")
        entity = self.people.get(sub, "entity_0a1b2c3d")
        number, now = next(self._numbers), self.clock.now
        made = Token(f"s.{number}", f"acc-{number}", sub, entity, body["role"], sid, now, now + TOKEN_LIFE)
        self.tokens[made.id] = made
        return _ok({"auth": self._auth(made, TOKEN_LIFE)})

    def _auth(self, token: Token, life: float) -> dict[str, Any]:
        username = self.usernames.get(token.sub, token.entity)
        return {
            "client_token": token.id,
            "accessor": token.accessor,
            "lease_duration": life,
            "renewable": True,
            "entity_id": f"id-of-{token.entity}",
            "policies": ["default", token.server],
            "metadata": {"username": username, "sid": token.sid, "server": token.server},
        }

    def _asked(self, path: str, body: dict[str, Any], token: Token) -> httpx2.Response:
        if path.startswith("identity/entity/id/"):
            return _ok({"data": {"id": f"id-of-{token.entity}", "name": token.entity, "metadata": {}}})
        if path.startswith(("auth/token", "sys/leases")):
            return self._of_token(path, body, token)
        if found := re.fullmatch(r"secret/(data|metadata)/(users/([^/]+)/jira)", path):
            return self._kv(found[1], found[2], mine=found[3] == token.entity)
        if found := re.fullmatch(r"database/creds/([^/]+)", path):
            return self._database(found[1], token)
        return _refused(404)

    def _of_token(self, path: str, body: dict[str, Any], token: Token) -> httpx2.Response:
        now = self.clock.now
        if path == "auth/token/lookup-self":
            return _ok({"data": {"accessor": token.accessor}})
        if path == "auth/token/revoke-self":
            token.revoked = True
            return httpx2.Response(204)
        if path == "auth/token/renew-self":
            token.expires_at = max(token.expires_at, min(now + TOKEN_LIFE, token.made_at + LONGEST))
            return _ok({"auth": self._auth(token, token.expires_at - now)})
        user = next(one for one in self.users if one.lease == body["lease_id"])
        user.expires_at = max(user.expires_at, min(now + LEASE_LIFE, user.made_at + LONGEST))
        return _ok({"lease_id": user.lease, "lease_duration": user.expires_at - now, "renewable": True, "data": {}})

    def _kv(self, kind: str, path: str, *, mine: bool) -> httpx2.Response:
        if not mine:
            return _refused(403, "permission denied")
        versions = self.secrets.get(path)
        if not versions:
            return _refused(404)
        gone = path in self.destroyed
        if kind == "metadata":
            about = {"created_time": "2027-01-15T08:00:00Z", "deletion_time": "", "destroyed": gone}
            return _ok({"data": {"current_version": len(versions), "versions": {str(len(versions)): about}}})
        if gone:
            return _refused(404)
        about = {"version": len(versions), "created_time": "2027-01-15T08:00:00Z"}
        return _ok({"data": {"data": versions[-1], "metadata": about}})

    def _database(self, role: str, token: Token) -> httpx2.Response:
        if role != token.entity:
            return _refused(403, "permission denied")
        if role not in self.grants:
            return _refused(400, f"unknown role: {role}")
        number, now = next(self._numbers), self.clock.now
        made = User(f"v-{role}-{number}", token, f"database/creds/{role}/{number}", now, now + LEASE_LIFE)
        self.users.append(made)
        data = {"username": made.name, "password": f"password-of-{made.name}"}
        return _ok({"lease_id": made.lease, "lease_duration": LEASE_LIFE, "renewable": True, "data": data})


def _ok(body: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def _refused(status: int, *said: str) -> httpx2.Response:
    return httpx2.Response(status, json={"errors": list(said)})


@dataclass
class FakePool:
    """Stands for the connections as a database user: only whether they were closed is of interest."""

    user: str
    closed: bool = False
    opened: int = 0

    async def take(self) -> FakePool:
        assert not self.closed
        self.opened += 1
        return self

    async def give_back(self, connection: FakePool) -> None:
        assert connection is self

    async def close(self) -> None:
        self.closed = True


@dataclass
class Server:
    """One MCP server's credentials over a world. ``pools``: every pool that was made for a database user."""

    world: World
    credentials: Credentials[Any]
    logins: Logins
    state: MemoryState
    pools: list[FakePool]

    async def get(self, call: Call) -> Credential:
        """What a tool gets in this call."""
        async with self.credentials.use(call) as held:
            assert held.until > self.world.clock.now
            return held.credential  # type: ignore[no-any-return]


def caller(world: World, sub: str, *, sid: str = "s-1", lives: float = 100_000.0, may_trace: bool = False) -> Caller:
    """The person behind a verified token, in one of their sessions."""
    now = world.clock.now
    claims = Claims(
        iss="http://issuer",
        sub=sub,
        sid=sid,
        azp="some-client",
        exp=now + lives,
        iat=now,
        auth_time=now,
        preferred_username=world.usernames.get(sub, world.people.get(sub, "nobody")),
    )
    return Caller.of(
        VerifiedToken(
            token=f"{sub}|{sid}|jira",
            client_id="some-client",
            scopes=[],
            verified=claims,
            checked_at=now,
            check_ms=0.1,
            may_trace=may_trace,
        )
    )


def call(world: World, sub: str, *, sid: str = "s-1", fresh: bool = False, **more: Any) -> Call:
    """A call of that person."""
    return Call(caller(world, sub, sid=sid, **more), "correlation", fresh=fresh)


@asynccontextmanager
async def clients(world: World, client_id: str) -> AsyncIterator[tuple[OidcClient, Vault]]:
    """The real clients of the world's issuer and Vault, each with a circuit of its own."""
    endpoints = Endpoints(
        issuer="http://issuer", authorization="", token="http://issuer/token", jwks="", end_session=""
    )
    issuer = OidcClient(
        endpoints,
        client_id=client_id,
        client_secret=SecretStr("secret"),
        transport=world.transport,
        clock=world.clock,
    )
    vault = Vault("http://vault", transport=world.transport, clock=world.clock)
    vault.circuit, issuer.circuit = Circuit("vault", clock=world.clock), Circuit("keycloak", clock=world.clock)
    try:
        yield issuer, vault
    finally:
        await vault.close()
        await issuer.close()


@asynccontextmanager
async def serving(
    world: World, *, server: str = "jira", database: bool = False, capacity: int = 100, state: MemoryState | None = None
) -> AsyncIterator[Server]:
    """The credentials of one server, running."""
    state = state or MemoryState(clock=world.clock)
    pools: list[FakePool] = []
    login = VaultLogin(role=f"mcp-{server}")
    async with clients(world, f"mcp-{server}") as (issuer, vault):
        logins = Logins(server=server, login=login, exchange=issuer, vault=vault, state=state, clock=world.clock)
        credentials: Credentials[Any] = Credentials(
            server=server,
            logins=logins,
            source=_source(vault, world.clock, pools, database=database),
            state=state,
            capacity=capacity,
            clock=world.clock,
            pause=world.clock.pause,
        )
        async with state, credentials:
            yield Server(world, credentials, logins, state, pools)


def _source(vault: Vault, clock: Callable[[], float], pools: list[FakePool], *, database: bool) -> Source[Any]:
    async def connect(user: DatabaseCredential, _: str) -> Any:
        pools.append(FakePool(user.username))
        return pools[-1]

    if database:
        return DatabaseSource(vault, connect=connect, clock=clock)
    return KVSource(vault, server="jira", title="Jira", needs=("api_token",), clock=clock)


def requests_of(world: World) -> Counter[str]:
    """How often each kind of request was made, ids left out."""
    return Counter(re.sub(r"(entity/id|creds)/.*", r"\1", path) for path in world.asked)
