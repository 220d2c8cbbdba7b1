"""The rules that the app shows are Vault's own, read with a login that can read rules and no secret."""

from __future__ import annotations

import pytest

from app.proof import ask, somebody_else
from app.rules import Rules, ServerRules
from fastmcp_vault.errors import VaultDenied, VaultUnavailable
from fastmcp_vault.vault import Vault
from stack.testing import Stack
from tests.app.serving import cookie_of, process_of
from tests.support.browser import closed_port
from tests.support.people import Person


async def test_the_rules_of_every_server_are_read_from_vault(stack: Stack, person: Person) -> None:
    me = person.username
    async with process_of(stack) as process:
        for server, path in (("jira", f"secret/data/users/{me}/jira"), ("postgres", f"database/creds/{me}")):
            rules = (await process.rules.of([server]))[server]
            assert isinstance(rules, ServerRules)
            assert (rules.role, rules.audiences, rules.claims) == (
                f"mcp-{server}",
                ("vault",),
                {"azp": f"mcp-{server}"},
            )
            assert {policy.name for policy in rules.policies} == {f"mcp-{server}", "default"}
            line = rules.deciding(path, me)
            assert line is not None
            assert line.capabilities == ("read",)
            assert rules.deciding(path, "somebody-else") is None


async def test_where_vault_is_away_the_reason_is_told_and_not_asked_for_at_every_look(stack: Stack) -> None:
    async with process_of(stack) as process:
        away = Vault(f"http://127.0.0.1:{closed_port()}")
        rules = Rules(away, process.rules._session)
        found = await rules.of(["jira", "github"])
        assert all(isinstance(problem, VaultUnavailable) for problem in found.values())
        assert (await rules.of(["jira"]))["jira"] is found["jira"]
        await away.close()


async def test_the_login_that_reads_rules_reads_no_secret_and_changes_no_rule(stack: Stack, person: Person) -> None:
    async with process_of(stack) as process:
        session = process.rules._session
        for path in (
            f"secret/data/users/{person.username}/jira",
            f"database/creds/{person.username}",
            "sys/policies/acl/facilitator",
            "auth/jwt/role/person",
            "auth/approle/role/app",
        ):
            with pytest.raises(VaultDenied):
                await process.vault.read(session.token, path)
        for path in ("sys/policies/acl/mcp-jira", "auth/jwt/role/mcp-jira"):
            with pytest.raises(VaultDenied):
                await process.vault.write(session.token, path, {"policy": ""})


async def test_vault_itself_refuses_somebody_elses_path_and_the_answer_is_kept_as_it_was(
    stack: Stack, alice: Person, bob: Person
) -> None:
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, alice)
        assert somebody_else(process, alice.username) != alice.username
        for path in (f"secret/data/users/{bob.username}/jira", f"database/creds/{bob.username}"):
            proof = await ask(process, cookie, path)
            assert (proof.path, proof.status) == (path, 403)
            assert "permission denied" in proof.said
        mine = await ask(process, cookie, f"secret/data/users/{alice.username}/jira")
        assert mine.status == 200
        assert "api_token" in mine.trace.model_dump_json()
        assert alice.entitlements["jira"]["api_token"] not in mine.trace.model_dump_json()
        await process.sessions.end(cookie)
