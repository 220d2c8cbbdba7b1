"""``python -m services.token_api.launch``: a fresh ``RENEWAL_TOKEN`` for the token API, then the token API itself.

Each start, the first or the tenth, begins with a token of its own: after a night in which the machine slept and the old
one died there is nothing to mend. The token is that of the role ``token-api``: periodic, 60 s, allowed
what the service does and nothing else (init/vault_approles.py).
"""

from __future__ import annotations

import asyncio
import os
import sys

from common import logs
from common.command import run as run_command
from common.settings import load
from common.vault_login import obtained, own_login
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from fastmcp_vault.vault import Vault, VaultToken
from services.token_api.__main__ import main as serve
from services.token_api.settings import LaunchSettings


async def obtain(settings: LaunchSettings) -> VaultToken:
    """Log in, and try again until Vault is there and provisioned."""
    vault = Vault(settings.vault_addr)
    try:
        login = own_login(settings, settings.vault_role_id, settings.vault_secret_id)
        return await obtained(lambda: login(vault))
    finally:
        await vault.close()


def main() -> int:
    """The token API's exit code, or 1, with a sentence, when it cannot begin."""
    logs.set_up("token-api")
    try:
        settings = load(LaunchSettings)
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    made = asyncio.run(obtain(settings))
    os.environ.pop("VAULT_SECRET_ID", None)
    os.environ["RENEWAL_TOKEN"] = made.token.get_secret_value()
    return serve()


if __name__ == "__main__":
    sys.exit(run_command(main))
