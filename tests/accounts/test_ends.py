"""The end of a connection: by the person here, by the person at the provider, and what is left of it anywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
import requests
from psycopg import sql

from app import audit, connections, workshop
from app.texts import t
from benchmarks.accounts import provider_of
from fastmcp_vault.accounts.grant import ConnectionFacts
from fastmcp_vault.errors import InputError
from fastmcp_vault.vault.admin import VaultAdmin
from init import people, vault_people
from init.keycloak_admin import RealmAdmin
from init.keycloak_people import PeoplesAccounts
from init.ledger import Ledger
from init.run import run
from init.users import load_users
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.accounts.provisioning import init_settings
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import Caller, Vault, post, signed_in, until
from tests.support.login import SignInRefused

CALL = {"jira": ("get_issue", {"issue_key": "PROJ-1"}), "github": ("list_repos", {})}
MANAGE = {"jira": "/manage-profile/apps", "github": "/settings/apps/authorizations"}


def stored(vault: Vault, browser: Browser, server: str) -> dict[str, str]:
    path = f"secret/data/users/{browser.person.username}/accounts/{server}"
    return dict(vault.request("GET", path)["data"]["data"])


def api(stack: Stack, server: str, secrets: dict[str, str]) -> int:
    """What the provider's API answers to the access token."""
    bearer = {"Authorization": f"Bearer {secrets['access_token']}", "User-Agent": "test"}
    if server == "github":
        return requests.get(f"{stack.url('mock-github')}/user", headers=bearer, timeout=10).status_code
    site = json.loads(secrets["grant"])["account"]["resource"]
    url = f"{stack.url('mock-jira')}/ex/jira/{site}/rest/api/3/myself"
    return requests.get(url, headers=bearer, timeout=10).status_code


def revoke_at_the_provider(stack: Stack, browser: Browser, server: str) -> None:
    """What the person does on the provider's own page."""
    who = {"username": browser.person.email, "password": browser.person.password}
    url = f"{stack.url(f'mock-{server}')}{MANAGE[server]}"
    assert "MCP Remote Vault" in requests.post(url, data=who, timeout=10).text
    ended = requests.post(url, data={**who, "end": provider_of(stack, server).client_id}, timeout=10)
    assert "you have let no program in" in ended.text


async def warm(browser: Browser, stack: Stack, server: str) -> Caller:
    browser.connect(server)
    caller = await signed_in(stack, browser.person)
    await caller.data(server, *CALL[server])
    return caller


@pytest.mark.parametrize("server", ["jira", "github"])
async def test_disconnecting_ends_it_at_the_provider_in_vault_and_at_every_server(
    server: str, browser: Browser, vault: Vault, stack: Stack
) -> None:
    caller = await warm(browser, stack, server)
    secrets = stored(vault, browser, server)
    assert api(stack, server, secrets) == 200
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, browser.person)
        assert await connections.disconnect(process, cookie, server) == ""
        facts = {one.server: one.facts for one in await connections.listed(process, cookie)}
    assert facts[server] is None
    assert api(stack, server, secrets) == 401

    async def noticed() -> bool:
        result = await caller.call(server, *CALL[server])
        return result.is_error

    await until(noticed, within=10)
    assert (await caller.refusal(server, *CALL[server]))["code"] == "credential_missing"


@pytest.mark.parametrize("server", ["jira", "github"])
async def test_what_the_person_revoked_at_the_provider_is_noticed_by_the_next_call_and_said(
    server: str, browser: Browser, vault: Vault, stack: Stack
) -> None:
    caller = await warm(browser, stack, server)
    revoke_at_the_provider(stack, browser, server)
    refused = await caller.refusal(server, *CALL[server])
    assert refused["code"] == "account_ended"
    assert refused["provider"] == server
    secrets = stored(vault, browser, server)
    assert (secrets["access_token"], "refresh_token" in secrets) == ("", False), "no dead token is kept"

    async def told() -> bool:
        path = f"secret/metadata/users/{browser.person.username}/accounts/{server}"
        facts = ConnectionFacts.read(vault.request("GET", path)["data"]["custom_metadata"])
        return facts is not None and bool(facts.ended)

    await until(told)
    browser.connect(server)
    assert await caller.data(server, *CALL[server]), "connected again"


async def called_with_a_refused_token(browser: Browser, vault: Vault, stack: Stack) -> dict[str, str]:
    """A call with a connection whose access token GitHub does not take; what was stored before."""
    browser.connect("github")
    secrets = stored(vault, browser, "github")
    path = f"secret/data/users/{browser.person.username}/accounts/github"
    vault.request("POST", path, {"data": secrets | {"access_token": "ghu_of-another-time"}})
    caller = await signed_in(stack, browser.person)
    assert await caller.data("github", "list_repos")
    return secrets


async def test_an_access_token_that_the_api_does_not_take_is_refreshed_once_and_the_call_goes_on(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    secrets = await called_with_a_refused_token(browser, vault, stack)
    assert stored(vault, browser, "github")["access_token"] not in ("ghu_of-another-time", secrets["access_token"])


async def test_the_person_s_audit_log_says_connected_refreshed_and_disconnected(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    secrets = await called_with_a_refused_token(browser, vault, stack)
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, browser.person)
        await connections.disconnect(process, cookie, "github")
        told = await audit.look(process, cookie)
    known = {"connected", "refreshed", "disconnected"}
    deeds = [(one, line.server) for line in reversed(told.lines) if (one := audit.deed(line)) in known]
    assert deeds[-3:] == [("connected", "mcp-demo-app"), ("refreshed", "mcp-github"), ("disconnected", "mcp-demo-app")]
    assert t("audit.account.disconnected") in [line.step for line in audit.joined(told.lines, [])]
    assert not any(secret in str(told) for secret in (secrets["access_token"], secrets["refresh_token"]))


async def test_the_app_s_own_login_reads_no_token(browser: Browser, vault: Vault, stack: Stack) -> None:
    browser.connect("jira")
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, browser.person)
        session = await process.sessions.renewed(cookie)

        async def read(held: object) -> object:
            path = f"users/{browser.person.username}/accounts/jira"
            return await process.vault.kv_read(held.login.token, path)  # type: ignore[attr-defined]

        with pytest.raises(Exception, match="denied"):
            await process.person_vault.use(session, read)


async def test_somebody_who_leaves_reaches_nothing_any_more(
    browser: Browser, vault: Vault, stack: Stack, request: pytest.FixtureRequest
) -> None:
    caller, name = await warm(browser, stack, "jira"), browser.person.username
    request.addfinalizer(lambda: come_back(stack, vault, name))
    secrets = stored(vault, browser, "jira")
    done = await asyncio.to_thread(lambda: list(people.offboard(init_settings(stack), name)))
    assert all(went for _, went in done), done
    assert any("jira is ended there" in line for line, _ in done)
    assert api(stack, "jira", secrets) == 401
    assert vault.status("GET", f"secret/metadata/users/{name}/accounts/jira") == 404

    token = await caller.token("jira")

    async def refused() -> bool:
        return (await post(stack, "jira", token)).status_code == 401

    await until(refused, within=10)
    with pytest.raises(SignInRefused):
        Browser(stack, browser.person).sign_in()


def come_back(stack: Stack, vault: Vault, name: str) -> None:
    """As it was, for whoever is this person next."""
    vault.request("POST", f"identity/entity/name/{name}", {"disabled": False})
    may_sign_in(stack, name, enabled=True)


def may_sign_in(stack: Stack, name: str, *, enabled: bool) -> None:
    """What an administrator sets on Keycloak's own page of a user."""
    settings = init_settings(stack)
    admin = RealmAdmin.of(settings)
    admin.log_in()
    (user,) = admin.get("/mcp-demo/users", username=name, exact="true")
    admin.put(f"/mcp-demo/users/{user['id']}", {**user, "enabled": enabled})
    admin.close()


def test_nobody_can_be_offboarded_by_a_name_that_is_none(stack: Stack) -> None:
    with pytest.raises(InputError):
        list(people.offboard(init_settings(stack), "../admin"))


async def test_who_is_gone_from_the_users_file_loses_their_accounts_at_the_next_init(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    browser.connect("github")
    secrets = stored(vault, browser, "github")
    ghost = f"gone-{browser.person.username}"
    vault.request("POST", f"secret/data/users/{ghost}/accounts/github", {"data": secrets})
    settings, ledger = init_settings(stack), Ledger()
    admin = VaultAdmin(settings.vault_addr, settings.vault_token)
    users = load_users(settings.users_file)
    known = PeoplesAccounts({})
    await asyncio.to_thread(vault_people.provision, admin, users, known, ledger, settings.providers(), names={ghost})
    assert [(one.kind, one.name, one.note) for one in ledger.entries if ghost in one.name] == [
        ("account", f"secret/data/users/{ghost}/accounts/github", "")
    ]
    assert api(stack, "github", secrets) == 401
    assert vault.status("GET", f"secret/metadata/users/{ghost}/accounts/github") == 404
    admin.close()


async def test_who_is_disabled_at_keycloak_loses_their_accounts_at_the_next_init(
    browser: Browser, vault: Vault, stack: Stack, request: pytest.FixtureRequest
) -> None:
    browser.connect("github")
    name, secrets = browser.person.username, stored(vault, browser, "github")
    request.addfinalizer(lambda: come_back(stack, vault, name))
    await asyncio.to_thread(may_sign_in, stack, name, enabled=False)
    ledger = await asyncio.to_thread(run, init_settings(stack), only="vault")
    assert [one.note for one in ledger.entries if one.name == f"secret/data/users/{name}/accounts/github"] == [""]
    assert api(stack, "github", secrets) == 401
    assert vault.status("GET", f"secret/metadata/users/{name}/accounts/github") == 404


def texts_of(stack: Stack) -> Iterator[tuple[str, str]]:
    """Everything that is written down: logs, Vault's audit log, files of services, every row of the shared state."""
    roots = (stack.layout.logs, stack.layout.state / "data")
    for file in (file for root in roots for file in root.rglob("*") if file.is_file()):
        with suppress(OSError):
            yield str(file), file.read_bytes().decode("utf-8", "replace")
    with psycopg.connect(stack.environment("init")["STATE_DSN"]) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        for (table,) in tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table))).fetchall()
            yield table, "\n".join(row for (row,) in rows)


async def test_a_grant_lies_in_its_persons_path_and_nowhere_else(browser: Browser, vault: Vault, stack: Stack) -> None:
    browser.connect("jira")
    caller = await signed_in(stack, browser.person)
    traced = await caller.call("jira", "get_issue", {"issue_key": "PROJ-1"}, traced=True)
    secrets = stored(vault, browser, "jira")
    revoke_at_the_provider(stack, browser, "jira")
    refused = await caller.call("jira", "get_issue", {"issue_key": "PROJ-1"}, traced=True, fresh=True)
    assert refused.is_error
    looked_for = (secrets["access_token"], secrets["refresh_token"])
    found = [where for where, text in texts_of(stack) if any(secret in text for secret in looked_for)]
    assert found == []
    for result in (traced, refused):
        assert not any(secret in str(result) for secret in looked_for)


async def test_the_workshops_exercise_is_done_by_connecting_revoking_at_the_provider_and_connecting_again(
    browser: Browser, vault: Vault, stack: Stack
) -> None:
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, browser.person)

        async def check() -> tuple[bool, str]:
            found = await workshop.check(process, cookie, "connect", {})
            return found.done, found.said

        assert await check() == (False, "No account of yours is connected.")
        caller = await warm(browser, stack, "github")
        done, said = await check()
        assert (done, f"secret/data/users/{browser.person.username}/accounts/github" in said) == (False, True)
        assert "still connected" in (await check())[1]
        revoke_at_the_provider(stack, browser, "github")
        assert "still connected" in (await check())[1], "nobody has asked the provider yet"
        assert (await caller.refusal("github", *CALL["github"]))["code"] == "account_ended"

        async def noticed() -> bool:
            return (await check())[1].startswith("The server noticed at that call")

        await until(noticed)
        assert await check() == (False, "GitHub is not connected again yet.")
        browser.connect("github")
        assert (await check())[0]
