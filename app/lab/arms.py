"""What an attacker has in hand: a demo person's own sign-ins and tokens, and those of lab clients. Ended at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
from pydantic import SecretStr

from app.lab.browser import Browser
from app.lab.passwords import granted
from app.lab.people import DemoPerson
from app.lab.targets import Targets, wire
from app.texts import t
from fastmcp_vault.errors import KeycloakRefused, Problem
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.tokens import TokenSet
from fastmcp_vault.vault.client import Vault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AttackTarget:
    """The shooting range: who stands where. ``keycloak`` is the app's own client, ``cookie`` its session's name."""

    targets: Targets
    keycloak: Keycloak
    vault: Vault
    lab_secret: SecretStr
    attacker: DemoPerson
    victim: DemoPerson
    redirect_uri: str
    cookie: str
    password_turns: asyncio.Semaphore
    """Turns for sending a password to Keycloak."""
    without_jira: tuple[DemoPerson, ...] = ()
    """Others for whom nothing is stored at Jira."""


@dataclass(slots=True)
class AttackerTools:
    """One run's tokens, each obtained once and the usual way. Use as :func:`armed` gives it."""

    range: AttackTarget
    client: httpx2.AsyncClient
    _sessions: list[TokenSet] = field(default_factory=list)
    _labs: list[tuple[str, SecretStr]] = field(default_factory=list)
    _kept: dict[str, Any] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Keycloak refuses somebody who signs in twice at once, as one who tries passwords would."""

    async def login(self) -> TokenSet:
        """The attacker's own sign-in, by code flow at Keycloak's page. Raises LoginFailed."""
        return await self._once("login", self.another_login)

    async def signed_in_browser(self) -> Browser:
        """A browser whose person is signed in at Keycloak, as anybody is who has used the app."""
        browser = Browser(self.client, self.range.targets)
        await self.another_login(browser)
        return browser

    async def another_login(self, browser: Browser | None = None) -> TokenSet:
        """A further one, with a session of its own: for attacks that come after its end."""
        request = self.range.keycloak.login_request(redirect_uri=self.range.redirect_uri)
        visitor = browser or Browser(self.client, self.range.targets)
        async with self._signing_in, self.range.password_turns:
            back = await visitor.authorize(request.url, self.range.attacker)
        tokens = await self.range.keycloak.redeem(
            code=back.get("code", ""),
            verifier=request.verifier,
            nonce=request.nonce,
            redirect_uri=self.range.redirect_uri,
        )
        self._sessions.append(tokens)
        return tokens

    async def ended(self) -> tuple[TokenSet, str]:
        """A sign-in that is over, signed out at Keycloak; and the token for ``jira`` that it had, still in time."""

        async def end() -> tuple[TokenSet, str]:
            tokens = await self.another_login()
            server = await self._exchanged(tokens, "jira")
            assert tokens.refresh_token is not None
            await self.range.keycloak.end_session(tokens.refresh_token)
            return tokens, server

        return await self._once("ended", end)

    async def server_token(self, server: str, *, write: bool = True) -> str:
        """The attacker's own token for one MCP server: genuine, in time, for that server alone."""

        async def make() -> str:
            return await self._exchanged(await self.login(), server, write=write)

        return await self._once(f"{server} {write}", make)

    async def vault_jwt(self) -> SecretStr:
        """The attacker's own token for Vault, from the app's exchange (``azp`` is the app)."""

        async def make() -> SecretStr:
            login = await self.login()
            got = await self.range.keycloak.exchange(login.access_token, audience="vault", scope="vault:login")
            return got.access_token

        return await self._once("vault jwt", make)

    async def vault_token(self) -> str:
        """The attacker's own Vault token (role ``person``)."""

        async def make() -> str:
            login = await self.range.vault.login_jwt(role="person", jwt=await self.vault_jwt())
            return login.token.get_secret_value()

        return await self._once("vault token", make)

    async def lab_token(self, client: str, person: DemoPerson | None = None) -> TokenSet:
        """A token of a lab client's own, for the attacker or ``person``, by direct grant (RFC 6749 §4.3).

        Raises KeycloakRefused.
        """
        whose = person or self.range.attacker

        async def make() -> TokenSet:
            async with self._signing_in:
                answer = await granted(
                    self.client,
                    self.range.targets,
                    whose,
                    client=self.lab_login(client),
                    turns=self.range.password_turns,
                )
            if not answer.is_success:
                raise KeycloakRefused(t("lab.no-client", client=client), fix=t("lab.no-client.fix"))
            tokens = TokenSet.from_response(answer.json(), now=0.0)
            if tokens.refresh_token is not None:
                self._labs.append((client, tokens.refresh_token))
            return tokens

        return await self._once(f"{client} {whose.username}", make)

    def lab_login(self, client: str) -> dict[str, str]:
        """What a lab client proves itself with (RFC 6749 §2.3.1)."""
        return {"client_id": client, "client_secret": self.range.lab_secret.get_secret_value()}

    async def app_session(self) -> SecretStr:
        """The cookie of a session at the app, signed in as a browser does."""
        browser = Browser(self.client, self.range.targets)
        async with self._signing_in, self.range.password_turns:
            return await browser.sign_in_to_the_app(self.range.attacker, self.range.cookie)

    async def close(self) -> None:
        """End every sign-in, and with them whatever was held for them."""
        kept = self._kept.get("vault token")
        with suppress(Problem):
            if kept is not None:
                await self.range.vault.revoke_self(SecretStr(kept))
        for tokens in self._sessions:
            with suppress(Problem):
                if tokens.refresh_token is not None:
                    await self.range.keycloak.end_session(tokens.refresh_token)
        for client, refresh in self._labs:
            form = {"refresh_token": refresh.get_secret_value(), **self.lab_login(client)}
            with suppress(httpx2.HTTPError):
                await self.client.post(f"{self.range.targets.openid}/logout", data=form)

    async def _exchanged(self, tokens: TokenSet, server: str, *, write: bool = True) -> str:
        scope = f"mcp:{server} mcp:{server}:write" if write else f"mcp:{server}"
        got = await self.range.keycloak.exchange(tokens.access_token, audience=f"mcp-{server}", scope=scope)
        return got.access_token.get_secret_value()

    async def _once(self, name: str, make: Callable[[], Awaitable[T]]) -> T:
        async with self._locks.setdefault(name, asyncio.Lock()):
            if name not in self._kept:
                self._kept[name] = await make()
            found: T = self._kept[name]
            return found


@asynccontextmanager
async def armed(where: AttackTarget) -> AsyncIterator[AttackerTools]:
    """Arms for one run; what they got is ended with the block."""
    async with wire(where.targets) as client:
        arms = AttackerTools(where, client)
        try:
            yield arms
        finally:
            await asyncio.shield(arms.close())
