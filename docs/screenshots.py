"""Makes the README's screenshots from the running demo: ``.venv/bin/python docs/screenshots.py [app address]``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).with_name("images")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


def sign_in(page: Page, base: str, username: str) -> None:
    """Sign in by the app's own button, at Keycloak's own page."""
    page.goto(f"{base}/mcp-tools")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill(username)
    page.locator("input[type=password]").fill(f"{username}123")
    page.get_by_role("button", name="Sign In").click()
    page.get_by_text(f"Signed in as {username}").first.wait_for()


def load_tools(page: Page) -> None:
    """Tick all three servers and load their tools."""
    for server in ("Jira", "Github", "PostgreSQL"):
        page.get_by_role("checkbox", name=server).check(force=True)
    page.get_by_role("button", name="Load Tools").click()
    page.get_by_role("heading", name="Authentication Flow Trace").wait_for()
    settled(page)


def settled(page: Page) -> None:
    """Wait until nothing runs and no placeholder is left."""
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


def take(browser: Browser, base: str, username: str, name: str, *, tool: bool = False) -> None:
    """One person's page after "Load Tools", and after "Execute" where ``tool`` says so."""
    page = browser.new_context(viewport={"width": 1400, "height": 1150}, locale="en-US").new_page()
    sign_in(page, base, username)
    load_tools(page)
    if tool:
        form = page.locator(".st-key-tool-jira-get_issue")
        form.locator("summary").first.click()
        form.get_by_role("textbox", name="issue_key").fill("PROJ-1")
        form.get_by_role("button", name="Execute").click()
        page.get_by_text("get_issue ran at Jira as alice.").first.wait_for()
        settled(page)
        form.scroll_into_view_if_needed()
    page.screenshot(path=IMAGES / f"{name}.png", full_page=False)
    page.context.close()


def main() -> None:
    """Write every picture that the README shows."""
    base = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8501").rstrip("/")
    IMAGES.mkdir(exist_ok=True)
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        take(browser, base, "alice", "mcp-tools")
        take(browser, base, "alice", "get-issue", tool=True)
        take(browser, base, "bob", "mcp-tools-bob")
        browser.close()


if __name__ == "__main__":
    main()
