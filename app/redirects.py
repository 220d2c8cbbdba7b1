"""Where a sign-in may lead: a path of this app and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import unquote

HOME = "/"

_PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*/?)?(?:\?[A-Za-z0-9._~=&%,:+-]*)?")
"""A relative path and query without scheme, host, backslash, control character or a second leading slash."""

_LIMIT = 512


def safe_next(wanted: str | None) -> str:
    """``wanted`` when it is a same-site relative path, else ``/``.

    Against open redirects (RFC 9700 §4.11): ``//evil.example``, ``https:…``, backslashes, control characters and
    their encoded or doubly encoded forms all lead home. So do the sign-in routes, which would loop.
    """
    if not wanted or len(wanted) > _LIMIT or not _PATH.fullmatch(wanted):
        return HOME
    path = wanted.partition("?")[0]
    decoded = unquote(unquote(wanted))
    hostile = "//" in decoded or "\\" in decoded or any(ord(c) < 0x21 for c in decoded)
    if hostile or ".." in path.split("/") or path.startswith("/auth"):
        return HOME
    return wanted
