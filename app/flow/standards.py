"""The standards and manuals that steps follow, with links to the very section."""

from __future__ import annotations

import re
from typing import NamedTuple

_RFC = re.compile(r"RFC (?P<number>\d+)(?: §(?P<section>[\d.]*\d))?")

_PLACES = (
    (_RFC, ""),
    (re.compile(r"MCP 2026-07-28, Authorization"), "https://modelcontextprotocol.io/specification/basic/authorization"),
    (
        re.compile(r"MCP 2026-07-28, Streamable HTTP transport"),
        "https://modelcontextprotocol.io/specification/basic/transports",
    ),
    (
        re.compile(r"MCP 2026-07-28, Elicitation"),
        "https://modelcontextprotocol.io/specification/draft/client/elicitation",
    ),
    (re.compile(r"Vault JWT auth method"), "https://developer.hashicorp.com/vault/api-docs/auth/jwt"),
    (re.compile(r"Vault AppRole login"), "https://developer.hashicorp.com/vault/api-docs/auth/approle"),
    (re.compile(r"HMAC-SHA256"), "https://www.rfc-editor.org/rfc/rfc2104"),
    (re.compile(r"Vault identity"), "https://developer.hashicorp.com/vault/docs/concepts/identity"),
    (re.compile(r"auth/token/lookup-self"), "https://developer.hashicorp.com/vault/api-docs/auth/token"),
    (re.compile(r"Vault KV v2"), "https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2"),
    (re.compile(r"templated policies"), "https://developer.hashicorp.com/vault/tutorials/policies/policy-templating"),
    (re.compile(r"Jira REST v3"), "https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/"),
    (re.compile(r"GitHub REST"), "https://docs.github.com/en/rest"),
)


class Piece(NamedTuple):
    """Some words, and where they lead ("" nowhere)."""

    text: str
    href: str = ""


def linked(standard: str) -> list[Piece]:
    """A registry entry's ``standard`` in pieces, each name of a document with its address."""
    found = sorted(
        (match.start(), match.end(), _rfc(match) if pattern is _RFC else address)
        for pattern, address in _PLACES
        for match in pattern.finditer(standard)
    )
    pieces: list[Piece] = []
    at = 0
    for start, end, href in found:
        if start < at:
            continue
        if start > at:
            pieces.append(Piece(standard[at:start]))
        pieces.append(Piece(standard[start:end], href))
        at = end
    if at < len(standard):
        pieces.append(Piece(standard[at:]))
    return pieces


def _rfc(match: re.Match[str]) -> str:
    address = f"https://www.rfc-editor.org/rfc/rfc{match['number']}"
    return f"{address}#section-{match['section']}" if match["section"] else address
