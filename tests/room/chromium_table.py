"""Somebody at a table with a real Chromium, who does every exercise by what the screen shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from playwright.sync_api import Page, expect

from app.texts import t
from app.workshop import EXERCISES
from tests.browser.test_workshop import exercise
from tests.room.participant import OWN_PASSWORD
from tests.support.browser import PATIENCE, Visitor, arrivals, started

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_USER = re.compile(r"v-[a-z]+[\w-]*-\d{10}")


class ChromiumTable:
    """A browser of its own, driven in a thread of its own. ``card``: the password on it.

    Each step raises AssertionError for what is not as it must be.
    """

    def __init__(self, name: str, card: str, origin: str) -> None:
        self.name, self._card, self._origin = name, card, origin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._open = ExitStack()
        self._done = 0
        self.me: Visitor

    async def does(self, what: Callable[[ChromiumTable], None]) -> None:
        """One of the methods below."""
        await asyncio.get_running_loop().run_in_executor(self._thread, what, self)

    async def leave(self) -> None:
        """Close the browser."""
        await self.does(lambda table: table._open.close())
        self._thread.shutdown()

    def arrives(self) -> None:
        """Sign in with the card, choose a password."""
        browser = self._open.enter_context(started())
        self.me = self._open.enter_context(arrivals(browser, self._origin, ignore_https_errors=True))()
        self.me.page.goto(f"{self._origin}/auth/login?next=/workshop")
        choose_password(self.me, self.name, self._card)
        self.me.settled()

    def does_1_to_4(self) -> None:
        """Load tools, run a query; then what their traces show is the answer."""
        me = self.me
        me.go("Use", "MCP tools")
        me.load("Jira", "PostgreSQL")
        me.message("Find the entity of this user id").click()
        entity = me.page.locator(".panel").get_by_text(re.compile(f"^{_ID.pattern}$")).first.inner_text()
        query = me.tool("postgres", "query")
        query.get_by_role("textbox", name="sql").fill("SELECT current_user AS me")
        me.press_for_trace(query.get_by_role("button", name="Execute"))
        user = _USER.search(me.words())
        assert user, me.words()
        me.go("Workshop and programs", "Workshop")
        self._checks("sign-in")
        self._checks("entity", id=entity)
        self._checks("database", user=user[0])
        self._checks("others", whose="bob")

    def goes_on(self) -> None:
        """After the network was gone: the page that stood open all the time comes back by itself. Exercises 5, 6, 9."""
        partner = f"{self.name}-bob"
        self._checks("bob", path=f"secret/data/users/{partner}/jira")
        self._half("give", "Vault still has nothing for")
        self.me.page.locator(".st-key-workshop-act-give-store button").click()
        self.me.sees("You wrote it, and you cannot read it.")
        self._checks("give")
        self._checks("broken", part=t("workshop.broken.part.signature"), layer=t("workshop.broken.layer.mcp"))

    def does_7_and_10(self) -> None:
        """A token made and revoked; the line of Vault's audit log."""
        me = self.me
        me.go("Workshop and programs", "Vault tokens")
        me.page.get_by_label("Token name").fill("workshop")
        me.page.get_by_role("button", name="Make token").click()
        me.sees("Renew")
        me.go("Workshop and programs", "Workshop")
        self._half("revoke", "Vault knows it, by the accessor")
        me.go("Workshop and programs", "Vault tokens")
        me.page.get_by_role("button", name="Revoke").click()
        me.sees("workshop is revoked")
        line = self._audit_line()
        me.go("Workshop and programs", "Workshop")
        self._checks("revoke")
        self._checks("audit", request=line)

    def does_11_and_12(self) -> None:
        """The chatbot by a link; an account connected, ended, and connected again."""
        chats(self.me, self.name)
        self.me.open("/workshop")
        self._checks("chat")
        connects(self.me, self.name, self._card)
        self.me.open("/workshop")
        self._half("connect", "is connected as")
        self.me.open("/my-secrets")
        self.me.page.locator(".st-key-accounts-disconnect-jira button").click()
        self.me.page.locator(".st-key-account-jira").get_by_role("link", name="Connect").wait_for()
        self.me.open("/workshop")
        self._half("connect", "You ended the connection")
        connects(self.me, self.name, self._card)
        self.me.open("/workshop")
        self._checks("connect")

    def meets_the_suspended_server(self) -> None:
        """The first half of exercise 8."""
        self._half("suspend", "refuses you: workshop")

    def does_8(self) -> None:
        """The second half."""
        self._checks("suspend")

    def does_13(self) -> None:
        """Sign out and in again; then the partner's credential is taken back."""
        self._half("sign-out", "Vault tokens held for this session")
        self.me.sign_out()
        self.me.page.goto(f"{self._origin}/auth/login?next=/workshop")
        self.me.fill_in(self.name, OWN_PASSWORD)
        self.me.sees(t("workshop.progress", done=self._done, all=len(EXERCISES)))
        self._checks("sign-out")
        assert self._done == len(EXERCISES)
        exercise(self.me, "give")
        self.me.page.locator(".st-key-workshop-act-give-take-back button").click()
        self.me.sees("Vault has no Jira token of")

    def begins_anew(self) -> None:
        """After the facilitator's reset; nothing on the way had another table's name."""
        self.me.open("/workshop")
        self.me.sees(t("workshop.progress", done=0, all=len(EXERCISES)))
        named = set(re.findall(r"\b(?:table|seat)-\d\d\b", self.me.words()))
        assert named <= {self.name}, named

    def _checks(self, name: str, **answers: str) -> None:
        """Answer an exercise, check, and see it counted."""
        self._answer(name, answers)
        self._done += 1
        self.me.sees(t("workshop.progress", done=self._done, all=len(EXERCISES)), within=3 * PATIENCE)
        self.me.settled()

    def _half(self, name: str, then: str) -> None:
        """Check before it is done: the page says ``then``."""
        self._answer(name, {})
        self.me.sees(then, within=3 * PATIENCE)
        self.me.settled()

    def _answer(self, name: str, answers: dict[str, str]) -> None:
        place = exercise(self.me, name)
        for field, value in answers.items():
            widget = place.locator(f".st-key-arg-workshop-{name}-{field}")
            if widget.get_by_role("radiogroup").count():
                widget.get_by_text(value).click()
            else:
                widget.get_by_role("textbox").fill(value)
        place.locator(f".st-key-workshop-check-{name} button").click()

    def _audit_line(self) -> str:
        """The request id of the line in which the Jira server read this person's credential."""
        me, wanted = self.me, f"secret/data/users/{self.name}/jira"
        me.go("Look inside", "Audit")
        me.page.locator(".st-key-arg-audit-text").get_by_role("textbox").fill(wanted)
        me.page.keyboard.press("Enter")
        me.settled()
        group = me.opened(me.page.locator("[class*='st-key-audit-']").filter(has=me.page.locator("details")).first)
        box = group.get_by_role("combobox").last
        box.click()
        me.page.get_by_role("option", name=f"read {wanted}").first.click()
        about = group.locator("code").filter(has_text=_ID).last
        return about.inner_text()


def choose_password(me: Visitor, name: str, password: str) -> None:
    """Sign in with a password that is good once."""
    me.fill_in(name, password)
    me.page.locator("#password-new").fill(OWN_PASSWORD)
    me.page.locator("#password-confirm").fill(OWN_PASSWORD)
    me.page.get_by_role("button", name="Submit").click()
    expect(me.page.get_by_role("group", name=f"Signed in as {name}").first).to_be_visible(timeout=PATIENCE)


def chats(me: Visitor, name: str) -> None:
    """The login relay's page, Keycloak, the chatbot's callback, and back; then the chatbot fetches an issue."""
    me.open("/login-relay")
    me.page.get_by_role("button", name="Get a login link").click()
    me.sees("Your code")
    me.settled()
    code = me.page.get_by_test_id("stMetricValue").inner_text()
    with me.context.expect_page() as opened:
        me.page.get_by_role("link", name="Open the link").click()
    tab: Page = opened.value
    tab.set_default_timeout(PATIENCE)
    assert tab.url.startswith(f"{me.base}/relay/login/")
    tab.get_by_label("Code that your chat shows").fill(code)
    tab.get_by_role("button", name="Continue to sign in").click()
    tab.locator("input[type=password]").fill(OWN_PASSWORD)
    tab.get_by_role("button", name="Sign In").click()
    tab.get_by_role("button", name="Yes").click()
    tab.wait_for_url(re.compile("/login-relay"), timeout=PATIENCE)
    tab.close()
    me.sees(f"The demo chatbot acts as {name} since")
    me.settled()
    me.page.locator(".st-key-relay-ask-do button").click()
    me.settled()


def connects(me: Visitor, name: str, password: str) -> None:
    """The mock provider's own pages, which keep the password of the card."""
    me.open("/my-secrets")
    me.page.locator(".st-key-account-jira").get_by_role("link", name="Connect").click()
    expect(me.page.get_by_role("heading", name="Atlassian (mock)")).to_be_visible(timeout=PATIENCE)
    assert me.page.url.startswith(f"{me.base}/mock/jira/authorize?")
    me.page.get_by_label("E-mail or user name").fill(name)
    me.page.get_by_label("Password").fill(password)
    me.page.get_by_role("button", name="Sign in and allow").click()
    expect(me.page.locator(".st-key-account-jira")).to_contain_text(f"{name}@example.com", timeout=PATIENCE)
    me.settled()
