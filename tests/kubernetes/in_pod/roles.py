"""Runs in a pod, by ``kubectl exec … python - NAME …``: its ServiceAccount at Vault's roles and entries.

Logs in at every role named, and with each login reads every entry of ``secret/settings``. Prints what opened, as JSON:
roles, and entries by role.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

VAULT = os.environ["VAULT_ADDR"]
MOUNT = os.environ["VAULT_SERVICE_ACCOUNT_MOUNT"]
TOKEN = Path(os.environ["VAULT_SERVICE_ACCOUNT_TOKEN"]).read_text().strip()


def ask(method: str, path: str, token: str = "", body: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Vault's status and answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{VAULT}/v1/{path}", data, {"X-Vault-Token": token}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, {}


def main(names: list[str]) -> dict[str, list[str]]:
    """Role → the entries that its login opens; a role that refuses is left out. Other answers end the program."""
    opened: dict[str, list[str]] = {}
    for role in names:
        status, answer = ask("POST", f"auth/{MOUNT}/login", body={"role": role, "jwt": TOKEN})
        if status in (400, 403):
            continue
        if status != 200:
            sys.exit(f"Vault answered {status} to a login at {role}.")
        token = str(answer["auth"]["client_token"])
        found = {name: ask("GET", f"secret/data/settings/{name}", token)[0] for name in names}
        if strange := {name: status for name, status in found.items() if status not in (200, 403)}:
            sys.exit(f"Vault answered {strange}.")
        opened[role] = [name for name, status in found.items() if status == 200]
        ask("POST", "auth/token/revoke-self", token)
    return opened


print(json.dumps(main(sys.argv[1:])))
