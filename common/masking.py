"""Masking: nothing that opens a door leaves the process readable, whatever it is embedded in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

BULLETS = "••••"

# A name that says its value opens a door. The exceptions hold metadata about such values.
_SECRET_NAME = re.compile(
    r"authorization|cookie|passw|secret|token|api[-_]?key|credential|^code$|code_verifier|assertion"
    r"|^jwt$|private_key|unseal|^state$|^nonce$|id_token_hint|session_key",
    re.IGNORECASE,
)
_SAFE_NAME = re.compile(
    r"token_type|token_policies|token_endpoint|token_ttl|requested_token_type|subject_token_type|issued_token_type"
    r"|token_introspection|token_num_uses|token_bound|token_duration|secret_path|credential_path|num_tokens|cursor"
    r"|page_?token|masked|^credential_status$|_supported$|credential_version",
    re.IGNORECASE,
)
# Compact JWS, Vault (hvs., hvb., hvr., s., b., r.), GitHub and Atlassian tokens, wherever they stand.
_SECRET_TEXT = re.compile(
    r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"
    r"|\bhv[sbr]\.[A-Za-z0-9_-]{20,}"
    r"|(?<![A-Za-z0-9_.-])[sbr]\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9]+)?"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bATATT[A-Za-z0-9_=-]{10,}"
)
_SCHEME = re.compile(r"^(Basic|Bearer|DPoP)\s+(\S+)$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)@")


def mask(secret: str) -> str:
    """A recognisable stump: four characters at each end of a long value, bullets for a short one."""
    if len(secret) < 16:
        return BULLETS
    return f"{secret[:4]}…{secret[-4:]}"


def mask_text(text: str, *, secrets: Iterable[str] = ()) -> str:
    """``text`` with every token-shaped piece, URL password and each of ``secrets`` masked."""
    for secret in sorted({s for s in secrets if s}, key=len, reverse=True):
        text = text.replace(secret, mask(secret)).replace(quote(secret, safe=""), mask(secret))
    text = _URL_PASSWORD.sub(lambda m: f"{m[1]}:{BULLETS}@", text)
    return _SECRET_TEXT.sub(lambda m: mask(m[0]), text)


def is_secret_name(name: str) -> bool:
    """True when a field, header or parameter of this name holds a secret."""
    return bool(_SECRET_NAME.search(name)) and not _SAFE_NAME.search(name)


def mask_value(name: str, value: Any, *, secrets: Iterable[str] = ()) -> Any:
    """``value`` as it may be shown under ``name``: masked whole where the name says so, else piece by piece."""
    if isinstance(value, Mapping):
        return {str(k): mask_value(str(k), v, secrets=secrets) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_value(name, v, secrets=secrets) for v in value]
    if isinstance(value, bool) or value is None:
        return value
    if is_secret_name(name):
        text = str(value)
        scheme = _SCHEME.match(text)
        if scheme:
            return f"{scheme[1]} {mask(scheme[2])}"
        return mask(text) if text else text
    return mask_text(value, secrets=secrets) if isinstance(value, str) else value


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


def mask_query(query: str, *, secrets: Iterable[str] = ()) -> str:
    """A form body or query string (``application/x-www-form-urlencoded``) as it may be shown, decoded."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(f"{k}={mask_value(k, v, secrets=secrets)}" for k, v in pairs)


def mask_url(url: str, *, secrets: Iterable[str] = ()) -> str:
    """A URL with secret query parameters and any password masked."""
    base, mark, query = url.partition("?")
    shown = mask_text(base, secrets=secrets)
    return f"{shown}?{mask_query(query, secrets=secrets)}" if mark else shown
