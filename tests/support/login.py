"""Signing in without a browser: Keycloak's real login page, its form filled in and sent."""

from __future__ import annotations

import asyncio
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from requests.cookies import RequestsCookieJar

from fastmcp_vault.oidc import Keycloak, TokenSet
from stack.testing import Stack
from tests.support.people import Person

APP_CALLBACK = "http://localhost:8501/auth/callback"


class SignInRefused(Exception):
    """The login page came back; its text is the message."""


class Page(HTMLParser):
    """The first form's address, whether it is the login form, its hidden fields, and what the page says."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.signs_in = False
        self.hidden: dict[str, str] = {}
        self.words: list[str] = []
        self._silent = self._forms = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._forms += 1
        if tag == "form" and not self.action:
            self.action, self.signs_in = found.get("action") or "", found.get("id") == "kc-form-login"
        if tag == "input" and found.get("type") == "hidden" and self._forms == 1:
            self.hidden[found.get("name") or ""] = found.get("value") or ""
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.words.append(data.strip())


def fill_in(login_url: str, username: str, password: str) -> dict[str, str]:
    """The callback's parameters (``code``, ``state``, ``iss``, …) after signing in at ``login_url``, with a yes."""
    arrived, _ = agree(login_url, username, password)
    return {name: values[0] for name, values in parse_qs(urlsplit(arrived).query).items()}


def agree(
    login_url: str, username: str, password: str, *, yes: bool = True, cookies: RequestsCookieJar | None = None
) -> tuple[str, str]:
    """Sign in and answer the consent page, if there is one: where the browser is sent then, and what that page said.

    ``cookies``: those of a browser that may be signed in already, which are kept up to date.
    """
    with requests.Session() as browser:
        browser.trust_env = False
        if cookies is not None:
            browser.cookies = cookies
        form = {"username": username, "password": password, "credentialId": ""}
        page, asked = Page(), ""
        answer = browser.get(login_url, headers=_cookies(browser), timeout=30, allow_redirects=False)
        home = urlsplit(login_url).netloc
        for _ in range(6):
            if answer.status_code in (302, 303):
                if urlsplit(answer.headers["Location"]).netloc != home:
                    return answer.headers["Location"], asked
                answer = browser.get(
                    answer.headers["Location"], headers=_cookies(browser), timeout=30, allow_redirects=False
                )
                continue
            before, page = page, Page()
            page.feed(answer.text)
            if not page.action or (page.signs_in and before.signs_in):
                break
            if not page.signs_in:
                asked = " ".join(page.words)
                form = {**page.hidden, "accept" if yes else "cancel": "x"}
            action = urljoin(answer.url, page.action)
            answer = browser.post(action, data=form, headers=_cookies(browser), timeout=30, allow_redirects=False)
    missing = "" if page.signs_in else ", no login form"
    raise SignInRefused(f"HTTP {answer.status_code}{missing}: {' '.join(page.words)}")


def _cookies(browser: requests.Session) -> dict[str, str]:
    """They are Secure, which browsers send to http://localhost all the same; requests would not."""
    return {"Cookie": "; ".join(f"{c.name}={c.value}" for c in browser.cookies)}


async def sign_in(
    keycloak: Keycloak, username: str, password: str, *, redirect_uri: str = APP_CALLBACK, scope: str | None = None
) -> TokenSet:
    """The tokens that the app's own code flow gives ``username``: authorization request, login page, redemption."""
    request = (
        keycloak.login_request(redirect_uri=redirect_uri)
        if scope is None
        else keycloak.login_request(redirect_uri=redirect_uri, scope=scope)
    )
    answer = await asyncio.to_thread(fill_in, request.url, username, password)
    assert answer["state"] == request.state
    return await keycloak.redeem(
        code=answer["code"], verifier=request.verifier, nonce=request.nonce, redirect_uri=redirect_uri
    )


def end_at_keycloak(stack: Stack, person: Person) -> None:
    """What an administrator's "Sign out" in Keycloak's console does."""
    base = stack.url("keycloak")
    secrets = stack.secrets
    login = {
        "grant_type": "password",
        "client_id": "admin-cli",
        "username": "admin",
        "password": secrets.get("KEYCLOAK_ADMIN_PASSWORD", "admin"),
    }
    token = requests.post(f"{base}/realms/master/protocol/openid-connect/token", data=login, timeout=30).json()
    admin = {"Authorization": f"Bearer {token['access_token']}"}
    users = f"{base}/admin/realms/mcp-demo/users"
    found = requests.get(users, params={"username": person.username, "exact": "true"}, headers=admin, timeout=30).json()
    requests.post(f"{users}/{found[0]['id']}/logout", headers=admin, timeout=30).raise_for_status()
