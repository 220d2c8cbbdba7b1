"""Fixtures that every test may use: one real stack per run, and people of the test's own.

``./demo test`` deals the files out to workers. ``DEMO_TEST_STATE_DIR`` names the state directory of a stack that
already runs (``python -m tests.support.keep DIR``): the tests use it and leave it running. ``DEMO_TEST_STRICT=1``
makes a skipped test a failure, for machines that are to have everything.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pytest

from fastmcp_vault.errors import NotReady
from stack.layout import Layout
from stack.testing import Stack
from tests.support import people
from tests.support.peers import Peers, installed
from tests.support.people import Person
from tests.support.run import Keeper, Run

RUN = pytest.StashKey[Run]()
KEEPER = pytest.StashKey[Keeper]()
LEAKS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs the tests keeps the stack; a worker is told where the run's folder is.

    Temporary files of the tests, their browsers and their servers go into that folder, and away with it.
    """
    told = getattr(config, "workerinput", None)
    config.stash[RUN] = Run(Path(told["run"] if told else tempfile.mkdtemp(prefix="demo-run-")))
    tempfile.tempdir = os.environ["TMPDIR"] = str(config.stash[RUN].temporary)
    if told is None:
        config.stash[KEEPER] = Keeper(config.stash[RUN])
        config.stash[KEEPER].begin()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Called by pytest-xdist for each worker that is about to start."""
    node.workerinput["run"] = str(node.config.stash[RUN].folder)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The stack stops with the run."""
    if KEEPER in config.stash:
        config.stash[KEEPER].end()
        shutil.rmtree(config.stash[RUN].folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The stack is begun at once when any test needs it, and those that do not need it come first, file by file."""
    files = [list(found) for _, found in groupby(items, key=lambda item: item.path)]
    files.sort(key=lambda found: any(map(_shares_the_stack, found)))
    items[:] = [item for found in files for item in found]
    if items and _shares_the_stack(items[-1]) and not config.option.collectonly:
        config.stash[RUN].wanted.touch()


def _shares_the_stack(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that disturbs the shared stack has it to itself."""
    if not _shares_the_stack(item):
        return (yield)
    with item.config.stash[RUN].using_the_stack(alone=item.get_closest_marker("disturbs") is not None):
        return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What a run leaves behind is a failure; with DEMO_TEST_STRICT, a skip is one too."""
    if KEEPER in session.config.stash:
        session.config.stash[LEAKS] = session.config.stash[RUN].left_behind()
        if session.config.stash[LEAKS]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("DEMO_TEST_STRICT") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Why the stack did not start, once for all workers; and what the run left behind."""
    if leaked := config.stash.get(LEAKS, []):
        terminalreporter.section("left behind: what no signed-in person explains")
        terminalreporter.write_line("\n".join(leaked))
    failed = config.stash[RUN].failed
    if failed.exists():
        terminalreporter.section("the stack did not start")
        terminalreporter.write_line(failed.read_text())


@pytest.fixture(scope="session")
def _run(pytestconfig: pytest.Config) -> Run:
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def stack(_run: Run, request: pytest.FixtureRequest) -> Stack:
    """The whole stack with the tests' users, on free ports; shared, so leave it as you found it.

    A test that kills, pauses or counts what others use is marked ``disturbs``.
    """
    with suppress(NotReady):
        return _run.stack()
    request.session.shouldstop = "the stack did not start"
    pytest.fail("There is no stack; why stands at the end.", pytrace=False)


@pytest.fixture(scope="session")
def peers() -> Peers:
    """Other people's programs, installed on this machine."""
    try:
        return installed(Layout.from_environment())
    except NotReady as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def everybody(stack: Stack) -> dict[str, Person]:
    """Everyone in the stack's users file, by username: alice, bob, charlie and the pool."""
    return people.read_users(stack.instance.users_file)


@pytest.fixture(scope="session")
def _pool(stack: Stack, _run: Run) -> Iterator[Person]:
    return people.pool(stack.instance.users_file, _run.draw)


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
