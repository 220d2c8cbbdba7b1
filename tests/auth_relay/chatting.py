"""A chatbot and its user, as tests need them: links asked for, codes typed, Keycloak's page filled in."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from common import signed
from stack.testing import Stack
from tests.support.login import fill_in
from tests.support.people import Person

HTML = {"Accept": "text/html"}


@dataclass
class Programs:
    """The stack's relay and chatbot over plain HTTP; ``relay`` may be another relay's address."""

    stack: Stack
    relay: str = ""

    def __post_init__(self) -> None:
        self.relay = self.relay or self.stack.url("auth-relay")

    @property
    def hmac_secret(self) -> SecretStr:
        return SecretStr(self.stack.secrets["RELAY_TO_CHATBOT_HMAC_SECRET"])

    def wanted(self, **changes: Any) -> dict[str, Any]:
        """A good request for a link."""
        return {
            "chatbot_user_id": f"user-{secrets.token_hex(6)}",
            "callback_url": f"{self.stack.url('mock-chatbot')}/relay/callback",
            "client_key": "demo-chatbot",
            "redirect_after": f"{self.stack.url('mock-chatbot')}/linked",
            **changes,
        }

    def ask(self, path: str = "/issue_login_link", **wanted: Any) -> requests.Response:
        """The request, unsigned."""
        return requests.post(f"{self.relay}{path}", json=wanted, timeout=30)

    def ask_signed(
        self, path: str = "/issue_login_link", *, secret: SecretStr | None = None, **wanted: Any
    ) -> requests.Response:
        """The request, signed as docs/CHATBOT.md says."""
        body = signed.canonical({"ts": int(time.time()), "nonce": secrets.token_urlsafe(24), **wanted})
        headers = {
            "Content-Type": "application/json",
            signed.HEADER: signed.signature(body, secret or self.hmac_secret),
        }
        return requests.post(f"{self.relay}{path}", data=body, headers=headers, timeout=30)

    def link(self, **changes: Any) -> dict[str, Any]:
        """A login link with its code."""
        answer = self.ask(**self.wanted(**changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def chat(self, user: str, path: str = "", **body: Any) -> requests.Response:
        """What the messenger asks the chatbot for one of its users; a GET without ``path``."""
        return self._messenger("POST" if path else "GET", f"/chats/{user}{path}", body if path else None)

    def forget(self, user: str) -> None:
        """Whatever the chatbot has of this user is gone."""
        assert self._messenger("DELETE", f"/chats/{user}").status_code == 200

    def _messenger(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.stack.secrets['CHATBOT_MESSENGER_KEY']}"}
        return requests.request(
            method, f"{self.stack.url('mock-chatbot')}{path}", json=body, headers=headers, timeout=30
        )

    def shown(self, user: str) -> dict[str, Any]:
        """A chat as its user sees it."""
        answer = self.chat(user)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def linked(self, person: Person, user: str) -> dict[str, Any]:
        """The chat after ``person`` has signed in for it, from the link to the page at the end."""
        link = self.chat(user, "/link").json()["link"]
        browser = Browser(self)
        answer = browser.sign_in(link, person)
        assert answer.status_code == 303, answer.text
        return self.shown(user)


@dataclass
class Browser:
    """One browser's dealings with the relay: its cookies, and no redirect followed unseen."""

    programs: Programs
    cookies: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.cookies.trust_env = False
        self.cookies.headers.update(HTML)

    def look(self, link: dict[str, Any]) -> requests.Response:
        """Open the link."""
        return self.cookies.get(link["login_url"], timeout=30, allow_redirects=False)

    def type_code(self, link: dict[str, Any], code: str | None = None, **headers: str) -> requests.Response:
        """Send the form."""
        form = {"code": link["code"] if code is None else code}
        return self.cookies.post(link["login_url"], data=form, headers=headers, timeout=30, allow_redirects=False)

    def begin(self, link: dict[str, Any]) -> str:
        """Type the right code; Keycloak's address, where the browser is sent."""
        answer = self.type_code(link)
        assert answer.status_code == 303, answer.text
        where = answer.headers["Location"]
        assert urlsplit(where).path.endswith("/protocol/openid-connect/auth")
        return where

    def come_back(self, query: dict[str, str]) -> requests.Response:
        """Keycloak sent the browser back with this."""
        url = f"{self.programs.relay}/oidc/callback"
        return self.cookies.get(url, params=query, timeout=60, allow_redirects=False)

    def sign_in(self, link: dict[str, Any], person: Person) -> requests.Response:
        """The whole way; the relay's last answer."""
        return self.come_back(fill_in(self.begin(link), person.username, person.password))
