"""What Vault has for an MCP server whose entry is gone: people's credentials for it, its login role, its policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from common.servers import SERVERS
from fastmcp_vault.vault.admin import CONNECTIONS, VaultAdmin
from init.ledger import Ledger
from init.vault import differs
from init.vault_people import OURS
from init.vault_policies import SERVER_POLICY

PART: Final = "vault"
_CLIENT = re.compile(r"mcp-([a-z][a-z0-9-]*)")


def provision(vault: VaultAdmin, ledger: Ledger) -> None:
    """Remove it, the policy last: a run that ends half-way finds the server again by it."""
    for server in _retired(vault):
        credentials = f"secret/metadata/users/{{}}/{server}"
        people = [name.rstrip("/") for name in vault.list("secret/metadata/users")["keys"]]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            found = pool.map(lambda name, path=credentials: vault.read(path.format(name)), people)
        for name, metadata in zip(people, found, strict=True):
            # What people stored themselves is theirs.
            if metadata is not None and not differs(metadata.get("custom_metadata"), OURS):
                act = partial(vault.delete, credentials.format(name))
                ledger.removed(PART, "credential", f"secret/data/users/{name}/{server}", act)
        client = f"mcp-{server}"
        role = f"auth/jwt/role/{client}"
        if (vault.read(role) or {}).get("token_policies") == [client]:
            ledger.removed(PART, "login role", role, partial(vault.delete, role))
        ledger.removed(PART, "policy", client, partial(vault.delete, f"sys/policies/acl/{client}"))


def _retired(vault: VaultAdmin) -> Iterator[str]:
    """Servers without an entry whose policy is one that init wrote."""
    for policy in vault.list("sys/policies/acl")["keys"]:
        named = _CLIENT.fullmatch(policy)
        if named and named[1] not in SERVERS:
            text = str((vault.read(f"sys/policies/acl/{policy}") or {}).get("policy", ""))
            if text.startswith(f"# {SERVER_POLICY.format(named[1])}"):
                yield named[1]
