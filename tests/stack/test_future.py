"""On any day the same is installed: an index on which every package has a newer release brings the locked versions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack.layout import ROOT
from tests.support.launcher import launcher
from tests.support.package_index import FUTURE, Index, pins, served

LOCKS = ("requirements.txt", "requirements-dev.txt")
TELL = (
    "import importlib.metadata as m, json\n"
    "print(json.dumps({d.name.lower().replace('_', '-').replace('.', '-'): d.version for d in m.distributions()}))"
)


def environment(index: Index, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.address, "PIP_NO_CACHE_DIR": "1"} | more


def expected(lock: str) -> dict[str, str]:
    return {pin.name.replace(".", "-"): pin.version for pin in pins(lock) if pin.here}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone: the real command, and a ``stack`` that tells what was installed."""
    shutil.copy(ROOT / "demo", tmp_path)
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "__init__.py").touch()
    (tmp_path / "stack" / "__main__.py").write_text(TELL)
    return tmp_path


def start(clone: Path, command: str, environment: dict[str, str]) -> dict[str, str]:
    """What is installed after ``./demo COMMAND``."""
    done = subprocess.run(
        [sys.executable, "demo", command], check=False, cwd=clone, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return {name: version for name, version in found.items() if name not in {"pip", "setuptools"}}


def test_the_command_installs_the_locked_versions_whatever_was_released_since(clone: Path) -> None:
    with served(Index()) as index:
        for name in LOCKS:
            (clone / name).write_text(index.stand_for((ROOT / name).read_text()))
        for name, command in zip(LOCKS, ("up", "test"), strict=True):
            lock = (clone / name).read_text()
            assert FUTURE not in lock
            assert start(clone, command, environment(index)) == expected(lock)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt", "tests/peers/requirements.txt"])
def test_the_newest_pip_installs_the_locked_versions_whatever_was_released_since(tmp_path: Path, lock: str) -> None:
    python = newest_pip(tmp_path / "environment")
    with served(Index()) as index, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            patch.delenv(name)
        for name, value in environment(index).items():
            patch.setenv(name, value)
        wanted = tmp_path / "requirements.txt"
        wanted.write_text(index.stand_for((ROOT / lock).read_text()))
        launcher().install_packages(str(python), str(wanted), str(tmp_path / "pip.log"))
        done = subprocess.run([python, "-I", "-c", TELL], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == expected(wanted.read_text()) | {"pip": importlib.metadata.version("pip")}


def newest_pip(home: Path) -> Path:
    """A fresh environment with the pip that requirements-dev.txt pins; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    spec = importlib.util.find_spec("pip")
    assert spec
    assert spec.origin
    here, there = Path(spec.origin).parent.parent, Path(launcher().site_packages(str(python)))
    for folder in (here / "pip", *here.glob("pip-[0-9]*.dist-info")):
        shutil.copytree(folder, there / folder.name)
    return python


def test_the_machine_s_own_settings_do_not_change_what_is_installed(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "alpha.py").write_text("raise SystemExit('somebody else`s package was imported')")
    (tmp_path / "pip.conf").write_text("[global]\nconstraint = /nowhere.txt\n[install]\nuser = true\nno-deps = false\n")
    with served(Index()) as index:
        (clone / "requirements.txt").write_text(index.stand_for("alpha==1.0\nbeta==2.0\n"))
        mine = environment(
            index,
            PIP_CONFIG_FILE=str(tmp_path / "pip.conf"),
            PIP_TARGET=str(other),
            PIP_CONSTRAINT="/nowhere.txt",
            PIP_NO_BINARY=":all:",
            PIP_PRE="1",
            PYTHONPATH=str(other),
            PYTHONSAFEPATH="1",
        )
        assert start(clone, "up", mine).items() >= {"alpha": "1.0", "beta": "2.0"}.items()


def test_what_a_later_lock_no_longer_names_is_removed_and_what_it_changes_is_replaced(clone: Path) -> None:
    with served(Index()) as index:
        lock = clone / "requirements.txt"
        lock.write_text(index.stand_for("alpha==1.0\nbeta-gone==2.0\n"))
        assert start(clone, "up", environment(index)).items() >= {"alpha": "1.0", "beta-gone": "2.0"}.items()
        lock.write_text(index.stand_for("alpha==1.5\n"))
        found = start(clone, "up", environment(index))
        assert found["alpha"] == "1.5"
        assert "beta-gone" not in found


def test_an_installation_that_was_interrupted_is_begun_anew(clone: Path) -> None:
    with served(Index()) as index:
        (clone / "requirements.txt").write_text(index.stand_for("alpha==1.0\n"))
        start(clone, "up", environment(index))
        (clone / ".venv" / ".unfinished").touch()
        (clone / ".venv" / ".requirements.txt.sha256").unlink()
        (clone / ".venv" / "left-over").touch()
        assert start(clone, "up", environment(index))["alpha"] == "1.0"
        assert not (clone / ".venv" / "left-over").exists()
