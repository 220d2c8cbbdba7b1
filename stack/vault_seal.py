"""How OpenBao and HashiCorp Vault differ here: the seal, the audit log, and a listener that serves nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from fastmcp_vault.errors import NotReady
from fastmcp_vault.files import write_private
from stack.programs import VaultProduct


def quoted(value: object) -> str:
    """A string of HCL."""
    return json.dumps(str(value))


class VaultSeal(Protocol):
    """One product's way. ``home``: the server's own folder (0700)."""

    asked: Mapping[str, int]
    """What ``sys/init`` is asked for (Vault API: system/init)."""
    closed_listener: str
    """Lines of a ``listener`` that is there for the cluster's address only."""

    @property
    def key(self) -> Path:
        """The file (0600) with what unseals it."""

    def prepare(self) -> None:
        """Before its first start."""

    def stanzas(self) -> str:
        """The rest of its configuration."""

    def given(self, answer: Mapping[str, Any]) -> dict[str, str]:
        """Keep what ``sys/init`` gave; what of it belongs to this instance's other secrets."""

    def unseals_with(self) -> str:
        """The key for ``sys/unseal``; empty when it unseals itself. Raises NotReady when the key is gone."""


class StaticSeal:
    """OpenBao: unseals itself with a key in a file; its audit log is in its configuration, and nowhere else."""

    asked: Mapping[str, int] = {"recovery_shares": 1, "recovery_threshold": 1}
    closed_listener = "  telemetry {\n    metrics_only = true\n    disallow_metrics = true\n  }\n"

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def key(self) -> Path:
        """32 random bytes."""
        return self._home / "seal.key"

    def prepare(self) -> None:
        """Make the key, once."""
        if not self.key.exists():
            self.key.touch(mode=0o600)
            self.key.write_bytes(secrets.token_bytes(32))

    def stanzas(self) -> str:
        """Its seal, and its audit log."""
        return f"""\
seal "static" {{
  current_key_id = "demo-1"
  current_key = {quoted(f"file://{self.key}")}
}}
audit "file" "file" {{
  options {{
    file_path = {quoted(self._home / "audit.log")}
  }}
}}
"""

    def given(self, answer: Mapping[str, Any]) -> dict[str, str]:
        """With a seal that unseals by itself, the shares are recovery shares."""
        return {"VAULT_RECOVERY_KEY": answer["recovery_keys"][0]}

    def unseals_with(self) -> str:
        """It needs nobody."""
        return ""


class ShamirSeal:
    """HashiCorp Vault: one unseal key, handed over after each start; provisioning makes its audit log by the API."""

    asked: Mapping[str, int] = {"secret_shares": 1, "secret_threshold": 1}
    # It has no listener without its API. This one takes callers from one address alone, and nobody has that (RFC 5737).
    closed_listener = (
        '  proxy_protocol_behavior = "deny_unauthorized"\n  proxy_protocol_authorized_addrs = "192.0.2.1"\n'
    )

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def key(self) -> Path:
        """The one share, in base64; empty before ``sys/init``."""
        return self._home / "unseal.key"

    def prepare(self) -> None:
        """Say by an empty file whose data this is."""
        if not self.key.exists():
            self.key.touch(mode=0o600)

    def stanzas(self) -> str:
        """Raft maps its file into memory, so memory is not locked (Vault: `disable_mlock`, integrated storage)."""
        return "disable_mlock = true\n"

    def given(self, answer: Mapping[str, Any]) -> dict[str, str]:
        """The key goes to its file."""
        write_private(self.key, answer["keys_base64"][0])
        return {}

    def unseals_with(self) -> str:
        """The key from its file."""
        found = self.key.read_text() if self.key.exists() else ""
        if not found:
            raise NotReady(
                f"Vault was initialised before, and its unseal key is not in {self.key}.",
                fix="Put the key there, or start over: `./demo reset`.",
            )
        return found


SEALS: Mapping[VaultProduct, type[StaticSeal] | type[ShamirSeal]] = {
    "OpenBao": StaticSeal,
    "HashiCorp Vault": ShamirSeal,
}
"""By the product that the program is."""
