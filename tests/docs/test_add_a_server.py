"""The guide for a server of one's own, followed to the letter in a copy of the project, up to calls by two people."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.compose import SECTIONS
from stack.layout import ROOT
from stack.processes import base_environment
from stack.testing import Stack
from tests.mcp_servers.callers import connected, signed_in, steps, text
from tests.mcp_servers.serving import replica
from tests.support.documents import blocks
from tests.support.people import Person

GUIDE = "docs/ADD_A_SERVER.md"
ROOMS = ("app", "common", "deploy", "init", "mcp_servers", "mock_services", "services", "src", "stack", "vault_client")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with what the guide says."""
    place = tmp_path_factory.mktemp("own")
    for room in ROOMS:
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", *ROOT.glob("docker-compose*.yml"), ".env.example"):
        shutil.copy(ROOT / file, place)
    (template,) = blocks(GUIDE, "python")
    (place / "mcp_servers" / "forge.py").write_text(template)
    (diff,) = blocks(GUIDE, "diff")
    done = subprocess.run(["git", "apply", "-"], cwd=place, input=diff, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return place


def test_the_template_is_short_and_clean_and_its_edits_are_one_entry(copy: Path) -> None:
    lines = (copy / "mcp_servers" / "forge.py").read_text().splitlines()
    assert len(lines) < 80
    ruff = [sys.executable, "-m", "ruff"]
    for check in ([*ruff, "check", "."], [*ruff, "format", "--check", "."]):
        done = subprocess.run(check, cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (diff,) = blocks(GUIDE, "diff")
    assert diff.count("+++ ") == 2, "one entry, and who has a credential"


FOLLOWS = """
from app.connect import forms
from app.flow.parties import party
from app.lab.isolation import THINGS
from app.mcp_client import LABELS
from app.settings import AppSettings
from stack.secret_store import PROVISIONED
from stack.services import service

print(service("mcp-forge").ports, service("app").env["MCP_FORGE_URL"], LABELS["forge"])
print(AppSettings().mcp_url("forge"), [thing.place("bob") for thing in THINGS if thing.name == "forge"])
print([name for name in PROVISIONED if "FORGE" in name], party("backend", "forge"), party("mcp", "forge"))
print(forms("inspector", "forge", {"forge": "http://localhost:3004/mcp"})[1].text)
"""


def test_everything_else_that_must_know_of_the_server_follows_from_the_entry(copy: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FOLLOWS], cwd=copy, capture_output=True, text=True, check=True)
    first, second, third, fourth = done.stdout.splitlines()
    assert first == "('mcp-forge',) http://localhost:{port[mcp-forge]}/mcp Forge"
    assert second == "http://localhost:3004/mcp ['secret/data/users/bob/forge', 'mcp-forge: credential_status']"
    assert third == "['MCP_FORGE_CLIENT_SECRET', 'MCP_FORGE_STATE_PASSWORD'] Forge Forge MCP server"
    assert fourth.endswith("--tool-name who_am_i")


def test_compose_and_the_chart_follow_by_one_command_and_leave_with_the_entry(copy: Path) -> None:
    files = [copy / file for file in SECTIONS]
    before = [file.read_text() for file in files]
    _compose(copy)
    for file in files:
        assert "forge" in file.read_text(), file
    for file in files[:1]:
        services = yaml.safe_load(file.read_text())["services"]
        forge, github = services["mcp-forge"], services["mcp-github"]
        assert forge["environment"].pop("FORGE_URL").startswith("${FORGE_URL:")
        for name in [name for name in github["environment"] if name.startswith(("GITHUB_", "BACKEND_", "ACCOUNT_"))]:
            del github["environment"][name]
        assert forge == _as_forge(github), "tests/deploy compares the latter with the stack"
        for whole in (services["init"]["environment"], services["app"]["environment"]):
            theirs = {name: value for name, value in whole.items() if name.startswith("MCP_GITHUB_")}
            assert theirs
            assert _as_forge(theirs).items() <= whole.items()
    entries = copy / "common/servers.py"
    with_it = entries.read_text()
    shutil.copy(ROOT / "common/servers.py", entries)
    try:
        _compose(copy)
    finally:
        entries.write_text(with_it)
    assert [file.read_text() for file in files] == before


def _as_forge(of_github: Any) -> Any:
    """What is said of the GitHub server, said of the new one."""
    text = json.dumps(of_github)
    for old, new in (("github", "forge"), ("GITHUB", "FORGE"), ("GitHub", "Forge"), ("3002", "3004")):
        text = text.replace(old, new)
    return json.loads(text)


def _compose(source: Path) -> None:
    """What `./demo compose` does."""
    subprocess.run([sys.executable, "-m", "stack", "compose"], cwd=source, capture_output=True, check=True)


@pytest.fixture
def provisioned(copy: Path, stack: Stack, person: Person) -> Iterator[dict[str, str]]:
    """The stack with the new server's client, scopes, role and ``person``'s credential; its environment."""
    users = yaml.safe_load(stack.instance.users_file.read_text())
    (entry,) = (user for user in users["users"] if user["username"] == person.username)
    entry["entitlements"]["forge"] = {"token": entry["entitlements"]["github"]["token"]}
    (copy / "users.yaml").write_text(yaml.safe_dump(users))
    secret = {"MCP_FORGE_CLIENT_SECRET": "a-secret-of-this-test", "MCP_FORGE_STATE_PASSWORD": "a-password-of-this-test"}
    own = base_environment(stack.layout.temporary) | stack.environment("init")
    own.pop("VAULT_CLIENT_CONFIG", None)
    said = _init(copy, own | secret | {"USERS_FILE": str(copy / "users.yaml")})
    for made in ("mcp-forge", "mcp:forge:write", f"secret/data/users/{person.username}/forge"):
        assert made in said, said
    yield secret
    undone = _init(ROOT, own)
    for gone in (
        "client mcp-forge",
        "client lab-forge",
        "scope mcp:forge",
        "scope mcp:forge:write",
        "role mcp-forge",
        f"credential secret/data/users/{person.username}/forge",
        "login role auth/jwt/role/mcp-forge",
        "policy mcp-forge",
    ):
        assert f": {gone}\n" in undone, undone
    assert "forge" not in _init(ROOT, own), "nothing is left to remove"


def _init(source: Path, environment: dict[str, str]) -> str:
    """Provision by the code in ``source``; what it reported."""
    done = subprocess.run(
        [sys.executable, "-m", "init"], cwd=source, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.disturbs
async def test_the_new_server_serves_each_person_with_their_own_credential(
    copy: Path, stack: Stack, provisioned: dict[str, str], person: Person, bob: Person
) -> None:
    settings = {
        **stack.environment("mcp-github"),
        "MCP_CLIENT_SECRET": provisioned["MCP_FORGE_CLIENT_SECRET"],
        "STATE_DSN": f"postgresql://mcp-forge:{provisioned['MCP_FORGE_STATE_PASSWORD']}"
        f"@localhost:{stack.ports['postgres']}/mcp_state",
        "FORGE_URL": stack.url("mock-github"),
    }
    async with replica(stack, "forge", source=copy, settings=settings) as server:
        caller = await signed_in(stack, person)
        done = await caller.call("forge", "who_am_i", traced=True, at=server.url)
        assert done.structured_content is not None, text(done)
        assert done.structured_content["login"] == person.entitlements["github"]["login"]
        assert {step["status"] for step in steps(done).values()} == {"done"}
        assert set(steps(done)) == {"bearer-check", "token-exchange", "vault-login", "entity", "credential", "backend"}
        escaped = await caller.call("forge", "get_account", {"login": "../user"}, at=server.url)
        assert "Forge has no account ../user" in text(escaped)
        async with connected(stack, "forge", await caller.token("forge"), at=server.url) as session:
            status = await session.read_resource("forge://credential")
        assert f"secret/data/users/{person.username}/forge" in str(status)
        other = await signed_in(stack, bob)
        refused = await other.call("forge", "who_am_i", at=server.url)
        assert "bob has no Forge credential: there is nothing at secret/data/users/bob/forge" in text(refused)
        for one in (caller, other):
            await one.sign_out()
