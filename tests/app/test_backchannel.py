"""A logout token is checked as OpenID Connect Back-Channel Logout 1.0 §2.6 asks."""

from __future__ import annotations

from typing import Any

import pytest

from app.routes.backchannel import EVENT, check_logout_token
from common.errors import TokenInvalid

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
