"""The example application in the app: it runs while somebody looks, shows no value, and gives everything back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from app.example import IDLE_SECONDS, Example, View
from app.process import AppProcess
from app.session import Visit
from app.settings import AppSettings
from fastmcp_vault.errors import VaultDenied, VaultLoginRefused
from fastmcp_vault.vault.application import SecretRow
from init.vault_people import database_role
from stack.testing import Stack
from tests.app.conftest import ALICE, FRAME, Straight
from tests.support.eventually import eventually
from tests.vault_client.applications import OwnApplication, own_application


@pytest.fixture
async def own(stack: Stack) -> AsyncIterator[OwnApplication]:
    with own_application(stack) as made:
        database = f"{made.entity}-database"
        made.admin.write(f"{database}/roles/my-vault-app-dynamic", database_role(["shop_read"]))
        static = {"db_name": "shop", "username": made.static_user, "rotation_period": 5}
        made.admin.delete(f"{database}/static-roles/static")
        made.admin.write(f"{database}/static-roles/my-vault-app-static", static)
        yield made


def settings(own: OwnApplication, **changes: object) -> AppSettings:
    named = {
        "vault_addr": own.stack.url("openbao"),
        "example_entity": own.entity,
        "example_role_id": own.entity,
        "example_secret_id": SecretStr(own.secret_id),
        "vault_service_account_token": None,
    }
    return cast(AppSettings, SimpleNamespace(**(named | changes)))


async def test_it_runs_while_somebody_looks_shows_no_value_and_gives_everything_back(own: OwnApplication) -> None:
    skipped = 0.0
    example = Example(settings(own), clock=lambda: time.time() + skipped)
    view = await example.look()
    assert {row.kind: row.state for row in view.rows} == dict.fromkeys(("token", "kv", "dynamic", "static"), "fresh")
    assert view.well
    (user,) = [row.detail.removeprefix("user ") for row in view.rows if row.kind == "dynamic"]
    token = example._task
    assert token is not None
    with own.superuser() as admin:
        living = "SELECT count(*) FROM pg_roles WHERE rolname = %s"
        assert admin.execute(living, [user]).fetchone() == (1,)
        own.put(api_key="changed-by-somebody-else")
        await eventually(lambda: any("version 2" in row.detail for _, row in example._changes))
        view = await example.look()
        assert (await example.look()).rows[2].detail == f"user {user}", "one application, however many look"
        shown = repr(view)
        assert own.api_key not in shown
        assert "changed-by-somebody-else" not in shown
        skipped = IDLE_SECONDS
        await eventually(token.done)
        # Revoked with its token: Vault ends a token's leases beside its answer.
        await eventually(lambda: admin.execute(living, [user]).fetchone() == (0,))
    assert (await example.look()).well, "and it begins anew with the next look"
    await example.close()


async def test_why_it_cannot_log_in_is_told_to_everybody_who_looks_until_it_can(own: OwnApplication) -> None:
    example = Example(settings(own))
    own.admin.delete(f"auth/approle/role/{own.entity}")
    for _ in range(2):
        with pytest.raises(VaultLoginRefused):
            await example.look()
    own.role(token_ttl=60)
    own.admin.write(f"auth/approle/role/{own.entity}/custom-secret-id", {"secret_id": own.secret_id})
    assert (await example.look()).well
    await example.close()


@pytest.fixture
def page(app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What the page says of the rows that it is given."""

    def says(*rows: SecretRow) -> str:
        changes = [(1_790_000_000.0, row) for row in rows]
        example = SimpleNamespace(look=lambda: View(list(rows), changes))
        running = SimpleNamespace(loop=Straight(), example=example)
        monkeypatch.setattr(AppProcess, "current", classmethod(lambda cls: running))
        looked_up(Visit(person=ALICE, cookie="opaque"))
        app.session_state["pick.own.whose"] = "application"
        app.session_state["bound.sid"] = ALICE.sid
        app.run()
        app.switch_page(str(FRAME.parent / "my_secrets.py")).run()
        assert not app.exception
        kinds: list[Any] = [*app.markdown, *app.caption, *app.success, *app.warning, *app.error]
        return "\n".join(str(element.value) for element in kinds).replace("\\", "")

    return says


def test_the_verdict_comes_first_and_each_secret_has_its_state_and_its_rule(page: Callable[..., str]) -> None:
    token = SecretRow("token", "auth/approle", "fresh", "policies default", 90.0)
    said = page(token, SecretRow("kv", "app-kv/data/app", "fresh", "version 3: key=demo…1234", None))
    assert "It holds all it needs: 1 secrets" in said
    assert "version 3: key=demo…1234" in said
    assert "every five seconds" in said
    assert "four fifths" in said


def test_what_could_not_be_looked_after_says_why(page: Callable[..., str]) -> None:
    denied = VaultDenied("No policy allows it to read app-kv/data/app.", fix="Allow it.")
    said = page(
        SecretRow("token", "auth/approle", "fresh", "policies default", 90.0),
        SecretRow("kv", "app-kv/data/app", "failed", "", None, denied),
        SecretRow("dynamic", "app-database/creds/x", "stale", "user v-1", 0.0),
    )
    assert "2 of 3 could not be looked after" in said
    assert "No policy allows it to read app-kv/data/app. Allow it." in said
    assert "not refreshed" in said
