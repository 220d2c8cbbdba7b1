"""The secrets that services share with the engines, made by init and kept in Vault: on Kubernetes, pods bring none.

``secret/settings/init`` holds every value, for init alone. ``secret/settings/<service>`` holds what that service needs,
under the names of its environment variables (common/from_vault.py reads it). A value is made once. Whoever replaces one
in ``secret/settings/init`` rotates it: the next run gives it to the engine and to the service, which takes it when it
starts again.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import quote

from common.servers import SERVERS, ServerSpec
from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.waiting import wait_until_ready

PART: Final = "vault"
PATH: Final = "secret/data/settings"

FROM_OUTSIDE: Final = ("KEYCLOAK_ADMIN", "KEYCLOAK_ADMIN_PASSWORD", "POSTGRES_ADMIN_USER", "POSTGRES_ADMIN_PASSWORD")
"""What init cannot make: the administrators' logins, given once with the first run."""

OF_ACCOUNTS: Final = ("JIRA_OAUTH_CLIENT_SECRET", "GITHUB_OAUTH_CLIENT_SECRET")
"""Our clients at the providers of people's accounts: given, or made for the mocks."""

GIVEN: Final = ("ACCOUNT_PROVIDERS",)
"""What is there only when somebody gives it: further providers, with their secrets (common/accounts.py)."""

FERNET_KEYS: Final = ("APP_SESSION_KEY",)


def _state(account: str, password: str) -> dict[str, str]:
    return {"STATE_DSN": f"postgresql://{account}:{{{password}}}@{{state}}"}


def _own_providers(spec: ServerSpec) -> str:
    return spec.variable("ACCOUNT_PROVIDERS")


def _server(spec: ServerSpec) -> dict[str, str]:
    account = f"{spec.name.upper()}_OAUTH_CLIENT_SECRET"
    return {
        **_state(spec.client, spec.variable("STATE_PASSWORD")),
        "MCP_CLIENT_SECRET": f"{{{spec.variable('CLIENT_SECRET')}}}",
        **({account: f"{{{account}}}", "ACCOUNT_PROVIDERS": f"{{{_own_providers(spec)}}}"} if spec.account else {}),
    }


SERVICE_SETTINGS: Mapping[str, Mapping[str, str]] = {
    **{spec.client: _server(spec) for spec in SERVERS.values()},
    "app": {
        **_state("mcp-demo-app", "APP_STATE_PASSWORD"),
        **{name: f"{{{name}}}" for name in ("APP_CLIENT_SECRET", "APP_SESSION_KEY", "LAB_CLIENT_SECRET")},
        **{name: f"{{{name}}}" for name in ("CHATBOT_MESSENGER_KEY", *OF_ACCOUNTS, *GIVEN)},
    },
    "token-api": _state("token-api", "TOKEN_API_STATE_PASSWORD"),
    "agents": _state("agents", "AGENTS_STATE_PASSWORD"),
    "auth-relay": {
        **_state("auth-relay", "AUTH_RELAY_STATE_PASSWORD"),
        "JWT_SECRET": "{RELAY_JWT_SECRET}",
        "RELAY_TO_CHATBOT_HMAC_SECRET": "{RELAY_TO_CHATBOT_HMAC_SECRET}",
        "DEMO_CHATBOT__SECRETS": "{CHATBOT_RELAY_CLIENT_SECRET}",
    },
    "chatbot": {
        "RELAY_TO_CHATBOT_HMAC_SECRET": "{RELAY_TO_CHATBOT_HMAC_SECRET}",
        "CHATBOT_MESSENGER_KEY": "{CHATBOT_MESSENGER_KEY}",
    },
    "mock": {name: f"{{{name}}}" for name in OF_ACCOUNTS},
}
"""Service → its secret environment variables. ``{NAME}`` is a value, ``{state}`` where the shared state is."""

MADE = (
    *("STATE_DB_PASSWORD", "VAULT_DB_PASSWORD", "LAB_CLIENT_SECRET", "APP_CLIENT_SECRET", "APP_STATE_PASSWORD"),
    *("TOKEN_API_STATE_PASSWORD", "AGENTS_STATE_PASSWORD", "AUTH_RELAY_STATE_PASSWORD"),
    *("RELAY_JWT_SECRET", "RELAY_TO_CHATBOT_HMAC_SECRET", "CHATBOT_RELAY_CLIENT_SECRET", "CHATBOT_MESSENGER_KEY"),
    *(*OF_ACCOUNTS, *FERNET_KEYS),
    *(spec.variable(what) for spec in SERVERS.values() for what in ("CLIENT_SECRET", "STATE_PASSWORD")),
)


def known(vault: VaultAdmin, given: Mapping[str, str], *, within: float) -> dict[str, str]:
    """Every value, by name: as ``given`` (non-empty ones win), as kept in Vault, or new. What is new is kept.

    Makes the KV engine when it is missing. Raises VaultUnavailable, VaultDenied, NotReady after ``within`` seconds.
    """
    if "secret/" not in (vault.read("sys/mounts") or {}):
        engine = {"type": "kv", "options": {"version": "2"}, "description": "people's credentials"}
        vault.write("sys/mounts/secret", engine)
        wait_until_ready("Vault's engine secret/", lambda: vault.read("secret/config"), within=within)
    found = (vault.read(f"{PATH}/init") or {}).get("data") or {}
    values = {name: str(value) for name, value in found.items()}
    values |= {name: given[name] for name in (*FROM_OUTSIDE, *GIVEN, *MADE) if given.get(name)}
    values |= {name: _made(name) for name in MADE if name not in values}
    if values != found:
        vault.write(f"{PATH}/init", {"data": values})
    return values


def _made(name: str) -> str:
    """32 random bytes: a Fernet key (cryptography.fernet), or characters that need no escape in an address."""
    if name in FERNET_KEYS:
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def filled(values: Mapping[str, str], *, state: str) -> dict[str, dict[str, str]]:
    """Each service's entry. ``state``: the shared state's host, database and parameters, as in an address."""
    known_names = {**_escaped(values), **_providers(values), "state": state}
    return {
        service: {name: template.format_map(known_names) for name, template in templates.items()}
        for service, templates in SERVICE_SETTINGS.items()
    }


def hand_out(vault: VaultAdmin, ledger: Ledger, values: Mapping[str, str], *, state: str) -> None:
    """Keep each service's entry in Vault; ``state``: see :func:`filled`."""
    for service, wanted in filled(values, state=state).items():
        path = f"{PATH}/{service}"
        found = (vault.read(path) or {}).get("data")
        act = partial(vault.write, path, {"data": wanted})
        ledger.settle(PART, "secret settings", service, exists=bool(found), equal=found == wanted, act=act)


def _providers(values: Mapping[str, str]) -> dict[str, str]:
    """All of them, and for each MCP server its own entry alone, as JSON."""
    given = values.get("ACCOUNT_PROVIDERS") or "{}"
    entries: dict[str, object] = json.loads(given)
    own = {
        _own_providers(spec): json.dumps({name: entry for name, entry in entries.items() if name == spec.name})
        for spec in SERVERS.values()
    }
    return {"ACCOUNT_PROVIDERS": given, **own}


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    """Passwords as an address takes them; what init makes has nothing to escape."""
    return {name: quote(value, safe="") if name.endswith("STATE_PASSWORD") else value for name, value in values.items()}
