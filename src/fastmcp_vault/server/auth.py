"""The resource server: checks bearer tokens, and says what a refused one lacks (RFC 6750, RFC 9728, MCP 2026-07-28)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from typing import Any, Protocol

from fastmcp.server.auth import RemoteAuthProvider, TokenVerifier
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.routes import build_resource_metadata_url
from pydantic import AnyHttpUrl
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fastmcp_vault import metrics
from fastmcp_vault.credentials.caller import VerifiedToken
from fastmcp_vault.errors import AccessSuspended, Problem, SessionEnded, TokenInvalid
from fastmcp_vault.oidc.standing import Standing
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.sentences import Sentence, with_words
from fastmcp_vault.server.profile import ServerProfile
from fastmcp_vault.state.protocol import TokenBearer

MCP_PATH = "/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource"
RETRY_AFTER_SECONDS = 2
"""What a 503 tells the client: outages of the shared state or of Keycloak pass, or are fixed by a person."""

_log = logging.getLogger(__name__)


class Validator(Protocol):
    """What is asked of :class:`fastmcp_vault.oidc.validation.TokenValidator`."""

    async def validate(self, token: str) -> Claims:
        """The claims. Raises TokenInvalid or KeycloakUnavailable."""


class SessionCheck(Protocol):
    """What is asked of the shared state."""

    async def admit(self, bearer: TokenBearer, *, server: str) -> None:
        """Nothing, if it may be used. Raises StateUnavailable, SessionEnded, AccessSuspended, ServerSuspended."""


class AccessTokenVerifier(TokenVerifier):
    """Accepts an access token for this one server whose session is known not to have ended.

    ``needs_session``: a token without a session id (``sid``) is refused. ``trace_clients``: clients (``azp``) that may
    ask for a trace.
    """

    def __init__(
        self,
        profile: ServerProfile,
        validator: Validator,
        sessions: SessionCheck,
        *,
        standing: Standing | None = None,
        needs_session: bool = True,
        trace_clients: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(base_url=profile.base_url, required_scopes=[profile.scope] if profile.scope else None)
        self._standing = standing
        self._server, self.name = profile.audience, profile.name
        self._needs_session, self._trace_clients = needs_session, frozenset(trace_clients)
        self._validator, self._sessions, self._clock = validator, sessions, clock

    async def verify_token(self, token: str) -> VerifiedToken:
        """The token's claims. Raises TokenInvalid, SessionEnded, AccessSuspended, ServerSuspended, and while a part is
        down StateUnavailable or KeycloakUnavailable."""
        checked_at, began = self._clock(), time.perf_counter()
        claims = await self._validator.validate(token)
        if self._needs_session and not claims.sid:
            raise TokenInvalid("The token belongs to no session.", fix="Sign in, and exchange that token.")
        await self._sessions.admit(claims, server=self._server)
        if self._standing is not None:
            await self._standing.check(claims, token)
        return VerifiedToken(
            token=token,
            client_id=claims.azp,
            scopes=sorted(claims.scopes),
            expires_at=int(claims.exp),
            subject=claims.sub,
            claims=claims.model_dump(mode="json"),
            verified=claims,
            may_trace=claims.azp in self._trace_clients,
            checked_at=checked_at,
            check_ms=(time.perf_counter() - began) * 1000,
        )


class TokenRefused(AuthenticationError):
    """Carries the problem from the check to the answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class BearerBackend(AuthenticationBackend):
    """Reads ``Authorization: Bearer`` on the MCP path; without one the request goes on as nobody's (RFC 6750 §2.1)."""

    def __init__(self, verifier: AccessTokenVerifier) -> None:
        self._verifier = verifier

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """The verified person, None without a token. Raises TokenRefused."""
        scheme, _, token = conn.headers.get("authorization", "").partition(" ")
        if conn.scope["path"] != MCP_PATH or scheme.lower() != "bearer":
            return None
        try:
            verified = await self._verifier.verify_token(token.strip())
        except Problem as problem:
            metrics.REFUSALS.add(server=self._verifier.name, reason=problem.code)
            _log.info("A token was refused: %s", problem.what)
            raise TokenRefused(problem) from problem
        return AuthCredentials(verified.scopes), AuthenticatedUser(verified)


class Challenge:
    """Writes refusals: 401 and 403 with ``WWW-Authenticate`` (RFC 6750 §3, RFC 9728 §5.1), 503 while something is down.

    Who is suspended gets a 403 without a challenge: another token would not help, and clients would ask for one.

    MCP 2026-07-28, Authorization: a challenge names ``resource_metadata``, and the ``scope`` to ask for. Without a
    token that is both of this server's: clients register for what the challenge names, and Keycloak never gives a
    client a scope that it did not register for, so that one which began with reading alone could not step up.
    """

    def __init__(self, profile: ServerProfile) -> None:
        self._scope = " ".join(profile.scopes)
        self._metadata = str(build_resource_metadata_url(AnyHttpUrl(f"{profile.base_url}{MCP_PATH}")))

    def invalid(self, _: HTTPConnection, error: Exception) -> Response:
        """The answer to a token that was refused, or could not be judged."""
        problem = error.problem if isinstance(error, TokenRefused) else TokenInvalid("The token cannot be used.")
        if isinstance(problem, AccessSuspended):
            body = {"error": "access_denied", "error_description": str(problem), **problem.as_dict()}
            return JSONResponse(body, 403)
        if not isinstance(problem, TokenInvalid | SessionEnded):
            body = {"error": "temporarily_unavailable", "error_description": str(problem), **problem.as_dict()}
            return JSONResponse(body, 503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        return self._answer(401, "invalid_token", problem.what, self._scope, **problem.as_dict())

    def insufficient(self, scope: str, description: str) -> Response:
        """The answer to a good token without the scope that is needed: 403 ``insufficient_scope``."""
        said = {"what": str(description), **with_words(what=description)}
        return self._answer(403, "insufficient_scope", description, scope, **said)

    def _answer(self, status: int, error: str, description: str, scope: str, **more: Any) -> Response:
        said = _quotable(description)
        header = f'Bearer error="{error}", error_description="{said}", scope="{scope}", '
        return JSONResponse(
            {"error": error, "error_description": description, "scope": scope, **more},
            status,
            headers={"WWW-Authenticate": f'{header}resource_metadata="{self._metadata}"'},
        )


class StepUp:
    """ASGI middleware: a call of a writing tool needs the write scope, and the refusal says how to get it.

    MCP 2026-07-28 names the tool in ``Mcp-Name``, so the 403 goes out before the body is read; a client of
    an earlier version sends no such header and is refused by the tool itself.
    """

    def __init__(self, app: ASGIApp, *, challenge: Challenge, profile: ServerProfile, writing: frozenset[str]) -> None:
        self._app, self._challenge, self._writing = app, challenge, writing
        self._name, self._scope, self._write_scope = profile.name, profile.scope, profile.write_scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        user = scope.get("user")
        if scope["type"] == "http" and isinstance(user, AuthenticatedUser):
            headers = {k: v for k, v in scope["headers"] if k in (b"mcp-method", b"mcp-name")}
            name = headers.get(b"mcp-name", b"").decode("latin-1")
            if (
                headers.get(b"mcp-method") == b"tools/call"
                and name in self._writing
                and self._scope in user.scopes
                and self._write_scope not in user.scopes
            ):
                description = Sentence(
                    "{name} changes data and needs the scope {scope}.", name=name, scope=self._write_scope
                )
                metrics.REFUSALS.add(server=self._name, reason="insufficient_scope")
                answer = self._challenge.insufficient(f"{self._scope} {self._write_scope}", description)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class ResourceServerAuth(RemoteAuthProvider):
    """The issuer as this server's authorization server, with RFC 9728 metadata at the path clients try first and at
    the root one, and refusals that name their reason.

    ``KeycloakAuthProvider`` is this class with the issuer's address used for everything; here the address that
    people see and the one this process uses may differ, and scopes are advertised.
    """

    def __init__(self, profile: ServerProfile, verifier: AccessTokenVerifier) -> None:
        super().__init__(
            token_verifier=verifier,
            authorization_servers=[AnyHttpUrl(profile.issuer)],
            base_url=profile.base_url,
            scopes_supported=profile.scopes,
            challenge_scopes=profile.scopes,
            resource_name=f"{profile.title} MCP server",
        )
        self._verifier = verifier
        self.challenge = Challenge(profile)

    def get_middleware(self) -> list[Middleware]:
        """Authentication that answers with our reasons, in place of FastMCP's."""
        return [
            Middleware(
                AuthenticationMiddleware, backend=BearerBackend(self._verifier), on_error=self.challenge.invalid
            ),
            Middleware(AuthContextMiddleware),
        ]

    def get_routes(self, mcp_path: str | None = None) -> list[Route]:
        """The metadata at ``/.well-known/oauth-protected-resource/mcp`` (RFC 9728 §3.1) and without ``/mcp``."""
        routes = super().get_routes(mcp_path)
        root = [Route(METADATA_PATH, r.endpoint, methods=["GET", "OPTIONS"]) for r in routes if r.path != METADATA_PATH]
        return [*routes, *root]


def _quotable(text: str) -> str:
    """``text`` as RFC 6750 §3 allows it in a quoted ``error_description``."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
