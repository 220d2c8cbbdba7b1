"""A request to Vault's API as a value: what is asked, with which headers, and that its path leads nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from common.errors import InputError, VaultDenied

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*(?:/[A-Za-z0-9][A-Za-z0-9_.@-]*)*")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: ``doing`` completes "…, while", ``path`` comes after ``/v1/``."""

    doing: str
    method: str
    path: str
    token: SecretStr | None = None
    body: Mapping[str, Any] | None = None
    query: Mapping[str, int] | None = None

    @property
    def content(self) -> bytes | None:
        """The body as it is sent: JSON in ASCII, whatever characters a person gave."""
        return None if self.body is None else json.dumps(self.body).encode("ascii")


def headers(token: SecretStr | None, *, namespace: str = "") -> dict[str, str]:
    """What every request carries (Vault API: authentication, namespaces, the X-Vault-Request header).

    A listener may insist on X-Vault-Request: what a browser or a careless server was tricked into sending has none.
    Raises VaultDenied for a token that no header can hold: somebody's nonsense, and no sign of Vault's health.
    """
    value = token.get_secret_value() if token else ""
    if not (value.isascii() and value.isprintable()):
        raise VaultDenied("This is not a Vault token.", fix="Sign in again.")
    return {
        "X-Vault-Request": "true",
        "Content-Type": "application/json",
        **({"X-Vault-Token": value} if value else {}),
        **({"X-Vault-Namespace": namespace} if namespace else {}),
    }


def checked(path: str) -> str:
    """``path`` itself, unless it could name another place (dots, escapes, empty segments): then InputError."""
    if not _PATH.fullmatch(path):
        raise InputError(
            "This name cannot be part of a Vault path.",
            fix="Use letters, digits, and `_ . @ -`, each part beginning with a letter or digit.",
        )
    return path
