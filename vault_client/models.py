"""What Vault hands out, as values that never show their secrets by accident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from vault_client.lease import Lease


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


@dataclass(frozen=True, slots=True)
class Entity:
    """An identity entity: whom Vault takes the caller for (Vault API: identity/entity/id/:id)."""

    id: str
    name: str
    disabled: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KVSecret:
    """One version of a KV v2 secret (Vault API: secret/data/:path); ``created_at`` in seconds since the epoch."""

    data: Mapping[str, SecretStr]
    version: int
    created_at: float


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
