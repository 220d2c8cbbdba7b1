"""Credentials and people that are not as init makes them: each is told in one sentence, and nothing odd is sent on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from common.advice import ADVICE
from fastmcp_vault.vault.models import UNKNOWN, UNKNOWN_FIX
from stack.testing import Stack
from tests.mcp_servers.callers import Caller, Vault, steps, until
from tests.mcp_servers.conftest import SignIn
from tests.support.people import Person
from tests.support.renaming import administrator, made_by_hand

ODD = {"null": None, "a number": 17, "true or false": True, "a list": ["x"], "an object": {"x": "y"}}
NEEDED = {"jira": ("email", "api_token"), "github": ("token",)}
TOOLS = {
    "jira": ("get_issue", {"issue_key": "PROJ-1"}),
    "github": ("list_repos", {}),
    "postgres": ("list_tables", {}),
}


@pytest.fixture
def caller(caller: Caller, vault: Vault) -> Iterator[Caller]:
    """Somebody whose credentials are as they were when the test is over."""
    yield caller
    for server in NEEDED:
        path = f"secret/data/users/{caller.person.username}/{server}"
        vault.request("POST", path, {"data": caller.person.entitlements[server]})


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("server", NEEDED)
async def test_a_field_that_is_not_text_is_named_and_nothing_is_sent(
    caller: Caller, vault: Vault, server: str, kind: str
) -> None:
    name, tool = caller.person.username, TOOLS[server]
    for field in NEEDED[server]:
        stored = caller.person.entitlements[server] | {field: ODD[kind]}
        vault.request("POST", f"secret/data/users/{name}/{server}", {"data": stored})

        async def told() -> bool:
            result = await caller.call(server, *tool, fresh=True)
            return bool(result.is_error)

        await until(told)
        refused = await caller.refusal(server, *tool)
        assert refused["code"] == "credential_missing"
        assert f"`{field}` must be text, and is {kind}." in refused["what"]
        assert f"secret/data/users/{name}/{server}" in refused["what"]
        status = await caller.data(server, "credential_status")
        assert status["present"] is False
        assert f"`{field}` must be text" in status["reason"]
        traced = steps(await caller.call(server, *tool, traced=True))
        assert traced["credential"]["status"] == "failed"
        assert traced["backend"]["status"] == "skipped"


@pytest.mark.parametrize("server", NEEDED)
async def test_a_value_read_from_standard_input_keeps_no_line_break(caller: Caller, vault: Vault, server: str) -> None:
    """``bao kv put … token=-`` stores the line break that ends the input."""
    name, tool = caller.person.username, TOOLS[server]
    stored = {field: f"{caller.person.entitlements[server][field]}\n" for field in NEEDED[server]}
    vault.request("POST", f"secret/data/users/{name}/{server}", {"data": stored})
    await caller.data(server, *tool)


async def test_an_odd_field_that_no_server_needs_is_no_fault(caller: Caller, vault: Vault) -> None:
    name = caller.person.username
    stored = caller.person.entitlements["jira"] | {"expires": 1_800_000_000, "note": None}
    vault.request("POST", f"secret/data/users/{name}/jira", {"data": stored})
    await caller.data("jira", *TOOLS["jira"])
    assert (await caller.data("jira", "credential_status"))["present"] is True


@pytest.fixture
def by_hand(stack: Stack, new_person: Callable[[], Person]) -> Iterator[Person]:
    """Somebody with a dot in the name, made at Keycloak alone."""
    with administrator(stack) as realm, made_by_hand(realm, f"{new_person().username}.by-hand") as person:
        yield person


async def test_somebody_whom_init_never_made_hears_one_sentence_everywhere(by_hand: Person, sign_in: SignIn) -> None:
    somebody, fix = await sign_in(by_hand), ADVICE[UNKNOWN_FIX]
    for server, tool in TOOLS.items():
        refused = await somebody.refusal(server, *tool)
        assert (refused["what"], refused["fix"]) == (UNKNOWN, fix)
        assert refused["code"] == "person_unknown"
        status = await somebody.data(server, "credential_status")
        assert status["present"] is False
        assert status["reason"] == f"{UNKNOWN} {fix}"
        traced = steps(await somebody.call(server, *tool, traced=True))
        assert UNKNOWN in str(traced["credential"])
    for sentence in (UNKNOWN, fix):
        assert "entity" not in sentence
