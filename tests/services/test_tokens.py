"""Tokens that are nearly good, sent to the real service: each is refused, and the refusal names the one thing wrong."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agents.errors import InvalidToken
from services.agents.tokens import check, read_header
from tests.services.agents import Agent, Site, b64, forged, refused

NOW = int(time.time())


@pytest.fixture
def anybody(site: Site) -> Agent:
    """Somebody to send things with; needs no certificate for that."""
    return Agent(site.services, None, authority=site.authority)


def test_the_forgers_own_token_is_good_when_nothing_is_wrong_with_it(site: Site, anybody: Agent) -> None:
    assert anybody.call("/api/whoami", forged(site)).status_code == 200
    assert anybody.call("/api/whoami", forged(site, header={"kid": None, "typ": None})).status_code == 200


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"exp": NOW - 3600}, "token_expired"),
        ({"nbf": NOW + 3600}, "token_not_yet_valid"),
        ({"iat": NOW + 3600}, "token_not_yet_valid"),
        ({"iss": "https://evil.example"}, "invalid_issuer"),
        ({"aud": "mcp-jira"}, "invalid_audience"),
        ({"aud": ["a", "b"]}, "invalid_audience"),
        *(({claim: None}, "missing_claim") for claim in ("iss", "aud", "exp", "iat", "jti", "sub")),
        ({"exp": "tomorrow"}, "malformed_claims"),
        ({"exp": float("nan")}, "malformed_claims"),
        ({"exp": True}, "malformed_claims"),
        ({"scope": ["agent:commands"]}, "malformed_claims"),
        ({"sub": 7}, "malformed_claims"),
        ({"cnf": {"jkt": "x"}}, "unsupported_confirmation"),
        ({"cnf": "x"}, "unsupported_confirmation"),
        ({"header": {"kid": "nobody"}}, "unknown_key"),
        ({"header": {"typ": "dpop+jwt"}}, "unsupported_token_type"),
        ({"header": {"crit": ["x"], "x": 1}}, "unsupported_token_type"),
        ({"header": {"alg": "HS512"}}, "unsupported_algorithm"),
        ({"key": "another-key-of-some-forty-bytes-or-so-here"}, "invalid_signature"),
        ({"padding": "x" * 9000}, "token_too_long"),
    ],
    # Workers collect at different times, and must find the same names.
    ids=lambda v: v if isinstance(v, str) else re.sub(r"\d{9,}", "…", json.dumps(v)[:40]),
)
def test_one_thing_wrong_is_named(site: Site, anybody: Agent, changes: dict[str, Any], cause: str) -> None:
    assert refused(anybody.call("/api/whoami", forged(site, **changes))) == (401, "invalid_token", cause)


def part(value: Any) -> str:
    return b64(json.dumps(value).encode())


def test_no_algorithm_but_the_one_is_taken_whatever_the_header_says(site: Site, anybody: Agent) -> None:
    head, payload, signature = forged(site).split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    for algorithm in ("none", "None", "RS256", "ES256", "HS384", "", None, 1, ["HS256"]):
        token = f"{part({'alg': algorithm, 'kid': kid})}.{payload}.{'' if algorithm == 'none' else signature}"
        assert refused(anybody.call("/api/whoami", token))[2] == "unsupported_algorithm", algorithm


def test_a_changed_claim_breaks_the_signature(site: Site, anybody: Agent) -> None:
    head, payload, signature = forged(site, scope="").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    token = f"{head}.{part(claims | {'scope': 'agent:commands'})}.{signature}"
    assert refused(anybody.call("/api/commands", token)) == (401, "invalid_token", "invalid_signature")


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "e30.e30.", "W10.e30.x", "[" * 2000 + ".x.y"])
def test_what_is_no_token_is_called_malformed_or_of_another_kind(anybody: Agent, token: str) -> None:
    status, error, cause = refused(anybody.call("/api/whoami", token))
    assert (status, error) == (401, "invalid_token")
    assert cause in ("malformed_token", "unsupported_algorithm")


def test_a_token_without_a_scope_is_good_for_what_needs_none(site: Site, anybody: Agent) -> None:
    token = forged(site, scope=None)
    assert anybody.call("/api/token-info", token).json()["scope"] == ""
    assert refused(anybody.call("/api/commands", token))[:2] == (403, "insufficient_scope")


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.sampled_from(["iss", "aud", "exp", "iat", "jti", "sub", "scope", "cnf", "nbf"]), JSON))
def test_no_claims_whatever_make_the_check_break(payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        check(payload, issuer="https://issuer", audience="biz-service", now=NOW)


@settings(max_examples=200)
@given(st.text())
def test_no_text_whatever_makes_the_header_reading_break(text: str) -> None:
    with pytest.raises(InvalidToken):
        read_header(text)
