"""Which addresses a browser may be sent to, or tokens posted to: those on a client's list, read one way only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

LONGEST = 2_000
"""Characters of an address."""

# A subset of RFC 3986 that every parser reads alike: no user information, no escapes before the query, no backslash,
# no IPv6, no dot segments (looked for apart), no fragment.
_PLAIN = re.compile(
    r"(?P<origin>https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[A-Za-z0-9._~!$'()*+,=:-]*)*)"
    r"(?P<query>\?[A-Za-z0-9._~!$'()*+,;=:@/?%&-]*)?"
)
_DOTS = re.compile(r"/\.{1,2}(?:/|$)")


def is_plain(url: str) -> bool:
    """Whether ``url`` is an absolute http(s) address that leaves nothing to interpretation."""
    found = _PLAIN.fullmatch(url)
    return len(url) <= LONGEST and found is not None and "//" not in found["path"] and not _DOTS.search(found["path"])


def is_listed(url: str, allowed: Sequence[str]) -> bool:
    """Whether ``url`` is one of ``allowed``: same scheme, host, port and path; any query may follow."""
    return is_plain(url) and url.partition("?")[0] in allowed


def origin(url: str) -> str:
    """``scheme://host[:port]`` of an address found plain."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
