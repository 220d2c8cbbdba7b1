"""One Chromium per module, and a fresh profile for every visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from stack.testing import Stack
from tests.support.browser import Visitor, arrivals, chromium, started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless.

    Not for the whole session: Playwright keeps an event loop running in this thread, and async tests need it free.
    """
    if chromium() is None:
        pytest.skip("needs Chromium: install Debian's `chromium`")
    with started() as found:
        yield found


@pytest.fixture
def visitor(browser: Browser, stack: Stack) -> Iterator[Callable[[], Visitor]]:
    """Makes visitors of the stack's app, each with a browser profile of their own."""
    with arrivals(browser, stack.url("app")) as arrive:
        yield arrive
