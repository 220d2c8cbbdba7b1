"""Somebody at a table: signs in by Keycloak's real pages, and does every exercise by what their pages show."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx2

from app.texts import t
from app.workshop import EXERCISES
from tests.room.page_socket import PageSocket, until
from tests.support.login import Page

OWN_PASSWORD = "a password of my own"

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclass
class RoomParticipant:
    """One person with one browser. ``card``: the password that stands on it; ``address``: that of their device."""

    name: str
    card: str
    origin: str
    trust: ssl.SSLContext
    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    password: str = ""

    def __post_init__(self) -> None:
        device = httpx2.AsyncHTTPTransport(verify=self.trust, local_address=self.address)
        self.http = httpx2.AsyncClient(transport=device, timeout=120, trust_env=False, follow_redirects=False)
        self.tab = PageSocket(self.origin, "", self.trust)

    async def leave(self) -> None:
        """Close the browser."""
        await self.tab.close()
        await self.http.aclose()

    async def sign_in(self) -> None:
        """By the app's link and Keycloak's pages, with a new password where it asks for one."""
        answer = await self.http.get(f"{self.origin}/auth/login?next=/workshop")
        for _ in range(12):
            if answer.status_code in (302, 303):
                target = urljoin(str(answer.url), answer.headers["location"])
                if "/auth/callback" in str(answer.url):
                    break
                answer = await self.http.get(target)
            else:
                answer = await self._filled_in(answer)
        cookie = next(c for c in self.http.cookies.jar if c.name == "__Host-mcp_demo_session")
        self.tab.cookie = f"{cookie.name}={cookie.value}"

    async def _filled_in(self, shown: httpx2.Response) -> httpx2.Response:
        assert shown.status_code == 200, f"{self.name}: {shown.status_code} {shown.text[:500]}"
        page = Page()
        page.feed(shown.text)
        form = dict(page.hidden)
        if 'name="password-new"' in shown.text:
            self.password = OWN_PASSWORD
            form |= {"password-new": OWN_PASSWORD, "password-confirm": OWN_PASSWORD}
        elif 'name="accept"' in shown.text:
            form |= {"accept": "Yes"}
        elif 'name="password"' in shown.text:
            form |= {"username": self.name, "password": self.password or self.card, "credentialId": ""}
        else:
            raise AssertionError(f"{self.name}: what is to be filled in here? {' '.join(page.words)}")
        return await self.http.post(urljoin(str(shown.url), page.action), data=form)

    async def check(self, exercise: str, *, done: bool = True, **given: str) -> None:
        """Press *Check* on the Workshop page, which is open, and see it counted; with ``done`` false: not yet."""
        answers = {f"arg.workshop.{exercise}.{name}": value for name, value in given.items()}
        await self.tab.press(f"workshop.check.{exercise}", **answers)
        now = self.done | {exercise} if done else self.done
        wanted = t("workshop.progress", done=len(now), all=len(EXERCISES))
        assert wanted in self.tab.words(), f"{self.name}, {exercise}: {_said(self.tab.words())}"
        self.done = now

    async def reload(self) -> None:
        """The page anew, in another connection, as after the network was gone: progress is still known."""
        await self.tab.open("workshop")
        assert t("workshop.progress", done=len(self.done), all=len(EXERCISES)) in self.tab.words()

    async def use_tools(self) -> tuple[str, str]:
        """Load Jira and PostgreSQL, run a query: the entity's id, and the database user."""
        await self.tab.open("mcp-tools")
        for server in ("jira", "postgres"):
            await self.tab.tick(f"pick.{server}")
        await self.tab.press("load")
        words = self.tab.words()
        entity = re.search(rf"entity_id\W{{1,12}}({_UUID})", words)
        assert entity, f"{self.name}: no entity is shown. {_said(words)}"
        await self.tab.press("execute.postgres.query", **{"arg.postgres.query.sql": "SELECT current_user AS me"})
        user = re.search(r"v-[a-z]+[\w-]*-\d{10}", self.tab.words())
        assert user, f"{self.name}: no database user is shown. {_said(self.tab.words())}"
        return entity[1], user[0]

    async def audit_line(self) -> str:
        """The request id of the line in which the Jira server read this person's credential."""
        await self.tab.open("audit")
        wanted = f"read secret/data/users/{self.name}/jira"
        await until(lambda: self.tab.offers("pick.audit.raw.", wanted), lambda: self.tab.press("audit.again"))
        await self.tab.choose("pick.audit.raw.", wanted)
        found = re.search(rf"{_UUID}", self.tab.words().split("pick.audit.raw.")[-1])
        about = re.findall(rf"`({_UUID})`", self.tab.words())
        assert found or about, _said(self.tab.words())
        return about[-1] if about else str(found and found[0])

    async def make_token(self) -> str:
        """A token with the name that the exercise asks for; its accessor."""
        await self.tab.open("vault-tokens")
        await self.tab.press("tokens.make.do", **{"arg.tokens.name": "workshop"})
        found = re.search(r"token-([A-Za-z0-9.]{20,})|revoke\.([A-Za-z0-9.]{20,})", self.tab.words())
        assert found, _said(self.tab.words())
        return found[1] or found[2]

    async def chat(self) -> None:
        """A link, its code, Keycloak with its consent, back at the app; then the chatbot fetches an issue."""
        await self.tab.open("login-relay")
        await self.tab.press("relay.get")
        words = self.tab.words()
        link = re.search(rf"{re.escape(self.origin)}/relay/login/[\w.-]+", words)
        code = re.search(r"\b[A-Z0-9]{3}-[A-Z0-9]{3}\b", words)
        assert link, _said(words)
        assert code, _said(words)
        answer = await self.http.post(link[0], data={"code": code[0]}, headers={"Origin": self.origin})
        for _ in range(12):
            if answer.status_code in (302, 303):
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(f"{self.origin}/login-relay"):
                    break
                answer = await self.http.get(target)
            else:
                answer = await self._filled_in(answer)
        await self.tab.open("login-relay")
        await until(lambda: self.tab.has("relay.ask.do"), lambda: self.tab.open("login-relay"))
        await self.tab.press("relay.ask.do")

    async def connect(self) -> None:
        """The app's link to the mock Jira, its consent page, and back."""
        begun = await self.http.get(f"{self.origin}/auth/connect/jira?next=/my-secrets")
        asked = begun.headers["location"]
        assert asked.startswith(f"{self.origin}/mock/jira/authorize?"), asked
        page = Page()
        page.feed((await self.http.get(asked)).text)
        form = {**page.hidden, "username": self.name, "password": self.card, "answer": "yes"}
        agreed = await self.http.post(asked, data=form)
        back = await self.http.get(agreed.headers["location"])
        assert "connected=jira" in back.headers["location"], back.text

    async def suspend(self, server: str, *, reason: str) -> None:
        """The facilitator's button on the page People."""
        await self.tab.open("people")
        await self.tab.press(f"room.suspend.now.{server}", **{f"reason-{server}": reason})
        assert self.tab.has(f"room.resume.{server}"), _said(self.tab.words())

    async def resume(self, server: str) -> None:
        """Let it serve again, likewise."""
        await self.tab.open("people")
        await self.tab.press(f"room.resume.{server}")
        assert self.tab.has(f"room.suspend.now.{server}"), _said(self.tab.words())

    async def sign_out(self) -> None:
        """The app's button."""
        await self.tab.close()
        answer = await self.http.post(f"{self.origin}/auth/logout", headers={"Origin": self.origin})
        assert answer.status_code == 303
        await self.http.get(answer.headers["location"])


def _said(words: str) -> str:
    """The sentences of a page."""
    found = re.findall(r'(?:body|text|label): "((?:[^"\\]|\\.)*)"', words)
    return " | ".join(sentence for sentence in found if len(sentence) < 400)[-4000:]
