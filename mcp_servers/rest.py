"""One REST back end: the client that lives as long as the server, and its failures as sentences."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from fastmcp_vault.circuit import Circuit
from fastmcp_vault.credentials.calls import patience
from fastmcp_vault.errors import BackendRefused, BackendUnavailable, Problem
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.masking import mask_text
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import step
from fastmcp_vault.tracing.wire import TracedTransport
from mcp_servers.limits import SHORTEST_WAIT, Limit, limit_in
from mcp_servers.origins import within
from mcp_servers.proxies import BackendProxy

TRIES = 3
"""How often one call is sent at most, while a rate limit refuses it for a short time."""

WORDS_LIMIT = 500
"""Characters of a back end's own words that are passed on."""

_REFUSALS = {
    401: (
        "{name} does not accept the stored credential",
        "It may have been revoked or have expired: an administrator stores a new one.",
    ),
    403: ("{name} does not let you do this with {about}", "Ask whoever administers {name} for the right."),
    404: ("{name} has no {about}, or you may not see it", "Check the name."),
    410: ("{name} has no {about} any more", "Check the name."),
}
"""Status → what happened, what to do."""

_MOVED = ("{name} says that {about} has moved", "Use its new name.")
_OTHER = ("{name} refused the call about {about}", "Change the input.")

Words = Callable[[Any], str]
"""Reads the sentences out of the back end's JSON error body."""


class Rest:
    """A REST API at ``base_url``, called with each caller's own headers. ``timeout`` in seconds.
    ``proxy``: the way to it, where there is one. ``site_url``: where people see it, if that is known.

    Every call raises BackendRefused when the API refuses it, BackendUnavailable when it does not answer,
    errs, limits the rate, or answers something that is not its API.
    """

    def __init__(
        self,
        base_url: str,
        *,
        server: str,
        name: str,
        timeout: float,
        words: Words,
        proxy: BackendProxy | None = None,
        site_url: str = "",
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.server, self.name, self._timeout, self._words = server, name, timeout, words
        self.circuit = Circuit("backend")
        self._proxy = proxy
        self.site_url = site_url.rstrip("/")
        pool = async_transport(proxy=proxy.for_client() if proxy is not None else None)
        self._client = async_client(timeout=timeout, transport=TracedTransport(pool))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        about: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        again: Callable[[], Awaitable[Mapping[str, str]]] | None = None,
        over: Callable[[str], Problem] | None = None,
    ) -> httpx2.Response:
        """The response to one call that succeeded; ``about`` names what it is about, for the sentences.

        ``again``: headers with another credential, for one more try when this one is not taken (401); ``over``: what
        is raised when that one is not taken either, given this back end's name.

        ``path`` begins with ``/``, its variable parts quoted by :func:`segment`; or it is a URL of this same API.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}{path}"
        with step("backend", server=self.server) as opened:
            secrets = credentials_in(headers)
            opened.protect(*secrets)
            # Looked at before the circuit: one person's nonsense is no sign of the back end's health.
            if not all(value.isascii() and value.isprintable() for value in headers.values()):
                raise BackendRefused(
                    Sentence("The stored {name} credential has characters that no request can hold.", name=self.name),
                    fix="An administrator stores a new one, without line ends or accents.",
                )
            response = await self._send(method, url, headers=headers, params=params, json=body)
            for _ in range(TRIES - 1):
                if not await self._waited_out(method, response):
                    break
                response = await self._send(method, url, headers=headers, params=params, json=body)
            if response.status_code == httpx2.codes.UNAUTHORIZED and again is not None:
                headers = await again()
                opened.protect(*credentials_in(headers))
                response = await self._send(method, url, headers=headers, params=params, json=body)
                if response.status_code == httpx2.codes.UNAUTHORIZED and over is not None:
                    raise over(self.name)
            if not response.is_success:
                raise self._refusal(response, about, (*secrets, *credentials_in(headers)))
            opened.say(f"{self.name} answered about {about}.")
            return response

    async def _waited_out(self, method: str, response: httpx2.Response) -> bool:
        """Whether the call is to be sent again: a limit refused it for so short a time that it has been waited."""
        limit = self._limit(response)
        # What a limit refused was not carried out, so even a writing call is sent again; of a 503 that is not known.
        if limit is None or not limit.told or (response.status_code == 503 and method != "GET"):
            return False
        wait = max(limit.wait, SHORTEST_WAIT)
        if not patience(wait):
            return False
        await asyncio.sleep(wait)
        return True

    def _limit(self, response: httpx2.Response) -> Limit | None:
        if response.is_success:
            return None
        return limit_in(response.status_code, response.headers, self._words_of(response), now=time.time())

    async def _send(self, method: str, url: str, **more: Any) -> httpx2.Response:
        with self.circuit.asking():
            try:
                response = await self._client.request(method, url, **more)
            except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
                # Connected, then silent: it may be down, or busy with what this caller wants to know.
                raise BackendUnavailable(
                    Sentence(
                        "{name} did not answer within {seconds:g} s{through}.",
                        name=self.name,
                        seconds=self._timeout,
                        through=self._through,
                    ),
                    fix="Try again in a moment.",
                    one_call=True,
                ) from error
            except httpx2.HTTPError as error:
                raise BackendUnavailable(
                    Sentence(
                        "{name} at {address} cannot be reached{through}.",
                        name=self.name,
                        address=urlsplit(self.base_url).netloc,
                        through=self._through,
                    ),
                    fix=self._way_out,
                ) from error
            if response.status_code == httpx2.codes.PROXY_AUTHENTICATION_REQUIRED and self._proxy is not None:
                raise BackendUnavailable(
                    Sentence("The proxy {proxy} wants a user name and a password.", proxy=self._proxy.shown),
                    fix=self._way_out,
                )
            return response

    @property
    def _through(self) -> str:
        return Sentence(" through the proxy {proxy}", proxy=self._proxy.shown) if self._proxy is not None else ""

    @property
    def _way_out(self) -> str:
        if self._proxy is None:
            return "`./demo status` says whether it is up; try again."
        return Sentence(
            "Check {setting} in the server's settings (NO_PROXY lists what needs no proxy); try again.",
            setting=self._proxy.setting,
        )

    def json(self, response: httpx2.Response) -> Any:
        """The body as JSON. Raises BackendUnavailable if it is none."""
        try:
            return response.json()
        except ValueError as error:
            raise self.garbage() from error

    def garbage(self) -> BackendUnavailable:
        """The error for an answer that the API would not give."""
        return BackendUnavailable(
            Sentence("Something other than {name}'s API answered.", name=self.name),
            fix=Sentence(
                "Check the address of {name} in the server's settings; if it is right, try again.", name=self.name
            ),
        )

    def _refusal(
        self, response: httpx2.Response, about: str, secrets: Collection[str]
    ) -> BackendRefused | BackendUnavailable:
        status, said = response.status_code, self._said(response, secrets)
        limit = self._limit(response)
        if limit is not None and status != 503:
            reason = f" ({mask_text(limit.reason, limit=60)})" if limit.reason else ""
            return BackendUnavailable(
                Sentence(
                    "{name} limits how often it may be asked{reason}.{said}", name=self.name, reason=reason, said=said
                ),
                fix=limit.advice,
            )
        if status >= 500:
            return BackendUnavailable(
                Sentence("{name} had an error of its own ({status}).", name=self.name, status=status),
                fix=limit.advice if limit else "Try again in a moment.",
            )
        what, fix = _REFUSALS.get(status, _MOVED if status < 400 else _OTHER)
        return BackendRefused(
            Sentence(
                "{what} ({status}).{said}", what=Sentence(what, name=self.name, about=about), status=status, said=said
            ),
            fix=Sentence(fix, name=self.name),
        )

    def _said(self, response: httpx2.Response, secrets: Collection[str]) -> str:
        words = mask_text(self._words_of(response).strip(), secrets=secrets, limit=WORDS_LIMIT)
        return Sentence(" It said: {words}", words=words) if words else ""

    def _words_of(self, response: httpx2.Response) -> str:
        try:
            return self._words(response.json())
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            return ""

    def within(self, link: str, response: httpx2.Response) -> str | None:
        """Where a link in ``response`` leads, if within this API: a caller's credential is sent nowhere else."""
        return within(self.base_url, link, page=str(response.url))


def credentials_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What must not be repeated from these headers: the credential as sent, and the password in it (RFC 7617 §2)."""
    scheme, _, sent = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return (sent,)
    try:
        return sent, b64decode(sent).decode().partition(":")[2]
    except ValueError:
        return (sent,)


def segment(text: str | int) -> str:
    """One part of a path, with everything quoted that could leave it."""
    return quote(str(text), safe="")
