"""PostgreSQL away for a while: health and status say so, and people's sessions work within seconds of its return."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from stack.processes import wait_until
from stack.status import read
from stack.testing import Stack
from tests.support.login import fill_in
from tests.support.people import Person

pytestmark = pytest.mark.disturbs


def until(condition: Callable[[], bool], *, within: float) -> None:
    assert any(condition() for _ in wait_until(time.monotonic() + within, 0.1))


@contextmanager
def without_the_state(stack: Stack) -> Iterator[None]:
    """Nobody gets into ``mcp_state``, and who was in is thrown out."""
    password = stack.secrets["POSTGRES_ADMIN_PASSWORD"]
    admin = f"postgresql://postgres:{password}@127.0.0.1:{stack.ports['postgres']}/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER DATABASE mcp_state WITH ALLOW_CONNECTIONS false")
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mcp_state'")
            yield
        finally:
            connection.execute("ALTER DATABASE mcp_state WITH ALLOW_CONNECTIONS true")


def test_health_and_status_tell_the_truth_and_sessions_are_back_within_seconds(stack: Stack, person: Person) -> None:
    app = stack.url("app")
    with requests.Session() as browser:
        browser.trust_env = False
        began = browser.get(f"{app}/auth/login", allow_redirects=False, timeout=30)
        query = fill_in(began.headers["Location"], person.username, person.password)
        browser.get(f"{app}/auth/callback", params=query, allow_redirects=False, timeout=30)

        def session() -> int:
            return browser.get(f"{app}/auth/session", headers={"Origin": app}, timeout=30).status_code

        def health(service: str) -> int:
            return requests.get(f"{stack.url(service)}/health", timeout=10).status_code

        assert urlsplit(began.headers["Location"]).netloc == urlsplit(stack.url("keycloak")).netloc
        assert session() == 200
        refusing = ("app", "mcp-jira", "mcp-github", "mcp-postgres", "biz-service")
        with without_the_state(stack):
            until(lambda: session() == 503, within=20)
            until(lambda: all(health(name) == 503 for name in refusing), within=20)
            # Asked all the while, as people do: each question once began a longer pause.
            until(lambda: session() == 503 and stack.status("app").phase == "unhealthy", within=60)
            now = read(stack.layout)
            assert now is not None
            assert now.phase == "degraded"
            until(lambda: session() == 503 and health("app") == 503, within=1)
        back = time.monotonic()
        until(lambda: session() == 200, within=10)
        assert time.monotonic() - back < 10
        until(lambda: all(health(name) == 200 for name in refusing), within=20)
        until(lambda: stack.status("app").phase == "ready", within=20)
        until(lambda: (found := read(stack.layout)) is not None and found.phase == "ready", within=20)
