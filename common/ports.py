"""Ports that browsers refuse to open, and settings types that keep servers and public addresses off them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

BLOCKED_BY_BROWSERS = frozenset({
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
    6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
})  # fmt: skip
"""The Fetch standard's bad ports (https://fetch.spec.whatwg.org/#bad-port): Chromium answers ERR_UNSAFE_PORT, Node
"bad port", whatever listens there."""


def _browsers_open(port: int) -> int:
    if port in BLOCKED_BY_BROWSERS:
        raise ValueError(f"browsers refuse to open port {port} (the Fetch standard's list); choose another")
    return port


def _browsers_reach(address: str) -> str:
    _browsers_open(urlsplit(address).port or 0)
    return address


HttpPort = Annotated[int, Field(ge=1, le=65535), AfterValidator(_browsers_open)]
"""A port that an HTTP server of ours listens on."""

OptionalHttpPort = Annotated[int, Field(ge=0, le=65535), AfterValidator(_browsers_open)]
"""The same; 0 says that there is none, or the usual one."""

PublicUrl = Annotated[str, AfterValidator(_browsers_reach)]
"""An address as browsers and MCP clients see it."""
