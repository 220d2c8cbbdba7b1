"""`./demo init` for a Vault that is not this instance's own, such as a company's: which settings it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastmcp_vault.errors import InputError

_OF_THE_CALLER = (
    "VAULT_ADDR",
    "VAULT_TOKEN",
    "VAULT_KEYCLOAK_URL",
    "VAULT_POSTGRES_HOST",
    "VAULT_POSTGRES_PORT",
    "VAULT_AUDIT_FILE",
)
"""How Vault is reached and opened, and how it reaches Keycloak and PostgreSQL."""

_OWN_ONLY = {"VAULT_ROOT_TOKEN_ID": "", "VAULT_AUDIT_FILE": ""}
"""What another Vault never gets: the known root token, and an audit log where ours would be."""


def writes_policy(arguments: Sequence[str]) -> bool:
    """Whether the policy is asked for that such a Vault's token needs: no server has to run for that."""
    return _option("--policy", arguments) is not None


def settings(own: Mapping[str, str], arguments: Sequence[str], caller: Mapping[str, str]) -> dict[str, str]:
    """``own``, the environment of this instance's provisioning, or what another Vault's gets.

    It is another one's with ``--only vault`` and a VAULT_ADDR in the ``caller``'s environment that is not this
    instance's. Raises InputError when there is no VAULT_TOKEN for it: this instance's own goes nowhere else.
    """
    address = caller.get("VAULT_ADDR") or own["VAULT_ADDR"]
    another = _option("--only", arguments) == "vault" and address != own["VAULT_ADDR"]
    if another and not caller.get("VAULT_TOKEN"):
        raise InputError(
            f"VAULT_ADDR names another Vault, {address}, and there is no VAULT_TOKEN for it.",
            fix="Give a token with the policy that `./demo init --policy FILE` writes, or leave VAULT_ADDR out.",
        )
    if not another and not writes_policy(arguments):
        return dict(own)
    # The example application belongs to this instance: its configuration names this instance's Vault.
    kept = {name: value for name, value in own.items() if name != "VAULT_CLIENT_CONFIG"}
    return kept | _OWN_ONLY | {name: caller[name] for name in _OF_THE_CALLER if name in caller}


def _option(name: str, arguments: Sequence[str]) -> str | None:
    """The value of ``--name VALUE`` or ``--name=VALUE``."""
    for number, word in enumerate(arguments):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name:
            return next(iter(arguments[number + 1 :]), "")
    return None
