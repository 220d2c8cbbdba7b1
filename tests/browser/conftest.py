"""One Chromium per module, and a fresh profile for every visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from stack.testing import Stack
from tests.support.browser import FLAGS, Visitor, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless.

    Not for the whole session: Playwright keeps an event loop running in this thread, and async tests need it free.
    """
    path = chromium()
    if path is None:
        pytest.skip("needs Chromium: install Debian's `chromium`")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def visitor(browser: Browser, stack: Stack) -> Iterator[Callable[[], Visitor]]:
    """Makes visitors of the stack's app, each with a browser profile of their own."""
    contexts = []

    def arrive() -> Visitor:
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-US")
        contexts.append(context)
        return Visitor(context, stack.url("app"))

    yield arrive
    for context in contexts:
        context.close()
