"""A login at Vault as the signed-in person for one action, in a role that may do that action and nothing else."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.person_vault import require_known
from app.process import AppProcess
from app.sessions import Session
from fastmcp_vault.errors import Problem
from fastmcp_vault.vault import Entity, VaultToken

_log = logging.getLogger(__name__)


@asynccontextmanager
async def logged_in(process: AppProcess, session: Session, role: str) -> AsyncIterator[tuple[VaultToken, Entity]]:
    """A login at Vault as the person, for this one action; revoked at its end."""
    traded = await process.keycloak.exchange(session.tokens.access_token, audience="vault", scope="vault:login")
    login = await process.vault.login_jwt(role=role, jwt=traded.access_token)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_given_back, process, login)
        entity = await process.vault.entity(login.token, login.entity_id)
        require_known(entity)
        yield login, entity


async def _given_back(process: AppProcess, login: VaultToken) -> None:
    try:
        await process.vault.revoke_self(login.token)
    except Problem as problem:
        _log.warning("A login of one minute could not be revoked, and ends by itself: %s", problem)
