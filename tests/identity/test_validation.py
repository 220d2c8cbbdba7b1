"""A token is accepted only if everything about it is right; what is wrong is named, the token never shown."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt

from fastmcp_vault.errors import KeycloakUnavailable, TokenInvalid
from fastmcp_vault.oidc import TokenValidator, unverified_claims
from fastmcp_vault.oidc.jws import RS256
from tests.identity.signing import FOREIGN, GOOD, ISSUER, JWKS_URL, NOW, Realm, claims, key, signed


@pytest.fixture
def realm() -> Realm:
    return Realm()


@pytest.fixture
async def validator(realm: Realm) -> AsyncIterator[TokenValidator]:
    made = make(realm)
    yield made
    await made.close()


def make(realm: Realm, *, audience: str | None = "mcp-jira") -> TokenValidator:
    return TokenValidator(
        issuer=ISSUER,
        jwks_url=JWKS_URL,
        audience=audience,
        exclusive="mcp-",
        clock=lambda: realm.now,
        client=realm.client(),
    )


async def test_a_good_token_tells_who_it_is(validator: TokenValidator) -> None:
    found = await validator.validate(signed(claims()))
    assert (found.sub, found.username, found.sid, found.azp, found.aud) == (
        "0a1b",
        "alice",
        "s1",
        "mcp-demo-app",
        ("mcp-jira",),
    )
    assert found.scopes == {"openid", "mcp:jira"}
    assert found.remaining(NOW + 100) == 200


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("expired", {"exp": NOW - 6}),
    ("malformed", {"exp": None}),
    ("malformed", {"exp": "tomorrow"}),
    ("malformed", {"exp": float("nan")}),
    ("malformed", {"exp": True}),
    ("malformed", {"iat": None}),
    ("not_yet", {"nbf": NOW + 6}),
    ("not_yet", {"nbf": "soon"}),
    ("not_yet", {"iat": NOW + 6}),
    ("issuer", {"iss": "http://localhost:8080/realms/other"}),
    ("issuer", {"iss": None}),
    ("type", {"typ": "ID"}),
    ("type", {"typ": "Refresh"}),
    ("type", {"typ": None}),
    ("subject", {"sub": None}),
    ("subject", {"sub": ""}),
    ("subject", {"sub": 7}),
    ("audience", {"aud": "mcp-github"}),
    ("audience", {"aud": None}),
    ("audience", {"aud": ["mcp-jira", "mcp-github"]}),
    ("malformed", {"aud": ["mcp-jira", 7]}),
    ("malformed", {"scope": ["mcp:jira"]}),
]


@pytest.mark.parametrize(("reason", "change"), WRONG, ids=str)
async def test_one_wrong_claim_is_enough(validator: TokenValidator, reason: str, change: dict[str, Any]) -> None:
    token = signed(claims(**change))
    with pytest.raises(TokenInvalid) as refused:
        await validator.validate(token)
    assert refused.value.detail["reason"] == reason
    assert token[20:60] not in str(refused.value)


@pytest.mark.parametrize(
    "change", [{"exp": NOW - 4}, {"nbf": NOW + 4}, {"aud": ["mcp-jira", "account"]}, {"nbf": NOW - 100}, {"extra": [1]}]
)
async def test_what_is_within_the_rules_passes(validator: TokenValidator, change: dict[str, Any]) -> None:
    assert (await validator.validate(signed(claims(**change)))).username == "alice"


def _unsigned(header: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(claims())}."


def _shared_secret(secret: bytes) -> str:
    signed_part = _unsigned({"alg": "HS256", "kid": "good"}).removesuffix(".")
    signature = hmac.new(secret, signed_part.encode(), "sha256").digest()
    return f"{signed_part}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGED: dict[str, Callable[[], str]] = {
    "signed with another key of the same id": lambda: signed(claims(), by=FOREIGN),
    "signed with a key nobody published": lambda: signed(claims(), by=key("unknown")),
    "not signed": lambda: _unsigned({"alg": "none"}),
    "not signed, with a key id": lambda: _unsigned({"alg": "none", "kid": "good"}),
    "signed with the public key as a shared secret": lambda: _shared_secret(GOOD.as_pem(private=False)),
    "signed with another algorithm": lambda: jwt.encode(
        {"alg": "RS512", "kid": "good"}, claims(), GOOD, algorithms=["RS512"]
    ),
    "without a key id": lambda: jwt.encode({"alg": "RS256"}, claims(), GOOD),
    "with a critical header": lambda: _swap_header({"alg": "RS256", "kid": "good", "crit": ["exp"], "exp": 1}),
    "changed after signing": lambda: _swap_payload(claims(sub="bob's id")),
    "without its signature": lambda: signed(claims()).rpartition(".")[0] + ".",
    "too long": lambda: signed(claims(padding="x" * RS256.most)),
    "empty": lambda: "",
    "no token at all": lambda: "hello",
    "a token of five parts": lambda: signed(claims()) + ".a.b",
    "not ASCII": lambda: signed(claims()) + "é",
    "a header that is a list": lambda: base64.urlsafe_b64encode(b"[1]").decode() + ".e30.e30",
    "a header nested without end": lambda: base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.e30",
}


def _swap_header(header: dict[str, Any]) -> str:
    _, rest = signed(claims()).split(".", 1)
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode() + "." + rest


def _swap_payload(payload: dict[str, Any]) -> str:
    head, _, signature = signed(claims()).split(".")
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_a_forged_token_is_refused(validator: TokenValidator, how: str) -> None:
    assert (await validator.validate(signed(claims()))).username == "alice"
    with pytest.raises(TokenInvalid):
        await validator.validate(FORGED[how]())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=300) | st.builds(lambda a, b, c: f"{a}.{b}.{c}", *[st.text(max_size=60)] * 3))
def test_no_text_whatsoever_breaks_the_validator(text: str) -> None:
    async def once() -> None:
        validator = make(Realm())
        with pytest.raises(TokenInvalid):
            await validator.validate(text)
        await validator.close()

    asyncio.run(once())
    assert isinstance(unverified_claims(text), dict)


async def test_no_audience_asked_for_accepts_any(realm: Realm) -> None:
    validator = make(realm, audience=None)
    assert (await validator.validate(signed(claims(aud=None)))).aud == ()
    await validator.close()


async def test_a_token_seen_before_is_cheap_and_still_expires(validator: TokenValidator, realm: Realm) -> None:
    token = signed(claims())
    first = await validator.validate(token)
    assert await validator.validate(token) is first
    realm.now = NOW + 306
    with pytest.raises(TokenInvalid):
        await validator.validate(token)


async def test_keys_are_fetched_once_for_all_who_wait(validator: TokenValidator, realm: Realm) -> None:
    await asyncio.gather(*(validator.validate(signed(claims(jti=str(n)))) for n in range(30)))
    assert realm.asked == 1


async def test_a_new_key_is_found_and_unknown_ones_cannot_cause_a_flood(
    validator: TokenValidator, realm: Realm
) -> None:
    await validator.validate(signed(claims()))
    realm.now += 10
    new = key("new")
    realm.keys.append(new)
    assert (await validator.validate(signed(claims(), by=new))).username == "alice"
    assert realm.asked == 2
    unknown = signed(claims(), by=key("unknown"))
    for _ in range(20):
        with pytest.raises(TokenInvalid):
            await validator.validate(unknown)
    assert realm.asked == 2
    realm.now += 5
    with pytest.raises(TokenInvalid):
        await validator.validate(unknown)
    assert realm.asked == 3


async def test_known_keys_serve_through_an_outage_and_the_rest_is_said_to_be_one(
    validator: TokenValidator, realm: Realm
) -> None:
    await validator.validate(signed(claims()))
    realm.up = False
    realm.now += 301
    later = {"iat": realm.now, "exp": realm.now + 300}
    assert (await validator.validate(signed(claims(**later)))).username == "alice"
    await asyncio.sleep(0)
    realm.now += 10
    with pytest.raises(KeycloakUnavailable) as refused:
        await validator.validate(signed(claims(**later), by=key("unknown")))
    assert refused.value.retryable


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"keys": []}', b'{"keys": [{"kty": "RSA"}]}', b"[" * 9000])
async def test_without_a_key_set_nothing_is_accepted_until_there_is_one(realm: Realm, body: bytes) -> None:
    validator = make(realm)
    realm.body = body
    with pytest.raises(KeycloakUnavailable):
        await validator.validate(signed(claims()))
    realm.body = None
    realm.now += 5
    assert (await validator.validate(signed(claims()))).username == "alice"
    await validator.close()


async def test_a_key_withdrawn_at_keycloak_is_withdrawn_here(validator: TokenValidator, realm: Realm) -> None:
    old = signed(claims(exp=NOW + 3000))
    await validator.validate(old)
    new = key("new")
    realm.keys = [new]
    realm.now += 301
    await validator.validate(signed(claims(iat=realm.now, exp=realm.now + 300), by=new))
    with pytest.raises(TokenInvalid):
        await validator.validate(old)


def test_display_never_fails() -> None:
    assert unverified_claims(signed(claims()))["sub"] == "0a1b"
    assert unverified_claims("a.b.c") == {}
    assert unverified_claims("a." + base64.urlsafe_b64encode(b"[" * 9000).decode() + ".c") == {}
