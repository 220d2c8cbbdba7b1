"""Temporary files lie in the instance's own directory: a machine's shared folder may hold what strangers put there.

What a whole start leaves in a machine's shared folders is looked at on fresh machines (`tests.fresh`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import control, programs
from stack.processes import Launch, spawn
from stack.testing import Stack


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_process_has_its_temporary_files_in_the_instance_s_own_directory(stack: Stack) -> None:
    own = stack.layout.temporary
    assert mode(own) == 0o700
    database = (stack.layout.data / "postgres").resolve()
    told = {process.pid: process.environ() for process in control.processes_of(stack.layout)}
    assert len([names for names in told.values() if names.get("TMPDIR") == str(own)]) > 10
    assert not [names for names in told.values() if names.get("TMPDIR", str(own)) not in (str(own), str(database))]


def test_java_writes_nothing_outside_either(stack: Stack) -> None:
    own = stack.layout.temporary
    assert (own / "vertx-cache").is_dir(), "Keycloak's web server makes this folder at its start"
    assert not list(Path("/tmp").glob(f"hsperfdata_*/{stack.status('keycloak').pid}"))


def test_a_process_that_starts_finds_a_private_folder_whatever_its_caller_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere")
    log = tmp_path / "log"
    process = spawn(Launch(("sh", "-c", 'echo "$TMPDIR"'), cwd=tmp_path), log=log, instance=tmp_path)
    assert process.wait(10) == 0
    folder = Path(log.read_text().strip())
    assert folder.parent == tmp_path
    assert mode(folder) == 0o700


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter: the run's own is private."""
    folder = Path(tempfile.mkdtemp(prefix="demo-open-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_postgresql_s_programs_run_for_another_user_where_the_checkout_is_private(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_open_to_all", lambda _program: False)
    previous = os.umask(0o077)
    try:
        home = programs.postgres_for_others(place)
    finally:
        os.umask(previous)
    assert home.is_relative_to(place)
    assert programs.postgres_for_others(place) == home
    found = [program for program in (home / "bin").iterdir() if os.access(program, os.X_OK)]
    assert {"initdb", "postgres", "pg_dump", "pg_isready"} <= {program.name for program in found}
    for program in found:
        ran = subprocess.run(
            [program, "--version"],
            check=False,
            cwd="/",
            env={},
            user=pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
    assert not [path for path in place.rglob("*") if path.parent != place and not mode(path) & stat.S_IROTH]
