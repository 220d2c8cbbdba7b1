"""The stack's token API, asked as a program asks it, and processes of it that belong to one test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from fastmcp_vault.http import async_client
from fastmcp_vault.vault.admin import VaultAdmin
from services.token_api.client import TokenApi
from stack.layout import ROOT
from stack.testing import Stack
from tests.support.browser import closed_port


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[TokenApi]:
    async with async_client(base_url=stack.url("token-api"), timeout=60) as http:
        yield TokenApi(http)


@pytest.fixture
def admin(stack: Stack) -> Iterator[VaultAdmin]:
    made = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    yield made
    made.close()


@dataclass
class Running:
    """One process of the token API."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def health(self) -> dict[str, str]:
        """What /health says; nothing while nobody answers."""
        try:
            found: dict[str, str] = httpx2.get(f"{self.url}/health", timeout=5).json()
        except httpx2.TransportError:
            return {}
        return found

    def words(self) -> str:
        """Everything that it logged."""
        return self.log.read_text()

    def until(self, condition: Callable[[], bool], *, within: float = 30.0) -> None:
        """Wait for a condition of the process."""
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline and self.process.poll() is None, self.words()  # noqa: PT018
            time.sleep(0.05)


Start = Callable[..., Running]


@pytest.fixture
def start(stack: Stack, tmp_path: Path) -> Iterator[Start]:
    """Starts the service by hand, as the README tells, with settings of the test's own."""
    started: list[Running] = []

    def run(**settings: str) -> Running:
        port = closed_port()
        own = {k: v for k, v in stack.environment("token-api").items() if not k.startswith("VAULT_SECRET")}
        log = tmp_path / f"{len(started)}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.token_api"],
                cwd=ROOT,
                env={**os.environ, **own, "TOKEN_API_PORT": str(port), **settings},
                stdout=out,
                stderr=out,
                text=True,
            )
        started.append(Running(process, f"http://localhost:{port}", log))
        return started[-1]

    yield run
    for running in started:
        running.process.terminate()
        running.process.wait(20)


@pytest.fixture
def renewal_token(admin: VaultAdmin) -> Callable[[str], str]:
    """Makes scoped tokens such as the service is given: periodic, of so many seconds."""

    def make(period: str) -> str:
        wanted = {"policies": ["token-api"], "period": period, "no_parent": True}
        return str(admin.write("auth/token/create", wanted)["client_token"])

    return make
