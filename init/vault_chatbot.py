"""The mock chatbot's Keycloak secret, where the chatbot looks for it: it has Vault, and no other place for secrets."""

from __future__ import annotations

from typing import Final

from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.settings import InitSettings

PART: Final = "vault"
PATH: Final = "secret/data/services/chatbot"


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """The secret of the client `chatbot-relay`, at the path that the role `chatbot` may read."""
    wanted = {"client_secret": settings.chatbot_relay_client_secret.get_secret_value()}
    mounted = "secret/" in (vault.read("sys/mounts") or {})
    found = (vault.read(PATH) or {}).get("data") if mounted else None
    ledger.settle(
        PART,
        "client secret",
        PATH,
        exists=found is not None,
        equal=found == wanted,
        act=lambda: vault.write(PATH, {"data": wanted}),
    )
