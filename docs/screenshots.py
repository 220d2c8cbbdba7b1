"""Makes the README's screenshots from the running demo: ``.venv/bin/python docs/screenshots.py [app address]``."""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).with_name("images")
Scheme = Literal["light", "dark"]
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


def sign_in(page: Page, base: str, username: str) -> None:
    """Sign in by the app's own button, at Keycloak's own page."""
    page.goto(f"{base}/mcp-tools")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill(username)
    page.locator("input[type=password]").fill(f"{username}123")
    page.get_by_role("button", name="Sign In").click()
    page.get_by_role("group", name=f"Signed in as {username}").first.wait_for()


def load_tools(page: Page) -> None:
    """Tick all three servers and load their tools."""
    for server in ("Jira", "GitHub", "PostgreSQL"):
        page.get_by_role("checkbox", name=server).check(force=True)
    page.get_by_role("button", name="Load Tools").click()
    page.get_by_role("heading", name="Authentication Flow Trace").wait_for()
    settled(page)


def settled(page: Page) -> None:
    """Wait until nothing runs and no placeholder is left."""
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


def arrive(browser: Browser, base: str, username: str, *, width: int = 1400, scheme: Scheme = "light") -> Page:
    """A person signed in, in a browser of their own."""
    context = browser.new_context(
        viewport={"width": width, "height": 1150}, locale="en-US", color_scheme=scheme, device_scale_factor=1
    )
    page = context.new_page()
    sign_in(page, base, username)
    return page


def get_issue(page: Page) -> None:
    """Execute ``get_issue`` with PROJ-1."""
    form = page.locator(".st-key-tool-jira-get_issue")
    form.locator("summary").first.click()
    form.get_by_role("textbox", name="issue_key").fill("PROJ-1")
    form.get_by_role("button", name="Execute").click()
    page.get_by_text("get_issue ran at Jira as").first.wait_for()
    settled(page)


def to(page: Page, selector: str) -> None:
    """Scroll something to the top, below Streamlit's own bar."""
    page.locator(selector).first.evaluate("(element) => element.scrollIntoView({block: 'start'})")
    page.locator("[data-testid=stMain]").evaluate("(main) => main.scrollBy(0, -90)")


def shoot(page: Page, name: str) -> None:
    """What the window shows, once fonts are there."""
    page.evaluate("document.fonts.ready")
    page.screenshot(path=IMAGES / f"{name}.png", full_page=False)


def tools_of(browser: Browser, base: str, username: str, name: str) -> None:
    """One person's page after "Load Tools", and then the trace in its other two views where it is alice's."""
    page = arrive(browser, base, username)
    load_tools(page)
    shoot(page, name)
    if username == "alice":
        for view in ("Waterfall", "Tokens"):
            page.get_by_role("button", name=view, exact=True).click()
            if view == "Waterfall":
                page.get_by_role("button", name="All", exact=True).click()
            else:
                page.get_by_role("button", name="Jira ✓").click()
            to(page, ".bar-top")
            box = page.locator(".flow").bounding_box() or {"x": 0.0, "y": 0.0, "width": 1400.0}
            page.screenshot(
                path=IMAGES / f"trace-{view.lower()}.png",
                clip={"x": box["x"] - 12, "y": box["y"] - 12, "width": box["width"] + 24, "height": 1000},
            )
    page.context.close()


def issue_of(browser: Browser, base: str) -> None:
    """The issue beside its trace, and one step of it opened, at night and on a narrow screen."""
    page = arrive(browser, base, "alice")
    load_tools(page)
    get_issue(page)
    to(page, ".st-key-tool-jira-get_issue")
    shoot(page, "get-issue")
    page.context.close()
    page = arrive(browser, base, "alice", width=420, scheme="dark")
    load_tools(page)
    page.get_by_role("button", name="5a · Log in to Vault").first.click()
    to(page, ".heads")
    shoot(page, "trace-narrow-dark")
    page.context.close()


def beside(browser: Browser, base: str) -> None:
    """Two people's traces of the same call, both shared."""
    pages = [arrive(browser, base, username) for username in ("alice", "bob")]
    for page in pages:
        load_tools(page)
        page.get_by_text("Share with the room").click()
    page = pages[0]
    page.get_by_role("radio", name="bob", exact=True).click()
    page.locator(".st-key-comparison").wait_for()
    settled(page)
    to(page, ".st-key-comparison")
    shoot(page, "trace-compare")
    for page in pages:
        page.context.close()


def attacks(browser: Browser, base: str) -> None:
    """The attack lab after everything was sent, one row opened."""
    page = arrive(browser, base, "alice")
    page.goto(f"{base}/attack-lab?attack=hs256")
    page.get_by_role("button", name="Send them all").click()
    page.get_by_text("attacks were blocked, and each").wait_for(timeout=60_000)
    settled(page)
    shoot(page, "attack-lab")
    page.context.close()


def isolation(browser: Browser, base: str) -> None:
    """bob's row, and the proof behind one cell."""
    page = arrive(browser, base, "bob")
    page.goto(f"{base}/isolation")
    page.get_by_role("button", name="Try every cell").click()
    page.get_by_text("Isolated: of").wait_for(timeout=60_000)
    settled(page)
    page.locator("[data-cell='bob:alice:tool-github']").click()
    page.locator(".proof summary").click()
    settled(page)
    page.set_viewport_size({"width": 1400, "height": 900})
    shoot(page, "isolation")
    page.context.close()


def accounts(browser: Browser, base: str) -> None:
    """bob connects his Jira account: what the tool says before, and My secrets after; then he disconnects it."""
    page = arrive(browser, base, "bob")
    load_tools(page)
    form = page.locator(".st-key-tool-jira-get_issue")
    form.locator("summary").first.click()
    form.get_by_role("textbox", name="issue_key").fill("PROJ-1")
    form.get_by_role("button", name="Execute").click()
    page.get_by_text("get_issue at Jira did not run").first.wait_for()
    page.get_by_role("button", name="Read this person's credential").first.wait_for()
    settled(page)
    to(page, ".st-key-tool-jira-get_issue")
    shoot(page, "account-missing")
    form.get_by_role("link", name="Connect Atlassian").click()
    page.get_by_label("E-mail or user name").fill("bob")
    page.get_by_label("Password").fill("bob123")
    page.get_by_role("button", name="Sign in and allow").click()
    page.get_by_text("Atlassian is connected").first.wait_for()
    page.goto(f"{base}/my-secrets")
    box = page.locator(".st-key-account-jira")
    box.get_by_role("button", name="Disconnect").wait_for()
    settled(page)
    page.set_viewport_size({"width": 1400, "height": 900})
    to(page, ".st-key-account-jira")
    shoot(page, "account-connected")
    box.get_by_role("button", name="Disconnect").click()
    page.get_by_text("Disconnected: Atlassian has ended it").first.wait_for()
    page.context.close()


def watch(browser: Browser, base: str) -> None:
    """*Watch one call*, all seven steps, as one picture that moves."""
    page = arrive(browser, base, "alice", width=1200)
    page.set_viewport_size({"width": 1200, "height": 860})
    page.goto(f"{base}/watch")
    page.get_by_role("button", name="Next").wait_for(timeout=60_000)
    settled(page)
    frames = []
    for number in range(1, 8):
        page.get_by_text(f"Step {number} of 7").wait_for()
        taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
        frames.append(taken.quantize(64, dither=Image.Dither.NONE))
        page.keyboard.press("ArrowRight")
    frames[0].save(IMAGES / "watch.gif", save_all=True, append_images=frames[1:], duration=3500, loop=0, optimize=True)
    page.context.close()


def main() -> None:
    """Write every picture that the README shows."""
    base = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8501").rstrip("/")
    IMAGES.mkdir(exist_ok=True)
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        tools_of(browser, base, "alice", "mcp-tools")
        tools_of(browser, base, "bob", "mcp-tools-bob")
        issue_of(browser, base)
        beside(browser, base)
        attacks(browser, base)
        isolation(browser, base)
        accounts(browser, base)
        watch(browser, base)
        browser.close()


if __name__ == "__main__":
    main()
