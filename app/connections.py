"""People's own accounts at providers: connected by the provider's consent page, kept in Vault, ended when asked.

Knows no Streamlit. The tokens go from the provider to the person's path in Vault, and nowhere else: the login that
writes them may read none, and lives for the one action.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from app.mcp_client import LABELS
from app.person_vault import PersonLogin
from app.process import AppProcess
from app.sessions import Session
from app.texts import t
from fastmcp_vault.accounts.client import ProviderClient
from fastmcp_vault.accounts.errors import ProviderRefused, ProviderUnavailable
from fastmcp_vault.accounts.grant import AccountGrant, ConnectionFacts
from fastmcp_vault.accounts.store import AccountStore
from fastmcp_vault.errors import CredentialMissing, InputError
from fastmcp_vault.state.account_requests import AccountRequest
from fastmcp_vault.vault import Vault

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccountConnection:
    """A provider whose accounts can be connected, and what is told of the person's connection there, if there is one.

    ``manage_url``: where the person sees, and ends, it at the provider.
    """

    server: str
    title: str
    manage_url: str
    facts: ConnectionFacts | None = None


async def listed(process: AppProcess, cookie: str) -> list[AccountConnection]:
    """Every provider, and the person's connection there. Raises what a login at Vault raises."""
    session = await process.sessions.renewed(cookie)

    async def work(held: PersonLogin) -> list[AccountConnection]:
        found = []
        for server in process.providers.servers:
            provider = process.providers.client(server).provider
            facts = await store(process.vault, server).facts(held.login, held.entity.name)
            found.append(AccountConnection(server, provider.title, provider.manage_url, facts))
        return found

    return await process.person_vault.use(session, work)


async def writes(process: AppProcess, session: Session, server: str) -> bool:
    """Whether the person has connected that account for changing tools, too: connected again, it stays so."""
    wanted = set(process.providers.client(server).provider.write_scopes)

    async def work(held: PersonLogin) -> bool:
        facts = await store(process.vault, server).facts(held.login, held.entity.name)
        return facts is not None and wanted <= set(facts.scopes)

    return bool(wanted) and await process.person_vault.use(session, work)


async def connect(process: AppProcess, session: Session, server: str, *, code: str, verifier: str) -> AccountGrant:
    """The code that the provider sent, for a connection in the person's own path. Raises Problem."""
    client = process.providers.client(server)
    tokens = await client.redeem(code=code, verifier=verifier, redirect_uri=redirect_uri(process, server))
    account = await client.account(tokens.access_token)
    grant = AccountGrant.of(tokens, account, provider=client.provider.name, at=time.time())
    try:
        async with process.person_vault.for_one_action(session.caller, "connector") as (login, entity):
            kept = store(process.vault, server)
            version = await kept.write(login, entity.name, grant)
            await kept.tidy(login, entity.name, grant, version)
    except BaseException:
        # What nobody keeps is not to stay open at the provider.
        await _ended(client, grant)
        raise
    _log.info("%s connected %s", session.username, server)
    return grant


async def disconnect(process: AppProcess, cookie: str, server: str) -> str:
    """End the person's connection: at the provider, then in Vault. What could not be ended there, as a sentence; or "".

    Raises Problem.
    """
    session = await process.sessions.renewed(cookie)
    client, left = process.providers.client(server), ""
    async with process.person_vault.for_one_action(session.caller, "disconnector") as (login, entity):
        kept = store(process.vault, server)
        try:
            grant, _ = await kept.read(login, entity.name)
        except CredentialMissing:
            grant = None
        if grant is not None and not grant.ended:
            left = await _ended(client, grant)
        await kept.remove(login, entity.name)
    _log.info("%s disconnected %s%s", session.username, server, " (not at the provider)" if left else "")
    return left


async def asked_for(process: AppProcess, session: Session, request_id: str) -> AccountRequest:
    """What a link asks of this person. Raises InputError for a link that is not theirs, was used, or is too old."""
    found = await process.state.account_requests.find(request_id)
    if found is None or found.sub != session.sub or found.provider not in process.providers:
        raise InputError(t("accounts.link-gone"), fix=t("accounts.link-gone.fix"))
    return found


def redirect_uri(process: AppProcess, server: str) -> str:
    """Where the provider sends the browser back to: one address for each, so that no answer is taken for another's."""
    return f"{process.settings.app_public_url.rstrip('/')}/auth/connected/{server}"


def store(vault: Vault, server: str) -> AccountStore:
    """Where that server's connections lie."""
    return AccountStore(vault, provider=server)


def label(server: str) -> str:
    """The server's name as people see it."""
    return LABELS.get(server, server)


async def _ended(client: ProviderClient, grant: AccountGrant) -> str:
    """End it at the provider; why that could not be done, or ""."""
    try:
        await client.revoke(access_token=grant.access_token, refresh_token=grant.refresh_token)
    except (ProviderRefused, ProviderUnavailable) as problem:
        _log.warning("A connection at %s could not be ended there: %s", client.provider.name, problem)
        return problem.what
    return ""
