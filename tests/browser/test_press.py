"""A press is acted on, and its outcome shown, whatever else a person touches meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person

BOTH = "([button, box]) => { button.click(); box.click() }"
"""Two interactions before the server has seen the first: the second interrupts the run that was to act on the first."""


def test_a_press_is_not_lost_when_the_next_interaction_interrupts_its_run(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person)
    boxes = [me.page.get_by_role("checkbox", name=name) for name in ("GitHub", "PostgreSQL")]
    boxes[0].check(force=True)
    me.settled()
    _press_and_tick(me, me.page.get_by_role("button", name="Load Tools"), boxes[1])

    execute = me.tool("github", "list_repos").get_by_role("button", name="Execute")
    expect(execute).to_be_visible(timeout=PATIENCE)
    me.settled()
    _press_and_tick(me, execute, boxes[1])
    _press_and_tick(me, me.page.get_by_role("button", name="Run again without reuse"), boxes[1])


def test_an_actions_outcome_is_shown_although_something_was_touched_while_it_ran(
    visitor: Callable[[], Visitor], person: Person
) -> None:
    me = visitor()
    me.sign_in(person)
    me.load("PostgreSQL")
    tool = me.tool("postgres", "query")
    tool.get_by_role("textbox", name="sql").fill("select 'awake' as slept from pg_sleep(2)")
    before = me.trace_id()
    tool.get_by_role("button", name="Execute").click()
    expect(me.page.get_by_test_id("stSpinner").first).to_be_visible(timeout=PATIENCE)
    me.page.get_by_role("checkbox", name="GitHub").check(force=True)

    me.another_trace(before)
    me.sees("query ran at PostgreSQL as")
    expect(me.page.get_by_role("checkbox", name="GitHub")).to_be_checked()


def _press_and_tick(me: Visitor, button: Locator, box: Locator) -> None:
    """Press and tick in one breath, and wait until the press's own trace is drawn."""
    before = me.trace_id()
    me.page.evaluate(BOTH, [button.element_handle(), box.element_handle()])
    me.another_trace(before)
