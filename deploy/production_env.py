#!/usr/bin/env python3
"""Writes ``.env`` for docker-compose.production.yml, from ``.env.example``: ``production_env.py DOMAIN``.

Every secret in it is made at random here, and the public addresses are names below DOMAIN. What only you know stays
empty and is named at the end. Standard library only.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET = re.compile(r".*_(PASSWORD|SECRET|SECRET_ID|KEY|TOKEN_ID)")
NAMES = {
    "KEYCLOAK_PUBLIC_URL": "https://login.{}",
    "APP_PUBLIC_URL": "https://app.{}",
    "MCP_JIRA_PUBLIC_URL": "https://jira-mcp.{}",
    "MCP_GITHUB_PUBLIC_URL": "https://github-mcp.{}",
    "MCP_POSTGRES_PUBLIC_URL": "https://postgres-mcp.{}",
    "RELAY_PUBLIC_URL": "https://relay.{}",
    "TOKEN_API_PUBLIC_URL": "https://tokens.{}",
    "BIZ_SERVICE_PUBLIC_URL": "https://tasks.{}",
    "CHATBOT_PUBLIC_URL": "https://chat.{}",
    "AGENT_AUTH_PUBLIC_URL": "https://agents:8443",
    "VAULT_ADDR": "https://vault:8200",
    "GITHUB_API_URL": "https://api.github.com",
    "VAULT_TOKEN": "none-before-vault-is-initialised",
    "DOMAIN": "{}",
}
"""The proxy has these names inside the containers' network, too (docker-compose.production.yml)."""

YOURS = {"JIRA_URL", "USERS_FILE"}
"""What holds the demo's value in the example, and has no value that could be made up."""


def made(name: str, example: str, domain: str) -> str:
    """The value of one variable in production."""
    if name == "PROFILE":
        return "production"
    if name in NAMES:
        return NAMES[name].format(domain)
    if name == "APP_SESSION_KEY":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    if example and SECRET.fullmatch(name):
        return secrets.token_hex(24)
    return "" if name in YOURS else example


def written(example: str, domain: str) -> str:
    """The whole file: the example's lines and comments with values for production."""
    assigned = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
    return assigned.sub(lambda line: f"{line[1]}={made(line[1], line[2], domain)}", example)


def missing(text: str, overlay: str) -> list[str]:
    """The variables that the overlay demands and that are still empty."""
    demanded = dict.fromkeys(re.findall(r"\$\{([A-Z_]+):\?", overlay))
    given = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.+)$", text, re.MULTILINE))
    return [name for name in demanded if name not in given]


def main() -> int:
    """1 with a sentence when there is a file already, or the domain is none."""
    domain = sys.argv[1].lower() if len(sys.argv) == 2 else ""
    if not re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*", domain):
        print("Give the domain of your addresses: python3 deploy/production_env.py example.com", file=sys.stderr)
        return 1
    text = written((ROOT / ".env.example").read_text(), domain)
    try:
        descriptor = os.open(".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print("There is a file .env here already, and it stays as it is.", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    print("Written: .env, with secrets of its own. Fill in what only you know:")
    for name in [*missing(text, (ROOT / "docker-compose.production.yml").read_text()), "USERS_FILE or PEOPLE_GROUP"]:
        print(f"  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
