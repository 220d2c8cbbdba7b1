"""Against the real server: who meets which server opens one credential, and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import psycopg
import pytest
from pydantic import SecretStr

from fastmcp_vault import tracing
from fastmcp_vault.errors import CredentialMissing, VaultDenied, VaultError, VaultLoginRefused
from fastmcp_vault.oidc import Keycloak, unverified_claims
from fastmcp_vault.tracing import Recorder
from fastmcp_vault.vault import Lease, Vault, VaultToken
from stack.testing import Stack
from tests.support.eventually import eventually
from tests.support.leaks import held
from tests.support.login import sign_in
from tests.support.odd_server import odd_server
from tests.support.people import Person


@pytest.fixture
async def vault(stack: Stack) -> AsyncIterator[Vault]:
    made = Vault(stack.url("openbao"))
    yield made
    await made.close()


@pytest.fixture
def root(stack: Stack) -> SecretStr:
    return SecretStr(stack.secrets["VAULT_TOKEN"])


@dataclass
class Desk:
    """Brings people to Vault, each through one server."""

    stack: Stack
    vault: Vault

    async def jwt(self, person: Person, server: str) -> SecretStr:
        """A token for Vault as ``mcp-<server>`` gets it for somebody who signed in to the app."""
        app = self._client("mcp-demo-app", "APP_CLIENT_SECRET")
        mcp = self._client(f"mcp-{server}", f"MCP_{server.upper()}_CLIENT_SECRET")
        try:
            callback = f"{self.stack.url('app')}/auth/callback"
            tokens = await sign_in(app, person.username, person.password, redirect_uri=callback)
            first = await app.exchange(tokens.access_token, audience=f"mcp-{server}", scope=f"mcp:{server}")
            return (await mcp.exchange(first.access_token, audience="vault", scope="vault:login")).access_token
        finally:
            await app.close()
            await mcp.close()

    async def login(self, person: Person, server: str) -> VaultToken:
        return await self.vault.login_jwt(role=f"mcp-{server}", jwt=await self.jwt(person, server))

    def _client(self, client_id: str, secret: str) -> Keycloak:
        url = self.stack.url("keycloak")
        return Keycloak(
            base_url=url,
            public_url=url,
            realm="mcp-demo",
            client_id=client_id,
            client_secret=SecretStr(self.stack.secrets[secret]),
        )


@pytest.fixture
def desk(stack: Stack, vault: Vault) -> Desk:
    return Desk(stack, vault)


async def test_a_login_says_who_through_which_server_and_for_how_long(desk: Desk, person: Person) -> None:
    jwt = await desk.jwt(person, "jira")
    before = time.time()
    token = await desk.vault.login_jwt(role="mcp-jira", jwt=jwt)
    claims = unverified_claims(jwt)
    assert token.metadata["username"] == person.username
    assert token.metadata["sid"] == claims["sid"]
    assert token.metadata["server"] == "mcp-jira"
    assert "mcp-jira" in token.policies
    assert before <= token.lease.issued_at <= time.time()
    assert 0 < token.lease.remaining(time.time()) <= 900
    assert token.token.get_secret_value() not in repr(token)
    assert (await desk.vault.lookup_self(token.token))["accessor"] == token.accessor
    entity = await desk.vault.entity(token.token, token.entity_id)
    assert (entity.name, entity.disabled) == (person.username, False)


async def test_it_reads_this_person_s_credential_for_this_server_and_no_other(
    desk: Desk, person: Person, new_person: Callable[[], Person]
) -> None:
    other = new_person()
    token = await desk.login(person, "jira")
    secret = await desk.vault.kv_read(token.token, f"users/{person.username}/jira")
    assert secret.data["api_token"].get_secret_value() == person.entitlements["jira"]["api_token"]
    assert secret.version == await desk.vault.kv_version(token.token, f"users/{person.username}/jira")
    assert secret.created_at < time.time()
    assert person.entitlements["jira"]["api_token"] not in repr(secret)
    for path in (f"users/{person.username}/github", f"users/{other.username}/jira", "users/nobody/jira"):
        with pytest.raises(VaultDenied):
            await desk.vault.kv_read(token.token, path)
        with pytest.raises(VaultDenied):
            await desk.vault.kv_version(token.token, path)
    with pytest.raises(VaultDenied):
        await desk.vault.database_creds(token.token, person.username)


async def test_bob_s_missing_jira_credential_is_told_with_its_path(desk: Desk, bob: Person) -> None:
    token = await desk.login(bob, "jira")
    for ask in (desk.vault.kv_read, desk.vault.kv_version):
        with pytest.raises(CredentialMissing, match="secret/data/users/bob/jira"):
            await ask(token.token, "users/bob/jira")
    await desk.vault.revoke_self(token.token)


async def test_a_server_s_role_refuses_another_server_s_token(desk: Desk, person: Person) -> None:
    jwt = await desk.jwt(person, "jira")
    for role in ("mcp-github", "person", "no-such-role"):
        with pytest.raises(VaultLoginRefused, match=role):
            await desk.vault.login_jwt(role=role, jwt=jwt)
    with pytest.raises(VaultLoginRefused):
        await desk.vault.login_jwt(role="mcp-jira", jwt=SecretStr(jwt.get_secret_value()[:-8] + "AAAAAAAA"))


def lets_in(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_a_database_user_works_and_ends_with_the_token_that_made_it(
    stack: Stack, desk: Desk, person: Person
) -> None:
    token = await desk.login(person, "postgres")
    made = await desk.vault.database_creds(token.token, person.username)
    assert made.lease.remaining(time.time()) > 0
    assert made.password.get_secret_value() not in repr(made)
    dsn = psycopg.conninfo.make_conninfo(
        host="127.0.0.1",
        port=stack.ports["postgres"],
        dbname="shop",
        user=made.username,
        password=made.password.get_secret_value(),
    )
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        assert await (await connection.execute("SELECT count(*) FROM products")).fetchone()
    renewed = await desk.vault.renew_lease(token.token, made.lease)
    assert renewed.expires_at >= made.lease.expires_at
    await desk.vault.revoke_self(token.token)
    # Vault ends a token's leases beside its answer.
    await eventually(lambda: not lets_in(dsn))


async def test_a_revoked_token_opens_nothing_and_revoking_it_again_is_fine(desk: Desk, person: Person) -> None:
    token = await desk.login(person, "jira")
    renewed = await desk.vault.renew_self(token.token)
    assert renewed.accessor == token.accessor
    assert renewed.lease.expires_at >= token.lease.expires_at
    await desk.vault.revoke_self(token.token)
    await desk.vault.revoke_self(token.token)
    for ask in (desk.vault.lookup_self, desk.vault.renew_self):
        with pytest.raises(VaultDenied):
            await ask(token.token)


async def test_a_token_that_may_not_end_itself_is_not_taken_for_gone(vault: Vault, root: SecretStr) -> None:
    bare = {"policies": ["no-such-policy"], "no_default_policy": True, "ttl": "60s"}
    made = SecretStr((await vault.write(root, "auth/token/create", bare))["client_token"])
    with pytest.raises(VaultDenied):
        await vault.revoke_self(made)
    assert (await vault.write(root, "auth/token/lookup", {"token": made.get_secret_value()}))["ttl"] > 0
    await vault.write(root, "auth/token/revoke", {"token": made.get_secret_value()})


@pytest.mark.parametrize(
    "said", ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n", "permission denied"]
)
async def test_a_token_that_is_gone_is_fine_in_the_words_of_either_server(said: str) -> None:
    with odd_server() as odd:
        odd.status, odd.body = 403, json.dumps({"errors": [said]}).encode()
        vault = Vault(odd.url)
        await vault.revoke_self(SecretStr("gone"))
        await vault.close()


async def test_what_is_not_there_is_told_apart(stack: Stack, vault: Vault, root: SecretStr) -> None:
    with pytest.raises(CredentialMissing, match="secret/data/users/nobody/jira"):
        await vault.kv_read(root, "users/nobody/jira")
    with pytest.raises(CredentialMissing, match="database/roles/nobody"):
        await vault.database_creds(root, "nobody")
    with pytest.raises(VaultError, match="lease not found"):
        await vault.renew_lease(root, Lease("database/creds/nobody/none", 60, issued_at=0))
    unmounted = Vault(stack.url("openbao"), kv_mount="nowhere")
    with pytest.raises(VaultError, match="no handler"):
        await unmounted.kv_read(root, "users/nobody/jira")
    await unmounted.close()


async def test_health_says_that_it_is_ready(vault: Vault) -> None:
    health = await vault.health()
    assert (health["initialized"], health["sealed"]) == (True, False)


async def test_the_trace_sees_the_real_exchanges_without_their_secrets(desk: Desk, person: Person) -> None:
    jwt = await desk.jwt(person, "jira")
    recorder = Recorder("Load tools", correlation_id="click-1")
    with tracing.recording(recorder):
        with tracing.step("vault-login", server="jira"):
            token = await desk.vault.login_jwt(role="mcp-jira", jwt=jwt)
        with tracing.step("credential", server="jira"):
            await desk.vault.kv_read(token.token, f"users/{person.username}/jira")
    login, read = (step.exchanges[0] for step in recorder.trace.steps)
    assert (login.method, login.status) == ("POST", 200)
    assert login.url.endswith("/v1/auth/jwt/login")
    assert read.url.endswith(f"/v1/secret/data/users/{person.username}/jira")
    assert {e.request_headers["X-Correlation-Id"] for e in (login, read)} == {"click-1"}
    text = recorder.trace.model_dump_json()
    for secret in (jwt.get_secret_value(), token.token.get_secret_value(), person.entitlements["jira"]["api_token"]):
        assert secret not in text


async def test_a_login_that_nobody_waits_for_any_more_leaves_no_token(desk: Desk, person: Person, stack: Stack) -> None:
    jwt, vault = await desk.jwt(person, "jira"), Vault(stack.url("openbao"))
    sid = unverified_claims(jwt)["sid"]
    for number in range(20):
        login = asyncio.create_task(vault.login_jwt(role="mcp-jira", jwt=jwt))
        await asyncio.sleep(number / 2000)  # from before it is sent until after it is answered
        login.cancel()
        made = (await asyncio.gather(login, return_exceptions=True))[0]
        if isinstance(made, VaultToken):
            await vault.revoke_self(made.token)
    await vault.close()
    assert [meta for meta in held(stack) if meta["sid"] == sid] == []


async def test_many_at_once_get_each_their_own(desk: Desk, new_person: Callable[[], Person]) -> None:
    people = [new_person() for _ in range(3)]
    tokens = [await desk.login(person, "jira") for person in people]
    wanted = list(zip(people, tokens, strict=True)) * 20
    got = await asyncio.gather(
        *(desk.vault.kv_read(token.token, f"users/{person.username}/jira") for person, token in wanted)
    )
    assert [secret.data["email"].get_secret_value() for secret in got] == [person.email for person, _ in wanted]
