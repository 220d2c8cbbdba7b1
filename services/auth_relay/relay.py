"""A login from the chatbot's request to the tokens in the chatbot's hands; no HTTP of its own to the outside."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx2
from pydantic import SecretStr

from common import signed
from fastmcp_vault.correlation import carrying
from fastmcp_vault.errors import LoginFailed
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.tokens import TokenSet, unverified_claims
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state import Principal
from fastmcp_vault.tracing.wire import TracedTransport
from services.auth_relay.clients import Client, Clients
from services.auth_relay.handover import hand_over
from services.auth_relay.lit import Lit, LitMaker
from services.auth_relay.models import Link, LinkRequest, LoginProgress, Signed, StatusRequest
from services.auth_relay.problems import (
    AGAIN,
    InvalidOrExpiredState,
    NoOfflineRefreshToken,
    NotAllowed,
    NotSigned,
    StoreUnavailable,
    TooManyLinks,
    WrongCode,
)
from services.auth_relay.redirects import is_listed
from services.auth_relay.settings import RelaySettings
from services.auth_relay.store import Store
from services.auth_relay.trail import Trails

CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ2456789"
"""No vowels (no words), nothing that looks like something else. Six of them: one chance in 387 million a try."""

CODE_LENGTH = 6
TRIES = 5
"""Wrong codes before a link is void."""

UNSIGNED_LINKS = 1_000
"""Links of one client that may be open at once without having been asked for with its signature (demo profile)."""

PROBES = 8
"""Places of those that are tried for a new link; a try is one access to the disk."""

CLOCKS_SECONDS = 5.0
"""How far the clocks of Keycloak and this machine may differ."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes to sign in, and the cookie by which it is known when it comes back."""

    url: str = field(repr=False)
    cookie: str
    value: str = field(repr=False)


class SuspensionCheck(Protocol):
    """What is asked of the shared state."""

    def check_principals(self, *principals: Principal) -> None:
        """Nothing, if none is suspended. Raises StateUnavailable, PersonSuspended, ClientSuspended."""


class Relay:
    """The relay's work. ``clock`` gives seconds since the epoch.

    Every method may raise StoreUnavailable, and those that go on with a login StateUnavailable and ClientSuspended.
    """

    def __init__(
        self,
        settings: RelaySettings,
        clients: Clients,
        store: Store,
        *,
        suspensions: SuspensionCheck,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._suspensions = suspensions
        self._settings, self._clients, self._store, self._clock = settings, clients, store, clock
        self._lits = LitMaker(
            settings.jwt_secret, issuer=settings.base_url.rstrip("/"), ttl=settings.lit_ttl_seconds, clock=clock
        )
        self._trails = Trails(store)
        self._http: httpx2.AsyncClient = async_client(transport=TracedTransport(async_transport()))
        self._keycloaks = {client.key: _keycloak(client) for client in clients.all()}

    async def check_signature(self, request: Signed, body: bytes, given: str | None, *, needed: bool) -> bool:
        """Whether the client itself sent this: signature, clock, and a nonce that was not seen. Raises NotSigned.

        Without a signature it passes only where none is ``needed``, and only in the demo profile: then it is False.
        """
        client = self._clients.get(request.client_key)
        if given is None and not needed and self._settings.profile == "demo":
            return False
        if given is None or not signed.is_signed(body, given, client.hmac_secret):
            raise NotSigned("The request is not signed with this client's secret.", fix="docs/CHATBOT.md shows how.")
        if not signed.is_timely(request.model_dump(), self._clock()) or not request.nonce:
            raise NotSigned("The request's `ts` is missing or too far from this clock, or it has no `nonce`.")
        if not await self._store.claim("seen", f"{client.key}:{request.nonce}", ttl=signed.REMEMBER_SECONDS):
            raise NotSigned("This request was sent before.", fix="Each request has a nonce of its own.")
        return True

    async def issue(self, request: LinkRequest, *, signed: bool = True, trace_id: str | None = None) -> Link:
        """A link for one user of one chatbot; those asked for without being ``signed`` are bounded in number.

        Raises UnknownClientKey, NotAllowed, TooManyLinks, StoreUnavailable.
        """
        client = self._serving(request.client_key)
        _allowed(client, callback_url=request.callback_url, redirect_after=request.redirect_after)
        await self._store.require_room()
        if not signed:
            await self._take_place(client)
        login_id = secrets.token_urlsafe(24)
        trace = trace_id if trace_id and _TRACE_ID.fullmatch(trace_id) else uuid.uuid4().hex
        async with self._trails.step(login_id, trace, client.key, "relay-link", "issued") as opened:
            token, lit = self._lits.make(
                client_key=client.key,
                chatbot_user_id=request.chatbot_user_id,
                callback_url=request.callback_url,
                redirect_after=request.redirect_after,
            )
            code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
            ttl = self._settings.lit_ttl_seconds
            await self._store.put("link", lit.jti, {"code": code, "login_id": login_id, "trace_id": trace}, ttl=ttl)
            opened.valid(until=lit.exp)
            opened.say(f"{client.name} was given a link that is good once, for {ttl} seconds, and a code for the chat.")
        _log.info("A login link for the chatbot %s", client.key)
        return Link(
            login_url=f"{self._settings.base_url.rstrip('/')}/login/{token}",
            code=f"{code[:3]}-{code[3:]}",
            expires_in=ttl,
            login_id=login_id,
        )

    async def look_at(self, token: str) -> tuple[Client, Lit]:
        """Whose link this is, while it can be used. Looking changes nothing: chats fetch links to preview them.

        Raises InvalidOrExpiredState, UnknownClientKey.
        """
        lit = self._lits.read(token)
        client = self._serving(lit.client_key)
        _allowed(client, callback_url=lit.callback_url, redirect_after=lit.redirect_after)
        if await self._store.get("link", lit.jti) is None:
            raise _used()
        return client, lit

    async def begin(self, token: str, code: str) -> Begun:
        """Take the link, for the first who brings the code, and start a sign-in (RFC 6749 §4.1.1, RFC 7636 §4.3).

        Raises InvalidOrExpiredState, UnknownClientKey, WrongCode.
        """
        client, lit = await self.look_at(token)
        link = await self._store.get("link", lit.jti)
        if link is None:
            raise _used()
        async with self._trails.step(
            link["login_id"], link["trace_id"], client.key, "relay-code", "code_accepted"
        ) as opened:
            await self._check_code(lit, link["code"], code)
            if await self._store.take("link", lit.jti) is None:
                raise _used()
            request = self._keycloaks[client.key].login_request(
                redirect_uri=client.redirect_uri,
                scope=f"{client.scope} {client.exchanges}".strip(),
                anew=True,
                consent=True,
            )
            browser = secrets.token_urlsafe(32)
            await self._store.put(
                "state",
                _digest(request.state),
                {
                    "begun_at": self._clock(),
                    "nonce": request.nonce,
                    "verifier": request.verifier,
                    "browser": _digest(browser),
                    "login_id": link["login_id"],
                    "trace_id": link["trace_id"],
                    "lit": lit.model_dump(),
                },
                ttl=self._settings.state_ttl_seconds,
            )
            opened.say("The code was right: state, nonce and a PKCE verifier were made, and the link is used up.")
        return Begun(request.url, self.cookie_name(request.state), browser)

    async def finish(self, query: Mapping[str, str], cookies: Mapping[str, str]) -> str:
        """Redeem the code that Keycloak sent and hand the tokens over; where the browser goes then.

        Raises InvalidOrExpiredState, LoginFailed, NoOfflineRefreshToken, CallbackFailed, UnknownClientKey,
        PersonSuspended, KeycloakUnavailable, ConfigError.
        """
        state = query.get("state", "")
        kept = await self._store.take("state", _digest(state))
        if kept is None:
            raise InvalidOrExpiredState("This sign-in is unknown, used, or its time is over.", fix=AGAIN)
        # Whoever was led into somebody else's sign-in has no such cookie.
        if not hmac.compare_digest(_digest(cookies.get(self.cookie_name(state), "")), kept["browser"]):
            raise InvalidOrExpiredState("This sign-in was begun in another browser.", fix=AGAIN, reason="browser")
        lit = Lit.model_validate(kept["lit"])
        client = self._serving(lit.client_key)
        _allowed(client, callback_url=lit.callback_url, redirect_after=lit.redirect_after)
        login = (kept["login_id"], kept["trace_id"], client.key)
        with carrying(kept["trace_id"]):
            async with self._trails.step(*login, "relay-redeem", "code_accepted") as opened:
                tokens = await self._redeem(client, query, kept)
                await self._require_admitted(client, tokens)
                opened.say(f"Keycloak gave tokens for {unverified_claims(tokens.access_token)['preferred_username']}.")
            async with self._trails.step(*login, "relay-callback", "linked") as opened:
                attempts = await self._hand_over(client, lit, tokens)
                opened.say(f"{client.name} checked the signature and took the tokens (attempt {attempts}).")
        _log.info("A user of the chatbot %s is linked", client.key)
        return lit.redirect_after

    async def progress(self, request: StatusRequest) -> LoginProgress | None:
        """How far a login of this client is; None when it has no such login."""
        return await self._trails.progress(request.login_id, request.client_key)

    def form_targets(self, client: Client, lit: Lit) -> list[str]:
        """The addresses that sending the code may lead a browser to."""
        return [client.keycloak_public_url, lit.redirect_after]

    def cookie_name(self, state: str) -> str:
        """The cookie of one sign-in: several may be under way in one browser."""
        prefix = "__Host-" if self._settings.https else ""
        return f"{prefix}relay_login_{_digest(state)[:12]}"

    async def keeps(self) -> bool:
        """Whether sign-ins under way can be kept and found; never raises."""
        try:
            await self._store.get("health", "")
        except StoreUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Close the connections and the store."""
        await self._http.aclose()
        for keycloak in self._keycloaks.values():
            await keycloak.close()
        await self._store.close()

    def _serving(self, client_key: str) -> Client:
        """The client of this key. Raises UnknownClientKey, ClientSuspended."""
        client = self._clients.get(client_key)
        self._suspensions.check_principals(Principal("client", client.issuer, client.client_id))
        return client

    async def _require_admitted(self, client: Client, tokens: TokenSet) -> None:
        """Nothing, if the person who signed in is not suspended; their tokens are ended. Raises PersonSuspended."""
        try:
            person = str(unverified_claims(tokens.access_token)["sub"])
            self._suspensions.check_principals(Principal("person", client.issuer, person))
        except BaseException:
            if tokens.refresh_token is not None:
                await self._give_up(self._keycloaks[client.key], tokens.refresh_token)
            raise

    async def _take_place(self, client: Client) -> None:
        """A place for a link that anybody could have asked for, until it is void. Raises TooManyLinks."""
        for number in secrets.SystemRandom().sample(range(UNSIGNED_LINKS), min(PROBES, UNSIGNED_LINKS)):
            if await self._store.claim("open", f"{client.key}:{number}", ttl=self._settings.lit_ttl_seconds):
                return
        raise TooManyLinks(
            "Too many links were asked for without a signature, and are still open.",
            fix="Sign the request (docs/CHATBOT.md), or try again in some minutes.",
        )

    async def _check_code(self, lit: Lit, wanted: str, given: str) -> None:
        plain = re.sub(r"[^A-Z0-9]", "", given.upper())
        if hmac.compare_digest(plain.encode(), wanted.encode()):
            return
        for number in range(1, TRIES):
            if await self._store.claim("try", f"{lit.jti}:{number}", ttl=self._settings.lit_ttl_seconds):
                left = TRIES - number
                raise WrongCode(
                    "This is not the code that the chat shows.",
                    fix=Sentence("Look again; {left} tries are left.", left=left),
                    left=left,
                )
        await self._store.take("link", lit.jti)
        raise InvalidOrExpiredState("Too many wrong codes: this link is void.", fix=AGAIN, reason="tries")

    async def _redeem(self, client: Client, query: Mapping[str, str], kept: Mapping[str, str]) -> TokenSet:
        if query.get("iss", client.issuer) != client.issuer:  # RFC 9207 §2.4
            raise LoginFailed("The answer comes from another issuer.", fix=AGAIN)
        if "code" not in query:
            raise LoginFailed("The sign-in was not completed at Keycloak.", fix=AGAIN, error=query.get("error", ""))
        keycloak = self._keycloaks[client.key]
        tokens = await keycloak.redeem(
            code=query["code"], verifier=kept["verifier"], nonce=kept["nonce"], redirect_uri=client.redirect_uri
        )
        self._require_fresh(tokens, float(kept["begun_at"]))
        if tokens.refresh_token is None or unverified_claims(tokens.refresh_token).get("typ") != "Offline":
            raise NoOfflineRefreshToken(
                "Keycloak gave no offline token.", fix="The client's scope must hold `offline_access`."
            )
        # A token of one audience each: what was agreed to for exchanges is in none that the chatbot is handed.
        return await keycloak.refresh(tokens.refresh_token, scope=client.scope) if client.exchanges else tokens

    def _require_fresh(self, tokens: TokenSet, begun_at: float) -> None:
        """The person typed their password for this very link, and did not just happen to be signed in.

        By the ID token that :meth:`Keycloak.redeem` has verified (``auth_time``, OpenID Connect Core §2). Raises
        LoginFailed.
        """
        at = unverified_claims(tokens.id_token or "").get("auth_time")
        if not isinstance(at, int | float) or at < begun_at - CLOCKS_SECONDS:
            raise LoginFailed("Keycloak did not ask for the password anew.", fix=AGAIN, reason="not_fresh")

    async def _hand_over(self, client: Client, lit: Lit, tokens: TokenSet) -> int:
        assert tokens.refresh_token is not None
        payload = {
            "relay_access_token": tokens.access_token.get_secret_value(),
            "offline_refresh_token": tokens.refresh_token.get_secret_value(),
            "issuer": client.issuer,
            "aud": client.client_id,
            "chatbot_user_id": lit.chatbot_user_id,
            "client_key": client.key,
        }
        seconds = self._settings.callback_timeout_seconds
        try:
            return await hand_over(self._http, client, lit.callback_url, payload, seconds=seconds, clock=self._clock)
        except BaseException:
            await self._give_up(self._keycloaks[client.key], tokens.refresh_token)
            raise

    async def _give_up(self, keycloak: Keycloak, refresh_token: SecretStr) -> None:
        """End at Keycloak what nobody was given: an offline token would otherwise stay good for months."""
        try:
            await keycloak.end_session(refresh_token)
        except Exception:
            _log.warning("A session that nobody uses could not be ended at Keycloak", exc_info=True)


def _keycloak(client: Client) -> Keycloak:
    return Keycloak(
        base_url=client.server_url,
        public_url=client.keycloak_public_url,
        realm=client.realm,
        client_id=client.client_id,
        client_secret=client.client_secret,
    )


def _allowed(client: Client, *, callback_url: str, redirect_after: str) -> None:
    if callback_url not in client.callback_urls:
        raise NotAllowed("This callback address is not registered for the client.", fix="`clients.json` lists them.")
    if not is_listed(redirect_after, client.redirect_after):
        raise NotAllowed("This redirect address is not on the client's list.", fix="`clients.json` lists them.")


def _used() -> InvalidOrExpiredState:
    return InvalidOrExpiredState("This login link was used, or its time is over.", fix=AGAIN, reason="used")


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
