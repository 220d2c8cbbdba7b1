"""Those who try doors: oneself, with the tokens of one's own session; or a demo person, by the lab's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from app.lab.passwords import granted
from app.lab.people import DemoPerson
from app.lab.targets import Targets, wire
from app.person_vault import require_known
from app.process import AppProcess
from app.sessions import Session
from app.texts import t
from common.servers import MCP_SERVERS
from fastmcp_vault.errors import KeycloakRefused, Problem
from fastmcp_vault.oidc.tokens import TokenSet, unverified_claims


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a Vault token and a token for each MCP server, all of them their own.

    ``entity``: Vault's name of them, which their paths hold, whatever Keycloak calls them today.
    """

    username: str
    entity: str
    vault: SecretStr = field(repr=False)
    servers: Mapping[str, SecretStr] = field(repr=False)


@asynccontextmanager
async def oneself(process: AppProcess, session: Session) -> AsyncIterator[Actor]:
    """The signed-in person. Their Vault token, and the database user it may make, ends with the block."""
    subject = session.tokens.access_token
    wanted = [(f"mcp-{server}", f"mcp:{server}") for server in MCP_SERVERS]
    vault, *servers = await asyncio.gather(
        process.keycloak.exchange(subject, audience="vault", scope="vault:login"),
        *(process.keycloak.exchange(subject, audience=audience, scope=scope) for audience, scope in wanted),
    )
    async with _logged_in(process, "person", vault) as (token, entity):
        tokens = {name: one.access_token for name, one in zip(MCP_SERVERS, servers, strict=True)}
        yield Actor(session.username, entity, token, tokens)


@asynccontextmanager
async def by_lab(process: AppProcess, person: DemoPerson) -> AsyncIterator[Actor]:
    """A demo person, signed in by password at the lab's clients (one a server). Raises KeycloakRefused.

    The sessions end with the block, here and at the servers: lab clients have no back channel that would tell.
    """
    async with AsyncExitStack() as ends:
        servers: dict[str, SecretStr] = {}
        for server in MCP_SERVERS:
            servers[server] = (await ends.enter_async_context(_granted(process, person, f"lab-{server}"))).access_token
        vault = await ends.enter_async_context(_granted(process, person, "lab-vault"))
        token, entity = await ends.enter_async_context(_logged_in(process, "lab-person", vault))
        yield Actor(person.username, entity, token, servers)


@asynccontextmanager
async def _logged_in(process: AppProcess, role: str, tokens: TokenSet) -> AsyncIterator[tuple[SecretStr, str]]:
    login = await process.vault.login_jwt(role=role, jwt=tokens.access_token)
    try:
        entity = await process.vault.entity(login.token, login.entity_id)
        require_known(entity)
        yield login.token, entity.name
    finally:
        with suppress(Problem):
            await asyncio.shield(process.vault.revoke_self(login.token))


@asynccontextmanager
async def _granted(process: AppProcess, person: DemoPerson, client: str) -> AsyncIterator[TokenSet]:
    """Tokens by direct grant (RFC 6749 §4.3); the session that it began ends with the block."""
    targets = Targets.of(process.settings)
    me = {"client_id": client, "client_secret": process.settings.lab_client_secret.get_secret_value()}
    async with wire(targets) as http:
        answer = await granted(http, targets, person, client=me, turns=process.password_turns, scope="openid")
        if not answer.is_success:
            raise KeycloakRefused(
                t("iso.no-token", client=client, username=person.username), fix=t("lab.no-client.fix")
            )
        tokens = TokenSet.from_response(answer.json(), now=0.0)
        claims = unverified_claims(tokens.access_token)
        try:
            yield tokens
        finally:
            with suppress(Problem):
                await process.state.end_session(str(claims["sid"]), str(claims["sub"]))
            if tokens.refresh_token is not None:
                ended = {"refresh_token": tokens.refresh_token.get_secret_value()}
                await http.post(f"{targets.openid}/logout", data=ended | me)
