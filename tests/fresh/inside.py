"""What a stranger does on a fresh machine, one step per run; `tests.fresh` runs it there as the first process.

Standard library only. Each start is followed by the second scenario and by `./demo down`. Then nothing may be left
running, and nothing may lie in the folders that all users of a machine share.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path("/opt/checkout")
SHARED = ("/tmp", "/var/tmp", "/dev/shm")
PATIENCE = 1800
"""Seconds for one command; a bound, not a wait."""

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1


class Failed(Exception):
    """Something that a stranger would have seen go wrong."""


class Stranger:
    """A user of the machine with a checkout of their own."""

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        if name != "root" and not Path("/home", name).exists():
            subprocess.run(["useradd", "--create-home", name], check=True)
        self.account = pwd.getpwnam(name)
        self.home = Path(self.account.pw_dir)
        self.home.chmod(0o700)
        self.folder = self.home / folder
        if not self.folder.exists():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(CHECKOUT, self.folder)
            self._own(self.home)

    def with_downloads_of(self, other: Stranger) -> None:
        """Have what pip and Maven keep of ``other``'s downloads, so that they need not come again."""
        for cache in (".cache", ".m2"):
            if (other.home / cache).exists() and not (self.home / cache).exists():
                shutil.copytree(other.home / cache, self.home / cache)
        self._own(self.home)

    def run(self, *command: str | Path, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout as this user. Raises Failed with its output unless it ``may_fail``."""
        began = time.monotonic()
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "LANG": "C.UTF-8"},
            user=self.account.pw_uid,
            group=self.account.pw_gid,
            extra_groups=(),
            umask=0o022,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        words = " ".join(map(str, command)).replace(str(self.folder), ".")
        print(f"   {self.name}: {words}: {done.returncode}, {time.monotonic() - began:.1f} s", flush=True)
        if done.returncode and not may_fail:
            raise Failed(f"{words}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
        return done

    def demo(self, *arguments: str, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        """``./demo`` with these arguments."""
        return self.run(self.folder / "demo", *arguments, may_fail=may_fail)

    def up(self) -> None:
        """``./demo up -d``; where ports are taken, at an offset, as its own sentence proposes."""
        done = self.demo("up", "-d", may_fail=True)
        for offset in range(100, 1000, 100):
            if not (done.returncode and " in use." in done.stderr):
                break
            done = self.demo("up", "-d", "--port-offset", str(offset), may_fail=True)
        if done.returncode:
            raise Failed(f"up -d\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}\n{self._logs()}")
        if self.folder.joinpath(".demo").stat().st_mode & 0o077:
            raise Failed(".demo is open to others")
        lying = [path for path in shared_files() if not path.name.startswith("PostgreSQL.")]
        if lying:
            raise Failed(f"While the demo runs, shared folders hold {lying}")

    def scenario(self) -> None:
        """alice signs in and fetches PROJ-1, against the ports that the status names."""
        ports = json.loads(self.demo("status", "--json").stdout)["ports"]
        python = self.folder / ".venv" / "bin" / "python"
        self.run(python, "-m", "tests.fresh.scenario", str(ports["mcp-jira"]), str(ports["app"]))

    def down(self) -> None:
        """``./demo down``."""
        self.demo("down")

    def _own(self, folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)

    def _logs(self) -> str:
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}"
            for log in sorted((self.folder / ".demo" / "logs").glob("*.log"))
        )


def shared_files() -> list[Path]:
    """What lies in the folders that every user of this machine shares."""
    return [path for folder in SHARED for path in Path(folder).rglob("*")]


def nothing_left() -> None:
    """Raise Failed when a process still runs, or something lies in a shared folder."""
    running = [process for process in map(int, filter(str.isdigit, os.listdir("/proc"))) if process != 1]
    commands = [command for process in running if (command := _command(process))]
    if commands:
        raise Failed(f"Still running after `down`: {commands}")
    if lying := shared_files():
        raise Failed(f"Left in shared folders: {lying}")


def _command(process: int) -> str:
    """A process's command; empty for one that has ended, which nobody but this first process would collect."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def root() -> Stranger:
    """root, whose home others cannot enter."""
    return Stranger("root", "내 데모/mcp-remote-vault")


def alice() -> Stranger:
    """An ordinary user; the path has spaces and Korean letters."""
    return Stranger("alice", "내 문서/원격 mcp")


def bob() -> Stranger:
    """The second user of the machine."""
    return Stranger("bob", "demo")


def one_start(stranger: Stranger) -> None:
    """Start, try, stop."""
    stranger.up()
    stranger.scenario()
    stranger.down()


def fetch() -> None:
    """root fetches everything beforehand, with a network."""
    root().demo("fetch")


def offline() -> None:
    """Without any network but loopback, what root fetched starts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    one_start(root())


def ordinary() -> None:
    """An ordinary user starts by the first command, which fetches everything."""
    one_start(alice())


def second() -> None:
    """The second ordinary user, after the first; pip and Maven find the first one's downloads."""
    stranger = bob()
    stranger.with_downloads_of(alice())
    one_start(stranger)


def together() -> None:
    """Both at once: the second meets the first one's ports, and moves."""
    first, other = alice(), bob()
    first.up()
    other.up()
    for stranger in (first, other):
        stranger.scenario()
    first.down()
    other.scenario()
    other.down()


STEPS: dict[str, Callable[[], None]] = {
    "fetch": fetch,
    "offline": offline,
    "ordinary": ordinary,
    "second": second,
    "together": together,
}


def main() -> int:
    """Do the step that the command line names; 1 when it failed."""
    try:
        STEPS[sys.argv[1]]()
        nothing_left()
    except Failed as failure:
        print(failure, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
