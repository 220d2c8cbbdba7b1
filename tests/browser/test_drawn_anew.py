"""A component that is drawn anew leaves nothing running from before: no timer, no listener."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

COUNTING = """() => {
  window.running = { timers: new Set(), listeners: [] }
  const { setInterval: set, clearInterval: clear } = window
  window.setInterval = (work, delay, ...more) => {
    const id = set(work, delay, ...more)
    if (delay === 1000) window.running.timers.add(id)
    return id
  }
  window.clearInterval = (id) => { window.running.timers.delete(id); clear(id) }
  for (const [on, kind] of [[window, "keydown"], [document, "input"]]) {
    const { addEventListener: add, removeEventListener: remove } = on
    on.addEventListener = (name, work, ...more) => {
      if (name === kind) window.running.listeners.push(work)
      add.call(on, name, work, ...more)
    }
    on.removeEventListener = (name, work, ...more) => {
      window.running.listeners = window.running.listeners.filter((one) => one !== work)
      remove.call(on, name, work, ...more)
    }
  }
}"""
"""Before the page's own scripts: notes the timers of a second, and who listens for keys and for typing."""


def running(page: Page) -> tuple[int, int]:
    """How many timers and listeners there are now."""
    timers, listeners = page.evaluate("[running.timers.size, running.listeners.length]")
    return timers, listeners


def comes_to(page: Page, expected: tuple[int, int]) -> None:
    """So many are running, at the latest once what was drawn before is gone."""
    same = "([timers, listeners]) => running.timers.size === timers && running.listeners.length === listeners"
    page.wait_for_function(same, arg=list(expected), timeout=PATIENCE)


def test_a_renewed_countdown_is_one_timer(visitor: Callable[[], Visitor], new_person: Callable[[], Person]) -> None:
    me = visitor()
    me.page.add_init_script(f"({COUNTING})()")
    me.sign_in(new_person(), path="/vault-tokens")
    me.page.get_by_label("Token name").fill("counted")
    me.page.get_by_role("button", name="Make token").click()
    me.page.get_by_role("timer").first.wait_for()
    me.settled()
    before = running(me.page)
    assert before[0] >= 1
    for _ in range(2):
        shown = me.page.get_by_role("timer").first.inner_text()
        me.page.get_by_role("button", name="Renew").click()
        expect(me.page.get_by_role("timer").first).not_to_have_text(shown, timeout=PATIENCE)
        me.settled()
    comes_to(me.page, before)
    me.page.get_by_role("button", name="Revoke").click()
    me.sees("None. One that you make appears here")
    assert running(me.page)[0] == before[0] - 1


def test_calls_that_are_played_again_are_turned_by_one_listener(visitor: Callable[[], Visitor], alice: Person) -> None:
    me = visitor()
    me.page.add_init_script(f"({COUNTING})()")
    me.sign_in(alice, "/watch")
    expect(me.page.get_by_text("Step 1 of 7")).to_be_visible(timeout=PATIENCE)
    me.settled()
    before = running(me.page)
    assert before[1] >= 1
    for _ in range(2):
        values = me.page.get_by_role("region", name="bob", exact=True).locator(".values")
        signed_in = values.inner_text()
        me.page.get_by_role("button", name="Make them again").click()
        expect(values).not_to_have_text(signed_in, timeout=PATIENCE)
        me.settled()
    comes_to(me.page, before)
    me.page.keyboard.press("ArrowRight")
    expect(me.page.get_by_text("Step 2 of 7")).to_be_visible()
