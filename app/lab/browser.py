"""As much of a browser as signing in takes: cookies, Keycloak's one form, and no redirect followed by itself."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from pydantic import SecretStr

from app.lab.people import DemoPerson
from app.lab.targets import Targets
from app.settings import origin_of
from app.texts import t
from fastmcp_vault.errors import LoginFailed


class Browser:
    """One visitor, by ``client``. Cookies know no ports and, on localhost, no difference between http and https."""

    def __init__(self, client: httpx2.AsyncClient, targets: Targets) -> None:
        self._client, self._targets = client, targets
        self.cookies: dict[str, str] = {}

    async def authorize(self, url: str, person: DemoPerson) -> dict[str, str]:
        """Sign in at Keycloak's own page; the parameters that the browser is sent back with. Raises LoginFailed."""
        callback = await self._through_keycloak(url, person)
        return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}

    async def sign_in_to_the_app(self, person: DemoPerson, cookie: str) -> SecretStr:
        """Sign in from the app's own button; the session cookie, by its name. Raises LoginFailed."""
        asked = await self._request("GET", f"{self._targets.app}/auth/login")
        callback = await self._through_keycloak(str(asked.headers.get("location", "")), person)
        await self._request("GET", callback)
        if cookie not in self.cookies:
            raise _refused()
        return SecretStr(self.cookies[cookie])

    def at_keycloak(self, url: str, keycloak: str) -> tuple[str, dict[str, str]]:
        """A page of Keycloak's as ``keycloak`` has it, and the headers that this browser sends to it."""
        inside = keycloak + url.removeprefix(self._targets.public_keycloak)
        return inside, {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    async def _through_keycloak(self, url: str, person: DemoPerson) -> str:
        page = _Form()
        page.feed((await self._request("GET", url)).text)
        if not page.action:
            raise _refused()
        form = {"username": person.username, "password": person.password.get_secret_value(), "credentialId": ""}
        answer = await self._request("POST", page.action, data=form)
        if not answer.is_redirect:
            raise _refused()
        return urljoin(url, answer.headers["location"])

    async def _request(self, method: str, url: str, *, data: dict[str, str] | None = None) -> httpx2.Response:
        inside = url
        if origin_of(url) == origin_of(self._targets.public_keycloak):
            # Where the two differ, Keycloak's pages name the address that browsers use.
            inside = self._targets.keycloak + url[len(self._targets.public_keycloak) :]
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = await self._client.request(method, inside, headers=headers if self.cookies else {}, data=data)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if value:
                self.cookies[name.strip()] = value
            else:
                self.cookies.pop(name.strip(), None)
        return answer


class _Form(HTMLParser):
    """The address that Keycloak's login form is sent to."""

    action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form" and found.get("id") == "kc-form-login":
            self.action = found.get("action") or ""


def _refused() -> LoginFailed:
    return LoginFailed(t("lab.no-sign-in"), fix=t("lab.no-sign-in.fix"))
