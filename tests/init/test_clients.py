"""Registered clients that nobody uses go; whoever is used, or was not made by registration, stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from fastmcp_vault.errors import InputError
from fastmcp_vault.http import TimedSession
from init.clients import RecordTooShort, main, prune
from init.keycloak_realm import RECORDED_DAYS
from stack.testing import Stack
from tests.init.realm import Realm
from tests.support.login import agree

REDIRECT = "http://127.0.0.1:1/callback"
DAY = 86_400


@pytest.fixture(scope="module")
def realm(stack: Stack) -> Iterator[Realm]:
    made = Realm(stack)
    made.provision()
    yield made
    made.remove()


@pytest.fixture
def register(realm: Realm) -> Callable[[], str]:
    """Registers a client as a stranger does; its id."""

    def registered() -> str:
        with TimedSession() as session:
            answer = session.post(
                f"{realm.settings.keycloak_url}/realms/{realm.name}/clients-registrations/openid-connect",
                json={"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "Idle"},
            )
        return str(answer.json()["client_id"])

    return registered


def sign_in(realm: Realm, client: str) -> None:
    query = f"client_id={client}&redirect_uri={REDIRECT}&response_type=code&scope=mcp:jira"
    pkce = f"code_challenge={'x' * 43}&code_challenge_method=S256"
    address = f"{realm.settings.keycloak_url}/realms/{realm.name}/protocol/openid-connect/auth"
    arrived, _ = agree(f"{address}?{query}&{pkce}", "alice", "alice-1")
    assert "code=" in arrived


def sign_everybody_out(realm: Realm) -> None:
    realm.admin.post(realm.path("/logout-all"), {})


def test_who_was_idle_for_so_long_goes_and_nobody_else(realm: Realm, register: Callable[[], str]) -> None:
    path, began = realm.path(""), time.time()
    others = {client["clientId"] for client in realm.get("/clients", max="1000")}
    by_hand = {"clientId": "made-by-hand", "publicClient": True, "consentRequired": True}
    realm.admin.post(realm.path("/clients"), by_hand)
    idle, used = register(), register()
    sign_in(realm, used)
    sign_everybody_out(realm)
    with pytest.raises(RecordTooShort):
        prune(realm.admin, path, days=1, now=began)

    a_day_from_here = time.time() + DAY
    planned = prune(realm.admin, path, days=1, now=a_day_from_here, dry_run=True)
    assert {name for name, _ in planned.idle} == {idle, used}
    assert realm.client(idle), "a plan removes nothing"
    sign_in(realm, used)
    sign_everybody_out(realm)
    new = register()
    found = prune(realm.admin, path, days=1, now=a_day_from_here)
    assert (found.registered, found.idle) == (3, ((idle, "Idle"),)), "the others signed in or came since"

    sign_in(realm, used)
    assert prune(realm.admin, path, days=0).idle == ((new, "Idle"),), "an open session is use"
    sign_everybody_out(realm)
    assert prune(realm.admin, path, days=0).idle == ((used, "Idle"),)
    assert {client["clientId"] for client in realm.get("/clients", max="1000")} == others | {"made-by-hand"}


HOSTILE = "Editor\x1b]0;owned\x07\x1b[2J\u202e\u2066"


def test_a_registered_name_is_shown_on_its_line_and_never_obeyed(
    realm: Realm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with TimedSession() as session:
        answer = session.post(
            f"{realm.settings.keycloak_url}/realms/{realm.name}/clients-registrations/openid-connect",
            json={"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": HOSTILE},
        )
    client = str(answer.json()["client_id"])
    assert realm.client(client)["name"] == HOSTILE, "Keycloak keeps what it was sent"
    monkeypatch.setattr("init.clients.load", lambda _: realm.settings)
    assert main(["prune", "--days", "0"]) == 0
    told = capsys.readouterr().out
    assert f"  - {client} Editor\\x1b]0;owned\\x07\\x1b[2J\\u202e\\u2066\n" in told
    assert told.replace("\n", "").isprintable()


def test_more_days_than_are_recorded_cannot_be_asked_for(realm: Realm) -> None:
    for days in (-1, RECORDED_DAYS + 1):
        with pytest.raises(InputError):
            prune(realm.admin, realm.path(""), days=days)
