"""An authorization server in memory: codes good once, refresh tokens that rotate, grants that a person can end.

Source: RFC 6749 §4.1 and §6, RFC 7636, RFC 9700 §4.14.2 (rotation and what a reused refresh token means).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

CODE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """A program that people may let in: known by its id and secret, answered at one of its addresses."""

    client_id: str
    secret: str = field(repr=False)
    title: str = ""
    redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What the token endpoint gives out. Lifetimes in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    scopes: tuple[str, ...]


@dataclass(slots=True)
class MockGrant:
    """What one person granted one program. Tokens as digests; ``access``: digest → end (seconds since the epoch)."""

    client_id: str
    username: str
    scopes: list[str]
    made_at: float
    access: dict[str, float] = field(default_factory=dict)
    refresh: str = ""
    refresh_until: float = 0.0
    spent: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Code:
    client_id: str
    redirect_uri: str
    challenge: str
    username: str
    scopes: tuple[str, ...]
    until: float


class OAuthRefused(Exception):
    """An error of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description = error, description


class OAuthServer:
    """Grants of people to programs. ``prefixes``: of access and refresh tokens. ``clock``: seconds since the epoch.

    ``reuse_ends``: a refresh token used twice ends the whole grant; otherwise it is refused and nothing more.
    ``old_access_ends``: a refresh ends the access token before. ``kept``: a file of digests that outlives the process.
    """

    def __init__(
        self,
        apps: Iterable[OAuthApp],
        *,
        access_seconds: int,
        refresh_seconds: int,
        prefixes: tuple[str, str],
        reuse_ends: bool,
        old_access_ends: bool,
        kept: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._apps = {app.client_id: app for app in apps}
        self._access_seconds, self._refresh_seconds = access_seconds, refresh_seconds
        self._prefixes, self._reuse_ends, self._old_access_ends = prefixes, reuse_ends, old_access_ends
        self._clock, self._kept = clock, kept
        self._codes: dict[str, _Code] = {}
        self._grants = self._read()
        self.refreshes = 0
        """Refresh tokens that were taken since the start: what a test of races counts."""

    def app(self, client_id: str, redirect_uri: str) -> OAuthApp | None:
        """The program, if it may be answered there (RFC 6749 §3.1.2.3: to the letter)."""
        found = self._apps.get(client_id)
        return found if found is not None and redirect_uri in found.redirect_uris else None

    def authenticated(self, client_id: str, secret: str) -> OAuthApp:
        """The program that proved itself. Raises OAuthRefused."""
        found = self._apps.get(client_id)
        if found is None or not secrets.compare_digest(found.secret.encode(), secret.encode()):
            raise OAuthRefused("invalid_client", "The client id or secret is not correct.")
        return found

    def authorize(
        self, app: OAuthApp, *, redirect_uri: str, scopes: Iterable[str], challenge: str, username: str
    ) -> str:
        """The person said yes: a code, good once and for a minute."""
        code, now = secrets.token_urlsafe(32), self._clock()
        self._codes = {digest: one for digest, one in self._codes.items() if one.until > now}
        wanted = tuple(dict.fromkeys(scopes))
        self._codes[_digest(code)] = _Code(app.client_id, redirect_uri, challenge, username, wanted, now + CODE_SECONDS)
        return code

    def redeem(self, app: OAuthApp, *, code: str, redirect_uri: str, verifier: str) -> TokenPair:
        """Tokens for a code. Raises OAuthRefused."""
        found = self._codes.pop(_digest(code), None)
        if (
            found is None
            or found.until < self._clock()
            or (found.client_id, found.redirect_uri) != (app.client_id, redirect_uri)
            or (found.challenge and _challenge(verifier) != found.challenge)
        ):
            raise OAuthRefused("invalid_grant", "The code is wrong, used, expired, or was given to somebody else.")
        grant = self._grants.get(_key(app.client_id, found.username))
        if grant is None:
            grant = MockGrant(app.client_id, found.username, [], self._clock())
            self._grants[_key(app.client_id, found.username)] = grant
        grant.scopes = list(found.scopes)
        return self._issue(grant)

    def refresh(self, app: OAuthApp, token: str) -> TokenPair:
        """New tokens for a refresh token, which is spent. Raises OAuthRefused."""
        digest = _digest(token)
        for grant in [one for one in self._grants.values() if one.client_id == app.client_id]:
            if digest == grant.refresh and grant.refresh_until > self._clock():
                self.refreshes += 1
                return self._issue(grant)
            if digest in grant.spent and self._reuse_ends:
                # Somebody has a copy, and which of the two is the thief is not to be told.
                self.end(grant.client_id, grant.username)
        raise OAuthRefused("invalid_grant", "Unknown or invalid refresh token.")

    def person(self, access_token: str) -> tuple[str, tuple[str, ...]] | None:
        """Whose access token it is, and for which scopes; None for one that opens nothing (any more)."""
        digest, now = _digest(access_token), self._clock()
        for grant in self._grants.values():
            if grant.access.get(digest, 0.0) > now:
                return grant.username, tuple(grant.scopes)
        return None

    def revoke(self, app: OAuthApp, token: str) -> bool:
        """End the grant that a token belongs to (RFC 7009 §2.1); whether there was one."""
        digest = _digest(token)
        for grant in list(self._grants.values()):
            if grant.client_id == app.client_id and (digest == grant.refresh or digest in grant.access):
                self.end(grant.client_id, grant.username)
                return True
        return False

    def end(self, client_id: str, username: str) -> None:
        """The grant is no more, and no token of it opens anything."""
        self._grants.pop(_key(client_id, username), None)
        self._write()

    def granted_by(self, username: str) -> list[tuple[OAuthApp, MockGrant]]:
        """What a person granted, and to whom."""
        found = [grant for grant in self._grants.values() if grant.username == username]
        return [(self._apps[grant.client_id], grant) for grant in found if grant.client_id in self._apps]

    def _issue(self, grant: MockGrant) -> TokenPair:
        now = self._clock()
        access, refresh = (prefix + secrets.token_urlsafe(36) for prefix in self._prefixes)
        if grant.refresh:
            grant.spent = [*grant.spent, grant.refresh][-50:]
        kept = {} if self._old_access_ends else {one: end for one, end in grant.access.items() if end > now}
        grant.access = kept | {_digest(access): now + self._access_seconds}
        grant.refresh, grant.refresh_until = _digest(refresh), now + self._refresh_seconds
        self._write()
        return TokenPair(access, refresh, self._access_seconds, self._refresh_seconds, tuple(grant.scopes))

    def _read(self) -> dict[str, MockGrant]:
        try:
            kept = json.loads(self._kept.read_text()) if self._kept is not None else {}
            return {key: MockGrant(**grant) for key, grant in kept.items()}
        except (OSError, ValueError, TypeError):
            return {}

    def _write(self) -> None:
        if self._kept is not None:
            new = self._kept.with_suffix(".new")
            new.write_text(json.dumps({key: asdict(grant) for key, grant in self._grants.items()}))
            new.replace(self._kept)


def origin(address: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _key(client_id: str, username: str) -> str:
    return f"{client_id}/{username}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("utf-8", "replace")).digest()).rstrip(b"=").decode()
