"""A real OpenBao with compose's own configuration, sealed until `init.unseal` opens it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from stack import programs
from stack.ports import free_ports
from tests.deploy import compose


class SealedVault:
    """One OpenBao with the configuration that compose hands it, its places moved into ``home``."""

    def __init__(self, home: Path) -> None:
        ports = free_ports(("api", "cluster"))
        self.home = home
        self.keys = home / "keys" / "vault.json"
        self.addr = f"http://localhost:{ports['api']}"
        text = compose.load(compose.DEMO)["services"]["vault"]["environment"]["BAO_LOCAL_CONFIG"]
        for given, here in (
            ("http://vault:8200", self.addr),
            ("http://vault:8201", f"http://127.0.0.1:{ports['cluster']}"),
            ("0.0.0.0:8200", f"127.0.0.1:{ports['api']}"),
            ("/openbao", str(home)),
        ):
            assert given in text
            text = text.replace(given, here)
        for place in ("file", "logs"):
            (home / place).mkdir()
        self.config = home / "local.json"
        self.config.write_text(text)

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.home / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [programs.vault().path, "server", f"-config={self.config}"], cwd=self.home, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    def unseal(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "init.unseal", *command],
            cwd=compose.ROOT,
            env={"PATH": os.environ["PATH"], "VAULT_ADDR": self.addr, "VAULT_KEYS_FILE": str(self.keys)} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def token(self) -> str:
        """The initial root token, once it is initialised."""
        return str(json.loads(self.keys.read_text())["root_token"])

    @contextmanager
    def staying(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.home / "unseal.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "init.unseal", "--stay"],
                cwd=compose.ROOT,
                env={"PATH": os.environ["PATH"], "VAULT_ADDR": self.addr, "VAULT_KEYS_FILE": str(self.keys)},
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def wait_for(self, status: int) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.addr}/v1/sys/health", timeout=5).status_code == status:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise AssertionError((self.home / "server.log").read_text())
