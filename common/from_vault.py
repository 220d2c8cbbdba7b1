"""``python -m common.from_vault COMMAND …``: becomes the command, with the service's secret settings from Vault.

For Kubernetes, where a pod has a ServiceAccount's token and no secret. The settings lie where init puts them
(init/service_settings.py), at ``secret/settings/<service>``. The Vault token that reads them is revoked first.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from pydantic import Field, SecretStr

from common import logs
from common.command import run as run_command
from common.settings import CommonSettings, load
from common.vault_login import obtained
from fastmcp_vault.errors import ConfigError, Problem
from fastmcp_vault.printable import show
from fastmcp_vault.vault import Vault, logins

FOLDER = "settings"
"""Below the KV engine ``secret/``: one entry a service, its fields the names of environment variables."""


class FromVaultSettings(CommonSettings):
    """Which service this is."""

    vault_settings_of: str = Field("", description="The service's name: its role in Vault and its entry there.")

    def unused_fields(self) -> frozenset[str]:
        """The shared state's address is among what is read."""
        return super().unused_fields() | {"state_dsn"}


async def read(settings: FromVaultSettings) -> Mapping[str, SecretStr]:
    """The secret settings. Waits until Vault is there and provisioned. Raises ConfigError."""
    file = settings.vault_service_account_token
    if file is None:
        raise ConfigError(
            "VAULT_SERVICE_ACCOUNT_TOKEN is not set.", fix="Name the file that holds the ServiceAccount's token."
        )
    vault = Vault(settings.vault_addr)
    service = settings.vault_settings_of
    login = logins.service_account(service, file, mount=settings.vault_service_account_mount)

    async def attempt() -> Mapping[str, SecretStr]:
        token = (await login(vault)).token
        try:
            return (await vault.kv_read(token, f"{FOLDER}/{service}")).texts
        finally:
            await vault.revoke_self(token)

    try:
        return await obtained(attempt)
    finally:
        await vault.close()


def main(command: Sequence[str] | None = None) -> int:
    """Become the command; 1 and a sentence when that cannot be done."""
    words = list(sys.argv[1:] if command is None else command)
    logs.set_up("from-vault")
    try:
        if not words:
            raise ConfigError("There is no command to run.", fix="`python -m common.from_vault COMMAND …`")
        found = asyncio.run(read(load(FromVaultSettings)))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    secret = {name: value.get_secret_value() for name, value in found.items()}
    return os.execvpe(words[0], words, os.environ | secret)  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    sys.exit(run_command(main))
