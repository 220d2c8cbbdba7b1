"""Our client at a provider: the authorization request, the code for tokens, their refresh and their end."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from fastmcp_vault.accounts.errors import ProviderRefused, ProviderUnavailable
from fastmcp_vault.accounts.grant import ProviderAccount, ProviderTokens
from fastmcp_vault.accounts.provider import Provider, ProviderEndpoints
from fastmcp_vault.circuit import Circuit
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.masking import mask_text
from fastmcp_vault.oidc.endpoints import authorization_server_url
from fastmcp_vault.oidc.oidc import s256
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing.wire import TracedTransport

TIMEOUT_SECONDS = 4.0
"""How long one call to a provider may take."""

WORDS = 200
"""Characters kept of what a provider said."""

ASSERTION_SECONDS = 60
"""Life of the JWT by which a client with a key of its own proves itself (RFC 7523 §3)."""

_GONE = frozenset({"invalid_grant", "bad_refresh_token", "bad_verification_code"})
"""OAuth error codes of a code or refresh token that is good no more (RFC 6749 §5.2); the last two are GitHub's."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send the browser, and what to remember until it comes back (RFC 6749 §4.1.1, RFC 7636 §4.1)."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)


class GrantGone(ProviderRefused):
    """The code or the refresh token is good no more: used, expired, or revoked (RFC 6749 §5.2, ``invalid_grant``)."""

    code = "provider_grant_gone"


class ProviderClient:
    """One client of one provider, for any number of tasks of one event loop.

    Every call raises ProviderUnavailable when the provider does not answer or errs, ProviderRefused when it refuses.
    ``circuit`` answers for it while it is down. ``clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        timeout: float = TIMEOUT_SECONDS,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self.circuit = Circuit("backend")
        self._clock = clock
        self._endpoints = provider.endpoints
        self._http = async_client(timeout=timeout, transport=TracedTransport(transport or async_transport()))

    async def request(self, *, redirect_uri: str, scopes: tuple[str, ...]) -> AuthorizationRequest:
        """An authorization request with PKCE S256 and a fresh state (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        endpoints = await self._found()
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
            **({"scope": self.provider.separator.join(scopes)} if scopes else {}),
            **self.provider.parameters,
        }
        return AuthorizationRequest(f"{endpoints.authorization}?{urlencode(query, quote_via=quote)}", state, verifier)

    async def answered_by(self, issuer: str) -> None:
        """Nothing, if the answer to an authorization request comes from this provider (RFC 9207 §2.4).

        Raises ProviderRefused: another one's answer was brought here (mix-up).
        """
        expected = (await self._found()).issuer
        if (expected or issuer) and issuer != expected:
            raise ProviderRefused(
                Sentence("This answer is not {title}'s.", title=self.provider.title), fix="Begin anew in the app."
            )

    async def redeem(self, *, code: str, verifier: str, redirect_uri: str) -> ProviderTokens:
        """The code for tokens (RFC 6749 §4.1.3). Raises GrantGone for a code that is good no more."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._tokens({**form, "code_verifier": verifier})

    async def refresh(self, refresh_token: SecretStr) -> ProviderTokens:
        """New tokens (RFC 6749 §6). Raises GrantGone: the person has to connect again."""
        return await self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()})

    async def account(self, access_token: SecretStr) -> ProviderAccount:
        """Whose account it is, and which resource it opens."""
        facts = self.provider.account
        bearer = {"Authorization": f"Bearer {access_token.get_secret_value()}", "Accept": "application/json"}
        told = self._object(await self._send("GET", facts.url, headers=bearer))
        resource = site = ""
        if facts.resources:
            listed = self._json(await self._send("GET", facts.resources, headers=bearer))
            if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
                raise ProviderRefused(
                    Sentence("The account opens nothing at {title}.", title=self.provider.title),
                    fix="Choose a site when you connect, or ask for access to one.",
                )
            resource, site = str(listed[0].get("id", "")), str(listed[0].get("url", ""))
        if not told.get(facts.id):
            raise self._not_it()
        return ProviderAccount(str(told[facts.id]), str(told.get(facts.name) or told[facts.id]), resource, site)

    async def revoke(self, *, access_token: SecretStr, refresh_token: SecretStr | None) -> None:
        """End the whole grant at the provider (RFC 7009 §2.1, or as the provider has it).

        Raises ProviderRefused where it has no way for that, or refuses.
        """
        endpoints = await self._found()
        if not endpoints.revocation or not self.provider.revocation:
            raise ProviderRefused(
                Sentence("{title} lets no program end a connection.", title=self.provider.title),
                fix="End it yourself, in your account there.",
            )
        if self.provider.revocation == "github":
            body = {"access_token": access_token.get_secret_value()}
            answer = await self._send("DELETE", endpoints.revocation, json=body, headers=self._basic())
            if answer.status_code not in (204, 404, 422):
                raise self._refusal(answer)
            return
        token, hint = (refresh_token, "refresh_token") if refresh_token else (access_token, "access_token")
        form = {"token": token.get_secret_value(), "token_type_hint": hint}
        answer = await self._post(endpoints.revocation, form)
        if answer.status_code != httpx2.codes.OK:
            raise self._refusal(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _tokens(self, form: Mapping[str, str]) -> ProviderTokens:
        sent_at = self._clock()
        answer = await self._post((await self._found()).token, form)
        told = self._object(answer)
        # GitHub answers 200 to what it refuses.
        if answer.status_code != httpx2.codes.OK or "error" in told:
            raise self._refusal(answer)
        try:
            expires_in = float(told.get("expires_in") or 0)
            refresh_expires_in = float(told.get("refresh_token_expires_in") or told.get("refresh_expires_in") or 0)
            refresh_token = told.get("refresh_token")
            scope = str(told.get("scope") or "")
            return ProviderTokens(
                SecretStr(str(told["access_token"])),
                SecretStr(str(refresh_token)) if refresh_token else None,
                sent_at + expires_in if expires_in else 0.0,
                sent_at + refresh_expires_in if refresh_expires_in else 0.0,
                tuple(scope.replace(",", " ").split()),
            )
        except (KeyError, TypeError, ValueError):
            raise self._not_it() from None

    async def _found(self) -> ProviderEndpoints:
        """The endpoints; read from the issuer's metadata at the first need (RFC 8414 §3), and kept."""
        if self._endpoints is None:
            issuer = self.provider.issuer.rstrip("/")
            told = self._object(await self._send("GET", authorization_server_url(issuer)))
            # RFC 8414 §3.3: metadata of another issuer must not be used.
            if str(told.get("issuer", "")).rstrip("/") != issuer:
                raise self._not_it()
            names = ("authorization_endpoint", "token_endpoint", "revocation_endpoint")
            authorization, token, revocation = (str(told.get(name) or "") for name in names)
            says = bool(told.get("authorization_response_iss_parameter_supported"))
            self._endpoints = ProviderEndpoints(
                authorization=authorization, token=token, revocation=revocation, issuer=issuer if says else ""
            )
        return self._endpoints

    async def _post(self, url: str, form: Mapping[str, str]) -> httpx2.Response:
        """A form with our client's own proof (RFC 6749 §2.3.1, RFC 7523 §2.2)."""
        headers, own = {"Accept": "application/json"}, {"client_id": self.provider.client_id}
        if self.provider.authentication == "client_secret_basic":
            headers |= self._basic()
        elif self.provider.authentication == "client_secret_post":
            own["client_secret"] = self.provider.client_secret.get_secret_value()
        else:
            own |= {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": await self._assertion(),
            }
        return await self._send("POST", url, data={**form, **own}, headers=headers)

    async def _send(self, method: str, url: str, **more: Any) -> httpx2.Response:
        title = self.provider.title
        with self.circuit.asking():
            try:
                answer = await self._http.request(method, url, **more)
            except httpx2.HTTPError as error:
                raise ProviderUnavailable(
                    Sentence("{title}'s sign-in service does not answer.", title=title), fix="Try again in a moment."
                ) from error
            if answer.status_code >= 500 or answer.status_code == 429:
                raise ProviderUnavailable(
                    Sentence(
                        "{title}'s sign-in service has a fault ({status}).", title=title, status=answer.status_code
                    ),
                    fix="Try again in a moment.",
                )
            return answer

    async def _assertion(self) -> str:
        now, endpoints = int(self._clock()), await self._found()
        own = self.provider.client_id
        claims = {"iss": own, "sub": own, "aud": self.provider.issuer or endpoints.token, "jti": secrets.token_hex(16)}
        key = RSAKey.import_key(self.provider.client_secret.get_secret_value())
        return jwt.encode({"alg": "RS256"}, {**claims, "iat": now, "exp": now + ASSERTION_SECONDS}, key)

    def _basic(self) -> dict[str, str]:
        """RFC 6749 §2.3.1: id and secret are form-encoded before they are joined."""
        own = (self.provider.client_id, self.provider.client_secret.get_secret_value())
        joined = ":".join(quote(part, safe="") for part in own)
        return {"Authorization": f"Basic {base64.b64encode(joined.encode()).decode('ascii')}"}

    def _refusal(self, answer: httpx2.Response) -> ProviderRefused:
        told = self._object(answer)
        code = str(told.get("error", ""))[:60]
        words = mask_text(str(told.get("error_description") or told.get("message") or code), limit=WORDS)
        said = f": {words.strip().rstrip('.')}" if words.strip() else ""
        kind = GrantGone if code in _GONE else ProviderRefused
        return kind(
            Sentence("{title} refused{said}.", title=self.provider.title, said=said),
            fix="Connect the account again, on the app's page My secrets.",
            error=code,
        )

    def _object(self, answer: httpx2.Response) -> dict[str, Any]:
        told = self._json(answer)
        if not isinstance(told, dict):
            raise self._not_it()
        return told

    def _json(self, answer: httpx2.Response) -> Any:
        try:
            return json.loads(answer.content) if answer.content else {}
        except (ValueError, RecursionError):
            raise self._not_it() from None

    def _not_it(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            Sentence("Something other than {title} answered.", title=self.provider.title),
            fix="Check the provider's addresses in the settings; if they are right, try again.",
            one_call=True,
        )
