"""The mocks as they really run: one process with people of this directory's own, shared by its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from github import Auth, Github
from jira import JIRA

from tests.mock_services.running import Mocks, running


@pytest.fixture(scope="session")
def mocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mocks]:
    with running(tmp_path_factory.mktemp("mocks")) as started:
        yield started


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Mocks]:
    """A process of the test's own, for tests that change its users or end it."""
    with running(tmp_path) as started:
        yield started


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def jira_of(mocks: Mocks) -> Iterator[object]:
    """Makes a ``jira`` client for someone, with the version of the API asked for."""
    made: list[JIRA] = []

    def make(name: str, version: str = "2") -> JIRA:
        options = {"rest_api_version": version}
        client = JIRA(mocks.jira, options=options, basic_auth=mocks.jira_login(name), max_retries=0)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def github_of(mocks: Mocks) -> Iterator[object]:
    """Makes a PyGithub client for someone, or for nobody."""
    made: list[Github] = []

    def make(name: str | None) -> Github:
        auth = Auth.Token(mocks.github_token(name)) if name else None
        client = Github(
            base_url=mocks.github, auth=auth, retry=None, seconds_between_requests=None, seconds_between_writes=None
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()
