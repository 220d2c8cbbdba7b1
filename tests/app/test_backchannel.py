"""A logout token is checked as OpenID Connect Back-Channel Logout 1.0 §2.6 asks."""

from __future__ import annotations

import time
import uuid
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from starlette.requests import Request

from app.pending import SeenTokens
from app.process import AppProcess
from app.routes.backchannel import EVENT, backchannel_logout, check_logout_token
from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.oidc.jwks import KeySource
from fastmcp_vault.state import State
from stack.testing import Stack
from tests.identity import signing
from tests.support.browser import closed_port

ISSUER = "http://localhost:8080/realms/mcp-demo"

GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "mcp-demo-app",
    "sub": "1a",
    "sid": "s-1",
    "jti": "j-1",
    "iat": 1000,
    "exp": 1120,
    "events": {EVENT: {}},
}


def check(**changes: Any) -> dict[str, Any]:
    payload = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return check_logout_token(payload, issuer=ISSUER, client_id="mcp-demo-app", now=1001)


def test_a_good_one_is_accepted() -> None:
    assert check()["sid"] == "s-1"
    assert check(aud=["mcp-demo-app", "other"])["sid"] == "s-1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "http://evil.example"}, "issuer"),
        ({"aud": "mcp-jira"}, "audience"),
        ({"aud": ...}, "audience"),
        ({"events": ...}, "events"),
        ({"events": {}}, "events"),
        ({"events": {EVENT: "x"}}, "events"),
        ({"nonce": "n"}, "nonce"),
        ({"sid": ...}, "sid"),
        ({"sid": ""}, "sid"),
        ({"jti": ...}, "jti"),
        ({"exp": 900}, "expired"),
        ({"exp": ...}, "malformed"),
        ({"iat": 2000}, "not_yet"),
    ],
)
def test_anything_amiss_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenInvalid) as refused:
        check(**changes)
    assert refused.value.detail["reason"] == reason


def posted(token: str) -> Request:
    body = urlencode({"logout_token": token}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-length", b"%d" % len(body))]}, receive)


async def test_what_could_not_be_done_may_be_sent_again_and_what_was_done_may_not(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keycloak repeats the same token when it hears 503."""
    now = time.time()
    sid = f"test-{uuid.uuid4()}"
    token = signing.signed({**GOOD, "iss": signing.ISSUER, "sid": sid, "jti": sid, "iat": now, "exp": now + 60})
    process = SimpleNamespace(
        settings=SimpleNamespace(issuer=signing.ISSUER, app_client_id="mcp-demo-app"),
        keys=KeySource(signing.JWKS_URL, client=signing.Realm().client()),
        seen=SeenTokens(),
        state=State(SecretStr(f"postgresql://localhost:{closed_port()}/mcp_state")),
    )
    monkeypatch.setattr(AppProcess, "current", classmethod(lambda cls: process))
    assert (await backchannel_logout(posted(token))).status_code == 503
    async with State(SecretStr(stack.environment("app")["STATE_DSN"])) as process.state:
        assert (await backchannel_logout(posted(token))).status_code == 200
        assert process.state.ended(sid)
        assert (await backchannel_logout(posted(token))).status_code == 400
    await process.keys.close()
