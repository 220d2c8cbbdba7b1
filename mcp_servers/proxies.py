"""The proxy between a server and its back end, where a company has one: never for Keycloak, Vault or this machine."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError
from fastmcp_vault.sentences import Sentence

SETTING = "BACKEND_PROXY"


@dataclass(frozen=True, slots=True)
class BackendProxy:
    """A forward proxy. ``setting``: the variable that named it; ``shown``: its address without credentials."""

    url: SecretStr
    setting: str

    @property
    def shown(self) -> str:
        """Host and port."""
        parts = urlsplit(self.url.get_secret_value())
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    def for_client(self) -> httpx2.Proxy:
        """As the HTTP client takes it."""
        return httpx2.Proxy(self.url.get_secret_value())


def proxy_for(backend: str, configured: SecretStr | None) -> BackendProxy | None:
    """The proxy for the back end at that address: ``BACKEND_PROXY``, or else ``HTTPS_PROXY`` (``HTTP_PROXY``).

    None for loopback, for what ``NO_PROXY`` lists, and where none is set. Raises ConfigError for one that cannot be
    used.
    """
    parts = urlsplit(backend)
    host = parts.hostname or ""
    named = {SETTING: configured.get_secret_value().strip() if configured else ""}
    for name in (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper()):
        named[name] = os.environ.get(name, "").strip()
    setting = next((name for name, value in named.items() if value), "")
    if not setting or _is_loopback(host) or _is_exempt(f"{host}:{parts.port}" if parts.port else host):
        return None
    return BackendProxy(_checked(named[setting], setting), setting)


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _is_exempt(host: str) -> bool:
    """By ``NO_PROXY``, as Python's own library reads it: names, their subdomains, ports, and ``*``."""
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return bool(urllib.request.proxy_bypass_environment(host, {"no": listed}))  # type: ignore[attr-defined]


def _checked(value: str, setting: str) -> SecretStr:
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # The value is not repeated: it may hold a password.
        raise ConfigError(
            Sentence("{setting} is not the address of a proxy.", setting=setting),
            fix="Write it so: http://proxy.example.com:3128.",
        )
    return SecretStr(url)
