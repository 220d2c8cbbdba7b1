"""Somebody at a table with a real Chromium, who does exercises 1 to 6 and 9 by what the screen shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from playwright.sync_api import Error as PlaywrightError
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

    A step that fails ends this table's workshop and nobody else's: ``failed`` says what the page showed.
    """

    def __init__(self, name: str, card: str, origin: str) -> None:
        self.name, self._card, self._origin = name, card, origin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._open = ExitStack()
        self._done = 0
        self.failed = ""
        self.me: Visitor

    async def does(self, what: Callable[[ChromiumTable], None]) -> None:
        """One of the methods below, unless one before it failed."""
        if not self.failed:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._tries, what)

    def _tries(self, what: Callable[[ChromiumTable], None]) -> None:
        try:
            what(self)
        except (AssertionError, PlaywrightError) as error:
            self.failed = f"{self.name}, {what.__name__}: {error}\n{self.me.page.url}\n{self.me.words()}"

    async def leave(self) -> None:
        """Close the browser."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open.close)
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
