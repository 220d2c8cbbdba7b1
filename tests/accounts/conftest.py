"""People for whom nothing is stored at Jira or GitHub, and Vault as an administrator sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.mcp_servers.callers import Vault
from tests.support.people import Person


@pytest.fixture
def vault(stack: Stack) -> Iterator[Vault]:
    """Vault, as root."""
    opened = Vault(stack)
    yield opened
    opened.close()


@pytest.fixture
def new_browser(stack: Stack, vault: Vault, new_person: Callable[[], Person]) -> Iterator[Callable[[], Browser]]:
    """Somebody with nothing stored and nothing connected, signed in to the app; afterwards it is stored again."""
    people: list[Person] = []

    def make() -> Browser:
        person = new_person()
        people.append(person)
        for path in ("jira", "github", "accounts/jira", "accounts/github"):
            vault.request("DELETE", f"secret/metadata/users/{person.username}/{path}")
        return Browser(stack, person).sign_in()

    yield make
    for person in people:
        for server in ("jira", "github"):
            path = f"users/{person.username}/{server}"
            vault.request("POST", f"secret/metadata/{path}", {"custom_metadata": {"managed_by": "init"}})
            vault.request("POST", f"secret/data/{path}", {"data": person.entitlements[server]})


@pytest.fixture
def browser(new_browser: Callable[[], Browser]) -> Browser:
    """One of them."""
    return new_browser()
