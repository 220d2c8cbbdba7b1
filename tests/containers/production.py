"""docs/COMPANY.md, "All of it, on your servers", step by step: from ``.env.example`` to alice's issue, through TLS.

The company is made up: a domain, an authority of its own, one Jira (the mock, behind https), and alice, with a password
and a token of hers. Vault opens itself by a `seal` stanza, and is provisioned with a token of the stated policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stack.layout import ROOT
from stack.ports import free_ports
from stack.processes import wait_until
from tests.browser.test_scenarios import test_get_issue_brings_the_issue_with_alices_credential as get_issue
from tests.containers.composed import Composed, timed
from tests.containers.engine import Docker
from tests.containers.images import OFFICIAL
from tests.support.authority import CompanyAuthority
from tests.support.browser import arrivals, started
from tests.support.people import read_users

PROJECT = "mcp-remote-vault-production-test"
DOMAIN = "company.test"
FILES = (ROOT / "docker-compose.yml", ROOT / "docker-compose.production.yml")
KEYS = {"vault": 1100, "server": 999, "proxy": 0}
"""Whose each certificate's key is, in its container."""

SEAL = """seal "static" {
  current_key_id = "one"
  current_key = "file:///seal/seal.key"
}
"""

COMPANY = """
services:
  proxy:
    ports: !override ["127.0.0.1:{https}:443"]
    networks: {{default: {{aliases: [jira.{domain}]}}}}
    volumes: ["{caddyfile}:/etc/caddy/Caddyfile:ro"]
  agents:
    ports: !override ["127.0.0.1:{tls}:5443", "127.0.0.1:{auth}:8443"]
  # The company's Jira.
  jira:
    image: mcp-remote-vault-server:test
    command: [python, -m, mock_services, jira]
    environment:
      {{BIND_HOST: 0.0.0.0, ALLOWED_HOSTS: jira.{domain}, MOCK_USERS_FILE: /people.yaml, MOCK_OAUTH_DIR: /tmp}}
    volumes: ["{people}:/people.yaml:ro"]
"""


def production(engine: Docker, place: Path) -> None:
    """Ends the program, or raises, when something is not as the document says."""
    company = Company(engine, place)
    compose = company.compose
    compose.gone()
    try:
        timed("build for production", lambda: compose("build", "--quiet"))
        timed("Vault, opened by its seal and provided with a token", company.vault)
        timed("up in production", compose.up)
        company.looks_closed()
        timed("alice's issue in Chromium, through TLS", company.alice)
    finally:
        compose.gone()


class Company:
    """What an operator brings, in a folder."""

    def __init__(self, engine: Docker, place: Path) -> None:
        self.place = place / "company"
        self.place.mkdir(mode=0o755)
        self.authority = CompanyAuthority()
        self.people = self.place / "people.yaml"
        self.people.write_text(yaml.safe_dump({"users": [_alice()]}))
        self._brought()
        ports = free_ports(("https", "tls", "auth"))
        self.https = ports["https"]
        caddyfile = self.place / "Caddyfile"
        shipped = (ROOT / "deploy" / "proxy" / "Caddyfile").read_text()
        caddyfile.write_text(f"{shipped}\nhttps://jira.{DOMAIN} {{\n\timport given\n\treverse_proxy jira:8001\n}}\n")
        override = self.place / "company.yml"
        override.write_text(COMPANY.format(**ports, domain=DOMAIN, caddyfile=caddyfile, people=self.people))
        self.env = self._env()
        self.compose = Composed(engine, PROJECT, (*FILES, override), {}, "--env-file", self.env)

    def vault(self) -> None:
        """It starts alone, is initialised by a person, and gets a token for provisioning and no more."""
        self.compose("up", "--detach", "vault")
        self._answers()
        made = json.loads(self._bao("operator", "init", "-format=json", "-recovery-shares=1", "-recovery-threshold=1"))
        root = {"BAO_TOKEN": str(made["root_token"])}
        policy = self.compose("run", "--rm", "--no-deps", "-T", "init", "python", "-m", "init", "--policy", "-")
        (self.place / "provisioning.hcl").write_text(policy)
        self._bao("policy", "write", "provisioning", "-", given=policy, **root)
        words = ("token", "create", "-policy=provisioning", "-orphan", "-ttl=1h", "-field=token")
        self.set(VAULT_TOKEN=self._bao(*words, **root).strip())
        self._bao("token", "revoke", "-self", **root)

    def looks_closed(self) -> None:
        """The proxy alone is published, and where agents show their certificates."""
        published = self.compose("ps", "--format", "{{.Service}} {{.Ports}}")
        open_ones = {line.split()[0] for line in published.splitlines() if "->" in line}
        if open_ones != {"proxy", "agents"}:
            sys.exit(f"Published, and should not be: {open_ones - {'proxy', 'agents'}}")

    def alice(self) -> None:
        """She signs in by the proxy and gets her issue, in a browser that trusts the company's authority."""
        with started(*self._trusting()) as browser, arrivals(browser, f"https://app.{DOMAIN}") as arrive:
            get_issue(arrive, read_users(self.people)["alice"])

    def set(self, **values: str) -> None:
        """Fill in lines of ``.env``."""
        text = self.env.read_text()
        for name, value in values.items():
            text, found = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            if found != 1:
                sys.exit(f".env has no line for {name}")
        self.env.write_text(text)

    def _env(self) -> Path:
        subprocess.run([sys.executable, ROOT / "deploy" / "production_env.py", DOMAIN], cwd=self.place, check=True)
        self.env = self.place / ".env"
        self.set(
            IMAGE_TAG="test",
            VAULT_IMAGE=OFFICIAL["openbao"],
            USERS_FILE=str(self.people),
            JIRA_URL=f"https://jira.{DOMAIN}",
            AUTHORITIES_FILE=str(self.place / "authorities.pem"),
            VAULT_SEAL_DIR=str(self.place / "seal"),
            PROXY_TLS_DIR=str(self.place / "proxy"),
            VAULT_TLS_DIR=str(self.place / "vault"),
            POSTGRES_TLS_DIR=str(self.place / "server"),
        )
        return self.env

    def _brought(self) -> None:
        """Certificates, whom to trust, and the seal: OpenBao's, with a key in a file in the place of a KMS's."""
        names = {"proxy": [f"*.{DOMAIN}"], "vault": ["vault"], "server": ["postgres"]}
        for name, whose in KEYS.items():
            certificate, key = self.authority.server(names[name])
            folder = self.place / name
            folder.mkdir()
            (folder / f"{name}.crt").write_text(certificate)
            _owned(folder / f"{name}.key", key.encode(), whose)
        (self.place / "authorities.pem").write_text(self.authority.pem)
        (self.place / "seal").mkdir()
        (self.place / "seal" / "seal.hcl").write_text(SEAL)
        _owned(self.place / "seal" / "seal.key", secrets.token_bytes(32), KEYS["vault"])

    def _bao(self, *words: str, given: str = "", check: bool = True, **environment: str) -> str:
        inside = ["-e", "BAO_ADDR=http://127.0.0.1:8210", *(word for name in environment for word in ("-e", name))]
        self.compose.variables |= environment
        return self.compose("exec", "-T", *inside, "vault", "bao", *words, given=given, check=check)

    def _answers(self) -> None:
        until = time.monotonic() + 60
        if not any(self._bao("status", check=False) for _ in wait_until(until, step=0.5)):
            sys.exit(f"Vault does not answer: {self.compose('logs', 'vault')}")

    def _trusting(self) -> tuple[str, ...]:
        key = x509.load_pem_x509_certificate(self.authority.pem.encode()).public_key()
        known = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
        return (
            f"--host-resolver-rules=MAP *.{DOMAIN} 127.0.0.1:{self.https}",
            f"--ignore-certificate-errors-spki-list={base64.b64encode(known).decode()}",
        )


def _alice() -> dict[str, object]:
    return {
        "username": "alice",
        "password": secrets.token_urlsafe(16),
        "email": f"alice@{DOMAIN}",
        "entitlements": {
            "jira": {"email": f"alice@{DOMAIN}", "api_token": secrets.token_urlsafe(24)},
            "postgres": {"grants": ["shop_read"]},
        },
    }


def _owned(file: Path, data: bytes, whose: int) -> None:
    file.touch(mode=0o600)
    file.write_bytes(data)
    os.chown(file, whose, whose)
