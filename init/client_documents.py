"""Client-id metadata documents (draft-ietf-oauth-client-id-metadata-document): what an application publishes of itself.

Its client id is the document's address. Which documents count is the administrator's list and nobody else's wish: they
are read here, when init runs, and Keycloak never fetches an address that a stranger names.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from fastmcp_vault.errors import Problem
from fastmcp_vault.http import TimedSession
from init.keycloak_registration import HTTPS, LOOPBACK, OFFERED

LIMIT: Final = 5 * 1024
"""Bytes of a document (the draft's own recommendation)."""

SECONDS: Final = 5.0
"""For one document, from the first byte asked for to the last one read; a connection gets as long."""

REDIRECTS: Final = 20

_ADDRESS = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?/[A-Za-z0-9._~!$&'()+,;=:@/-]+")
"""Lower-case host, a path, and neither user, query, fragment, nor an escape that could hide a `..`."""

_DOTS = re.compile(r"/\.{1,2}(/|$)")
_NAME = re.compile(r"[^\W_][\w .,:;()&+!'/-]{0,79}")
_SECRETS = ("client_secret", "client_secret_expires_at")


class DocumentUnread(Problem):
    """The document did not come: nothing is known of the client that was not known before."""

    code, part, retryable = "client_document_unread", "input", True


class DocumentRefused(Problem):
    """The document, or its address, asks for what no client may have."""

    code, part = "client_document_refused", "input"


@dataclass(frozen=True, slots=True)
class Document:
    """What is taken from a document; whatever else it says is left where it is."""

    address: str
    name: str
    redirects: tuple[str, ...]
    scopes: tuple[str, ...]

    @property
    def host(self) -> str:
        """Who vouches for the name: the host that serves the document."""
        return urlsplit(self.address).hostname or ""


def read_all(
    addresses: Iterable[str], *, local: bool = False, authority: str | bool = True
) -> dict[str, Document | DocumentUnread | DocumentRefused]:
    """Each document, or why it is not one. ``local`` and ``authority`` as for :func:`read`."""

    def one(address: str) -> Document | DocumentUnread | DocumentRefused:
        try:
            return read(address, local=local, authority=authority)
        except (DocumentUnread, DocumentRefused) as problem:
            return problem

    wanted = tuple(dict.fromkeys(addresses))
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(wanted, pool.map(one, wanted), strict=True))


def read(address: str, *, local: bool = False, authority: str | bool = True) -> Document:
    """Fetch a document and check it.

    ``local``: it may lie on this machine (the demo). ``authority``: a PEM file to trust, not the public authorities.
    Raises DocumentUnread, DocumentRefused.
    """
    check_address(address, local=local)
    return parsed(address, _fetched(address, authority))


def check_address(address: str, *, local: bool = False) -> None:
    """Raise DocumentRefused unless ``address`` may be a client's id (the draft, "Client Identifier")."""
    parts = urlsplit(address)
    if not _ADDRESS.fullmatch(address) or _DOTS.search(parts.path):
        raise _refused(address, "its address is not a plain https address with a path")
    host = parts.hostname or ""
    with suppress(ValueError):
        number = ipaddress.ip_address(host)
        if not number.is_global and not (local and number.is_loopback):
            raise _refused(address, f"{host} is not an address of the internet")
    if host == "localhost" and not local:
        raise _refused(address, "localhost is somebody else for everybody")


def parsed(address: str, body: bytes) -> Document:
    """The document in ``body``, checked. Raises DocumentRefused."""
    try:
        said = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise _refused(address, "it is not JSON") from error
    if not isinstance(said, dict):
        raise _refused(address, "it is not a JSON object")
    if said.get("client_id") != address:
        raise _refused(address, "its client_id is not its own address")
    if any(name in said for name in _SECRETS) or said.get("token_endpoint_auth_method", "none") != "none":
        raise _refused(address, "it is no public client (token_endpoint_auth_method `none`, no secret)")
    if "authorization_code" not in _words(said, "grant_types", ["authorization_code"]):
        raise _refused(address, "it does not use the code flow")
    if "code" not in _words(said, "response_types", ["code"]):
        raise _refused(address, "it does not use the code flow")
    return Document(address, _name(address, said), _redirects(address, said), _scopes(address, said))


def _fetched(address: str, authority: str | bool) -> bytes:
    until = time.monotonic() + SECONDS
    body = b""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    try:
        with (
            TimedSession(timeout=SECONDS) as session,
            session.get(
                address,
                headers=headers,
                allow_redirects=False,
                stream=True,
                verify=authority,
                timeout=(SECONDS, SECONDS),
            ) as answer,
        ):
            if answer.status_code != requests.codes.ok:
                raise _unread(address, f"HTTP {answer.status_code}")
            # Byte by byte, so that the clock is looked at however slowly they come; there are few.
            for piece in answer.iter_content(1):
                body += piece
                if len(body) > LIMIT:
                    raise _refused(address, f"it is larger than {LIMIT} bytes")
                if time.monotonic() > until:
                    raise _unread(address, f"not at its end within {SECONDS:g} s")
    except requests.RequestException as error:
        raise _unread(address, type(error).__name__) from error
    return body


def _words(said: dict[str, Any], field: str, otherwise: list[str]) -> list[Any]:
    found = said.get(field, otherwise)
    return found if isinstance(found, list) else []


def _name(address: str, said: dict[str, Any]) -> str:
    """People read it on the consent page, in front of the host's name, so it must not look like one more sentence."""
    name = said.get("client_name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _refused(address, "its client_name is missing, or longer or odder than a name")
    return name


def _redirects(address: str, said: dict[str, Any]) -> tuple[str, ...]:
    found = _words(said, "redirect_uris", [])
    if not 0 < len(found) <= REDIRECTS:
        raise _refused(address, f"it has no redirect_uris, or more than {REDIRECTS}")
    for uri in found:
        if not isinstance(uri, str) or not re.fullmatch(f"{HTTPS}|{LOOPBACK}", uri):
            raise _refused(address, f"{uri!r:.100} is neither an https address nor one of the own machine")
    return tuple(dict.fromkeys(found))


def _scopes(address: str, said: dict[str, Any]) -> tuple[str, ...]:
    """The scopes that it may ask for: all that are offered to new clients, or fewer when it names some."""
    scope = said.get("scope")
    if scope is None:
        return tuple(OFFERED["optional"])
    named = scope.split() if isinstance(scope, str) else [None]
    beyond = [name for name in named if name not in {"openid", *OFFERED["optional"], *OFFERED["default"]}]
    if beyond:
        raise _refused(address, f"the scope {beyond[0]!r:.60} is not offered to clients that others make")
    return tuple(name for name in OFFERED["optional"] if name in named)


def _refused(address: str, why: str) -> DocumentRefused:
    return DocumentRefused(
        f"The client document {address:.200} is refused: {why}.",
        fix="Take its address out of CLIENT_DOCUMENTS, or have it corrected; docs/clients.md says what it may say.",
    )


def _unread(address: str, why: str) -> DocumentUnread:
    return DocumentUnread(
        f"The client document {address:.200} could not be read ({why}).",
        fix="A client that was made from it before stays as it was; once it can be read, run `./demo init` again.",
    )
