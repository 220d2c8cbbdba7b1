"""What stands in the way of a first start is said in one sentence: an old Python, no network, a bad download."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from fastmcp_vault.errors import InputError
from stack import distribution, instance, maven, ports
from stack.layout import ROOT
from stack.services import PORTS
from tests.support.launcher import launcher

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(name="launcher", scope="module")
def loaded() -> ModuleType:
    return launcher()


def test_an_old_python_can_read_the_command_and_is_told_what_it_needs(launcher: ModuleType) -> None:
    ast.parse((ROOT / "demo").read_text(), feature_version=(3, 6))
    with pytest.raises(launcher.Unable, match=r"needs Python 3\.11 or later, and this is Python 3\.9"):
        launcher.require_python((3, 9, 18))
    launcher.require_python((3, 11, 0))


def test_the_command_uses_the_standard_library_alone() -> None:
    tree = ast.parse((ROOT / "demo").read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_an_installation_s_temporary_files_are_private_and_in_the_checkout(launcher: ModuleType) -> None:
    program = "import os, sys, tempfile; f = tempfile.gettempdir(); sys.exit(f'{f} {os.stat(f).st_mode & 0o777:o}')"
    with pytest.raises(launcher.Unable) as told:
        launcher.run([sys.executable, "-c", program], str.strip)
    folder, mode = str(told.value).rsplit(" ", 1)
    assert Path(folder).parent == ROOT / ".demo"
    assert mode == "700"
    assert not Path(folder).exists()


def test_without_a_network_the_first_start_says_so_and_leaves_no_half_environment(tmp_path: Path) -> None:
    for name in ("demo", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    unreachable = {"PIP_INDEX_URL": f"{NOWHERE}/simple", "PIP_RETRIES": "1", "PIP_NO_CACHE_DIR": "1"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "demo"), "up", "-d"],
        check=False,
        env={**os.environ, **unreachable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "The Python packages could not be downloaded" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob(".venv/.requirements*.sha256")), "the next try installs again"


def test_without_a_network_keycloak_cannot_be_fetched_and_the_sentence_says_so(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom stack import distribution\nfrom fastmcp_vault.errors import Problem\n"
        "try: distribution.fetch(print)\nexcept Problem as problem: sys.exit(str(problem))"
    )
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), NOWHERE)
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=ROOT,
        env={**os.environ, **proxies, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"Keycloak {distribution.VERSION} could not be downloaded" in done.stderr
    assert "./demo fetch" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_download_with_another_checksum_is_refused_and_removed(tmp_path: Path) -> None:
    archive = tmp_path / "keycloak.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("keycloak/bin/kc.sh", "#!/bin/sh\n")
    with pytest.raises(maven.FetchFailed, match=r"checksum of keycloak\.zip does not match"):
        maven.check(archive, distribution.SHA256)
    assert not archive.exists()


def test_airplays_port_is_explained_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports.sys, "platform", "darwin")
    assert "AirPlay" in ports._way_out([5000])
    assert "AirPlay" not in ports._way_out([8501])


@pytest.mark.parametrize("offset", [-10_000, 60_000])
def test_an_offset_that_leaves_the_range_of_ports_is_refused(offset: int) -> None:
    with pytest.raises(InputError, match="choose an offset from"):
        instance.ports_at(offset)
    assert instance.ports_at(0) == dict(PORTS)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("test", "--version"), "pytest "),
        (("test", "-q", "--collect-only", "tests/stack/test_secret_store.py"), "test_services_that_start_together"),
    ],
)
def test_the_tests_take_pytests_own_arguments(arguments: tuple[str, ...], shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack", *arguments], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert shown in done.stdout


def test_an_option_that_a_command_does_not_have_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack", "status", "--sideways"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "unrecognized arguments: --sideways" in done.stderr
