"""No secret survives, in whatever shape it arrives; what is no secret stays readable."""

from __future__ import annotations

import base64
import json
import logging
import string
import sys
import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.logs import MaskingFormatter
from fastmcp_vault.masking import (
    BULLETS,
    is_secret_name,
    mask,
    mask_headers,
    mask_query,
    mask_text,
    mask_url,
    mask_value,
)
from fastmcp_vault.secret_patterns import PATTERNS, SAFE_NAMES, SECRET_NAMES, WORDS, SecretPattern


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_each_pattern_finds_its_example_which_is_masked(pattern: SecretPattern) -> None:
    assert pattern.pattern.search(pattern.example)
    assert pattern.secret in pattern.example
    assert pattern.secret not in mask_text(pattern.example)


def test_each_name_of_the_table_is_secret_or_an_exception_to_one_that_is() -> None:
    for name in SECRET_NAMES:
        assert is_secret_name(name.example), name
        assert any(word in name.example.lower() for word in WORDS), name
    for name in SAFE_NAMES:
        assert not is_secret_name(name.example), name


URL_SAFE = string.ascii_letters + string.digits + "_-"


def _segment(least: int, most: int = 60) -> st.SearchStrategy[str]:
    return st.text(URL_SAFE, min_size=least, max_size=most)


jws = st.builds(lambda h, p, s: f"eyJ{h}.eyJ{p}.{s}", _segment(10), _segment(10), _segment(20))
vault = st.builds(lambda kind, body: f"{kind}.{body}", st.sampled_from(["hvs", "hvb", "s", "b"]), _segment(24, 90))
github = st.builds(lambda body: f"ghp_{body}", st.text(string.ascii_letters + string.digits, min_size=36, max_size=36))
atlassian = st.builds(lambda body: f"ATATT3x{body}", _segment(40, 90))
shaped = st.one_of(jws, vault, github, atlassian)
"""Tokens that are recognised by their shape alone."""

printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="•…"), min_size=20, max_size=60
)
"""Any other secret, such as a password: recognised by its name, or because it was named."""

NAMES = ["password", "client_secret", "access_token", "refresh_token", "X-Vault-Token", "Authorization", "api_token"]
BEFORE = st.sampled_from([" ", "\n", '"', "'", "(", "=", ":", "/", ",", "%20", "%22", "\\n", "&", "<", "Bearer "])
AROUND = st.sampled_from(["", " ", "\n", '"', "'", "(", "=", ":", "/", ",", "%20", "%22", "\\n", "&", "<", "Bearer "])


def middle(secret: str) -> str:
    """The part of a secret that no stump may show."""
    return secret[6:-6]


@given(shaped, BEFORE, AROUND)
def test_a_token_in_free_text_does_not_survive(secret: str, before: str, after: str) -> None:
    shown = mask_text(f"It failed with{before}{secret}{after or ' '}and nothing else.")
    assert middle(secret) not in shown
    assert "It failed with" in shown


@given(shaped, BEFORE)
def test_a_token_in_a_log_line_does_not_survive(secret: str, before: str) -> None:
    try:
        raise ValueError(f"cannot use{before}{secret} here")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed %r", (f"{before}{secret} ",), None)
        record.exc_info = sys.exc_info()
    assert middle(secret) not in MaskingFormatter("%(message)s").format(record)


NESTED = 5
"""How deep a JSON text may stand in the strings of others."""


@given(shaped | printable, st.sampled_from(["password", "client_secret", "X-Vault-Token", "mcp_demo_session"]))
def test_a_named_secret_does_not_survive_strings_within_strings(secret: str, name: str) -> None:
    text = json.dumps({"a": 1, name: secret, "b": "c"}, ensure_ascii=False)
    for _ in range(NESTED):
        assert middle(secret) not in mask_text(text)
        text = json.dumps({"said": text, "ok": True}, ensure_ascii=False)


@given(
    st.text(string.ascii_letters + string.digits + "!$%&*+-/:;=?@^_~", min_size=12, max_size=40).filter(
        lambda s: any(map(str.isdigit, s)) and any(map(str.isalpha, s))
    ),
    st.sampled_from(
        [
            "X-Vault-Token: {}",
            "sent X-Vault-Token: {}\nAccept: */*",
            "Cookie: theme=dark; mcp_demo_session={}; lang=en",
            "password: {}",
            "password = {}",
            "the login failed with password: {} and again",
            "the login failed with password = {} and again",
            'client_secret: "{}"',
            "client_secret = '{}'",
            "CREATE ROLE alice LOGIN PASSWORD '{}' VALID UNTIL 'infinity'",
            "alter role alice encrypted password E'{}'",
            "ALTER ROLE alice PASSWORD $a${}$a$",
        ]
    ),
)
def test_a_named_secret_in_a_line_of_text_does_not_survive(secret: str, line: str) -> None:
    for text in (line.format(secret), json.dumps({"log": line.format(secret)})):
        shown = mask_text(text)
        assert secret[4:-4] not in shown
        assert mask_text(shown) == shown


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter\n",
        "  - password: hunter\n    name: x",
        "password = hunter",
        "mcp_demo_session=hunter; theme=dark",
        "__Host-mcp_demo_session=hunter",
        "KEYCLOAK_IDENTITY=hunter",
        "redirect_uri=http%3A%2F%2Flocalhost%2F%3Fa%3Db%26client_secret%3Dhunter",
        "next=%252Fx%253Fclient_secret%253Dhunter",
        "client_secret%3Dhunter",
        'Authorization: Digest username="x", response="hunter"',
        "password = 'hunter is long'",
        'password="hunter is long"',
        "CREATE USER x PASSWORD 'it''s hunter'",
        "CREATE USER x PASSWORD 'hunter",
    ],
)
def test_even_a_word_is_masked_where_its_name_says_so(line: str) -> None:
    assert "hunter" not in mask_text(line)
    assert "long" not in mask_text(line)


@given(shaped | printable, st.sampled_from(NAMES))
def test_a_named_secret_does_not_survive_json_form_query_header_or_nesting(secret: str, name: str) -> None:
    nested = {"data": [{name: secret}, {name: {"value": secret, "more": [secret]}}], "ok": 1}
    shown = [
        json.dumps(mask_value("", nested), ensure_ascii=False),
        mask_query(urlencode({"a": "b", name: secret})),
        mask_url(f"http://localhost:8080/x?a=b&{urlencode({name: secret})}"),
        mask_url(f"http://localhost:8080/x#a=b&{urlencode({name: secret})}"),
        str(mask_headers({name: secret})),
        str(mask_headers({name: f"Bearer {secret}"})),
        mask_text(json.dumps({name: secret}, ensure_ascii=False)),
        mask_text(json.dumps({"message": json.dumps({name: secret}, ensure_ascii=False)}, ensure_ascii=False)),
    ]
    # The stump may show four characters at each end, and a quote or backslash may have changed its form.
    kept = secret[6:-6]
    assert not [text for text in shown if kept in text]


@given(printable, AROUND, AROUND)
def test_a_secret_that_was_named_does_not_survive_anywhere(secret: str, before: str, after: str) -> None:
    shapes = [
        secret,
        quote(secret, safe=""),
        urlencode({"q": secret})[2:],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]
    for shape in shapes:
        assert shape[6:-6] not in mask_text(f"see{before}{shape}{after}there", secrets=[secret])
    body = json.dumps(mask_value("", {"free": f"{before}{secret}{after}", f"key {secret}": [secret]}, secrets=[secret]))
    assert json.dumps(secret)[1:-1] not in body
    assert secret not in mask_url(f"http://localhost/{quote(secret)}?q={quote(secret)}", secrets=[secret])


@given(st.dictionaries(st.text(string.ascii_lowercase, min_size=1, max_size=8), printable, min_size=1))
def test_a_kv_secret_hides_all_its_fields_whatever_they_are_called(fields: dict[str, str]) -> None:
    answer = {"data": {"data": fields, "metadata": {"version": 3, "created_time": "2026-01-01T00:00:00Z"}}}
    shown = mask_value("", answer)
    assert shown["data"]["metadata"]["version"] == 3
    for name, value in fields.items():
        assert value not in shown["data"]["data"][name]


@given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=40).filter(lambda p: p != "password"))
def test_a_password_in_a_url_does_not_survive(password: str) -> None:
    for url in (f"postgresql://mcp_state:{password}@localhost:5432/x", f"redis://:{password}@ss@localhost"):
        assert f":{password}@" not in mask_url(url)
        assert f":{password}@" not in mask_text(f"cannot connect to {url}.")
        assert "localhost" in mask_url(url)


@given(st.text(max_size=400))
def test_masking_any_text_works_and_masking_it_again_shows_no_more(text: str) -> None:
    once = mask_text(text)
    assert len(mask_text(once)) <= len(once) + 40


@pytest.mark.parametrize("length", [1, 8, 19])
def test_a_short_secret_shows_nothing_of_itself(length: int) -> None:
    assert mask("x" * length) == BULLETS


def test_a_long_secret_shows_a_stump() -> None:
    assert mask("demo-jira-token-alice") == "demo…lice"


def test_basic_credentials_do_not_survive() -> None:
    sent = base64.b64encode(b"alice@example.com:demo-jira-token-alice").decode()
    assert sent not in str(mask_headers({"Authorization": f"Basic {sent}"}))
    assert sent not in mask_text(f"sent Authorization: Basic {sent}")


def test_a_redirect_s_code_and_state_do_not_survive() -> None:
    shown = mask_headers({"Location": "http://localhost:8501/auth/callback?state=abc.def&code=12345678-abcd"})[
        "Location"
    ]
    assert "12345678" not in shown
    assert "abc.def" not in shown
    assert shown.startswith("http://localhost:8501/auth/callback?")


@pytest.mark.parametrize(
    "text",
    [
        'Bearer realm="mcp", error="invalid_token", resource_metadata="http://localhost:3001/x"',
        "Keycloak refused the token exchange: Client is not within the token audience.",
        "no policy of the token allows it, while looking up the token: permission denied",
        "http://localhost:3001/.well-known/oauth-protected-resource/mcp",
        "SELECT count(*) FROM orders WHERE product = 'x'",
        '{"token_type": "Bearer", "expires_in": 300}',
        "secret/data/users/alice/jira",
        "An administrator adds it: `vault kv put secret/users/bob/jira email=… api_token=…`, or in `init/users.yaml`.",
        "PROJ-1: Sign-in fails on a slow connection",
        "subject_token_type=urn:ietf:params:oauth:token-type:access_token",
        "The password: at least twelve characters, please.",
        "SELECT count(*) FROM issues WHERE state = 'open' AND code = 42",
        "PostgreSQL says: permission denied, code: 42501, state: failed",
        "Keycloak refused the token: expired",
        "token = await self._keycloak.refresh(session)",
        "secret = None",
        "Send Authorization: Bearer …, never a cookie.",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert mask_text(text) == text


def test_names_that_only_speak_of_secrets_are_no_secrets() -> None:
    assert not [n for n in ("token_type", "token_policies", "nextPageToken", "masked_credential") if is_secret_name(n)]
    assert [n for n in NAMES if not is_secret_name(n)] == []


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ",
        "eyJ.",
        "a",
        "a.",
        "eyJaaaaaa.",
        "hvs.",
        "s.",
        "://",
        "://a:",
        '"a":"',
        '\\"x\\":\\"',
        "\\",
        '"',
        "Basic ",
        "token: ",
        "token: a1 ",
        "token = ",
        "token = '",
        "token%3D",
        "%25",
        "%3Fcode%3D",
        "PASSWORD '",
        "PASSWORD $a$",
        '\\\\\\"a\\\\\\":\\\\\\"',
        '\\\\\\"',
        "Cookie: ",
        "Cookie: a\n",
        'x-a-token: "',
        "x-",
        "x-a",
        "token:\t\n",
        " ",
    ],
)
def test_a_megabyte_made_to_be_slow_is_masked_quickly(piece: str) -> None:
    hostile = piece * (1_000_000 // len(piece)) + ".."
    began = time.perf_counter()
    mask_text(hostile)
    assert time.perf_counter() - began < 5
