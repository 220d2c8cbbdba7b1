"""What Vault answers, read into values; anything of another shape raises the plain errors that failures.py knows."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from fastmcp_vault.errors import CredentialMissing
from fastmcp_vault.vault.lease import Lease
from fastmcp_vault.vault.models import DatabaseCredential, Entity, KVContents, KVVersion, StaticCredential, VaultToken


def token(answer: Any, issued_at: float) -> VaultToken:
    """A login's or a renewal's answer (Vault API: auth/:method/login, auth/token/renew-self)."""
    auth = answer["auth"]
    return VaultToken(
        token=SecretStr(auth["client_token"]),
        accessor=auth["accessor"],
        lease=Lease("", float(auth["lease_duration"]), issued_at=issued_at, renewable=bool(auth["renewable"])),
        entity_id=auth.get("entity_id") or "",
        policies=tuple(auth.get("policies") or ()),
        metadata=dict(auth.get("metadata") or {}),
    )


def looked_up(value: SecretStr, answer: Any, now: float) -> VaultToken:
    """A token as auth/token/lookup-self describes it; one that never expires has an endless, not renewable lease."""
    data = answer["data"]
    left = float(data["ttl"])
    # What a renewal would give; an increment may have given more.
    life = max(left, float(data.get("period") or data["creation_ttl"]))
    if data["expire_time"] is None:
        lease = Lease("", math.inf, issued_at=now, renewable=False)
    else:
        lease = Lease("", life, issued_at=now + left - life, renewable=bool(data.get("renewable")))
    return VaultToken(
        token=value,
        accessor=data["accessor"],
        lease=lease,
        entity_id=data.get("entity_id") or "",
        policies=tuple(data.get("policies") or ()),
        metadata=dict(data.get("meta") or {}),
    )


def lease(answer: Any, issued_at: float) -> Lease:
    """The lease of any answer that has one."""
    return Lease(
        answer["lease_id"], float(answer["lease_duration"]), issued_at=issued_at, renewable=bool(answer["renewable"])
    )


def entity(data: Any) -> Entity:
    """identity/entity/id/:id."""
    return Entity(
        id=data["id"], name=data["name"], disabled=bool(data.get("disabled")), metadata=dict(data.get("metadata") or {})
    )


def database_user(answer: Any, issued_at: float) -> DatabaseCredential:
    """database/creds/:role."""
    data = answer["data"]
    return DatabaseCredential(
        username=data["username"], password=SecretStr(data["password"]), lease=lease(answer, issued_at)
    )


def static_user(answer: Any, issued_at: float) -> StaticCredential:
    """database/static-creds/:role; its ``ttl`` is the time until Vault changes the password."""
    data = answer["data"]
    return StaticCredential(
        username=data["username"],
        password=SecretStr(data["password"]),
        rotation=Lease("", float(data["ttl"]), issued_at=issued_at, renewable=False),
        rotated_at=datetime.fromisoformat(data["last_vault_rotation"]).timestamp(),
        period=float(data.get("rotation_period") or 0),
    )


def kv(data: Any) -> KVContents:
    """secret/data/:path."""
    return KVContents(
        data={name: SecretStr(_text(value)) for name, value in data["data"].items()},
        not_text={name: _kind(value) for name, value in data["data"].items() if not isinstance(value, str)},
        version=int(data["metadata"]["version"]),
        created_at=datetime.fromisoformat(data["metadata"]["created_time"]).timestamp(),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    """What a JSON value is: a key of NOT_TEXT."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "list" if isinstance(value, list) else "object"


def live_version(data: Any, *, deleted: CredentialMissing) -> int:
    """secret/metadata/:path: the newest version's number; raises ``deleted`` when that version is gone."""
    version = int(data["current_version"])
    newest = data["versions"].get(str(version))
    if newest is None or newest["destroyed"] or newest["deletion_time"]:
        raise deleted
    return version


def versions(data: Any) -> list[KVVersion]:
    """secret/metadata/:path: the versions that are kept, the newest first."""
    found = [
        KVVersion(
            number=int(number),
            created_at=datetime.fromisoformat(one["created_time"]).timestamp(),
            gone=bool(one["destroyed"] or one["deletion_time"]),
        )
        for number, one in data["versions"].items()
    ]
    return sorted(found, key=lambda one: one.number, reverse=True)


def written(answer: Any) -> dict[str, Any]:
    """What a write answers: its ``data``, a login's ``auth``, or nothing at all (204)."""
    if not isinstance(answer, dict):
        return {}
    return dict(answer.get("data") or answer.get("auth") or {})
