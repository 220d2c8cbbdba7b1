"""The one login interface: how a process becomes known to Vault, as a value that can be used again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.models import VaultToken

Login = Callable[[Vault], Awaitable[VaultToken]]
"""Logs in to the Vault given and returns the token. Raises VaultLoginRefused, VaultDenied, VaultUnavailable.

Called again when a token is lost, so what it was made with must still be good then.
"""


def approle(role_id: str, secret_id: SecretStr, *, mount: str = "approle") -> Login:
    """As an application (Vault API: auth/approle/login)."""

    async def log_in(vault: Vault) -> VaultToken:
        return await vault.login_approle(role_id=role_id, secret_id=secret_id, mount=mount)

    return log_in


def jwt(role: str, jwt: SecretStr, *, mount: str = "jwt") -> Login:
    """As whoever a JWT names (Vault API: auth/jwt/login)."""

    async def log_in(vault: Vault) -> VaultToken:
        return await vault.login_jwt(role=role, jwt=jwt, mount=mount)

    return log_in


def token(value: SecretStr) -> Login:
    """With a token that somebody else made: it looks itself up (Vault API: auth/token/lookup-self)."""

    async def log_in(vault: Vault) -> VaultToken:
        return await vault.examine(value)

    return log_in
