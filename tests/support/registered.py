"""A client that registered itself, with its person signed in: its tokens, and what Keycloak answers to them."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from fastmcp_vault.http import TimedSession
from stack.testing import Stack
from tests.support.login import agree
from tests.support.people import Person

REDIRECT = "http://127.0.0.1:33418/callback"


@dataclass
class Registered:
    """One registered client and one sign-in. ``tokens``: the newest token response (RFC 6749 §5.1)."""

    realm: str
    client_id: str
    tokens: dict[str, Any]

    @property
    def access_token(self) -> str:
        """The newest access token."""
        return str(self.tokens["access_token"])

    @property
    def refresh_token(self) -> str:
        """The newest refresh token."""
        return str(self.tokens["refresh_token"])

    def refresh(self, refresh_token: str) -> requests.Response:
        """What Keycloak answers to this refresh token (RFC 6749 §6)."""
        form = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": refresh_token}
        return _post(f"{self.realm}/protocol/openid-connect/token", data=form)


def registered(stack: Stack, person: Person, *, scope: str = "mcp:jira") -> Registered:
    """Register (RFC 7591), have ``person`` sign in and agree, redeem the code."""
    realm = f"{stack.url('keycloak')}/realms/mcp-demo"
    wish = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "Stranger"}
    made = _post(f"{realm}/clients-registrations/openid-connect", json=wish | {"scope": scope})
    assert made.status_code == 201, made.text
    client_id, verifier = made.json()["client_id"], secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {"response_type": "code", "client_id": client_id, "redirect_uri": REDIRECT, "scope": scope}
    query |= {"code_challenge": challenge, "code_challenge_method": "S256", "state": "x"}
    arrived, _ = agree(f"{realm}/protocol/openid-connect/auth?{urlencode(query)}", person.username, person.password)
    code = parse_qs(urlsplit(arrived).query)["code"][0]
    form = {"grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": REDIRECT}
    answer = _post(f"{realm}/protocol/openid-connect/token", data=form | {"code_verifier": verifier})
    assert answer.status_code == 200, answer.text
    return Registered(realm, client_id, answer.json())


def _post(url: str, **body: Any) -> requests.Response:
    with TimedSession(timeout=30) as session:
        return session.post(url, **body)
