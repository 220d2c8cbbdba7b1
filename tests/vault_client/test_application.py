"""Secrets kept fresh by their three rules: the arithmetic on a clock of our own, the effect at the real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import CredentialMissing, VaultDenied, VaultUnavailable
from fastmcp_vault.vault import (
    DatabaseCredential,
    KVContents,
    Lease,
    StaticCredential,
    VaultSession,
    VaultToken,
    logins,
)
from fastmcp_vault.vault.admin import VaultAdmin
from fastmcp_vault.vault.application import Application, SecretRow
from fastmcp_vault.vault.kept import Fact, KeptDynamic, KeptKV, KeptStatic, Kind, Secret
from stack.testing import Stack
from tests.support.browser import closed_port
from tests.support.eventually import eventually
from tests.vault_client.applications import OwnApplication, own_application

TOKEN = VaultToken(SecretStr("s.t"), "a-token", Lease("", 60, issued_at=0), "", (), {})
ANOTHER = VaultToken(SecretStr("s.u"), "another", Lease("", 60, issued_at=0), "", (), {})


def test_a_kv_secret_is_looked_at_every_five_seconds() -> None:
    kept = KeptKV("app-kv", "app", interval=5)
    assert kept.due(0.0, TOKEN)
    kept._looked_at = 100.0
    assert not kept.due(104.9, TOKEN)
    assert kept.due(105.0, TOKEN)


def test_a_database_user_is_replaced_at_ten_seconds_left_or_with_its_token() -> None:
    kept = KeptDynamic("app-database", "role")
    assert kept.due(0.0, TOKEN)
    kept.fact, kept._lasts = Fact("user v", 0.0, 60.0, "a-token"), 60.0
    assert not kept.due(49.9, TOKEN)
    assert kept.due(50.0, TOKEN)
    assert kept.due(1.0, ANOTHER)
    assert (kept.fact.remaining(59.0), kept.fact.remaining(1000.0)) == (1.0, 0.0)


def test_a_static_user_is_fetched_every_five_minutes_and_when_its_password_changes() -> None:
    kept = KeptStatic("app-database", "role")
    assert kept.due(0.0, TOKEN)
    kept.fact = Fact("user s", 0.0, 1000.0, "a-token")
    assert not kept.due(299.9, TOKEN)
    assert kept.due(300.0, TOKEN)
    kept.fact = Fact("user s", 0.0, 20.0, "a-token")
    assert kept.due(20.0, TOKEN)


@pytest.fixture
def own(stack: Stack) -> Iterator[OwnApplication]:
    with own_application(stack) as made:
        yield made


class Holder:
    """What an application does with its secrets: holds the newest of each kind."""

    def __init__(self) -> None:
        self.got: dict[Kind, list[Secret]] = {"kv": [], "dynamic": [], "static": []}
        self.rows: list[SecretRow] = []

    async def use(self, kind: Kind, secret: Secret) -> None:
        self.got[kind].append(secret)

    def newest(self, kind: Kind) -> Secret:
        return self.got[kind][-1]


@asynccontextmanager
async def running(own: OwnApplication, holder: Holder, **changes: object) -> AsyncIterator[Application]:
    config = own.config(**changes)
    vault = config.vault()
    login = logins.approle(config.vault_role_id, config.vault_secret_id)

    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0.05)

    async with VaultSession(vault, login) as session:
        application = Application(config, vault, session, use=holder.use, changed=holder.rows.append, pause=pause)
        await application.refresh()
        task = asyncio.create_task(application.run())
        yield application
        task.cancel()
    await vault.close()


async def test_a_new_version_is_seen_within_its_bound_and_the_same_one_is_not_fetched_twice(
    own: OwnApplication,
) -> None:
    holder = Holder()
    async with running(own, holder, kv_secret_refresh_interval=0.2) as application:
        first = holder.newest("kv")
        assert isinstance(first, KVContents)
        assert first.data["api_key"].get_secret_value() == own.api_key
        own.put(api_key="changed")
        began = time.monotonic()
        await eventually(lambda: len(holder.got["kv"]) == 2)
        assert time.monotonic() - began < 2
        second = holder.newest("kv")
        assert isinstance(second, KVContents)
        assert (second.version, second.data["api_key"].get_secret_value()) == (2, "changed")
        looks = application._cares[0].kept
        assert isinstance(looks, KeptKV)
        looked_at = looks._looked_at
        await eventually(lambda: looks._looked_at > looked_at + 0.5)
        assert len(holder.got["kv"]) == 2
        assert own.api_key not in repr(application.rows())


async def test_a_database_user_is_replaced_before_it_dies_without_one_failed_query(own: OwnApplication) -> None:
    own.dynamic(ttl=4)
    holder = Holder()

    def ask() -> None:
        made = holder.newest("dynamic")
        assert isinstance(made, DatabaseCredential)
        with own.connection(made.username, made.password) as connection:
            assert connection.execute("SELECT count(*) FROM products").fetchone()

    async with running(own, holder):
        # Three users one after the other, and a query with the newest all the time.
        while len(holder.got["dynamic"]) < 4:
            await asyncio.to_thread(ask)
        users = [made.username for made in holder.got["dynamic"] if isinstance(made, DatabaseCredential)]
        assert len(set(users)) == 4
    with own.superuser() as admin:
        left = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        # Its token was revoked with the users that it made: Vault ends a token's leases beside its answer.
        await eventually(lambda: admin.execute(left, [users]).fetchall() == [])


async def test_a_static_user_s_new_password_is_there_when_vault_has_changed_it(own: OwnApplication) -> None:
    holder = Holder()
    async with running(own, holder) as application:
        await eventually(lambda: len(holder.got["static"]) >= 2)
        first, second = holder.got["static"][:2]
        assert isinstance(first, StaticCredential)
        assert isinstance(second, StaticCredential)
        assert first.username == second.username == own.static_user
        assert first.password != second.password
        newest = holder.newest("static")
        assert isinstance(newest, StaticCredential)
        with own.connection(newest.username, newest.password) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            own.connection(first.username, first.password)
        assert all(row.left is None or row.left >= 0 for row in application.rows())


async def test_a_refusal_is_told_in_its_row_and_mended_when_the_reason_goes(own: OwnApplication) -> None:
    holder = Holder()
    changes = {"kv_secret_path": "later", "database_static_enabled": False, "database_dynamic_role_id": "none"}
    async with running(own, holder, **changes) as application:
        rows = {row.kind: row for row in application.rows()}
        assert set(rows) == {"token", "kv", "dynamic"}
        assert rows["token"].state == "fresh"
        assert isinstance(rows["kv"].problem, CredentialMissing)
        assert isinstance(rows["dynamic"].problem, CredentialMissing)
        own.admin.write(f"{own.entity}-kv/data/later", {"data": {"a": "b"}})
        await eventually(lambda: bool(holder.got["kv"]))
        assert [row.state for row in holder.rows if row.kind == "kv"] == ["failed", "fresh"]
        own.admin.write(f"sys/policies/acl/{own.entity}", {"policy": 'path "x" { capabilities = ["read"] }'})
        await eventually(lambda: isinstance(application.rows()[1].problem, VaultDenied))
        # What was fetched is still good; only its freshness is in doubt.
        assert application.rows()[1].state == "stale"


async def test_with_vault_away_it_holds_on_until_its_secrets_end_and_recovers_afterwards(own: OwnApplication) -> None:
    own.dynamic(ttl=60)
    config, skipped = own.config(database_static_enabled=False), 0.0

    def clock() -> float:
        return time.time() + skipped

    away, real = f"http://localhost:{closed_port()}", config.vault_url
    vault = config.vault()
    async with VaultSession(vault, logins.approle(config.vault_role_id, config.vault_secret_id)) as session:
        application = Application(config, vault, session, clock=clock)
        await application.refresh()

        async def later(seconds: float) -> dict[str, SecretRow]:
            nonlocal skipped
            skipped += seconds
            await application.refresh()
            return {row.kind: row for row in application.rows()}

        vault._hvac.base_uri = away
        rows = await later(51)
        assert isinstance(rows["dynamic"].problem, VaultUnavailable)
        assert (rows["dynamic"].state, rows["kv"].state) == ("stale", "stale")
        user = rows["dynamic"].detail
        rows = await later(3600)
        assert (rows["dynamic"].state, rows["dynamic"].left) == ("failed", 0.0), "its end came during the outage"
        assert rows["kv"].state == "stale", "a KV secret has no end"
        vault._hvac.base_uri = real
        async with asyncio.timeout(20):
            while {row.state for row in rows.values()} != {"fresh"}:
                await asyncio.sleep(0.05)  # the circuit breaker lets somebody try now and then
                rows = await later(10)
        assert rows["dynamic"].detail != user
    await vault.close()


async def test_a_namespace_is_a_vault_of_its_own(stack: Stack, own: OwnApplication) -> None:
    space = f"space-{own.entity}"
    own.admin.write(f"sys/namespaces/{space}", {})
    inside = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]), namespace=space)
    try:
        inside.write(f"sys/mounts/{own.entity}-kv", {"type": "kv", "options": {"version": "2"}})
        inside.write(f"{own.entity}-kv/data/app", {"data": {"where": "inside"}})
        root = SecretStr(stack.secrets["VAULT_TOKEN"])
        for namespace, expected in ((space, "where"), ("", "api_key")):
            vault = own.config(vault_namespace=namespace).vault()
            assert set((await vault.kv_read(root, "app")).data) == {expected}
            await vault.close()
    finally:
        inside.close()
        own.admin.delete(f"sys/namespaces/{space}")
