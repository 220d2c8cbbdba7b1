"""A person beside a client that opens a browser: Keycloak's pages are answered, and the redirect arrives."""

from __future__ import annotations

import threading

import requests
from requests.cookies import RequestsCookieJar

from tests.support.login import agree
from tests.support.people import Person


class AtTheForm:
    """Answers Keycloak's pages and lets the redirect arrive, as a browser beside the client would.

    ``cookies``: what that browser holds, for one that opens several clients' pages.
    """

    def __init__(self, person: Person, *, yes: bool = True, cookies: RequestsCookieJar | None = None) -> None:
        self.person, self.yes, self.cookies = person, yes, cookies
        self.asked = self.url = ""

    def __call__(self, url: str) -> bool:
        self.url = url
        threading.Thread(target=self._visit, daemon=True).start()
        return True

    def _visit(self) -> None:
        arrived, self.asked = agree(
            self.url, self.person.username, self.person.password, yes=self.yes, cookies=self.cookies
        )
        with requests.Session() as browser:
            browser.trust_env = False
            browser.get(arrived, timeout=30)
