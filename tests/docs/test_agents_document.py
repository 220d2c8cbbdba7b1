"""docs/agents.md: the first command it prints makes an agent's files, and never writes over those of an earlier one."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

from stack.layout import ROOT
from stack.testing import Stack
from tests.support.documents import blocks


def run(command: str, folder: Path, stack: Stack) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=os.environ | {"DEMO_STATE_DIR": str(stack.layout.state), "DEMO_RUNTIME_DIR": str(stack.layout.runtime)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_agent_is_made_where_the_document_says_and_an_earlier_one_is_not_overwritten(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "demo").write_text(f'#!/bin/sh\nexec "{ROOT}/demo" "$@"\n')
    (tmp_path / "demo").chmod(0o755)
    name = f"build-{uuid.uuid4().hex[:8]}"
    made, used, *_ = blocks("docs/agents.md", "console")[0].replace("build-7", name).splitlines()
    files = tmp_path / "agents" / name

    assert run(made, tmp_path, stack).returncode == 0
    for option in ("--cacert", "--cert", "--key"):
        assert (tmp_path / used.split(f"{option} ")[1].split()[0]).is_file()
    kept = (files / "agent.pem").read_text()
    refused = run(made, tmp_path, stack)
    assert refused.returncode == 1
    assert f"agents/{name} holds an agent's certificate already; nothing was changed." in refused.stderr
    assert (files / "agent.pem").read_text() == kept
    assert run(f"{made} --replace", tmp_path, stack).returncode == 0
    assert (files / "agent.pem").read_text() != kept
