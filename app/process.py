"""What this process holds: settings, clients, stores. Nothing of any one person outside the session store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from app.example import Example
from app.lab import passwords
from app.loop import Loop
from app.pending import PendingLogins, SeenTokens
from app.person_vault import PersonVault
from app.providers import Providers
from app.rules import Rules
from app.sessions import AppSessions
from app.settings import AppSettings
from app.texts import t
from fastmcp_vault.errors import NotReady
from fastmcp_vault.oidc.jwks import KeySource
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.state import State
from fastmcp_vault.vault.client import Vault


@dataclass(frozen=True, slots=True)
class AppProcess:
    """The app's parts, made when the server starts and closed when it stops."""

    settings: AppSettings
    loop: Loop
    keycloak: Keycloak
    validator: TokenValidator
    keys: KeySource
    vault: Vault
    state: State
    sessions: AppSessions
    pending: PendingLogins
    seen: SeenTokens
    example: Example
    person_vault: PersonVault
    providers: Providers
    rules: Rules
    password_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(passwords.AT_ONCE))
    """Turns for sending a password to Keycloak, as exercises and attacks do."""

    _running: ClassVar[list[AppProcess]] = []

    @classmethod
    def current(cls) -> AppProcess:
        """The running process, for pages; routes get it from the request. Raises NotReady before it has started."""
        if not cls._running:
            raise NotReady(t("problem.app-starting"), fix=t("problem.reload"))
        return cls._running[-1]

    @classmethod
    @asynccontextmanager
    async def running(cls, process: AppProcess) -> AsyncIterator[AppProcess]:
        """Make ``process`` the current one inside the block."""
        cls._running.append(process)
        try:
            yield process
        finally:
            cls._running.remove(process)
