"""What no process accepts with ``PROFILE=production``, for every settings class: one place, one sentence for each.

Published secrets, secrets that can be guessed, addresses without TLS, database connections without TLS.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, SecretStr

from common.published import is_published

SHORTEST_SECRET = 16
"""Bytes of a password, client secret, secret id or token: 128 bits where they are random."""

SHORTEST_KEY = 32
"""Bytes of a secret that signs with HMAC-SHA256 (RFC 7518 §3.2)."""

DIFFERENT = 5
"""Different characters in a secret; random ones of that length have more, `aaaaaaaaaaaaaaaa` has not."""

ENCRYPTED = ("require", "verify-ca", "verify-full")
"""The values of ``sslmode`` that never fall back to plain text (libpq, "SSL Mode Descriptions")."""

_KEYS = re.compile(r"(^|_)(jwt|hmac)_")
_PUBLIC = re.compile(r"(_public_url|^base_url)$")
_ADDRESS = re.compile(r"(_url|_addr)$")
_IN_A_LIST = re.compile(r"[\s,]+")


def faults(settings: BaseModel, *, demo_defaults: list[str], unused: frozenset[str] = frozenset()) -> list[str]:
    """A sentence for each setting that production does not accept, without its value.

    ``demo_defaults``: fields that still hold the demo's value; ``unused``: fields that this process does not use.
    """
    names = [name for name in type(settings).model_fields if name not in unused]
    values = {name: getattr(settings, name) for name in names}
    found = []
    if demo_defaults:
        found.append(f"{', '.join(n.upper() for n in demo_defaults)} still hold the demo's values")
    for name, value in values.items():
        if isinstance(value, SecretStr) and name not in demo_defaults:
            found += _secret(name, value.get_secret_value())
        elif isinstance(value, str):
            found += _text(name, value)
    return [*found, *_database(values)]


def secret_fault(name: str, secret: str, *, shortest: int = SHORTEST_SECRET) -> str | None:
    """What is wrong with one secret, in a sentence that does not show it; None where nothing is."""
    if is_published(secret):
        return f"{name} holds one of the demo's values, which everybody can read"
    if len(secret.encode()) < shortest:
        return f"{name} has fewer than {shortest} bytes"
    if len(set(secret)) < DIFFERENT:
        return f"{name} has fewer than {DIFFERENT} different characters"
    return None


def address_fault(name: str, url: str, *, public: bool = False) -> str | None:
    """What is wrong with an address: it is not https. Inside, this machine's loopback may do without."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return f"{name} is not an address"
    if parts.scheme == "https" and host:
        return None
    if not public and parts.scheme == "http" and is_loopback(host):
        return None
    return f"{name} is not https"


def is_ip(host: str) -> bool:
    """Whether this is an IP address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether this host name or address can only be this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _secret(name: str, secret: str) -> Iterator[str]:
    if name.endswith("_dsn"):
        yield from _dsn(name.upper(), secret)
    elif not name.endswith("_proxy"):  # the address of a company's proxy: TLS goes through it to the back end
        shortest = SHORTEST_KEY if _KEYS.search(name) else SHORTEST_SECRET
        fault = secret_fault(name.upper(), secret, shortest=shortest)
        if fault:
            yield fault


def _text(name: str, value: str) -> Iterator[str]:
    shown = name.upper()
    if _PUBLIC.search(name) or _ADDRESS.search(name):
        # Empty: the setting that it would replace counts.
        fault = address_fault(shown, value, public=bool(_PUBLIC.search(name))) if value else None
        if fault:
            why = {
                "keycloak_public_url": "tokens need an https issuer",
                "app_public_url": "the session cookie needs it",
                "base_url": "links and codes need it",
            }.get(name)
            yield f"{fault}: {why}" if why else fault
    elif any(part.lower().startswith("http://") for part in _IN_A_LIST.split(value)):
        yield f"{shown} names an address that is not https"


def _dsn(name: str, dsn: str) -> Iterator[str]:
    """A libpq connection string (PostgreSQL: "Connection Strings")."""
    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        yield f"{name} is not a PostgreSQL address"
        return
    password = str(parts.get("password") or "")
    if password and (fault := secret_fault(f"the password in {name}", password)):
        yield fault
    hosts = str(parts.get("hostaddr") or parts.get("host") or "").split(",")
    if any(_over_a_network(host) for host in hosts) and parts.get("sslmode") not in ENCRYPTED:
        yield f"{name} needs sslmode={' or '.join(ENCRYPTED)}"


def _database(values: Mapping[str, Any]) -> Iterator[str]:
    """Host and ``sslmode`` in settings of their own."""
    hosts = [str(value) for name, value in values.items() if name.endswith("postgres_host")]
    if any(_over_a_network(host) for host in hosts) and values.get("postgres_sslmode") not in ENCRYPTED:
        yield f"POSTGRES_SSLMODE must be {' or '.join(ENCRYPTED)}"
    if values.get("use_redis") and not is_loopback(str(values.get("redis_host"))) and not values.get("redis_tls"):
        yield "REDIS_TLS is off: what is asked of Redis crosses the network"
    if values.get("use_redis") and values.get("redis_password") is None:
        yield "REDIS_PASSWORD is not set"


def _over_a_network(host: str) -> bool:
    """False for a socket file, for libpq's default (one), and for loopback."""
    return bool(host) and not host.startswith(("/", "@")) and not is_loopback(host)
