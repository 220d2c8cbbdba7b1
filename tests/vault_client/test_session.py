"""One login kept alive, against the real server with short lives: renewed, made anew, ended."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import VaultDenied, VaultLoginRefused, VaultUnavailable
from fastmcp_vault.vault import Persistence, Vault, VaultSession, logins
from fastmcp_vault.vault.admin import VaultAdmin
from stack.testing import Stack
from tests.support.eventually import eventually
from tests.support.odd_server import odd_server


@dataclass
class Application:
    """An AppRole of the test's own, on a mount of its own."""

    admin: VaultAdmin
    mount: str
    role_id: str = "tested"
    secret_id: SecretStr = field(default_factory=lambda: SecretStr(uuid.uuid4().hex))

    def role(self, **settings: object) -> None:
        self.admin.write(f"auth/{self.mount}/role/tested", {"token_policies": ["default"], **settings})
        self.admin.write(f"auth/{self.mount}/role/tested/role-id", {"role_id": self.role_id})

    def secret(self) -> None:
        value = {"secret_id": self.secret_id.get_secret_value()}
        self.admin.write(f"auth/{self.mount}/role/tested/custom-secret-id", value)

    @property
    def login(self) -> logins.Login:
        return logins.approle(self.role_id, self.secret_id, mount=self.mount)


@pytest.fixture
def admin(stack: Stack) -> Iterator[VaultAdmin]:
    made = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    yield made
    made.close()


@pytest.fixture
def application(admin: VaultAdmin) -> Iterator[Application]:
    mount = f"approle-{uuid.uuid4().hex[:8]}"
    admin.write(f"sys/auth/{mount}", {"type": "approle"})
    made = Application(admin, mount)
    made.role(token_ttl=60, token_max_ttl=600)
    made.secret()
    yield made
    admin.delete(f"sys/auth/{mount}")


@pytest.fixture
async def vault(stack: Stack) -> AsyncIterator[Vault]:
    made = Vault(stack.url("openbao"))
    yield made
    await made.close()


@pytest.mark.parametrize("fraction", [2 / 3, 4 / 5])
async def test_a_token_is_renewed_at_its_point_and_no_sooner_and_revoked_with_the_block(
    vault: Vault, application: Application, fraction: float
) -> None:
    application.role(token_ttl=4, token_max_ttl=600)
    async with VaultSession(vault, application.login, fraction=fraction) as session:
        first = session.current
        await eventually(lambda: session.lease.issued_at > first.lease.issued_at)
        gone = session.lease.issued_at - first.lease.issued_at
        assert 4 * fraction <= gone < 4, "renewed in time, and not before its point"
        await eventually(lambda: time.time() > first.lease.expires_at + 2)
        assert session.current.accessor == first.accessor
        assert (await vault.examine(session.token)).accessor == first.accessor
    with pytest.raises(VaultDenied):
        await vault.examine(first.token)
    with pytest.raises(VaultUnavailable):
        _ = session.token


async def test_at_its_maximum_it_logs_in_anew_without_a_moment_without_a_token(
    vault: Vault, application: Application
) -> None:
    application.role(token_ttl=2, token_max_ttl=3)
    async with VaultSession(vault, application.login) as session:
        first = session.current
        while session.current.accessor == first.accessor:
            await vault.examine(session.token)
        # What the old token made lives until its own end, so that nothing in use dies early.
        assert (await vault.examine(first.token)).accessor == first.accessor
        second = session.current
        assert second.lease.expires_at > first.lease.expires_at
    for token in (first, second):
        with pytest.raises(VaultDenied):
            await vault.examine(token.token)


async def test_a_token_revoked_under_it_is_noticed_and_replaced(vault: Vault, application: Application) -> None:
    async with VaultSession(vault, application.login, check_every=0.2) as session:
        first = session.current
        await vault.revoke_self(first.token)
        await eventually(lambda: session._held is not None and session.current.accessor != first.accessor)
        await vault.examine(session.token)


async def test_when_logging_in_anew_is_refused_too_it_is_over_with_the_reason(
    vault: Vault, application: Application
) -> None:
    final = Persistence(through_refusals=False)
    async with VaultSession(vault, application.login, check_every=0.1, persistence=final) as session:
        application.admin.delete(f"auth/{application.mount}/role/tested")
        await vault.revoke_self(session.token)
        async with asyncio.timeout(20):
            problem = await session.over()
        assert isinstance(problem, VaultLoginRefused)
        with pytest.raises(VaultLoginRefused):
            _ = session.token


async def test_one_that_persists_waits_for_its_role_to_be_made(vault: Vault, application: Application) -> None:
    application.admin.delete(f"auth/{application.mount}/role/tested")
    with pytest.raises(VaultLoginRefused):
        await VaultSession(vault, application.login).__aenter__()
    async with VaultSession(vault, application.login, persistence=Persistence(from_the_start=True)) as session:
        with pytest.raises(VaultLoginRefused):
            _ = session.token
        application.role()
        application.secret()
        await eventually(lambda: session._held is not None)
        assert "default" in session.current.policies


async def test_an_outage_longer_than_the_token_s_life_ends_in_a_new_login(application: Application) -> None:
    """Vault as an odd server: the real one cannot be made to give a token and then fall silent at will."""
    body = b'{"auth": {"client_token": "s.%s", "accessor": "%s", "lease_duration": 1, "renewable": true}}'
    with odd_server() as odd:
        odd.body = body % (b"a" * 24, b"first")
        vault = Vault(odd.url, timeout=0.5)
        async with VaultSession(vault, application.login, revoke_at_end=False) as session:
            odd.status, odd.body = 503, b'{"errors": ["Vault is sealed"]}'
            end = session.lease.expires_at
            await eventually(lambda: time.time() > end)
            with pytest.raises((VaultUnavailable, VaultDenied)):
                _ = session.token
            odd.status, odd.body = 200, body % (b"b" * 24, b"second")
            await eventually(lambda: session._held is not None)
            assert session.current.accessor == "second"
        await vault.close()


async def test_a_token_given_by_another_is_renewed_and_one_that_cannot_be_is_over_at_its_end(
    vault: Vault, admin: VaultAdmin, stack: Stack
) -> None:
    root = SecretStr(stack.secrets["VAULT_TOKEN"])
    periodic = await vault.write(root, "auth/token/create", {"policies": ["default"], "period": "60s"})
    async with VaultSession(vault, logins.token(SecretStr(periodic["client_token"]))) as session:
        assert 55 <= session.lease.remaining(time.time()) <= 60
        assert session.lease.duration == 60
    fixed = await vault.write(
        root, "auth/token/create", {"policies": ["default"], "ttl": "1s", "renewable": False, "display_name": "fixed"}
    )
    final = Persistence(through_refusals=False)
    async with VaultSession(vault, logins.token(SecretStr(fixed["client_token"])), persistence=final) as session:
        async with asyncio.timeout(20):
            assert isinstance(await session.over(), VaultDenied)
    async with VaultSession(vault, logins.token(root), revoke_at_end=False) as session:
        assert session.lease.remaining(time.time()) == float("inf")
    with pytest.raises(VaultDenied):
        await VaultSession(vault, logins.token(SecretStr("s.nobody-knows-this-token-"))).__aenter__()
