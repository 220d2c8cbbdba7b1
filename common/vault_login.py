"""How a service logs in to Vault as itself: with a ServiceAccount's token where it has one, else with a secret id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import SecretStr

from common.settings import CommonSettings
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Problem
from fastmcp_vault.vault import logins
from fastmcp_vault.vault.logins import Login

_log = logging.getLogger(__name__)
T = TypeVar("T")


def own_login(settings: CommonSettings, role: str, secret_id: SecretStr) -> Login:
    """The service's login. ``role``: the name of its role, and of its AppRole's id."""
    file = settings.vault_service_account_token
    if file is None:
        return logins.approle(role, secret_id)
    return logins.service_account(role, file, mount=settings.vault_service_account_mount)


async def obtained(attempt: Callable[[], Awaitable[T]]) -> T:
    """What ``attempt`` gets from Vault. It is repeated until Vault is there and provisioned; why is logged once."""
    backoff = Backoff(first=0.2, longest=2.0)
    said = ""
    while True:
        try:
            return await attempt()
        except Problem as problem:
            if problem.code != said:
                _log.warning("Not yet, trying again: %s", problem)
            said = problem.code
        await asyncio.sleep(backoff.failed())
