"""``python -m init.unseal [command …]``: initialises and unseals a Vault that cannot do so itself, then runs a command.

With ``--stay`` instead of a command it stays, and unseals Vault again after each of Vault's restarts.

For compose in the demo profile: the key and the initial root token lie in one file (0600) on a volume
that only unsealing and provisioning mount. The command finds that token as ``VAULT_TOKEN``. In production a KMS
unseals (a ``seal`` stanza), a person keeps the recovery keys, and this module refuses to run.

Vault API: sys/init, sys/seal-status, sys/unseal, sys/health.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import requests
from pydantic import Field

from common.command import run as run_command
from common.settings import CommonSettings, load
from fastmcp_vault.errors import ConfigError, Problem, VaultError, VaultUnavailable
from fastmcp_vault.http import TimedSession
from fastmcp_vault.printable import show

STAY = "--stay"
_PAUSE = 0.2
"""Seconds between two looks at a Vault that is still starting."""
_WATCH_SECONDS = 1.0
"""Seconds between two looks at a Vault that is in use."""


class UnsealSettings(CommonSettings):
    """What unsealing needs beside Vault's address."""

    vault_keys_file: Path = Field(
        Path(".demo/vault-keys.json"), description="Where the unseal key and the initial root token are kept (0600)."
    )
    wait_seconds: float = Field(60.0, description="How long to wait for Keycloak, PostgreSQL and Vault.")

    def unused_fields(self) -> frozenset[str]:
        """It opens Vault and nothing else."""
        return super().unused_fields() | {"state_dsn"}


class Unsealer:
    """One Vault and the file that holds its key. Times in seconds."""

    def __init__(self, settings: UnsealSettings, session: requests.Session) -> None:
        self._addr = settings.vault_addr.rstrip("/")
        self._file = settings.vault_keys_file
        self._within = settings.wait_seconds
        self._deadline = 0.0
        self._session = session

    def run(self) -> str:
        """Leave Vault unsealed and active; its initial root token.

        Raises VaultUnavailable when it does not answer in time, ConfigError when its key is not in the file.
        """
        self.unseal()
        token = self._keys()["root_token"]
        self._wait_for("sys/health", requests.codes.ok, "did not become active after it was unsealed")
        return token

    def unseal(self) -> bool:
        """Initialise Vault where that was never done, and unseal it; False when it was unsealed. Raises as ``run``."""
        self._deadline = time.monotonic() + self._within
        status = self._wait_for("sys/seal-status", requests.codes.ok, "does not answer")
        if status["initialized"] and not status["sealed"]:
            return False
        if not status["initialized"]:
            self._initialise()
        self._put("sys/unseal", {"key": self._keys()["key"]})
        return True

    def _initialise(self) -> None:
        """One key share, written to the file's place before anything else can go wrong."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Made first: a place that cannot be written must be known before Vault gives its only key away.
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=".vault-keys-")
        with os.fdopen(descriptor, "w") as file:
            made = self._put("sys/init", {"secret_shares": 1, "secret_threshold": 1})
            json.dump({"key": made["keys_base64"][0], "root_token": made["root_token"]}, file)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(self._file)

    def _keys(self) -> Mapping[str, str]:
        try:
            keys: Mapping[str, str] = json.loads(self._file.read_text())
        except FileNotFoundError as error:
            raise ConfigError(
                f"Vault at {self._addr} was initialised before, and its key is not in {self._file}.",
                fix="Mount the volume that holds the file, or remove Vault's own volume as well to start over.",
            ) from error
        return keys

    def _wait_for(self, path: str, status: int, complaint: str) -> dict[str, Any]:
        while True:
            try:
                answer = self._session.get(f"{self._addr}/v1/{path}")
                if answer.status_code == status:
                    found: dict[str, Any] = answer.json()
                    return found
            except requests.RequestException:
                pass
            if time.monotonic() > self._deadline:
                raise VaultUnavailable(f"Vault at {self._addr} {complaint}.", fix="Look at its log, then try again.")
            time.sleep(_PAUSE)

    def _put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._session.put(f"{self._addr}/v1/{path}", json=body)
        if not answer.ok:
            said = (
                "; ".join(answer.json().get("errors", ())) if "json" in answer.headers.get("content-type", "") else ""
            )
            raise VaultError(
                f"Vault refused {path} ({answer.status_code}): {said or 'no reason given'}.",
                fix="A key of another Vault, perhaps: its volume and the key's volume belong together.",
            )
        found: dict[str, Any] = answer.json()
        return found


def stay(unsealer: Unsealer, say: Callable[[object], None], pause: Callable[[float], None] = time.sleep) -> NoReturn:
    """Unseal Vault whenever it is sealed, for ever. What keeps it from that is said once, until it changes."""
    before = ""
    while True:
        try:
            if unsealer.unseal():
                say("Vault is unsealed.")
            before = ""
        except (Problem, requests.RequestException) as error:
            if before != str(error):
                say(error)
            before = str(error)
        pause(_WATCH_SECONDS)


def main(command: Sequence[str] | None = None) -> int:
    """Unseal, then become ``command`` when there is one, or stay. 1 and a sentence when that cannot be done."""
    words = list(sys.argv[1:] if command is None else command)
    try:
        settings = load(UnsealSettings)
        if settings.profile != "demo":
            raise ConfigError(
                f"PROFILE={settings.profile}: Vault's key is not kept in a file outside the demo.",
                fix="Let a KMS unseal Vault (its `seal` stanza) and run `python -m init` with VAULT_TOKEN.",
            )
        with TimedSession() as session:
            unsealer = Unsealer(settings, session)
            if words == [STAY]:
                stay(unsealer, partial(show, file=sys.stderr))
            token = unsealer.run()
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    except OSError as error:
        show(f"Vault's key could not be written or read: {error.strerror or error}", file=sys.stderr)
        return 1
    show(f"Vault at {settings.vault_addr} is unsealed.", file=sys.stderr)
    if words:
        os.execvpe(words[0], words, {**os.environ, "VAULT_TOKEN": token})  # noqa: S606 - no shell wanted
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
