"""The lock files are whole: both agree, and every package has a file for each Python and platform that is supported."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stack.layout import ROOT
from tests.support.launcher import launcher
from tests.support.package_index import pins

# Not macOS on Intel: cryptography has no file for it any more.
UV = ROOT / ".venv" / "bin" / "uv"
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
OLDEST, NEWEST = launcher().OLDEST_PYTHON[1], launcher().NEWEST_PYTHON[1]


def test_the_tests_run_with_the_very_versions_that_people_get() -> None:
    run_time, tests = (
        {(pin.name, pin.marker): pin.version for pin in pins((ROOT / name).read_text())}
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert len(run_time) > 50
    assert run_time.items() <= tests.items()


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_every_package_has_a_file_for_every_machine_that_the_demo_is_for(minor: int, tmp_path: Path) -> None:
    for platform in PLATFORMS:
        assert missing("requirements.txt", platform, minor, tmp_path) == ""


def test_a_package_without_a_file_is_noticed(tmp_path: Path) -> None:
    said = missing("requirements.txt", "x86_64-unknown-linux-musl", 11, tmp_path)
    assert "no wheels with a matching platform tag" in " ".join(said.split())


def missing(lock: str, platform: str, minor: int, target: Path) -> str:
    """What the index lacks of a lock's files for one machine; empty when nothing. Downloads no package."""
    command = [UV, "pip", "install", "--dry-run", "--quiet", "--target", target, "--python-platform", platform]
    command += ["--python-version", f"3.{minor}", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", lock]
    done = subprocess.run(command, check=False, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)
    return done.stderr if done.returncode else ""
