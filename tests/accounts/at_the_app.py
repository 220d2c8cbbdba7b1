"""Somebody in a browser without a screen: signed in to the app, sent to a provider, and back; cookies and all."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from requests.cookies import RequestsCookieJar

from stack.testing import Stack
from tests.support.login import Page, agree
from tests.support.people import Person


class Browser:
    """One person's browser. Every request goes out with the cookies of its host, and follows nothing by itself."""

    def __init__(self, stack: Stack, person: Person) -> None:
        self.stack, self.person = stack, person
        self.app = stack.url("app")
        self._session = requests.Session()
        self._session.trust_env = False
        self._keycloak = RequestsCookieJar()

    def sign_in(self) -> Browser:
        """By Keycloak's own page."""
        answer = self.arrive()
        assert answer.status_code == 303, answer.text
        return self

    def arrive(self) -> requests.Response:
        """What the app answers to whoever comes back from Keycloak."""
        first = self.get(f"{self.app}/auth/login?next=/my-secrets")
        arrived, _ = agree(
            first.headers["Location"], self.person.username, self.person.password, cookies=self._keycloak
        )
        return self.get(arrived)

    def get(self, url: str) -> requests.Response:
        """One request."""
        return self._session.get(url, headers=self._cookies(url), timeout=30, allow_redirects=False)

    def begin(self, server: str, query: str = "next=/my-secrets") -> requests.Response:
        """Press "Connect"."""
        return self.get(f"{self.app}/auth/connect/{server}?{query}")

    def consent(self, url: str, *, yes: bool = True, as_person: Person | None = None) -> str:
        """Sign in at the provider and answer its question: where the browser is sent then."""
        who, page = as_person or self.person, Page()
        shown = self.get(url)
        assert shown.status_code == 200, shown.text
        page.feed(shown.text)
        form = {
            **page.hidden,
            "username": who.email,
            "password": who.password,
            "answer": "yes" if yes else "no",
        }
        answer = self._session.post(urljoin(url, page.action), data=form, timeout=30, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def connect(self, server: str, query: str = "next=/my-secrets") -> requests.Response:
        """The whole way: the app's last answer."""
        begun = self.begin(server, query)
        assert begun.status_code == 303, begun.text
        return self.get(self.consent(begun.headers["Location"]))

    def _cookies(self, url: str) -> dict[str, str]:
        """They are Secure, which browsers send to http://localhost all the same; requests would not."""
        path = urlsplit(url).path
        fitting = [c for c in self._session.cookies if path.startswith(c.path.rstrip("/") or "/")]
        return {"Cookie": "; ".join(f"{c.name}={c.value}" for c in fitting)}


def query_of(url: str) -> dict[str, Any]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
