"""Starts ``python -m mock_services`` with a users file of its own, and ends it by its pid."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from stack.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


def user(name: str, *, jira: bool = True, github: bool = True) -> dict[str, Any]:
    """One entry of a users file, with tokens that end in ``name`` and the process id."""
    held: dict[str, Any] = {}
    if jira:
        held["jira"] = {"email": f"{name}@example.com", "api_token": f"jira-token-of-{name}-{os.getpid()}"}
    if github:
        held["github"] = {"login": name, "token": f"github-token-of-{name}-{os.getpid()}"}
    return {
        "username": name,
        "password": f"{name}123",
        "email": f"{name}@example.com",
        "first_name": name.capitalize(),
        "last_name": "Kim",
        "realm_roles": [],
        "entitlements": held,
    }


@dataclass(frozen=True)
class Mocks:
    """Addresses of a running process, its users file, its log and itself."""

    jira: str
    github: str
    users_file: Path
    log: Path
    process: subprocess.Popen[bytes]

    def write_users(self, users: list[dict[str, Any]]) -> None:
        """Replace the users file at once, as an editor does."""
        new = self.users_file.with_suffix(".new")
        new.write_text(yaml.safe_dump({"users": users}))
        new.replace(self.users_file)

    def jira_login(self, name: str) -> tuple[str, str]:
        """E-mail address and API token."""
        held = user(name)["entitlements"]["jira"]
        return held["email"], held["api_token"]

    def github_token(self, name: str) -> str:
        """GitHub token."""
        token: str = user(name)["entitlements"]["github"]["token"]
        return token

    def bearer(self, name: str) -> dict[str, str]:
        """Headers for GitHub."""
        return {"Authorization": f"Bearer {self.github_token(name)}"}


def environment(users_file: Path, ports: dict[str, int]) -> dict[str, str]:
    """What the process reads, and nothing of the caller's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "MOCK_USERS_FILE": str(users_file),
        "MOCK_JIRA_PORT": str(ports["jira"]),
        "MOCK_GITHUB_PORT": str(ports["github"]),
        "ALLOWED_HOSTS": "mock",
    }


@contextmanager
def running(directory: Path, *, more: Mapping[str, str] | None = None) -> Iterator[Mocks]:
    """The process, ready to answer; alice and bob hold both credentials, charlie only GitHub's. ``more``: settings."""
    ports = free_ports(("jira", "github"))
    users_file, log = directory / "users.yaml", directory / "mock.log"
    with log.open("wb") as output:
        users_file.write_text(yaml.safe_dump({"users": [user("alice"), user("bob"), user("charlie", jira=False)]}))
        process = subprocess.Popen(
            [sys.executable, "-m", "mock_services", "jira", "github"],
            cwd=ROOT,
            env={**environment(users_file, ports), **(more or {})},
            stdout=output,
            stderr=output,
        )
    urls = {name: f"http://localhost:{port}" for name, port in ports.items()}
    mocks = Mocks(urls["jira"], urls["github"], users_file, log, process)
    try:
        for url in urls.values():
            _wait(url, mocks)
        yield mocks
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _wait(url: str, mocks: Mocks) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if requests.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        if mocks.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(mocks.log.read_text())
        time.sleep(0.05)
