"""An OpenID Connect issuer as a client uses it: code flow with PKCE, refresh, token exchange, logout."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from pydantic import SecretStr

from fastmcp_vault.circuit import Circuit
from fastmcp_vault.errors import LoginFailed, SessionEnded, TokenInvalid
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.oidc.endpoints import Endpoints
from fastmcp_vault.oidc.failures import Doing, translated, understood
from fastmcp_vault.oidc.jwks import KeySource
from fastmcp_vault.oidc.tokens import TokenSet
from fastmcp_vault.oidc.validation import check_id_token
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing.wire import TracedTransport

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
"""RFC 8693 §2.1."""

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
"""RFC 8693 §3."""

TIMEOUT_SECONDS = 5.0
"""How long one call to Keycloak may take; an exchange takes some tens of milliseconds."""

AT_ONCE = 4
"""Calls under way at the same time; the others wait for their turn. Sent all the same, they would wait inside Keycloak,
for its database connections, and some of them beyond the time that anybody waits for their answer."""


ClientSecret = SecretStr | Callable[[], Awaitable[SecretStr]]
"""A client's secret, or where it is read before each request, so that a new one is used at once."""


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Where to send the browser, and what to remember until it comes back (RFC 6749 §4.1.1, RFC 7636 §4.1)."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class OidcClient:
    """One client of one issuer, for any number of tasks of one event loop.

    Every call raises KeycloakUnavailable when Keycloak does not answer, ConfigError when it does not
    accept ``client_secret``, and whatever reading the secret raises. ``circuit`` answers for Keycloak while it is down.
    ``clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        client_id: str,
        client_secret: ClientSecret,
        timeout: float = TIMEOUT_SECONDS,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client_id = client_id
        self.issuer = endpoints.issuer
        self._clock = clock
        self._endpoints = endpoints
        self._secret = client_secret
        below = transport or async_transport(connections=AT_ONCE)
        self._http = async_client(timeout=timeout, transport=TracedTransport(below))
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.circuit = Circuit("keycloak")
        self._keys = KeySource(endpoints.jwks, clock=clock)

    def login_request(
        self,
        *,
        redirect_uri: str,
        scope: str = "openid profile email",
        anew: bool = False,
        consent: bool = False,
        acr: str = "",
    ) -> LoginRequest:
        """An authorization request with PKCE S256, fresh state and nonce (RFC 6749 §4.1.1, RFC 7636 §4.3).

        ``anew`` asks for the password although the person is signed in, ``consent`` for their consent although they
        have given it before (``prompt``, OpenID Connect Core §3.1.2.1).
        ``acr`` is the level that the sign-in must have (essential, §5.5.1.1): Keycloak asks for what is missing.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        prompts = [*(["login"] if anew else []), *(["consent"] if consent else [])]
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": redirect_uri,
                "scope": scope,
                "state": state,
                "nonce": nonce,
                "code_challenge": s256(verifier),
                "code_challenge_method": "S256",
                **({"prompt": " ".join(prompts)} if prompts else {}),
                **({"claims": json.dumps(_essential(acr), separators=(",", ":"))} if acr else {}),
            }
        )
        return LoginRequest(f"{self._endpoints.authorization}?{query}", state, nonce, verifier)

    async def redeem(self, *, code: str, verifier: str, nonce: str, redirect_uri: str) -> TokenSet:
        """Trade the code for tokens (RFC 6749 §4.1.3) and check the ID token (OpenID Connect Core §3.1.3.7).

        Raises LoginFailed.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        tokens = await self._tokens("finishing the sign-in", form)
        if tokens.id_token is None:
            raise LoginFailed("Keycloak sent no ID token.", fix="The sign-in must ask for the scope `openid`.")
        try:
            key = await self._keys.key_for(tokens.id_token.get_secret_value())
            check_id_token(
                tokens.id_token.get_secret_value(),
                key,
                issuer=self.issuer,
                client_id=self.client_id,
                nonce=nonce,
                now=self._clock(),
            )
        except TokenInvalid as error:
            raise LoginFailed(
                Sentence("The sign-in does not belong to this browser: {what}", what=error.what),
                fix="Sign in again, from the start.",
            ) from error
        return tokens

    async def refresh(self, refresh_token: SecretStr, *, scope: str = "") -> TokenSet:
        """New tokens for the session, with ``scope`` and no more of what was granted, if given (RFC 6749 §6).

        Raises SessionEnded.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
        return await self._tokens("refreshing the session", form | ({"scope": scope} if scope else {}))

    async def exchange(self, subject_token: SecretStr, *, audience: str, scope: str = "") -> TokenSet:
        """Trade a token for one that only ``audience`` accepts (RFC 8693 §2.1).

        Raises ExchangeRefused when this client may not, SessionEnded when the session is over.
        """
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": subject_token.get_secret_value(),
            "subject_token_type": ACCESS_TOKEN_TYPE,
            # Unsaid, Keycloak may give a refresh token along.
            "requested_token_type": ACCESS_TOKEN_TYPE,
            "audience": audience,
        }
        return await self._tokens("exchanging the token", form | ({"scope": scope} if scope else {}))

    def logout_url(self, *, id_token_hint: SecretStr | None, post_logout_redirect_uri: str) -> str:
        """Where the browser goes to end its session at Keycloak (OpenID Connect RP-Initiated Logout 1.0 §2)."""
        query = {"client_id": self.client_id, "post_logout_redirect_uri": post_logout_redirect_uri}
        if id_token_hint is not None:
            query["id_token_hint"] = id_token_hint.get_secret_value()
        return f"{self._endpoints.end_session}?{urlencode(query)}"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        await self._keys.close()

    async def _tokens(self, doing: Doing, form: Mapping[str, str]) -> TokenSet:
        sent_at = self._clock()
        return TokenSet.from_response(await self._post(doing, self._endpoints.token, form), now=sent_at)

    async def _post(self, doing: Doing, endpoint: str, form: Mapping[str, str], *, good: int = httpx2.codes.OK) -> Any:
        """What an endpoint answers to ``form`` and this client's own secret (RFC 6749 §2.3.1); None for nothing."""
        secret = self._secret if isinstance(self._secret, SecretStr) else await self._secret()
        own = {"client_id": self.client_id, "client_secret": secret.get_secret_value()}
        async with self._turns:
            # Asked here, not before the wait for a turn: who queues behind a hanging Keycloak leaves with it.
            with self.circuit.asking(), translated(doing):
                answer = await self._http.post(endpoint, data={**form, **own})
                return understood(answer.status_code, answer.content, doing, good=good)


class Keycloak(OidcClient):
    """A client of a Keycloak realm: ``base_url`` as this process reaches it, ``public_url`` as browsers do."""

    def __init__(
        self,
        *,
        base_url: str,
        public_url: str,
        realm: str,
        client_id: str,
        client_secret: ClientSecret,
        timeout: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        endpoints = Endpoints.of_keycloak(base_url=base_url, public_url=public_url, realm=realm)
        super().__init__(endpoints, client_id=client_id, client_secret=client_secret, timeout=timeout, clock=clock)
        # Beside the token endpoint, at the address that this process reaches: a form ends the session.
        self._logout = endpoints.token.removesuffix("/token") + "/logout"
        self._revocation = endpoints.token.removesuffix("/token") + "/revoke"
        self._introspection = f"{endpoints.token}/introspect"
        self._userinfo = endpoints.token.removesuffix("/token") + "/userinfo"
        self._applications = endpoints.token.removesuffix("/protocol/openid-connect/token") + "/account/applications"

    async def is_active(self, token: SecretStr) -> bool:
        """Whether Keycloak still honours a token that is meant for this client (RFC 7662 §2.2).

        Then its session, its person and its client are there. Of a token with another audience the answer is no.
        """
        form = {"token": token.get_secret_value()}
        answer = await self._post("asking about the session", self._introspection, form)
        return bool(answer.get("active"))

    async def opens_userinfo(self, token: SecretStr) -> bool:
        """Whether Keycloak still honours a token that this client signed a person in with (OpenID Connect Core §5.3).

        Such a token is in nobody's audience, so :meth:`is_active` cannot tell.
        """
        doing: Doing = "asking about the session"
        bearer = {"Authorization": f"Bearer {token.get_secret_value()}"}
        async with self._turns:
            with self.circuit.asking(), translated(doing):
                answer = await self._http.get(self._userinfo, headers=bearer)
                if answer.status_code == httpx2.codes.UNAUTHORIZED:
                    return False
                understood(answer.status_code, answer.content, doing, good=httpx2.codes.OK)
                return True

    async def application_name(self, token: SecretStr, client_id: str) -> str:
        """The name of a client that this person has signed in to, or "" (Keycloak account API: applications).

        ``token``: for the audience ``account``, with its role ``view-applications``. A client that registered itself
        chose its own name. Raises SessionEnded.
        """
        doing: Doing = "asking for the name of a program"
        headers = {"Authorization": f"Bearer {token.get_secret_value()}", "Accept": "application/json"}
        async with self._turns:
            with self.circuit.asking(), translated(doing):
                answer = await self._http.get(self._applications, headers=headers)
                found = understood(answer.status_code, answer.content, doing, good=httpx2.codes.OK)
        named = (str(one.get("clientName") or "") for one in found or () if one.get("clientId") == client_id)
        return next(named, "")

    async def end_session(self, refresh_token: SecretStr) -> None:
        """End the session at Keycloak, for every client; one already over is fine."""
        form = {"refresh_token": refresh_token.get_secret_value()}
        with suppress(SessionEnded):
            await self._post("signing out", self._logout, form, good=httpx2.codes.NO_CONTENT)

    async def revoke(self, refresh_token: SecretStr) -> None:
        """End what a refresh token stands for, an offline session too (RFC 7009 §2.1); one already over is fine."""
        form = {"token": refresh_token.get_secret_value(), "token_type_hint": "refresh_token"}
        await self._post("revoking the token", self._revocation, form)


def _essential(acr: str) -> dict[str, Any]:
    return {"id_token": {"acr": {"essential": True, "values": [acr]}}}


def s256(verifier: str) -> str:
    """The code challenge for a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
