"""A person at a browser, without the browser: cookies are kept, redirects followed, forms of Keycloak's filled in."""

from __future__ import annotations

import base64
import hmac
import struct
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urljoin

import requests

from tests.support.login import Page
from tests.support.people import Person

CODE_SECONDS = 30
"""How long a one-time code is the current one (RFC 6238 §5.2)."""


@dataclass
class Seen:
    """Where the browser arrived, and what stands there."""

    url: str
    status: int
    page: Page = field(default_factory=Page)

    @property
    def words(self) -> str:
        """What a person reads."""
        return " ".join(self.page.words)


class Hands:
    """One browser profile. ``came_by`` is every address of the last way, redirects included."""

    def __init__(self) -> None:
        self.came_by: list[str] = []
        self._browser = requests.Session()
        self._browser.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()

    def go(self, url: str) -> Seen:
        """Open ``url`` and follow where it leads."""
        self.came_by = []
        return self._follow("GET", url)

    def peek(self, url: str) -> str:
        """Open ``url``; where it would lead next, not followed."""
        return urljoin(url, self._send("GET", url).headers["Location"])

    def send(self, seen: Seen, **fields: str) -> Seen:
        """Fill in the form that was seen, and send it."""
        self.came_by = []
        return self._follow("POST", urljoin(seen.url, seen.page.action), seen.page.hidden | fields)

    def sign_in(self, app: str, person: Person) -> Seen:
        """Through the app's own sign-in; the page after it."""
        return self.send(self.go(f"{app}/auth/login"), username=person.username, password=person.password)

    def cookie(self, name: str) -> str:
        """A cookie's value; empty when there is none."""
        return next((str(found.value) for found in self._browser.cookies if found.name == name), "")

    def _follow(self, method: str, url: str, form: dict[str, str] | None = None) -> Seen:
        for _ in range(10):
            self.came_by.append(url)
            answer = self._send(method, url, form)
            if answer.status_code not in (302, 303):
                seen = Seen(url, answer.status_code)
                seen.page.feed(answer.text)
                return seen
            method, url, form = "GET", urljoin(url, answer.headers["Location"]), None
        raise AssertionError("a loop: " + " → ".join(self.came_by))

    def _send(self, method: str, url: str, form: dict[str, str] | None = None) -> requests.Response:
        # They are Secure, which browsers send to http://localhost all the same; requests would not.
        cookies = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in self._browser.cookies)}
        return self._browser.request(method, url, data=form, headers=cookies, timeout=30, allow_redirects=False)


def one_time_code(secret: str, now: float) -> str:
    """The code of a generator that was set up with ``secret`` (base32) (RFC 6238, RFC 4226 §5.3; SHA-1, six digits)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(now) // CODE_SECONDS), "sha1")
    at = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[at : at + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
