"""What a person granted us at a provider: the tokens, what they open, and whose account it is; as Vault keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import SecretStr

from fastmcp_vault.errors import CredentialMissing
from fastmcp_vault.sentences import Sentence

AHEAD_SECONDS = 60.0
"""An access token with less life left than this is refreshed by the next call; of a short-lived one a tenth of its life
is enough."""


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What the token endpoint answered (RFC 6749 §5.1). Times in seconds since the epoch; 0: not told."""

    access_token: SecretStr
    refresh_token: SecretStr | None
    expires_at: float
    refresh_expires_at: float = 0.0
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """Whose access token it is. ``resource``: what it opens, where the API's address holds that; ``site``: where
    people see it."""

    id: str
    name: str
    resource: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class AccountGrant:
    """A connected account. Times in seconds since the epoch; 0: not told. ``refreshed_by``: which replica it was.

    ``ended``: why it works no more; then it holds no tokens.
    """

    provider: str
    account: ProviderAccount
    access_token: SecretStr
    refresh_token: SecretStr | None
    expires_at: float
    refresh_expires_at: float
    scopes: tuple[str, ...]
    connected_at: float
    refreshed_at: float = 0.0
    refreshed_by: str = ""
    ended: str = ""

    @classmethod
    def of(cls, tokens: ProviderTokens, account: ProviderAccount, *, provider: str, at: float) -> AccountGrant:
        """A connection that a person made just now."""
        return cls(
            provider,
            account,
            tokens.access_token,
            tokens.refresh_token,
            tokens.expires_at,
            tokens.refresh_expires_at,
            tokens.scopes,
            connected_at=at,
        )

    def refreshed(self, tokens: ProviderTokens, *, at: float, by: str) -> AccountGrant:
        """The same connection with new tokens. A refresh token that does not rotate stays (RFC 6749 §6)."""
        return replace(
            self,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or self.refresh_token,
            expires_at=tokens.expires_at,
            refresh_expires_at=tokens.refresh_expires_at or self.refresh_expires_at,
            scopes=tokens.scopes or self.scopes,
            refreshed_at=at,
            refreshed_by=by,
        )

    def over(self, why: str) -> AccountGrant:
        """The same connection without its tokens: the provider honours it no more."""
        return replace(
            self, access_token=SecretStr(""), refresh_token=None, expires_at=0.0, refresh_expires_at=0.0, ended=why
        )

    def due(self, now: float) -> bool:
        """Whether the access token should be refreshed before it is used."""
        return bool(self.expires_at) and self.expires_at - now < self._ahead

    def refresh_at(self, now: float) -> float:
        """From when on it should be refreshed before it is used; 0: never. One that is due already was kept because the
        provider is down, and is used until it ends."""
        if not self.expires_at:
            return 0.0
        return self.expires_at - (self._ahead if not self.due(now) else 0.0)

    @property
    def _ahead(self) -> float:
        life = self.expires_at - (self.refreshed_at or self.connected_at)
        return min(AHEAD_SECONDS, max(0.0, life / 10))

    def alive(self, now: float, *, margin: float) -> bool:
        """Whether the access token still opens anything."""
        return not self.expires_at or self.expires_at - now > margin

    def fields(self) -> dict[str, str]:
        """The fields of its KV secret: what is secret, and the rest as one."""
        secret = {"access_token": self.access_token.get_secret_value()}
        if self.refresh_token is not None:
            secret["refresh_token"] = self.refresh_token.get_secret_value()
        return secret | {"grant": json.dumps(self._open(), separators=(",", ":"))}

    @classmethod
    def read(cls, data: Mapping[str, SecretStr], *, path: str) -> AccountGrant:
        """From :meth:`fields`. Raises CredentialMissing for a secret that is none of ours."""
        try:
            told = json.loads(data["grant"].get_secret_value())
            account = ProviderAccount(**told.pop("account"))
            told["scopes"] = tuple(told["scopes"])
            refresh_token = data.get("refresh_token")
            return cls(account=account, access_token=data["access_token"], refresh_token=refresh_token, **told)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise CredentialMissing(
                Sentence("What lies at {path} is no connected account.", path=path),
                fix="Connect the account again, on the app's page My secrets.",
                path=path,
            ) from None

    def _open(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "account": {
                "id": self.account.id,
                "name": self.account.name,
                "resource": self.account.resource,
                "site": self.account.site,
            },
            "expires_at": self.expires_at,
            "refresh_expires_at": self.refresh_expires_at,
            "scopes": list(self.scopes),
            "connected_at": self.connected_at,
            "refreshed_at": self.refreshed_at,
            "refreshed_by": self.refreshed_by,
            "ended": self.ended,
        }


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What may be told of a connection to whom may not read its tokens: Vault keeps it beside the secret.

    ``since``, ``until``: seconds since the epoch; 0: not told.
    """

    provider: str
    account: str
    scopes: tuple[str, ...] = ()
    since: float = 0.0
    until: float = 0.0
    ended: str = field(default="")

    @classmethod
    def of(cls, grant: AccountGrant) -> ConnectionFacts:
        """Of a grant, without its tokens."""
        return cls(
            grant.provider,
            grant.account.name,
            grant.scopes,
            grant.connected_at,
            grant.refresh_expires_at,
            grant.ended,
        )

    def metadata(self) -> dict[str, str]:
        """As custom metadata of the KV engine, whose values are text of 1 to 512 bytes."""
        told = {
            "provider": self.provider,
            "account": self.account[:120],
            "scopes": " ".join(self.scopes)[:500],
            "since": f"{self.since:.0f}",
            "until": f"{self.until:.0f}",
            "ended": self.ended[:120],
        }
        return {name: value for name, value in told.items() if value}

    @classmethod
    def read(cls, metadata: Mapping[str, Any]) -> ConnectionFacts | None:
        """From :meth:`metadata`; None for what is none of ours."""
        try:
            told = {name: str(metadata[name]) for name in ("provider", "account")}
            told |= {name: str(metadata.get(name, "")) for name in ("scopes", "ended")}
            since, until = float(metadata["since"]), float(metadata["until"])
        except (KeyError, TypeError, ValueError):
            return None
        scopes = tuple(told["scopes"].split())
        return cls(told["provider"], told["account"], scopes, since, until, told["ended"])
