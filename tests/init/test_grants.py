"""Grants that the realm does not give: passwords, offline sessions, a refresh token a second time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fastmcp_vault.http import TimedSession
from init.keycloak_grants import BUILT_IN
from stack.testing import Stack
from tests.init.realm import Realm
from tests.support.people import Person
from tests.support.registered import registered


@pytest.fixture(scope="module")
def realm(stack: Stack) -> Iterator[Realm]:
    made = Realm(stack)
    made.provision()
    yield made
    made.remove()


def by_password(realm: Realm, client_id: str, **more: str) -> requests.Response:
    form = {"grant_type": "password", "client_id": client_id, "username": "alice", "password": "alice-1", **more}
    with TimedSession(timeout=30) as session:
        return session.post(
            f"{realm.settings.keycloak_url}/realms/{realm.name}/protocol/openid-connect/token", data=form
        )


def refused(answer: requests.Response) -> bool:
    return answer.status_code in (400, 401) and "access_token" not in answer.json()


@pytest.mark.parametrize("client_id", BUILT_IN)
def test_no_client_of_keycloaks_own_trades_a_password_or_offers_an_offline_session(
    realm: Realm, client_id: str
) -> None:
    client = realm.client(client_id)
    assert not client["directAccessGrantsEnabled"]
    offered = client["defaultClientScopes"] + client["optionalClientScopes"]
    assert "offline_access" not in offered or client["bearerOnly"], "bearer-only: it has no way to a token"
    assert refused(by_password(realm, client_id, scope="openid offline_access"))


def test_the_built_in_clients_are_all_that_keycloak_made(realm: Realm) -> None:
    realm.admin.post("", {"realm": f"{realm.name}-bare"})
    try:
        assert {found["clientId"] for found in realm.admin.get(f"/{realm.name}-bare/clients")} == set(BUILT_IN)
    finally:
        realm.admin.delete(f"/{realm.name}-bare")


def test_what_somebody_switched_on_again_is_refused_by_policy_and_put_back(realm: Realm) -> None:
    cli = realm.client("admin-cli")
    offline = next(found["id"] for found in realm.get("/client-scopes") if found["name"] == "offline_access")
    on = {"enabled": True, "directAccessGrantsEnabled": True}
    realm.admin.put(realm.path(f"/clients/{cli['id']}"), cli | on)
    realm.admin.put(realm.path(f"/clients/{cli['id']}/optional-client-scopes/{offline}"), {})
    answer = by_password(realm, "admin-cli")
    assert refused(answer)
    assert "prohibited" in answer.text
    (mended,) = realm.provision()
    assert (mended.name, mended.note) == ("admin-cli", "directAccessGrantsEnabled, enabled, offline_access")
    assert realm.provision() == []


@pytest.mark.parametrize("profile", ["demo", "production"])
@pytest.mark.parametrize("public", [True, False])
def test_a_client_made_by_hand_cannot_trade_a_password_either(realm: Realm, profile: str, public: bool) -> None:
    realm.provision(profile=profile)
    made: dict[str, Any] = {"clientId": f"by-hand-{profile}-{public}", "publicClient": public, "secret": "own-secret"}
    realm.admin.post(realm.path("/clients"), made | {"directAccessGrantsEnabled": True})
    try:
        assert refused(by_password(realm, made["clientId"], client_secret="own-secret"))
    finally:
        realm.admin.delete(realm.path(f"/clients/{realm.client(made['clientId'])['id']}"))
        realm.provision()


def test_the_labs_clients_still_sign_in_the_demos_people(realm: Realm) -> None:
    assert realm.signs_in("alice", "alice-1")


def next_second() -> None:
    """Keycloak tells tokens apart by the whole second they were issued in."""
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.02)


def test_a_refresh_token_is_good_once_and_used_again_ends_the_sign_in(stack: Stack, person: Person) -> None:
    client = registered(stack, person)
    chain = [client.refresh_token]
    for _ in range(2):
        next_second()
        answer = client.refresh(chain[-1])
        assert answer.status_code == 200
        chain.append(answer.json()["refresh_token"])
    assert len(set(chain)) == 3
    next_second()
    stolen = client.refresh(chain[0])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert client.refresh(chain[-1]).status_code == 400, "whoever of the two holds it"
