"""How secrets stand in texts: one table of patterns, each with its reason and an example that a test masks.

Every pattern runs in linear time, because what it is tried on may be a stranger's: no repetition inside another one
that both could match, bounds where two runs meet, possessive quantifiers (``++``) where nothing is to be given back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """``pattern`` finds ``secret`` in ``example``; :mod:`fastmcp_vault.masking` says which of its groups is masked."""

    name: str
    pattern: re.Pattern[str]
    reason: str
    example: str
    secret: str


@dataclass(frozen=True, slots=True)
class NamePattern:
    """Part of a name that says whether its value is a secret; ``example``: such a name. Case does not matter."""

    pattern: str
    reason: str
    example: str


SECRET_NAMES = (
    NamePattern(r"authorization|cookie", "headers that sign somebody in", "Set-Cookie"),
    NamePattern(r"passw", "passwords, however they are spelled on", "db_password"),
    NamePattern(r"secret|token|credential", "what the name says, at any place in it", "api_token"),
    NamePattern(r"api[-_]?key|private_key|session_key", "keys; one that is public has another name", "x-api-key"),
    NamePattern(r"^code$|code_verifier", "RFC 6749 §4.1.2, RFC 7636 §4.1; other codes are no secrets", "code"),
    NamePattern(r"assertion|^jwt$|id_token_hint", "signed tokens under names of their own", "client_assertion"),
    NamePattern(r"^state$|^nonce$", "of a sign-in under way (RFC 6749 §10.12)", "state"),
    NamePattern(r"unseal", "Vault's keys", "unseal_keys_b64"),
    NamePattern(r"mcp_demo_(?:session|login)", "this project's cookies", "mcp_demo_session"),
    NamePattern(r"keycloak_(?:identity|session)|auth_session_id", "Keycloak's cookies", "KEYCLOAK_IDENTITY"),
)

SAFE_NAMES = (
    NamePattern(
        r"token_(?:type|policies|endpoint|ttl|introspection|num_uses|bound|duration)", "about a token", "token_type"
    ),
    NamePattern(r"(?:requested|subject|issued)_token_type", "RFC 8693 §3: which kind", "subject_token_type"),
    NamePattern(r"secret_path|credential_path", "where it lies", "secret_path"),
    NamePattern(r"num_tokens|credential_version|_supported$", "counts, versions and lists", "num_tokens"),
    NamePattern(r"cursor|page_?token", "places in a list", "nextPageToken"),
    NamePattern(r"masked|^credential_status$", "what is masked already", "masked_credential"),
)
"""Exceptions: what stands under such a name is about a secret, and is none."""

NAMES_A_SECRET = re.compile("|".join(one.pattern for one in SECRET_NAMES), re.IGNORECASE)
NAMES_NO_SECRET = re.compile("|".join(one.pattern for one in SAFE_NAMES), re.IGNORECASE)

WORDS = (
    *("authorization", "cookie", "passw", "secret", "token", "credential", "code", "assertion", "jwt", "unseal"),
    *("state", "nonce", "session", "mcp_demo_login", "identified by", "keycloak_identity"),
    *("apikey", "api-key", "api_key", "private_key", "x-"),
)
"""In lower case: a text without any of these names no secret."""

TOKENS = (
    SecretPattern(
        "Vault's tokens",
        re.compile(r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
        "HashiCorp Vault's service, batch and recovery tokens",
        "denied to hvs.an-example-of-a-vault-token today",
        "hvs.an-example-of-a-vault-token",
    ),
    SecretPattern(
        "OpenBao's tokens",
        re.compile(
            r"(?:(?<![A-Za-z0-9_.-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))[sbr]\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9]+)?"
        ),
        "short prefixes, so that they count only where a word begins, be it after an escape",
        "denied to s.an-example-of-an-openbao-token today",
        "s.an-example-of-an-openbao-token",
    ),
    SecretPattern(
        "GitHub's tokens",
        re.compile(r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}"),
        "each kind has its prefix; fine-grained ones another",
        "cloned with ghp_anExampleOfSuchAToken",
        "ghp_anExampleOfSuchAToken",
    ),
    SecretPattern(
        "Atlassian's API tokens",
        re.compile(r"ATATT[A-Za-z0-9_=-]{10,}"),
        "the prefix of every one",
        "called with ATATT-an-example-of-one",
        "ATATT-an-example-of-one",
    ),
)
"""What is a secret by its own shape, wherever it stands."""

TOKEN = re.compile("|".join(one.pattern.pattern for one in TOKENS))

SCHEME_IN_TEXT = SecretPattern(
    "an authentication scheme in a text",
    re.compile(r"\b(Basic|Bearer|DPoP) (?![A-Za-z]?[a-z_]+(?![A-Za-z0-9+/.~-]))([A-Za-z0-9+/_.~-]{8,}=*)"),
    "RFC 9110 §11.4; a plain word after it is a sentence",
    "refused: Bearer 0123abcd4567 is over",
    "0123abcd4567",
)
URL_PASSWORD = SecretPattern(
    "a password in an address",
    re.compile(r"(?<=://)([^/\s:@]{0,256}):([^/\s]{1,1024})@"),
    "RFC 3986 §3.2.1; connection strings",
    "postgresql://alice:wonderland@localhost/shop",
    "wonderland",
)
HEADER_LINE = SecretPattern(
    "a header's line",
    re.compile(
        r"(?<![A-Za-z0-9_.-])((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,40}(?:token|key|secret)|token-header)"
        r"(:[ \t]{0,8})((?:[^\r\n\"\\]|\\(?![nr])|\"(?!\s{0,8}(?:[}\]]|$|,\s{0,8}[\"'{\[])))++)",
        re.IGNORECASE,
    ),
    "everything to the end of the line, but for what closes a JSON text around it",
    "X-Vault-Token: wonder land",
    "wonder land",
)
NAMED = SecretPattern(
    "name=value",
    re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,64})=([\"']?)([^&\s;,\"'`<>]+)"),
    "queries, forms, cookies, connection strings",
    "grant_type=code&client_secret=wonderland",
    "wonderland",
)
NAMED_QUOTED = SecretPattern(
    "a quoted name and value",
    re.compile(r"""(["'])([A-Za-z0-9_.-]{1,64})\1(\s{0,8}:\s{0,8}\1)((?:\\.|(?!\1)[^\\])++)""", re.DOTALL),
    "JSON and printed dictionaries",
    '{"password": "wonder land"}',
    "wonder land",
)
NAMED_ENCODED = SecretPattern(
    "name%3Dvalue",
    re.compile(
        r"(%(?:25){0,3}[0-9A-Fa-f]{2}|(?<![A-Za-z0-9_.%-]))([A-Za-z0-9_.-]{1,64})(%(?:25){0,3}3[Dd])"
        r"((?:[^&\s;,\"'`<>%]|%(?!(?:25){0,3}26))++)"
    ),
    "a query inside a query's value, be it quoted more than once",
    "next=%3Fclient_secret%3Dwonderland",
    "wonderland",
)
SPACED = SecretPattern(
    "a name, a sign and a value",
    re.compile(
        r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,64})([ \t]{1,8}=[ \t]{0,8}|=[ \t]{1,8}|=(?=[\"'])|:[ \t]{1,8})"
        r"(?:([\"'])((?:\\.|(?!\3)[^\\])++)"
        r"|(\\{1,31}[\"'])((?:[^\"'\\]|\\++(?![\"']))++)"
        r"|((?:[^\s\"'`<>\\]|\\(?![nr]))++))",
        re.DOTALL,
    ),
    "configuration files, sentences, code: bare values count where they look like a secret or stand alone on a line",
    "the password: wonder7land",
    "wonder7land",
)
SQL_PASSWORD = SecretPattern(
    "a password in SQL",
    re.compile(
        r"\b(PASSWORD|IDENTIFIED BY)(\s{1,8}(?:E|U&)?)(?:'((?:[^'\\]|''|\\.)++)|\$(\w{0,16})\$(.{1,200}?)\$\4\$)",
        re.IGNORECASE | re.DOTALL,
    ),
    "CREATE ROLE … PASSWORD '…', also as E'…' and between dollars",
    "CREATE ROLE alice PASSWORD 'wonder''land'",
    "wonder''land",
)
NAMED_NESTED = tuple(
    (
        "\\" * slashes + '"',
        SecretPattern(
            f"the same in a JSON string, a quote behind {slashes} backslashes",
            re.compile(
                rf"""((?<!\\)\\{{{slashes}}}")([A-Za-z0-9_.-]{{1,64}})\1(\s{{0,8}}:\s{{0,8}}\1)"""
                rf"""((?:[^"\\]|\\++(?!")|(?:\\{{{2 * slashes + 2}}})*+\\{{{2 * slashes + 1}}}")++)"""
            ),
            "to the fifth string in a string: a quote at depth n stands behind 2^n - 1 backslashes",
            '{"password": "wonder land"}'.replace('"', "\\" * slashes + '"'),
            "wonder land",
        ),
    )
    for slashes in (1, 3, 7, 15, 31)
)
"""Quote marks and patterns, by depth."""

PATTERNS = (
    *TOKENS,
    SCHEME_IN_TEXT,
    URL_PASSWORD,
    HEADER_LINE,
    NAMED,
    NAMED_QUOTED,
    *(pattern for _, pattern in NAMED_NESTED),
    NAMED_ENCODED,
    SPACED,
    SQL_PASSWORD,
)
"""All of them."""
