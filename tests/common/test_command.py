"""Commands whose output is cut (``… | head``) end quietly, whatever they were about to say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from common.command import CUT
from tests.support.tracked import tracked

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "stack --help",
    "stack status",
    "stack status --json",
    "stack logs",
    "stack doctor",
    "init --help",
    "init.agent --help",
    "init.clients --help",
    "init.suspend --help",
    "vault_client --help",
    "benchmarks --help",
    "services.token_api.client --help",
)
STAND_ALONE = {
    "common/host_check.py",
    "deploy/healthcheck.py",
    "deploy/production_env.py",
    "deploy/sbom.py",
    "deploy/select_packages.py",
    "mock_services/__main__.py",
}
"""They import nothing of ours: they run before anything is installed, or beside it; what they print is short, or for
programs."""


def cut(arguments: list[str], *, also_errors: bool, **environment: str) -> tuple[int, str]:
    """Run ``python -m …`` with nobody reading its output: the exit code, and what stands on standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment or None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if also_errors else subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    return process.returncode, (errors or b"").decode()


@pytest.mark.parametrize("also_errors", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_nobody_reads_ends_quietly(command: str, tmp_path: Path, *, also_errors: bool) -> None:
    environment = {"PATH": "/usr/bin:/bin", "DEMO_STATE_DIR": str(tmp_path), "DEMO_RUNTIME_DIR": str(tmp_path)}
    code, errors = cut(command.split(), also_errors=also_errors, **environment)
    assert code in (CUT, 0, 3)
    assert not re.search("Traceback|BrokenPipe|Exception ignored", errors)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("print('x' * 1_000_000)", CUT),
        ("print('x')", CUT),
        ("print('x'); raise SystemExit(3)", CUT),
        ("return 4", 4),
        ("raise BrokenPipeError('a server went away')", 1),
    ],
)
def test_only_cut_output_is_taken_for_it(program: str, code: int) -> None:
    text = f"import sys\nfrom common.command import run\ndef main():\n    {program}\nsys.exit(run(main))"
    process = subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    if code == CUT:
        process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert (b"Traceback" in errors) == (code == 1)


def test_every_command_is_run_so() -> None:
    for path in tracked("*/*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("tests/", "docs/")) or name in STAND_ALONE:
            continue
        guard = path.read_text().partition('\nif __name__ == "__main__":\n')[2]
        assert not guard or "run_command(" in guard, name
