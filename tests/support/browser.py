"""A person at a browser: Chromium, Keycloak's real page, and the app's pages as their labels name them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from app.mcp_client import LABELS
from stack.layout import ROOT
from stack.ports import free_ports
from stack.testing import Stack
from tests.support.people import Person

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

SIZE: Any = {"width": 1400, "height": 1000}
"""Of a page, in pixels."""

PATIENCE = 30_000
"""Milliseconds for anything a page is to show; a bound for slow machines, not a wait."""

REOPENED = 3_000
"""Milliseconds for a select box to show what it holds, before it is opened again."""

TRACE_ID = ".st-key-trace-summary code"

GROWING = "details[style*='height']"
"""Streamlit's expander while it opens: what it holds is scrolled by Chromium and moves back, under the pointer too."""

WORDS = """() => {
  const inside = [...document.querySelectorAll("*")].filter((element) => element.shadowRoot)
    .flatMap((element) => [...element.shadowRoot.children]).map((child) => child.innerText || "")
  return [document.body.innerText, ...inside].join("\\n")
}"""

COOKIE = "mcp_demo_session"


def chromium() -> str | None:
    """The system's Chromium, by path."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def started(*flags: str) -> Iterator[Browser]:
    """The system's Chromium, headless, for as long as the block lasts; ``flags``: besides the usual ones."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags])
        yield browser
        browser.close()


@contextmanager
def arrivals(browser: Browser, base: str, **profile: Any) -> Iterator[Callable[[], Visitor]]:
    """Makes visitors of the app at ``base``, each with a browser profile of their own."""
    contexts = []

    def arrive() -> Visitor:
        contexts.append(browser.new_context(viewport=SIZE, locale="en-US", **profile))
        return Visitor(contexts[-1], base)

    yield arrive
    for context in contexts:
        context.close()


def agree_in_chromium(url: str, person: Person, *, arriving: str) -> str:
    """Sign in at ``url`` in a browser of its own, say yes, and arrive at ``arriving`` (a pattern); the consent page."""
    with started() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.get_by_label("Username").fill(person.username)
        page.locator("input[type=password]").fill(person.password)
        page.get_by_role("button", name="Sign In").click()
        page.get_by_role("button", name="Yes").wait_for()
        asked = page.inner_text("body")
        page.get_by_role("button", name="Yes").click()
        page.wait_for_url(arriving)
    return asked


class Visitor:
    """One person in one browser context, looking at the app at ``base``."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context, self.base = context, base
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)

    def open(self, path: str = "/") -> None:
        """Go to a page of the app and wait until its script has run."""
        self.page.goto(self.base + path)
        self.settled()

    def settled(self) -> None:
        """Wait until the page has its title, its script has run, every part of it is drawn, and none still grows."""
        self.page.locator("h1").first.wait_for()
        expect(self.page.get_by_test_id("stApp")).to_have_attribute(
            "data-test-script-state", "notRunning", timeout=PATIENCE
        )
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE)
        expect(self.page.locator(GROWING)).to_have_count(0, timeout=PATIENCE)

    def go(self, group: str, page: str) -> None:
        """Go to a page by the navigation, in the same session."""
        self.page.get_by_test_id("stTopNavSection").filter(has_text=group).click()
        self.page.get_by_test_id("stTopNavDropdownLink").filter(has_text=page).click()
        self.page.get_by_test_id("stTopNavDropdownLink").first.wait_for(state="detached")
        self.settled()

    def choose(self, label: str, option: str, *, typed: bool = False) -> None:
        """Choose in a select box; a box that a part of the page drawn anew has closed is opened again, as people do.

        ``typed``: the list is long, and the option is found by typing it.
        """
        wanted = self.page.get_by_role("option", name=option)
        until = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < until:
            if not wanted.count():
                self.page.get_by_role("combobox", name=label).click()
                if typed:
                    self.page.keyboard.type(option)
            with suppress(PlaywrightTimeout):
                wanted.click(timeout=REOPENED)
                return
        raise AssertionError(f"{option} could not be chosen in {label}")

    def sign_in(self, person: Person, path: str = "/mcp-tools") -> None:
        """Sign in at Keycloak's own page, where the app's button leads."""
        self.page.goto(f"{self.base}/auth/login?next={urllib.parse.quote(path)}")
        self.fill_in(person.username, person.password)
        signed_in = self.page.get_by_role("group", name=f"Signed in as {person.username}")
        expect(signed_in.first).to_be_visible(timeout=PATIENCE)

    def fill_in(self, username: str, password: str) -> None:
        """Fill in Keycloak's form and send it."""
        self.page.get_by_label("Username").fill(username)
        self.page.locator("input[type=password]").fill(password)
        self.page.get_by_role("button", name="Sign In").click()

    def sign_out(self) -> None:
        """Press the button, and be back at the app with nobody signed in."""
        self.page.get_by_role("button", name="Sign out").click()
        self.page.get_by_role("link", name="Sign in").wait_for()

    def load(self, *servers: str) -> None:
        """Tick servers by their labels and load their tools."""
        for server in servers:
            self.page.get_by_role("checkbox", name=server).check(force=True)
        self.press_for_trace(self.page.get_by_role("button", name="Load Tools"))

    def press_for_trace(self, button: Locator) -> None:
        """Press something that runs an action, and wait until its own trace is drawn."""
        before = self.trace_id()
        button.click()
        self.another_trace(before)

    def another_trace(self, before: str) -> None:
        """Wait until a trace other than ``before`` (its id) is drawn."""
        try:
            self.page.wait_for_function(
                "([selector, before]) => { const now = document.querySelector(selector)?.textContent;"
                " return now && now !== before }",
                arg=[TRACE_ID, before],
            )
        except PlaywrightTimeout as error:
            raise AssertionError(f"No new trace was drawn. The page says: {self.words()}") from error
        self.settled()

    def trace_id(self) -> str:
        """The correlation id of the trace that is shown; empty when there is none."""
        shown = self.page.locator(TRACE_ID)
        return (shown.text_content() or "") if shown.count() else ""

    def tool(self, server: str, name: str) -> Locator:
        """A tool's expander, opened, in the tab of its server."""
        self.page.get_by_role("tab", name=LABELS[server]).click()
        return self.opened(self.page.locator(f".st-key-tool-{server}-{name}"))

    def opened(self, place: Locator) -> Locator:
        """The place, its first expander open all the way: before that, what is in it moves under the pointer."""
        if place.locator("details").first.get_attribute("open") is None:
            place.locator("summary").first.click()
        expect(place.locator(GROWING)).to_have_count(0, timeout=PATIENCE)
        return place

    def session_cookie(self) -> str:
        """The value of the session cookie; empty when there is none."""
        found = [c for c in self.context.cookies() if c.get("name") == COOKIE]
        return str(found[0]["value"]) if found else ""

    def sees(self, text: str, *, within: float = PATIENCE) -> None:
        """Wait until the page shows ``text``, for ``within`` milliseconds at most."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=within)

    def messages(self) -> list[str]:
        """The trace's messages as a screen reader says them: status, step, who to whom, what, how long."""
        self.page.locator("button.row").first.wait_for()
        return [str(row.get_attribute("aria-label")) for row in self.page.locator("button.row").all()]

    def message(self, name: str) -> Locator:
        """The first message of the trace whose words hold ``name``."""
        return self.page.get_by_role("button", name=name).first

    def words(self) -> str:
        """Everything the page shows, components with a shadow tree of their own included."""
        return str(self.page.evaluate(WORDS))


@contextmanager
def another_app(stack: Stack, **changes: str) -> Iterator[str]:
    """One more process of the app beside the stack's own, on the same sessions; yields its address.

    Cookies know no ports, so whoever is signed in at the one is signed in at the other.
    """
    port = free_ports(("app",))["app"]
    base = f"http://localhost:{port}"
    environment = {**os.environ, **stack.environment("app"), "APP_PORT": str(port), "APP_PUBLIC_URL": base, **changes}
    process = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_until_served(f"{base}/health", process)
        yield base
    finally:
        process.terminate()
        process.wait(20)


def closed_port() -> int:
    """A port on which nobody listens."""
    return free_ports(("closed",))["closed"]


def _wait_until_served(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return  # served: what it says of its parts is for the test
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The app did not start: exit code {process.poll()}")
