"""A relay of the tests' own beside the stack's: two workers, and clients whose chatbot or Keycloak is not well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from stack.layout import ROOT
from stack.processes import wait_until
from stack.testing import Stack
from tests.auth_relay.chatting import Programs
from tests.support.browser import closed_port
from tests.support.odd_server import OddServer, odd_server

NOBODY_THERE = "http://localhost:1/callback"


@pytest.fixture
def programs(stack: Stack) -> Programs:
    """The stack's own relay and chatbot."""
    return Programs(stack)


@pytest.fixture(scope="module")
def odd() -> Iterator[OddServer]:
    """A chatbot that answers as told."""
    with odd_server() as server:
        yield server


def clients(stack: Stack, odd: OddServer) -> dict[str, dict[str, Any]]:
    """The clients of the tests' relay, each with an HMAC secret of its own."""
    keycloak = stack.url("keycloak")
    good = {
        "name": "Odd chatbot",
        "server_url": keycloak,
        "realm": "mcp-demo",
        "client_id": "chatbot-relay",
        # Registered at Keycloak for the stack's relay; the tests bring the answer to this one.
        "redirect_uri": f"{stack.url('auth-relay')}/oidc/callback",
        "issuer": f"{keycloak}/realms/mcp-demo",
        "scope": "openid offline_access",
        "exchanges": "mcp:jira",
        "client_secret": stack.secrets["CHATBOT_RELAY_CLIENT_SECRET"],
        "callback_urls": [f"{odd.url}/callback"],
        "redirect_after": [f"{odd.url}/done"],
    }
    changed: dict[str, dict[str, Any]] = {
        "odd": {},
        "no-offline": {"scope": "openid"},
        "dead": {"callback_urls": [NOBODY_THERE]},
        "no-keycloak": {"server_url": f"http://localhost:{closed_port()}"},
    }
    return {key: {**good, **change, "hmac_secret": hmac_secret(key)} for key, change in changed.items()}


def hmac_secret(key: str) -> str:
    """What a client of the tests' relay signs with."""
    return f"hmac-secret-of-the-client-{key}-0123"


@pytest.fixture(scope="module")
def two_workers(stack: Stack, odd: OddServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """A relay in two processes that share one folder."""
    folder: Path = tmp_path_factory.mktemp("relay")
    (folder / "clients.json").write_text(json.dumps(clients(stack, odd)))
    port = closed_port()
    changes = {
        "RELAY_PORT": str(port),
        "RELAY_WORKERS": "2",
        "BASE_URL": f"http://localhost:{port}",
        "SESSION_CACHE_DIR": str(folder / "sessions"),
        "CLIENTS_FILE": str(folder / "clients.json"),
        "CALLBACK_TIMEOUT_SECONDS": "0.5",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.auth_relay"],
        cwd=ROOT,
        env={**os.environ, **stack.environment("auth-relay"), **changes},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in wait_until(time.monotonic() + 60):
            try:
                if requests.get(f"{changes['BASE_URL']}/health", timeout=2).ok:
                    break
            except requests.ConnectionError:
                assert process.poll() is None
        yield Programs(stack, changes["BASE_URL"])
    finally:
        process.terminate()
        process.wait(20)
