"""One REST back end: the client that lives as long as the server, and its failures as sentences."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from common.circuit import Circuit
from common.errors import BackendRefused, BackendUnavailable
from common.http import async_client, async_transport
from common.masking import mask_text
from tracing import step
from tracing.wire import TracedTransport

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

    Every call raises BackendRefused when the API refuses it, BackendUnavailable when it does not answer,
    errs, limits the rate, or answers something that is not its API.
    """

    def __init__(self, base_url: str, *, server: str, name: str, timeout: float, words: Words) -> None:
        self.base_url = base_url.rstrip("/")
        self.server, self.name, self._timeout, self._words = server, name, timeout, words
        self.circuit = Circuit("backend")
        self._client = async_client(timeout=timeout, transport=TracedTransport(async_transport()))

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
    ) -> httpx2.Response:
        """The response to one call that succeeded; ``about`` names what it is about, for the sentences.

        ``path`` begins with ``/``, its variable parts quoted by :func:`segment`; or it is a URL of this same API.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}{path}"
        with step("backend", server=self.server) as opened:
            secrets = credentials_in(headers)
            opened.protect(*secrets)
            # Looked at before the circuit: one person's nonsense is no sign of the back end's health.
            if not all(value.isascii() and value.isprintable() for value in headers.values()):
                raise BackendRefused(
                    f"The stored {self.name} credential has characters that no request can hold.",
                    fix="An administrator stores a new one, without line ends or accents.",
                )
            with self.circuit.asking():
                response = await self._send(method, url, headers=headers, params=params, json=body)
            if not response.is_success:
                raise self._refusal(response, about, secrets)
            opened.say(f"{self.name} answered about {about}.")
            return response

    async def _send(self, method: str, url: str, **more: Any) -> httpx2.Response:
        try:
            return await self._client.request(method, url, **more)
        except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
            # Connected, then silent: it may be down, or busy with what this caller wants to know.
            raise BackendUnavailable(
                f"{self.name} did not answer within {self._timeout:g} s.", fix="Try again in a moment.", one_call=True
            ) from error
        except httpx2.HTTPError as error:
            raise BackendUnavailable(
                f"{self.name} at {urlsplit(self.base_url).netloc} cannot be reached.",
                fix="`./demo status` says whether it is up; try again.",
            ) from error

    def json(self, response: httpx2.Response) -> Any:
        """The body as JSON. Raises BackendUnavailable if it is none."""
        try:
            return response.json()
        except ValueError as error:
            raise self.garbage() from error

    def garbage(self) -> BackendUnavailable:
        """The error for an answer that the API would not give."""
        return BackendUnavailable(
            f"Something other than {self.name}'s API answered.",
            fix=f"Check the address of {self.name} in the server's settings; if it is right, try again.",
        )

    def _refusal(
        self, response: httpx2.Response, about: str, secrets: Collection[str]
    ) -> BackendRefused | BackendUnavailable:
        status, said = response.status_code, self._said(response, secrets)
        if status == 429 or (status == 403 and response.headers.get("x-ratelimit-remaining") == "0"):
            wait = response.headers.get("retry-after", "")
            when = f"in {wait} s" if wait.isdigit() else "in a minute"
            return BackendUnavailable(f"{self.name} limits how often it may be asked.{said}", fix=f"Try again {when}.")
        if status >= 500:
            return BackendUnavailable(f"{self.name} had an error of its own ({status}).", fix="Try again in a moment.")
        what, fix = _REFUSALS.get(status, _MOVED if status < 400 else _OTHER)
        return BackendRefused(
            f"{what.format(name=self.name, about=about)} ({status}).{said}", fix=fix.format(name=self.name)
        )

    def _said(self, response: httpx2.Response, secrets: Collection[str]) -> str:
        try:
            words = self._words(response.json())
        except (ValueError, TypeError, AttributeError, KeyError):
            return ""
        words = mask_text(words.strip(), secrets=secrets, limit=WORDS_LIMIT)
        return f" It said: {words}" if words else ""

    def same_api(self, url: str) -> bool:
        """Whether ``url`` lies within this API: a caller's credential is sent nowhere else."""
        there, here = urlsplit(url), urlsplit(self.base_url)
        return (there.scheme, there.netloc) == (here.scheme, here.netloc) and there.path.startswith(here.path)


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
