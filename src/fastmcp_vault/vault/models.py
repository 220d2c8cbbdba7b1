"""What Vault hands out, as values that never show their secrets by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from fastmcp_vault.errors import PersonUnknown
from fastmcp_vault.vault.lease import Lease


@dataclass(frozen=True, slots=True)
class VaultToken:
    """A Vault token and what Vault says of it (Vault API: auth/jwt/login, auth/token/renew-self).

    ``metadata`` holds the claims that the role maps (``username``, ``sid``, ``server``).
    """

    token: SecretStr
    accessor: str
    lease: Lease
    entity_id: str
    policies: tuple[str, ...]
    metadata: Mapping[str, str]


MADE_BY_VAULT = "entity_"
UNPROVISIONED = re.compile(MADE_BY_VAULT + r"[0-9a-f]{8}(\.[\w-]+)?")
"""How Vault and OpenBao name the entity that they make by themselves for somebody whom nobody provisioned."""

UNKNOWN = "Vault does not know you: this account was never provisioned."
UNKNOWN_FIX = "Ask an administrator to provision your account, with a name of a-z, 0-9, - and _; then sign in with it."


@dataclass(frozen=True, slots=True)
class Entity:
    """An identity entity: whom Vault takes the caller for (Vault API: identity/entity/id/:id)."""

    id: str
    name: str
    disabled: bool
    metadata: Mapping[str, str]


def require_known(entity: str, **detail: Any) -> None:
    """Raises PersonUnknown, with ``detail``, for an entity that Vault made by itself: nothing is stored for them."""
    if UNPROVISIONED.fullmatch(entity):
        raise PersonUnknown(UNKNOWN, fix=UNKNOWN_FIX, entity=entity, **detail)


NOT_TEXT: Mapping[str, str] = {
    "null": "null",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "object": "an object",
}
"""JSON's types but text, in words."""


@dataclass(frozen=True, slots=True)
class KVContents:
    """One version of a KV v2 secret (Vault API: secret/data/:path); ``created_at`` in seconds since the epoch.

    A field that is not text is in ``data`` as JSON, and ``not_text`` says what it is, by a key of NOT_TEXT.
    """

    data: Mapping[str, SecretStr]
    version: int
    created_at: float
    not_text: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, SecretStr]:
        """The fields that are text, as a credential's must be."""
        return {name: value for name, value in self.data.items() if name not in self.not_text}


@dataclass(frozen=True, slots=True)
class KVVersion:
    """One version of a KV v2 secret, without its contents (Vault API: secret/metadata/:path).

    ``created_at`` in seconds since the epoch; ``gone``: deleted or destroyed.
    """

    number: int
    created_at: float
    gone: bool


@dataclass(frozen=True, slots=True)
class DatabaseCredential:
    """A database user that lives as long as its lease (Vault API: database/creds/:role)."""

    username: str
    password: SecretStr
    lease: Lease


@dataclass(frozen=True, slots=True)
class StaticCredential:
    """A database user that stays, whose password Vault changes (Vault API: database/static-creds/:role).

    ``rotation`` ends when the password is changed next; ``period`` is the seconds from one change to the next.
    """

    username: str
    password: SecretStr
    rotation: Lease
    rotated_at: float
    period: float
