"""Origins as the URL standard compares them, and addresses within one API.

https://url.spec.whatwg.org/#concept-url-origin
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import unquote, urljoin

import httpx2

_DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int | None]


def origin(url: httpx2.URL) -> Origin:
    """Scheme, host and port: letters in lower case, international names in ASCII, default ports filled in."""
    host = url.raw_host.decode("ascii")
    if "%" in host:
        host = httpx2.URL(scheme=url.scheme, host=unquote(host)).raw_host.decode("ascii")
    with suppress(ValueError):
        host = str(ip_address(host))
    return url.scheme.lower(), host.lower(), url.port or _DEFAULT_PORTS.get(url.scheme.lower())


def within(api: str, link: str, *, page: str) -> str | None:
    """The address that ``link`` (found on ``page``) leads to, spelled as ``api`` is; None when it leaves that API.

    A caller's credential goes to that API alone: user names in the link are dropped, and its path must lie below
    the API's own.
    """
    try:
        here, there = httpx2.URL(api), httpx2.URL(urljoin(page, link.strip()))
        same = origin(here) == origin(there)
    except (httpx2.InvalidURL, ValueError, TypeError):
        return None
    base, path = here.path.rstrip("/"), there.path
    if not same or not (path == base or path.startswith(f"{base}/")) or ".." in unquote(unquote(path)).split("/"):
        return None
    return str(here.copy_with(raw_path=there.raw_path))
