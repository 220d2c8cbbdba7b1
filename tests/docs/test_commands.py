"""What the documents say to type is typed, in the order printed, as from a checkout whose demo is up.

A block that is not run here says so in a comment before it: ``run by <test>``, or ``not run: <reason>``.
"""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from pathlib import Path

import pytest

from stack.layout import ROOT
from stack.services import PORTS
from stack.testing import Stack
from tests.support.documents import SHELL, Block, all_blocks
from tests.support.tracked import tracked

DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in tracked("*.md"))

_RUN_BY = re.compile(r"run by (\S+?)(?:, .*)?")
_NOT_RUN = re.compile(r"not run: .{15,}")


def shell_blocks(document: str) -> list[Block]:
    return [block for block in all_blocks(document) if block.language in SHELL]


def to_run(document: str) -> str:
    return "\n".join(block.body for block in shell_blocks(document) if not block.note)


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if shell_blocks(name)])
def test_a_block_that_is_not_run_here_names_the_test_that_does_or_the_reason(document: str) -> None:
    for block in shell_blocks(document):
        if not block.note:
            continue
        if named := _RUN_BY.fullmatch(block.note):
            assert (ROOT / named[1]).exists(), f"{document}: {named[1]} is not there"
        else:
            assert _NOT_RUN.fullmatch(block.note), f"{document}: {block.note}"


@pytest.fixture
def checkout(tmp_path: Path, stack: Stack) -> Path:
    """The project as somebody sees it who has cloned it and started the demo; what commands write lies beside it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in ("demo", ".demo", ".git", "agents"):
            (folder / path.name).symlink_to(path)
    (folder / ".demo").symlink_to(stack.layout.state)
    (folder / "demo").write_text(f'#!/bin/sh\nexec "{ROOT}/demo" "$@"\n')
    (folder / "demo").chmod(0o755)
    return folder


def as_person(script: str, folder: Path, stack: Stack) -> subprocess.CompletedProcess[str]:
    """What a person's shell does with it, at the addresses of this stack."""
    moved = {str(port): str(stack.instance.ports[name]) for name, port in PORTS.items()}
    here = re.compile("|".join(f":{port}\\b" for port in PORTS.values()))
    # A person's shell does not know where `./demo test` was called from.
    shell = {name: value for name, value in os.environ.items() if name not in ("DEMO_CALLED_FROM", "BAO_ADDR")}
    own = {
        "DEMO_STATE_DIR": str(stack.layout.state),
        "DEMO_RUNTIME_DIR": str(stack.layout.runtime),
        "TOKEN_API_URL": stack.url("token-api"),
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here.sub(lambda found: f":{moved[found[0][1:]]}", script)],
        cwd=folder,
        env=shell | own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.disturbs
@pytest.mark.parametrize("document", [name for name in DOCUMENTS if to_run(name)])
def test_what_is_printed_runs_as_printed(document: str, checkout: Path, stack: Stack) -> None:
    name = f"build-{uuid.uuid4().hex[:8]}"
    done = as_person(to_run(document).replace("build-7", name), checkout, stack)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for said in SAYS.get(document, ()):
        assert said.replace("build-7", name) in done.stdout


SAYS = {
    "docs/CHATBOT.md": ("/login/", '"code"'),
    "docs/COMPANY.md": ("Uploaded policy: company-mcp-jira", "Success! Disabled the auth method"),
    "docs/OPERATE.md": ("mcp-jira", "its credentials are being replaced"),
    "docs/agents.md": ('"build-7"', "token_revoked"),
    "docs/approval.md": ("/approve",),
    "docs/token-api.md": ("Success!", "Permission denied", "revoked"),
}
"""What a reader is told to expect, where it is the same every time."""


def test_an_agent_that_is_there_is_not_overwritten(checkout: Path, stack: Stack) -> None:
    name = f"build-{uuid.uuid4().hex[:8]}"
    create = f"./demo agent new {name} --scope agent:commands"
    assert as_person(create, checkout, stack).returncode == 0
    certificate = checkout / "agents" / name / "agent.pem"
    kept = certificate.read_text()
    refused = as_person(create, checkout, stack)
    assert refused.returncode == 1
    assert f"agents/{name} holds an agent's certificate already; nothing was changed." in refused.stderr
    assert certificate.read_text() == kept
    assert as_person(f"{create} --replace", checkout, stack).returncode == 0
    assert certificate.read_text() != kept
