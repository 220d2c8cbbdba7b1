"""What the token API does at Vault: issue, list, renew and revoke, with the service's own token and nobody else's.

An issued token is an orphan made through the token role ``token-api`` (Vault API: auth/token/create/:role), so it
outlives the service's own. Which accessor belongs to whom is kept in Vault's KV: a listing reads that,
and an accessor that is not in it cannot be touched through this service.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from dataclasses import dataclass

from pydantic import SecretStr

from fastmcp_vault.errors import CredentialMissing, Problem, VaultDenied, VaultError
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault import Vault, VaultSession
from services.token_api.models import Issued, Permissions, TokenInfo

TTL = "1h"
ROLE = "token-api"
REGISTER = "token-api/issued"
ITEMS = "token-api/items"
MOUNT = "secret"

PAGE = 50
"""Tokens looked up for one listing; each costs two calls of Vault."""

PER_HOUR = 1_000
"""Tokens that one owner may have made within the last hour, which is how long each lives unless it is renewed."""

HOUR = 3_600_000_000
"""Microseconds."""

_log = logging.getLogger(__name__)


class TooManyTokens(Problem):
    """This owner has had so many tokens made that no more are, for a while."""

    code, part, retryable = "too_many_tokens", "input", True


@dataclass(frozen=True, slots=True)
class Place:
    """Where an issued token is written down; ``made`` in microseconds since the epoch: many are made in one second."""

    path: str
    made: int
    accessor: str

    @property
    def mark(self) -> str:
        """Where in a listing it stands: what the next page's request names."""
        return f"{self.made:014x}-{self.accessor}"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing, the newest first; ``next``: the mark to ask for what comes after, empty at the end."""

    tokens: list[Issued]
    next: str


class ApiTokens:
    """The tokens that this service issued, each for an owner (a Keycloak user id, or ``anonymous``)."""

    def __init__(self, vault: Vault, session: VaultSession) -> None:
        self._vault, self._session = vault, session

    async def issue(self, owner: str, name: str, permissions: Permissions) -> SecretStr:
        """A new token. Raises TooManyTokens, VaultUnavailable, VaultDenied, VaultError; then there is none."""
        allowed = permissions.allowed()
        own, now = self._session.token, time.time_ns() // 1_000
        if sum(place.made > now - HOUR for place in await self._places(owner)) >= PER_HOUR:
            raise TooManyTokens(
                Sentence("{most} tokens were made for you within an hour.", most=PER_HOUR),
                fix="Try again later.",
            )
        made = await self._vault.write(
            own,
            f"auth/token/create/{ROLE}",
            {
                "policies": [f"token-{permission}" for permission in allowed] or ["default"],
                "ttl": TTL,
                "display_name": name,
                "meta": dict.fromkeys(allowed, "true"),
            },
        )
        token, accessor = SecretStr(made["client_token"]), str(made["accessor"])
        note = {"name": name, "permissions": " ".join(allowed), "created_at": str(now / 1e6)}
        key = f"{_mark(name)}{now:014x}-{accessor}"
        try:
            await self._vault.kv_write(own, f"{REGISTER}/{owner}/{key}", note, mount=MOUNT)
        except Problem:
            # One that is written down nowhere could be neither listed nor revoked by name.
            await self._vault.revoke_self(token)
            raise
        _log.info("Issued a token to %s, accessor %s, for %s", owner, accessor, " ".join(allowed) or "nothing")
        return token

    async def listed(self, owner: str, name: str = "", *, after: str = "") -> Page:
        """The owner's living tokens, the newest first; those of one name, where one is given.

        PAGE of them are looked up at Vault, from the mark ``after`` on: fewer are shown where some have died.
        """
        places = [place for place in await self._places(owner) if not name or _mark(name) in place.path]
        places = [place for place in places if not after or place.mark < after]
        looked = sorted(places, key=lambda place: place.mark, reverse=True)[:PAGE]
        found = await asyncio.gather(*(self._issued(place) for place in looked))
        return Page([issued for issued in found if issued], looked[-1].mark if len(places) > PAGE else "")

    async def renew(self, owner: str, accessor: str) -> Issued:
        """Begin its hour anew. Raises CredentialMissing when this owner has no such token."""
        place = await self._place(owner, accessor)
        await self._vault.write(self._session.token, "auth/token/renew-accessor", {"accessor": accessor})
        issued = await self._issued(place)
        if issued is None:
            raise _unknown()
        return issued

    async def revoke(self, owner: str, accessor: str) -> None:
        """End it. Raises CredentialMissing when this owner has no such token."""
        place = await self._place(owner, accessor)
        await self._vault.write(self._session.token, "auth/token/revoke-accessor", {"accessor": accessor})
        await self._forget(place)
        _log.info("Revoked the token with accessor %s for %s", accessor, owner)

    async def revoke_all(self, owner: str) -> int:
        """End every token of this owner; how many there were. Raises VaultUnavailable; call it again then."""
        places = await self._places(owner)
        for place in places:
            try:
                await self._vault.write(self._session.token, "auth/token/revoke-accessor", {"accessor": place.accessor})
            except (VaultDenied, VaultError):
                _log.info("The token with accessor %s was gone already", place.accessor)
            await self._forget(place)
        return len(places)

    async def look_up(self, token: SecretStr) -> TokenInfo:
        """What Vault says of a token, asked with that token itself. Raises VaultDenied when it is not good."""
        data = await self._vault.lookup_self(token)
        return TokenInfo(
            accessor=data["accessor"],
            user=data["display_name"],
            permissions=dict(data.get("meta") or {}),
            ttl=int(data["ttl"]),
            renewable=bool(data.get("renewable")),
        )

    async def _issued(self, place: Place) -> Issued | None:
        own = self._session.token
        try:
            data = await self._vault.write(own, "auth/token/lookup-accessor", {"accessor": place.accessor})
            note = (await self._vault.kv_read(own, place.path, mount=MOUNT)).data
        except (VaultDenied, VaultError, CredentialMissing):
            # Expired, or revoked by whoever held it. A listing is where that is noticed.
            await self._forget(place)
            return None
        plain = {key: value.get_secret_value() for key, value in note.items()}
        ttl = int(data["ttl"])
        return Issued(
            accessor=place.accessor,
            name=plain["name"],
            permissions=plain["permissions"].split(),
            created_at=float(plain["created_at"]),
            expires_at=time.time() + ttl,
            ttl=ttl,
        )

    async def _place(self, owner: str, accessor: str) -> Place:
        found = next((place for place in await self._places(owner) if place.accessor == accessor), None)
        if found is None:
            raise _unknown()
        return found

    async def _places(self, owner: str) -> list[Place]:
        base = f"{REGISTER}/{owner}"
        keys = await self._vault.list_keys(self._session.token, f"{MOUNT}/metadata/{base}")
        parts = [(key, key.split("-")) for key in keys]
        return [Place(f"{base}/{key}", int(found[1], 16), found[2]) for key, found in parts if len(found) == 3]

    async def _forget(self, place: Place) -> None:
        try:
            await self._vault.delete(self._session.token, f"{MOUNT}/metadata/{place.path}")
        except Problem as problem:
            _log.warning("A dead token is still written down: %s", problem.what)


def _mark(name: str) -> str:
    """What an entry's key begins with: a name may be anything, its hash is fit for a path whatever it holds."""
    return f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}-"


def _unknown() -> CredentialMissing:
    return CredentialMissing("You have no token with this accessor.", fix="List your tokens: GET /api/tokens.")
