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
from app.process import AppProcess
from app.sessions import Session
from app.texts import t
from common.servers import MCP_SERVERS
from fastmcp_vault.credentials.caller import Caller
from fastmcp_vault.errors import KeycloakRefused, Problem
from fastmcp_vault.oidc.tokens import Claims, TokenSet, unverified_claims


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
    servers = await asyncio.gather(
        *(process.keycloak.exchange(subject, audience=audience, scope=scope) for audience, scope in wanted)
    )
    async with process.person_vault.for_one_action(session.caller, "person") as (login, entity):
        tokens = {name: one.access_token for name, one in zip(MCP_SERVERS, servers, strict=True)}
        yield Actor(session.username, entity.name, login.token, tokens)


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
        caller = Caller(Claims.model_validate(unverified_claims(vault.access_token)), vault.access_token)
        own = process.person_vault.for_one_action(caller, "lab-person", exchanged=vault)
        login, entity = await ends.enter_async_context(own)
        yield Actor(person.username, entity.name, login.token, servers)


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
