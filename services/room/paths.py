"""Which paths of the room's origin lead to which server; everything else that these servers have stays on loopback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from services.room.settings import RoomSettings

_PLAIN = re.compile(rb"/[A-Za-z0-9/._~!$&'()*+,:=@%-]*")
"""Without `;`, with which some servers begin parameters inside a path, and without what RFC 3986 does not allow."""

_NONE = re.compile(r"(?!)")

PAGES_AT_ONCE = max(2, os.cpu_count() or 2)
"""Requests for Keycloak's pages, of all browsers together: when a whole room signs in at one moment, what the demo's
servers ask of Keycloak must not wait for all of that."""


@dataclass(frozen=True, slots=True)
class RoomServer:
    """A server behind the front. A path of ``paths`` that ends in a slash is a folder; ``below`` is cut off before it.

    ``cookies``: the names of those it is given. All pages have one origin, and a cookie knows no server.
    """

    name: str
    url: str
    paths: tuple[str, ...]
    below: str = ""
    methods: frozenset[str] = frozenset({"GET", "HEAD", "POST"})
    cookies: re.Pattern[str] = _NONE
    closed: tuple[str, ...] = ()
    """Those of them that are no browser's business."""
    socket: str = ""
    """The path of its web socket."""
    at_once: int = 0
    """Requests that it works on at the same time; the others wait in the front. 0: it takes whatever comes."""
    proxy_protocol: bool = False
    """It takes the browser's address from the first line of each connection, and from no header."""

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "localhost", parts.port or 80

    def has(self, path: str) -> bool:
        """Whether a browser may open this path of it."""
        rest = path.removeprefix(self.below)
        return path.startswith(self.below) and _among(rest, self.paths) and not _among(rest, self.closed)


def _among(path: str, known: Iterable[str]) -> bool:
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in known)


def servers(settings: RoomSettings) -> tuple[RoomServer, ...]:
    """The table; the first that has a path answers it. Keycloak's administration and token endpoints are not in it."""
    realm = f"/realms/{settings.keycloak_realm}"
    return (
        RoomServer(
            "keycloak",
            settings.keycloak_pages_url or settings.keycloak_url,
            (
                f"{realm}/protocol/openid-connect/auth",
                f"{realm}/protocol/openid-connect/logout",
                f"{realm}/protocol/openid-connect/logout/logout-confirm",
                f"{realm}/login-actions/",
                "/resources/",
            ),
            cookies=re.compile(r"(?!__Host-).+"),
            at_once=PAGES_AT_ONCE,
            proxy_protocol=bool(settings.keycloak_pages_url),
        ),
        RoomServer(
            "auth-relay",
            settings.auth_relay_url,
            ("/login/", "/oidc/callback"),
            below="/relay",
            cookies=re.compile(r"__Host-relay_login_.+"),
        ),
        RoomServer("chatbot", settings.chatbot_url, ("/linked",), below="/chatbot"),
        RoomServer(
            "mock-jira",
            settings.mock_jira_url,
            ("/authorize", "/manage-profile/apps", "/browse/"),
            below="/mock/jira",
        ),
        RoomServer(
            "mock-github",
            settings.mock_github_url,
            ("/login/oauth/authorize", "/settings/apps/authorizations"),
            below="/mock/github",
        ),
        RoomServer(
            "app",
            settings.app_url,
            ("/",),
            cookies=re.compile(r"(?!__Host-relay_).+"),
            closed=("/auth/backchannel-logout", "/realms/", "/resources/", "/relay/", "/chatbot/", "/mock/"),
            socket="/_stcore/stream",
        ),
    )


def find(table: Sequence[RoomServer], raw_path: bytes) -> RoomServer | None:
    """The server that has this path, as it was sent, without its query; None for one that may be read in two ways."""
    if not _PLAIN.fullmatch(raw_path):
        return None
    path = unquote(raw_path.decode("ascii"))
    odd = "//" in path or "\\" in path or "%" in path or not path.isprintable()
    if odd or re.search(rb"%2f", raw_path, re.IGNORECASE) or any(part in (".", "..") for part in path.split("/")):
        return None
    return next((server for server in table if server.has(path)), None)
