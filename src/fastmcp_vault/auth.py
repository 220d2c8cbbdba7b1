"""``VaultAuth``: makes a FastMCP server act with each caller's own Vault credentials."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx2
from fastmcp import FastMCP
from pydantic import SecretStr

from fastmcp_vault.circuit import watched
from fastmcp_vault.credentials.calls import Call, current_call
from fastmcp_vault.credentials.logins import Logins, TokenExchange, VaultLogin
from fastmcp_vault.credentials.manager import Credentials
from fastmcp_vault.credentials.sources import Credential
from fastmcp_vault.credentials.specs import CredentialSpec
from fastmcp_vault.errors import NotReady, Problem
from fastmcp_vault.oidc import Claims, Endpoints, OidcClient, TokenValidator, discover
from fastmcp_vault.server.auth import AccessTokenVerifier, ResourceServerAuth
from fastmcp_vault.server.failures import CarriedProblem
from fastmcp_vault.server.profile import ServerProfile
from fastmcp_vault.server.trace_offers import OfferTraceMiddleware
from fastmcp_vault.state import MemoryState, SharedState
from fastmcp_vault.vault import Vault

T = TypeVar("T", bound=Credential)
C = TypeVar("C", bound=Credential)


@dataclass(frozen=True, slots=True)
class Issuer:
    """The OpenID Connect issuer whose access tokens are accepted, and this server's own client there.

    ``endpoints`` are discovered from the issuer's metadata unless given (for an address that differs inside a network).
    """

    url: str
    client_id: str
    client_secret: SecretStr | str = field(repr=False)
    endpoints: Endpoints | None = None


@dataclass(frozen=True, slots=True)
class VaultServer:
    """Vault (or OpenBao), and how callers are logged in there: the JWT auth method at ``mount``, with ``role``.

    ``audience`` and ``scope`` are asked for when the caller's token is exchanged. ``timeout`` in seconds.
    """

    url: str
    role: str
    audience: str = "vault"
    scope: str = ""
    mount: str = "jwt"
    namespace: str = ""
    timeout: float = 5.0


class VaultAuth(ResourceServerAuth):
    """Authorization of a FastMCP server, and each caller's own credentials from Vault.

    ```python
    auth = VaultAuth(
        issuer=Issuer("https://sso.example.com/realms/eng", client_id="mcp-jira", client_secret=SECRET),
        vault=VaultServer("https://vault.example.com", role="mcp-jira"),
        base_url="https://jira-mcp.example.com", scopes=["mcp:jira"],
    )
    mcp = FastMCP("Jira", auth=auth, lifespan=auth.lifespan)
    jira = auth.credential(KVSecret("secret", "users/{entity}/jira", fields=("email", "api_token")))

    @mcp.tool
    async def get_issue(key: str, secret: StoredSecret = Depends(jira)) -> dict: ...
    ```

    ``audience``: what the accepted tokens are for; the client id unless given. ``scopes``: the first opens the server,
    a second one is for writing tools. ``state``: what replicas share; in memory unless given, which is right for one
    process only. ``exchange``: for an issuer without RFC 8693. ``trace_clients``: clients (``azp``) that may ask for
    the steps of a call in its result's ``_meta``. ``ahead``: listing the tools begins in the background what the
    caller's first call will need. ``transport``: to Vault and the issuer, for tests. ``clock``: seconds since the
    epoch.
    """

    def __init__(  # noqa: PLR0913 - each is one decision of whoever runs the server
        self,
        *,
        issuer: Issuer,
        vault: VaultServer,
        base_url: str,
        scopes: Sequence[str] = (),
        name: str = "",
        audience: str = "",
        state: SharedState | None = None,
        exchange: TokenExchange | None = None,
        needs_session: bool = False,
        trace_clients: Collection[str] = (),
        capacity: int = 10_000,
        ahead: bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 <= len(scopes) <= 2:
            raise ValueError("scopes: at most one that opens the server and one for writing tools")
        self._issuer, self._vault_server, self._clock = issuer, vault, clock
        self._transport, self._exchange, self._capacity, self._ahead = transport, exchange, capacity, ahead
        self._state: SharedState = state if state is not None else MemoryState()
        self._managers: list[_Managed[Any]] = []
        self._validator: TokenValidator | None = None
        opening, writing = (*scopes, "", "")[:2]
        self.profile = ServerProfile(
            name=name or issuer.client_id,
            title=name or issuer.client_id,
            audience=audience or issuer.client_id,
            issuer=issuer.url,
            base_url=base_url.rstrip("/"),
            scope=opening,
            write_scope=writing,
            secret=_secret(issuer.client_secret),
        )
        verifier = AccessTokenVerifier(
            self.profile,
            _Deferred(self),
            self._state,
            needs_session=needs_session,
            trace_clients=trace_clients,
            clock=clock,
        )
        super().__init__(self.profile, verifier)

    def credential(self, spec: CredentialSpec[T]) -> Callable[[], Any]:
        """A dependency (``Depends(...)``) that gives a tool the caller's own credential, kept open while the tool runs.

        The tool fails with CredentialMissing, SessionEnded, ExchangeRefused, VaultLoginRefused, VaultDenied, and while
        a part is down KeycloakUnavailable or VaultUnavailable; each says what to do.
        """
        managed = _Managed(spec)
        self._managers.append(managed)

        @asynccontextmanager
        async def as_caller() -> AsyncIterator[Any]:
            try:
                async with managed.running().use(current_call()) as held, spec.opened(held.credential) as usable:
                    yield usable
            except Problem as problem:
                raise CarriedProblem(problem) from problem

        return as_caller

    @asynccontextmanager
    async def lifespan(self, server: FastMCP[Any]) -> AsyncIterator[dict[str, Any]]:
        """FastMCP's lifespan: finds the issuer, connects, and at the end revokes everything that is held.

        The server gets the middleware that knows each call, tells failures in sentences, and records steps.

        Raises ConfigError or KeycloakUnavailable when the issuer cannot be found.
        """
        ahead = self._fetch_ahead if self._ahead else None
        server.add_middleware(OfferTraceMiddleware(self.profile.name, silent=frozenset(), ahead=ahead))
        async with AsyncExitStack() as stack:
            endpoints = self._issuer.endpoints or await discover(self._issuer.url, transport=self._transport)
            client = OidcClient(
                endpoints,
                client_id=self._issuer.client_id,
                client_secret=_secret(self._issuer.client_secret),
                transport=self._transport,
                clock=self._clock,
            )
            stack.push_async_callback(client.close)
            self._validator = TokenValidator(
                issuer=endpoints.issuer, jwks_url=endpoints.jwks, audience=self.profile.audience, clock=self._clock
            )
            stack.push_async_callback(self._validator.close)
            where = self._vault_server
            vault = Vault(
                where.url,
                namespace=where.namespace,
                timeout=where.timeout,
                transport=self._transport,
                clock=self._clock,
            )
            stack.push_async_callback(vault.close)
            stack.enter_context(watched(self.profile.name, {"keycloak": client.circuit, "vault": vault.circuit}))
            if isinstance(self._state, MemoryState):
                await stack.enter_async_context(self._state)
            for managed in self._managers:
                managed.credentials = await stack.enter_async_context(self._made(managed.spec, client, vault))
            yield {}

    def _made(self, spec: CredentialSpec[T], client: OidcClient, vault: Vault) -> Credentials[T]:
        server = self._vault_server
        logins = Logins(
            server=self.profile.name,
            login=VaultLogin(role=server.role, audience=server.audience, scope=server.scope, mount=server.mount),
            exchange=self._exchange or client,
            vault=vault,
            state=self._state,
            holder=self.profile.audience,
            clock=self._clock,
        )
        return Credentials(
            server=self.profile.name,
            logins=logins,
            source=spec.source(vault, server=self.profile.name, clock=self._clock, state=self._state),
            state=self._state,
            capacity=self._capacity,
            clock=self._clock,
        )

    def _fetch_ahead(self, call: Call) -> None:
        for managed in self._managers:
            managed.running().fetch_ahead(call)

    async def validate(self, token: str) -> Claims:
        """The claims of an access token for this server. Raises TokenInvalid, KeycloakUnavailable, NotReady."""
        if self._validator is None:
            raise NotReady("The server is starting.", fix="Use `lifespan=auth.lifespan` with FastMCP, and try again.")
        return await self._validator.validate(token)


class _Managed(Generic[C]):
    """A credential that tools may ask for, and who keeps it while the server runs."""

    def __init__(self, spec: CredentialSpec[C]) -> None:
        self.spec = spec
        self.credentials: Credentials[C] | None = None

    def running(self) -> Credentials[C]:
        if self.credentials is None:
            raise NotReady("The server is not running.", fix="Pass `lifespan=auth.lifespan` to FastMCP.")
        return self.credentials


class _Deferred:
    """The validator of a server that has not found its issuer yet."""

    def __init__(self, auth: VaultAuth) -> None:
        self._auth = auth

    async def validate(self, token: str) -> Claims:
        return await self._auth.validate(token)


def _secret(value: SecretStr | str) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(value)
