"""The one login interface: how a process becomes known to Vault, as a value that can be used again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError
from fastmcp_vault.sentences import Sentence
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


def service_account(role: str, file: Path, *, mount: str = "kubernetes") -> Login:
    """As a Kubernetes ServiceAccount (Vault API: auth/kubernetes/login); Vault's JWT method takes the same request.

    ``file`` holds its token. It is read at each login, because the kubelet replaces it before it expires. Raises
    ConfigError when it cannot be read.
    """

    async def log_in(vault: Vault) -> VaultToken:
        try:
            jwt = await asyncio.to_thread(file.read_text)
        except OSError as error:
            raise ConfigError(
                Sentence("The ServiceAccount's token cannot be read: {why}.", why=error.strerror),
                fix=Sentence("Mount it at {file} (a projected volume with `serviceAccountToken`).", file=file),
            ) from error
        return await vault.login_jwt(role=role, jwt=SecretStr(jwt.strip()), mount=mount)

    return log_in


def token(value: SecretStr) -> Login:
    """With a token that somebody else made: it looks itself up (Vault API: auth/token/lookup-self)."""

    async def log_in(vault: Vault) -> VaultToken:
        return await vault.examine(value)

    return log_in
