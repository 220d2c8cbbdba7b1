"""docs/agents.md: what it says to type is typed, in the order printed, from the folder of the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from pathlib import Path

from stack.layout import ROOT
from stack.services import PORTS
from stack.testing import Stack
from tests.support.documents import blocks


def run(script: str, folder: Path, stack: Stack) -> subprocess.CompletedProcess[str]:
    # A person's shell does not know where `./demo test` was called from.
    shell = {name: value for name, value in os.environ.items() if name != "DEMO_CALLED_FROM"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=shell | {"DEMO_STATE_DIR": str(stack.layout.state), "DEMO_RUNTIME_DIR": str(stack.layout.runtime)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_printed_runs_as_printed_and_an_earlier_agent_is_not_overwritten(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text(f'#!/bin/sh\nexec "{ROOT}/demo" "$@"\n')
    (tmp_path / "demo").chmod(0o755)
    tried, ended, *_ = blocks("docs/agents.md", "console")
    here = re.compile("|".join(f":{port}\\b" for port in PORTS.values()))
    moved = {str(port): str(stack.instance.ports[name]) for name, port in PORTS.items()}
    name = f"build-{uuid.uuid4().hex[:8]}"
    script = here.sub(lambda found: f":{moved[found[0][1:]]}", f"{tried}\n{ended}").replace("build-7", name)

    done = run(script, tmp_path, stack)
    assert done.returncode == 0, done.stderr
    assert f"agents/{name}" in done.stdout
    assert done.stdout.count(f'"{name}"') >= 2
    assert "token_revoked" in done.stdout.splitlines()[-1]

    kept = (tmp_path / "agents" / name / "agent.pem").read_text()
    create = f"./demo agent new {name} --scope agent:commands"
    refused = run(create, tmp_path, stack)
    assert refused.returncode == 1
    assert f"agents/{name} holds an agent's certificate already; nothing was changed." in refused.stderr
    assert (tmp_path / "agents" / name / "agent.pem").read_text() == kept
    assert run(f"{create} --replace", tmp_path, stack).returncode == 0
    assert (tmp_path / "agents" / name / "agent.pem").read_text() != kept
