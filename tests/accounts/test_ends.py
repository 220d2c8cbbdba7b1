"""The end of a connection: by the person here, by the person at the provider, and what is left of it anywhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from app import audit, connections, workshop
from app.texts import t
from fastmcp_vault.accounts.grant import ConnectionFacts
from fastmcp_vault.errors import InputError, VaultDenied
from fastmcp_vault.vault.admin import VaultAdmin
from init import people, vault_people
from init.keycloak_admin import RealmAdmin
from init.keycloak_people import PeoplesAccounts
from init.ledger import Ledger
from init.run import run
from init.users import load_users
from stack.testing import Stack
from tests.accounts.at_the_app import Browser
from tests.accounts.at_the_provider import CALL, api, refreshes, revoke_at_the_provider, stored
from tests.accounts.provisioning import init_settings
from tests.app.serving import cookie_of, process_of
from tests.mcp_servers.callers import Caller, Vault, post, signed_in, until
from tests.support.login import SignInRefused


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
    assert not await refreshes(stack, server, secrets)

    async def noticed() -> bool:
        result = await caller.call(server, *CALL[server])
        return result.is_error

    await until(noticed, within=10)
    assert (await caller.refusal(server, *CALL[server]))["code"] == "credential_missing"


@pytest.mark.parametrize("server", ["jira", "github"])
async def test_a_provider_that_refuses_to_end_it_is_told_of_and_vault_forgets_it_all_the_same(
    server: str, browser: Browser, vault: Vault, stack: Stack
) -> None:
    browser.connect(server)
    secrets, setting = stored(vault, browser, server), f"{server.upper()}_OAUTH_CLIENT_SECRET"
    async with process_of(stack, **{setting: "a-secret-that-was-changed-there"}) as process:
        cookie = await cookie_of(process, stack, browser.person)
        left = await connections.disconnect(process, cookie, server)
    assert "refused" in left
    assert not any(secret in left for secret in (secrets["access_token"], secrets["refresh_token"]))
    assert api(stack, server, secrets) == 200, "it is there to be ended by its person"
    assert vault.status("GET", f"secret/metadata/users/{browser.person.username}/accounts/{server}") == 404
    revoke_at_the_provider(stack, browser, server)


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


async def test_the_app_s_logins_read_no_token_or_write_none(browser: Browser, vault: Vault, stack: Stack) -> None:
    browser.connect("jira")
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, browser.person)
        session = await process.sessions.renewed(cookie)

        async def read(held: object) -> object:
            path = f"users/{browser.person.username}/accounts/jira"
            return await process.vault.kv_read(held.login.token, path)  # type: ignore[attr-defined]

        with pytest.raises(VaultDenied):
            await process.person_vault.use(session, read)
        store, name = connections.store(process.vault, "jira"), browser.person.username
        async with process.person_vault.for_one_action(session.caller, "connector") as (login, _):
            with pytest.raises(VaultDenied):
                await store.read(login, name)
            with pytest.raises(VaultDenied):
                await process.vault.kv_write(login.token, f"users/{name}/jira", {"api_token": "x"})
        async with process.person_vault.for_one_action(session.caller, "disconnector") as (login, _):
            grant, _ = await store.read(login, name)
            with pytest.raises(VaultDenied):
                await store.write(login, name, grant)


async def test_somebody_who_leaves_reaches_nothing_any_more(
    browser: Browser, vault: Vault, stack: Stack, request: pytest.FixtureRequest
) -> None:
    caller, name = await warm(browser, stack, "jira"), browser.person.username
    request.addfinalizer(lambda: come_back(stack, vault, name))
    secrets = stored(vault, browser, "jira")
    browser.connect("github")
    changed = {"github_oauth_client_secret": SecretStr("a-secret-that-was-changed-there")}
    settings = init_settings(stack).model_copy(update=changed)
    done = await asyncio.to_thread(lambda: list(people.offboard(settings, name)))
    assert [line.partition(": ")[0] for line, went in done if not went] == [
        "The account at github is gone from Vault; the provider did not end it"
    ], "the report says what could not be revoked, and nothing else failed"
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


@pytest.mark.parametrize("refuses", [False, True])
async def test_who_is_gone_from_the_users_file_loses_their_accounts_at_the_next_init(
    refuses: bool, browser: Browser, vault: Vault, stack: Stack
) -> None:
    browser.connect("github")
    secrets = stored(vault, browser, "github")
    ghost = f"gone-{browser.person.username}"
    vault.request("POST", f"secret/data/users/{ghost}/accounts/github", {"data": secrets})
    settings, ledger = init_settings(stack), Ledger()
    admin = VaultAdmin(settings.vault_addr, settings.vault_token)
    users = load_users(settings.users_file)
    known, providers = PeoplesAccounts({}), settings.providers()
    if refuses:
        providers["github"] = replace(providers["github"], client_secret=SecretStr("a-secret-that-was-changed-there"))
    await asyncio.to_thread(vault_people.provision, admin, users, known, ledger, providers, names={ghost})
    ((kind, name, note),) = [(one.kind, one.name, one.note) for one in ledger.entries if ghost in one.name]
    assert (kind, name) == ("account", f"secret/data/users/{ghost}/accounts/github")
    assert ("refused" in note) is refuses, "what could not be ended there is in init's report"
    assert bool(note) is refuses
    assert api(stack, "github", secrets) == (200 if refuses else 401)
    assert vault.status("GET", f"secret/metadata/users/{ghost}/accounts/github") == 404
    admin.close()


async def test_who_is_disabled_at_keycloak_loses_their_accounts_at_the_next_init(
    browser: Browser, vault: Vault, stack: Stack, request: pytest.FixtureRequest
) -> None:
    browser.connect("github")
    name, secrets = browser.person.username, stored(vault, browser, "github")
    request.addfinalizer(lambda: come_back(stack, vault, name))
    await asyncio.to_thread(may_sign_in, stack, name, enabled=False)
    ledger = await asyncio.to_thread(run, init_settings(stack), only="vault", names={name})
    assert [one.note for one in ledger.entries if one.name == f"secret/data/users/{name}/accounts/github"] == [""]
    assert api(stack, "github", secrets) == 401
    assert vault.status("GET", f"secret/metadata/users/{name}/accounts/github") == 404


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
