"""Masking: nothing that opens a door leaves the process readable, whatever it is embedded in.

What is masked is often what a stranger sent. So every text is cut before it is masked, and every pattern
(:mod:`fastmcp_vault.secret_patterns`) runs in linear time: the work for one text is bounded, however long it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from fastmcp_vault.secret_patterns import (
    HEADER_LINE,
    NAMED,
    NAMED_ENCODED,
    NAMED_NESTED,
    NAMED_QUOTED,
    NAMES_A_SECRET,
    NAMES_NO_SECRET,
    SCHEME_IN_TEXT,
    SPACED,
    SQL_PASSWORD,
    TOKEN,
    URL_PASSWORD,
    WORDS,
)

BULLETS = "••••"

MIN_SHOWN = 20
"""A secret shorter than this shows nothing of itself; a longer one shows eight characters."""

TEXT_LIMIT = 10_000
"""Characters of one text that are masked and shown, where the caller names no other limit; the rest is cut off."""

VALUE_LIMIT = 100_000
"""Characters of one structure (all its names and texts together) that are masked and shown."""

NAME_LIMIT = 1_000
"""Characters of a name that are looked at."""

CUT = "…"
"""Stands where something was cut off."""

# What ends a run of characters that may be one secret, looked for backwards from the place of a cut.
_WHOLE_PIECE = re.compile(r"""[^\s"'&,;<>{}()\[\]]*""")

# A run of characters that tokens are made of; a compact JWS is looked for inside one, wherever it begins.
_RUN = re.compile(r"[A-Za-z0-9_.-]{20,}")
_JWS_HEADER = re.compile(r"eyJ[A-Za-z0-9_-]{5}")
_SCHEME = re.compile(r"^(Basic|Bearer|DPoP)\s+(\S+)$", re.IGNORECASE)
_SCHEME_ALONE = re.compile(r"(?:Basic|Bearer|DPoP)\s*(?:[…•<{]|\W*$)", re.IGNORECASE)
_EVERYDAY_NAME = re.compile(r"^(?:code|state|nonce)$", re.IGNORECASE)
"""Secret as a parameter of a redirect; in a sentence, a configuration file or SQL, words like others."""
_TELLING = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])|.*[!@#$%^&*+~|]")
"""No word of a sentence: letters and digits, or a sign that passwords have."""
_LINE_BEGINS = re.compile(r"(?:[\r\n]|\\n)[ \t-]{0,12}$")
_LINE_ENDS = re.compile(r"[ \t,]{0,8}(?:[\r\n\"'`]|\\n|$)")
_NO_VALUE = re.compile(r"(?:None|null|true|false|yes|no)\W*$|[A-Za-z_][\w.]*\(", re.IGNORECASE)
_STUMP = re.compile(r"\S{4}…\S{4}|[…•]*")
"""What a masked value looks like."""


def mask(secret: str) -> str:
    """A recognisable stump: four characters at each end of a long value, bullets for a short one."""
    if len(secret) < MIN_SHOWN:
        return BULLETS
    return f"{secret[:4]}…{secret[-4:]}"


def cut_text(text: str, limit: int, *, secrets: Iterable[str] = ()) -> str:
    """The beginning of ``text``, at most ``limit`` characters and a sign that it was cut.

    No part of a word, token or known secret is left at the place of the cut: half a secret is not recognised as one.
    """
    if len(text) <= limit:
        return text
    end = limit
    if (found := _WHOLE_PIECE.match(text[limit - 1 :: -1])) and _WHOLE_PIECE.match(text[limit]).end():  # type: ignore[union-attr]
        end -= found.end()
    for form in (form for secret in secrets if secret for form in _forms(secret)):
        across = text.find(form, max(0, limit - len(form) + 1), limit + len(form))
        if 0 <= across < end:
            end = across
    return text[:end] + CUT


def mask_text(text: str, *, secrets: Iterable[str] = (), limit: int = TEXT_LIMIT) -> str:
    """``text`` with every token-shaped piece, named value, URL password and each of ``secrets`` masked.

    It is cut to ``limit`` characters first (see :func:`cut_text`), so that the work is bounded.
    """
    secrets = tuple(secrets)
    text = cut_text(text, limit, secrets=secrets)
    for secret in sorted({s for s in secrets if s}, key=len, reverse=True):
        for form in _forms(secret):
            text = text.replace(form, mask(secret))
    # Most texts are log lines that hold nothing: each pattern runs only where a piece stands that it cannot do without.
    lowered = text.lower()
    names_a_secret = any(word in lowered for word in WORDS)
    text = _named_masked(text) if names_a_secret else SCHEME_IN_TEXT.pattern.sub(_masked_scheme, text)
    if "://" in text:
        text = URL_PASSWORD.pattern.sub(lambda m: f"{m[1]}:{BULLETS}@", text)
    if "eyJ" in text:
        text = _RUN.sub(_masked_jws, text)
    return TOKEN.sub(lambda m: mask(m[0]), text)


def is_secret_name(name: str) -> bool:
    """True when a field, header or parameter of this name holds a secret."""
    name = name[:NAME_LIMIT]
    return bool(NAMES_A_SECRET.search(name)) and not NAMES_NO_SECRET.search(name)


def mask_value(name: str, value: Any, *, secrets: Iterable[str] = (), limit: int = VALUE_LIMIT) -> Any:
    """``value`` as it may be shown under ``name``: masked whole where the name says so, else piece by piece.

    Lists and mappings under a secret name are masked throughout; so is the content of a KV v2 secret,
    whose names are anybody's choice. What is beyond ``limit`` characters in all is left out, unread.
    """
    return _Masking(tuple(secrets), limit).masked(name, value, secret=False)


def mask_headers(
    headers: Mapping[str, str] | Iterable[tuple[str, str]], *, secrets: Iterable[str] = ()
) -> dict[str, str]:
    """HTTP headers as they may be shown; a repeated name keeps all its values, joined with a comma."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    shown: dict[str, str] = {}
    for name, value in pairs:
        masked = str(mask_value(name, value, secrets=secrets))
        shown[name] = f"{shown[name]}, {masked}" if name in shown else masked
    return shown


def mask_query(query: str, *, secrets: Iterable[str] = (), limit: int = TEXT_LIMIT) -> str:
    """A form body or query string (``application/x-www-form-urlencoded``) as it may be shown, decoded."""
    secrets = tuple(secrets)
    pairs = parse_qsl(cut_text(query, limit, secrets=secrets), keep_blank_values=True)
    return "&".join(f"{mask_text(k, secrets=secrets)}={mask_value(k, v, secrets=secrets)}" for k, v in pairs)


def mask_url(url: str, *, secrets: Iterable[str] = ()) -> str:
    """A URL with secret parameters, in its query or its fragment, and any password masked."""
    secrets = tuple(secrets)
    url = cut_text(url, TEXT_LIMIT, secrets=secrets)
    rest, hash_mark, fragment = url.partition("#")
    base, mark, query = rest.partition("?")
    shown = mask_text(base, secrets=secrets)
    if mark:
        shown += f"?{mask_query(query, secrets=secrets)}"
    if hash_mark:
        shown += "#" + (
            mask_query(fragment, secrets=secrets) if "=" in fragment else mask_text(fragment, secrets=secrets)
        )
    return shown


class _Masking:
    """Masks one structure, until ``limit`` characters of it are shown."""

    def __init__(self, secrets: tuple[str, ...], limit: int) -> None:
        self._secrets, self._left = secrets, limit

    def masked(self, name: str, value: Any, *, secret: bool) -> Any:
        """``value`` under ``name``; ``secret``: what it stands in is secret."""
        secret = secret or is_secret_name(name)
        if isinstance(value, Mapping):
            return dict(self._items(value, secret=secret))
        if isinstance(value, (list, tuple)):
            return list(self._elements(name, value, secret=secret))
        self._left -= 8
        if isinstance(value, bool) or value is None:
            return value
        if not secret:
            return self._text(value) if isinstance(value, str) else value
        return _stump(value)

    def _items(self, value: Mapping[Any, Any], *, secret: bool) -> Iterator[tuple[str, Any]]:
        opened = _is_kv_secret(value)
        for key, one in value.items():
            if self._left <= 0:
                yield CUT, CUT
                return
            name = str(key)
            yield self._text(name), self.masked(name, one, secret=secret or (opened and key == "data"))

    def _elements(self, name: str, values: Sequence[Any], *, secret: bool) -> Iterator[Any]:
        for one in values:
            if self._left <= 0:
                yield CUT
                return
            yield self.masked(name, one, secret=secret)

    def _text(self, text: str) -> str:
        shown = mask_text(text, secrets=self._secrets, limit=max(1, min(self._left, TEXT_LIMIT)))
        self._left -= min(len(text), TEXT_LIMIT)
        return shown


def _stump(value: Any) -> str:
    text = str(value)
    scheme = _SCHEME.match(text)
    if scheme:
        return f"{scheme[1]} {mask(scheme[2])}"
    return mask(text) if text else text


def _is_kv_secret(value: Mapping[Any, Any]) -> bool:
    """Whether this is a KV v2 secret as Vault sends it (``data``, ``metadata``) or takes it (``data``, ``options``)."""
    if not isinstance(value.get("data"), Mapping):
        return False
    metadata, options = value.get("metadata"), value.get("options")
    return (isinstance(metadata, Mapping) and "version" in metadata) or isinstance(options, Mapping)


def _forms(secret: str) -> dict[str, None]:
    """The secret as it stands in text, in a URL, in a form, in JSON; each once."""
    escaped = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    return dict.fromkeys((secret, quote(secret, safe=""), quote(secret), quote_plus(secret), *escaped))


def _masked_jws(run: re.Match[str]) -> str:
    parts = run[0].split(".")
    for n, (head, payload, _) in enumerate(zip(parts, parts[1:], parts[2:], strict=False)):
        begins = _JWS_HEADER.search(head)
        if begins and len(payload) >= 5:
            before = ".".join([*parts[:n], head[: begins.start()]])
            return before + mask(run[0][len(before) :])
    return run[0]


def _masked_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}{pair[2]}{pair[1]}{pair[3]}{mask(pair[4])}" if _opens(pair[2], pair[4]) else pair[0]


def _named_masked(text: str) -> str:
    """``text`` with every value masked that stands beside a name which says that it is secret."""
    if ":" in text:
        text = HEADER_LINE.pattern.sub(_masked_header, text)
    text = SCHEME_IN_TEXT.pattern.sub(_masked_scheme, text)
    if '"' in text or "'" in text:
        text = NAMED_QUOTED.pattern.sub(_masked_pair, text)
        for quote_mark, nested in NAMED_NESTED:
            if quote_mark in text:
                text = nested.pattern.sub(_masked_pair, text)
    if "'" in text or "$" in text:
        text = SQL_PASSWORD.pattern.sub(_masked_sql, text)
    text = SPACED.pattern.sub(_masked_spaced, text)
    if "%" in text:
        text = NAMED_ENCODED.pattern.sub(
            lambda m: f"{m[1]}{m[2]}{m[3]}{mask(m[4])}" if _opens(m[2], m[4]) else m[0], text
        )
    if "=" in text:
        text = NAMED.pattern.sub(lambda m: f"{m[1]}={m[2]}{mask(m[3])}" if _opens(m[1], m[3]) else m[0], text)
    return text


def _masked_scheme(found: re.Match[str]) -> str:
    return f"{found[1]} {mask(found[2])}"


def _masked_header(line: re.Match[str]) -> str:
    value = line[3].strip()
    scheme = _SCHEME.match(value)
    if scheme:
        shown = f"{scheme[1]} {scheme[2] if _STUMP.fullmatch(scheme[2]) else mask(scheme[2])}"
    else:
        shown = value if _STUMP.fullmatch(value) or _SCHEME_ALONE.match(value) else mask(value)
    return f"{line[1]}{line[2]}{shown}"


def _masked_sql(password: re.Match[str]) -> str:
    dollars = f"${password[4]}$" if password[5] else "'"
    value = password[5] or password[3]
    if _STUMP.fullmatch(value):
        return password[0]
    return f"{password[1]}{password[2]}{dollars}{mask(value)}{dollars if password[5] else ''}"


def _masked_spaced(pair: re.Match[str]) -> str:
    """Quoted: by its name. Bare: where it is no word of a sentence, or stands alone on a line with its name."""
    name, separator, mark, bare = pair[1], pair[2], pair[3] or pair[5], pair[7]
    value = pair[4] or pair[6] or bare
    if _EVERYDAY_NAME.match(name) or not _opens(name, value):
        return pair[0]
    if mark:
        return f"{name}{separator}{mark}{mask(value)}"
    before, after = pair.string[max(0, pair.start() - 14) : pair.start()], pair.string[pair.end() : pair.end() + 10]
    alone = _LINE_BEGINS.search(before if pair.start() > 14 else f"\n{before}")
    if _NO_VALUE.match(bare) or not (_TELLING.match(bare) or (alone and _LINE_ENDS.match(after))):
        return pair[0]
    return f"{name}{separator}{mask(bare)}"


def _opens(name: str, value: str) -> bool:
    """Whether a pair in free text holds a secret: not the place of one (``api_token=…``), its stump, or its HMAC."""
    return is_secret_name(name) and not _STUMP.fullmatch(value) and not value.startswith("hmac-sha256:")
