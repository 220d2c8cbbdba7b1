"""What is held for one person's one session at one server: their login at Vault, and the credential read with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from fastmcp_vault.credentials.sources import MARGIN_SECONDS, C
from fastmcp_vault.errors import Problem
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.vault import Entity, Lease, VaultToken

STALE_SECONDS = 5.0
"""Staleness bound: a changed credential, a disabled person or a removed entitlement is noticed by then."""

RENEWED_AT = 2 / 3
"""The part of a lease's life after which it is renewed."""


_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Grant(Generic[C]):
    """A login at Vault for one (issuer, subject, session, server), and its credential once that is read.

    Times in seconds since the epoch. ``claims``: of the caller it was made for. ``caller_until``: the latest expiry
    among the access tokens seen, which nothing outlives. ``checked_at``: when Vault last confirmed it. ``problem``: why
    the first read brought nothing, for the call that it was made for. ``dead``: it works no more. ``ahead``: it was
    made when tools were listed. ``traded``: the claims of the token that the login was made with, for traces.
    ``credential`` and ``login`` change only under ``lock``.
    """

    login: VaultToken
    entity: Entity
    claims: Claims
    made_at: float
    caller_until: float
    credential: C | None = None
    problem: Problem | None = None
    checked_at: float = 0.0
    ahead: bool = False
    traded: Mapping[str, Any] = field(default_factory=dict)
    dead: bool = False
    released: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def expires_at(self) -> float:
        """When it must go: with the Vault token or with the caller's token, whichever ends first; dead, at once."""
        return 0.0 if self.dead else min(self.login.lease.expires_at - MARGIN_SECONDS, self.caller_until)

    def usable(self, now: float) -> C | None:
        """The credential, if it is there and has time left; whether it was confirmed is asked before."""
        return self.credential if self.credential is not None and self.credential.has_time(now) else None

    def due(self, now: float) -> bool:
        """Whether one of its leases should be renewed now."""
        return not self.dead and any(renewal_due(lease, now) for lease in self.leases)

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Of the Vault token, and of the credential if it has one."""
        own = self.credential.lease if self.credential else None
        return (self.login.lease, own) if own else (self.login.lease,)


@dataclass(frozen=True, slots=True)
class HeldCredential(Generic[C]):
    """A credential in use: whose (Vault's entity), and until when (seconds since the epoch) it holds."""

    credential: C
    grant: Grant[C]

    @property
    def entity(self) -> str:
        """Vault's name for the person."""
        return self.grant.entity.name

    @property
    def entity_id(self) -> str:
        """Vault's id of the person."""
        return self.grant.entity.id

    @property
    def until(self) -> float:
        """The end of the lease, or of the Vault token where there is no lease of its own."""
        return holds_until(self.credential, self.grant.login)


def holds_until(credential: C, login: VaultToken) -> float:
    """When a credential ends (seconds since the epoch): with its lease, with its login at the latest."""
    token_ends = login.lease.expires_at
    return min(credential.lease.expires_at, token_ends) if credential.lease else token_ends


def renewal_due(lease: Lease, now: float) -> bool:
    """Whether a lease that can be renewed should be."""
    return lease.renewable and lease.due(now, fraction=RENEWED_AT)


async def renewed(lease: Lease, renewing: Awaitable[Lease]) -> Lease:
    """What ``renewing`` gives. Where that is refused, or its end did not move because the maximum is reached, the lease
    as it is, which is not renewed any more; where Vault does not answer, as it is, to be tried again."""
    try:
        again = await renewing
    except Problem as problem:
        if problem.retryable:
            return lease
        _log.warning("A lease could not be renewed, and ends in %.0f s at most: %s", lease.duration, problem)
        return replace(lease, renewable=False)
    return again if again.expires_at > lease.expires_at else replace(lease, renewable=False)
