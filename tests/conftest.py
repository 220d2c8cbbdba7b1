"""Fixtures that every test may use: one real stack per session, and people of the test's own.

``DEMO_TEST_STATE_DIR`` names the state directory of a stack that already runs (started with a users file
made by ``python -m tests.support.keep``): the tests use it and leave it running. ``DEMO_TEST_STRICT=1``
makes a skipped test a failure, for machines that are to have everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack import instance, status, testing
from stack.layout import Layout
from stack.testing import Stack
from tests.support import people
from tests.support.people import Person


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With DEMO_TEST_STRICT, a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("DEMO_TEST_STRICT") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack with the tests' users, on free ports; shared, so leave it as you found it."""
    running_already = os.environ.get("DEMO_TEST_STATE_DIR")
    if running_already:
        yield attach(Path(running_already))
        return
    users = people.write_users(tmp_path_factory.mktemp("users") / "users.yaml")
    with testing.running(users_file=users) as started:
        yield started


def attach(state: Path) -> Stack:
    """The stack that runs in ``state``."""
    layout = Layout(state.resolve(), Layout.from_environment().runtime)
    now = status.read(layout)
    if now is None or now.phase != "ready":
        pytest.exit(f"DEMO_TEST_STATE_DIR: no stack is ready in {state}", returncode=2)
    return Stack(instance.make(layout, now.ports, Path(now.users_file)))


@pytest.fixture(scope="session")
def everybody(stack: Stack) -> dict[str, Person]:
    """Everyone in the stack's users file, by username: alice, bob, charlie and the pool."""
    return people.read_users(stack.instance.users_file)


@pytest.fixture(scope="session")
def _pool(stack: Stack) -> Iterator[Person]:
    return people.pool(stack.instance.users_file)


@pytest.fixture
def new_person(_pool: Iterator[Person]) -> Callable[[], Person]:
    """Draws people that no other test uses; each holds Jira, GitHub and PostgreSQL."""

    def draw() -> Person:
        try:
            return next(_pool)
        except StopIteration:
            raise RuntimeError("The pool is empty: raise POOL in tests/support/people.py.") from None

    return draw


@pytest.fixture
def person(new_person: Callable[[], Person]) -> Person:
    """Somebody of this test's own."""
    return new_person()


@pytest.fixture
def alice(everybody: dict[str, Person]) -> Person:
    """alice, who holds everything."""
    return everybody["alice"]


@pytest.fixture
def bob(everybody: dict[str, Person]) -> Person:
    """bob, who has no Jira credential."""
    return everybody["bob"]
