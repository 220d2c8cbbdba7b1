"""The three kinds of secret, each with its rule for when to fetch it again. Values are handed on and kept nowhere.

KV by version, a database user by its lease, a static database user by time: pure decisions about ``now``, and one
call to Vault each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from fastmcp_vault.masking import mask
from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.models import DatabaseCredential, KVContents, StaticCredential, VaultToken

Kind = Literal["kv", "dynamic", "static"]
Secret = KVContents | DatabaseCredential | StaticCredential

Use = Callable[[Kind, Secret], Awaitable[None]]
"""Is given each secret as it comes. Whoever needs the value longer than this call keeps it there."""

DYNAMIC_MARGIN = 10.0
"""Seconds before its end at which a database user is replaced."""

STATIC_SECONDS = 300.0
"""A static database user's password is fetched this often, and at once when Vault has changed it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What may be shown of a secret that was fetched: nothing that opens anything."""

    detail: str
    fetched_at: float
    expires_at: float | None
    """When its time is over: the lease's end, or the next change of the password; None for KV."""
    token: str
    """Accessor of the Vault token that it was fetched with: a lease ends with it."""

    def remaining(self, now: float) -> float | None:
        """Seconds left; never below 0."""
        return None if self.expires_at is None else max(0.0, self.expires_at - now)


class KeptByApplication(Protocol):
    """One secret under care."""

    kind: Kind
    path: str
    fact: Fact | None

    def due(self, now: float, token: VaultToken) -> bool:
        """Whether to look again now."""

    async def fetch(self, vault: Vault, token: VaultToken, now: float, use: Use) -> bool:
        """Look again; whether the secret is a new one. Raises the Problem that Vault answers with."""


class KeptKV:
    """A KV v2 secret: its version is asked for every ``interval`` seconds, its content only when that changed."""

    kind: Kind = "kv"

    def __init__(self, mount: str, name: str, *, interval: float) -> None:
        self.path = f"{mount}/data/{name}"
        self.fact: Fact | None = None
        self._name, self._interval = name, interval
        self._version, self._looked_at = 0, float("-inf")

    def due(self, now: float, token: VaultToken) -> bool:
        """Every ``interval`` seconds."""
        return now - self._looked_at >= self._interval

    async def fetch(self, vault: Vault, token: VaultToken, now: float, use: Use) -> bool:
        """The version, and the secret if that is another one than before."""
        if self.fact is not None and await vault.kv_version(token.token, self._name) == self._version:
            self._looked_at = now
            return False
        secret = await vault.kv_read(token.token, self._name)
        await use(self.kind, secret)
        self._looked_at, self._version = now, secret.version
        shown = ", ".join(f"{name}={mask(value.get_secret_value())}" for name, value in secret.data.items())
        self.fact = Fact(f"version {secret.version}: {shown}", now, None, token.accessor)
        return True


class KeptDynamic:
    """A database user of one's own: replaced when 10 s or less are left, or when the token that made it is replaced."""

    kind: Kind = "dynamic"

    def __init__(self, mount: str, role: str) -> None:
        self.path = f"{mount}/creds/{role}"
        self.fact: Fact | None = None
        self._role, self._lasts = role, 0.0

    def due(self, now: float, token: VaultToken) -> bool:
        """In good time before its end. One that lives less than twice the margin is replaced halfway."""
        if self.fact is None or self.fact.token != token.accessor:
            return True
        left = self.fact.remaining(now)
        return left is not None and left <= min(DYNAMIC_MARGIN, self._lasts / 2)

    async def fetch(self, vault: Vault, token: VaultToken, now: float, use: Use) -> bool:
        """A new user; the one before lives on until its own end, for who is still using it."""
        made = await vault.database_creds(token.token, self._role)
        await use(self.kind, made)
        self._lasts = made.lease.duration
        self.fact = Fact(f"user {made.username}", now, made.lease.expires_at, token.accessor)
        return True


class KeptStatic:
    """A database user that stays, with a password that Vault changes: fetched every 5 minutes and after each change."""

    kind: Kind = "static"

    def __init__(self, mount: str, role: str) -> None:
        self.path = f"{mount}/static-creds/{role}"
        self.fact: Fact | None = None
        self._role, self._rotated_at = role, 0.0

    def due(self, now: float, token: VaultToken) -> bool:
        """By time."""
        if self.fact is None:
            return True
        return now - self.fact.fetched_at >= STATIC_SECONDS or self.fact.remaining(now) == 0

    async def fetch(self, vault: Vault, token: VaultToken, now: float, use: Use) -> bool:
        """The user and its password of the moment; new when Vault has changed it since."""
        found = await vault.database_static_creds(token.token, self._role)
        new = found.rotated_at != self._rotated_at
        if new:
            await use(self.kind, found)
        self._rotated_at = found.rotated_at
        self.fact = Fact(f"user {found.username}", now, found.rotation.expires_at, token.accessor)
        return new
