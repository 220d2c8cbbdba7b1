"""Keycloak provisioned again: the same, half-done, changed by hand, and with other people in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from fastmcp_vault.errors import KeycloakRefused
from fastmcp_vault.http import TimedSession
from init.ledger import LedgerEntry, LedgerOutcome
from stack.testing import Stack
from tests.init.realm import ALICE, BOB, CHARLIE, EVERYBODY, Realm, person


@pytest.fixture(scope="module")
def shared(stack: Stack) -> Iterator[Realm]:
    realm = Realm(stack)
    planned = realm.provision(dry_run=True)
    assert realm.admin.get(f"/{realm.name}") is None, "a plan writes nothing"
    made = realm.provision()
    assert {(entry.kind, entry.name) for entry in planned} <= {(entry.kind, entry.name) for entry in made}
    yield realm
    realm.remove()


@pytest.fixture
def realm(shared: Realm) -> Iterator[Realm]:
    yield shared
    shared.provision()


def names(entries: Sequence[LedgerEntry]) -> set[tuple[str, str, str]]:
    return {(entry.kind, entry.name, entry.outcome.value) for entry in entries}


def test_again_changes_nothing(realm: Realm) -> None:
    assert realm.provision() == []
    assert set(realm.ids) == {"alice", "bob", "charlie"}


def test_a_half_done_realm_is_finished(realm: Realm) -> None:
    scope = next(found for found in realm.get("/client-scopes") if found["name"] == "mcp:github")
    realm.admin.delete(realm.path(f"/client-scopes/{scope['id']}"))
    realm.admin.delete(realm.path(f"/clients/{realm.client('mcp-jira')['id']}"))
    realm.admin.delete(realm.path(f"/users/{realm.ids['bob']}"))
    realm.admin.delete(realm.path("/roles/facilitator"))
    assert names(realm.provision()) == {
        ("scope", "mcp:github", "created"),
        ("scopes of new clients", "mcp:github", "created"),
        ("client", "mcp-demo-app", "changed"),
        ("client", "lab-github", "changed"),
        ("client", "mcp-jira", "created"),
        ("user", "bob", "created"),
        ("role", "facilitator", "created"),
        ("scope's role", "realm-roles: facilitator", "created"),
        ("user", "charlie", "changed"),
    }
    assert realm.provision() == []


def test_what_opens_a_door_too_far_is_put_right_and_named(realm: Realm) -> None:
    app, github, relay = (realm.client(name) for name in ("mcp-demo-app", "mcp-github", "chatbot-relay"))
    vault = next(found for found in realm.get("/client-scopes") if found["name"] == "vault:login")
    (mapper,) = relay["protocolMappers"]
    mapper["config"]["included.client.audience"] = "mcp-jira"
    for changed in (
        app | {"redirectUris": ["*"], "directAccessGrantsEnabled": True},
        github | {"secret": "known-to-somebody"},
        relay | {"protocolMappers": [mapper], "attributes": {**relay["attributes"], "pkce.code.challenge.method": ""}},
    ):
        realm.admin.put(realm.path(f"/clients/{changed['id']}"), changed)
    realm.admin.delete(realm.path(f"/clients/{github['id']}/optional-client-scopes/{vault['id']}"))
    realm.admin.put(realm.path(f"/clients/{github['id']}/default-client-scopes/{vault['id']}"), {})
    realm.admin.put(realm.path(f"/default-optional-client-scopes/{scope_id(realm, 'offline_access')}"), {})
    realm.admin.put(realm.path(""), {"realm": realm.name, "registrationAllowed": True})
    mended = {entry.name: entry for entry in realm.provision()}
    assert mended.keys() == {"mcp-demo-app", "mcp-github", "chatbot-relay", "offline_access", realm.name}
    assert set(mended["mcp-demo-app"].note.split(", ")) == {"redirectUris", "directAccessGrantsEnabled"}
    assert set(mended["mcp-github"].note.split(", ")) == {"secret", "defaultClientScopes", "optionalClientScopes"}
    assert "attributes.pkce.code.challenge.method" in mended["chatbot-relay"].note
    assert mended[realm.name].note == "registrationAllowed"
    assert not any("known-to-somebody" in entry.note for entry in mended.values())
    assert realm.provision() == []


def test_a_flow_that_asks_for_less_is_made_anew_and_bound_again(realm: Realm) -> None:
    """Whoever may write to the realm could let a level be had for nothing; a half-made flow is one like it."""
    path = "/authentication/flows/mcp-levels/executions"
    bound = realm.client("mcp-demo-app")["authenticationFlowBindingOverrides"]["browser"]
    steps = realm.get(path)
    again = next(step for step in steps if step.get("displayName") == "mcp-levels-password-again")
    realm.admin.put(realm.path(path), again | {"requirement": "DISABLED"})
    assert names(realm.provision()) == {
        ("sign-in flow", "mcp-levels", "changed"),
        ("client", "mcp-demo-app", "changed"),
    }
    assert realm.client("mcp-demo-app")["authenticationFlowBindingOverrides"]["browser"] != bound
    (level,) = [step for step in realm.get(path) if step.get("alias") == "mcp-levels-two-factor-config"]
    config = realm.get(f"/authentication/config/{level['authenticationConfig']}")
    config["config"]["loa-max-age"] = "36000"
    realm.admin.put(realm.path(f"/authentication/config/{config['id']}"), config)
    assert ("sign-in flow", "mcp-levels", "changed") in names(realm.provision())
    assert realm.provision() == []


def scope_id(realm: Realm, name: str) -> str:
    return str(next(found["id"] for found in realm.get("/client-scopes") if found["name"] == name))


def test_a_client_that_is_made_later_is_offered_neither_vault_nor_offline_access(realm: Realm) -> None:
    """Keycloak lets a client that registers itself have the realm's default scopes and no others."""
    for kind in ("default", "optional"):
        offered = {found["name"] for found in realm.get(f"/default-{kind}-client-scopes")}
        assert offered
        assert not offered & {"vault:login", "offline_access"}
    policies = realm.get("/components", type="org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy")
    allowed = [found["config"] for found in policies if found["providerId"] == "allowed-client-templates"]
    assert allowed == [{"allow-default-scopes": ["true"]}] * 2


def test_registration_ends_at_the_limit_and_what_guards_it_is_put_back(realm: Realm) -> None:
    kind = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy"
    (limit,) = [found for found in realm.get("/components", type=kind) if found["providerId"] == "max-clients"]
    realm.admin.put(realm.path(f"/components/{limit['id']}"), limit | {"config": {"max-clients": ["1"]}})
    realm.admin.put(realm.path("/client-policies/policies"), {"policies": []})
    with TimedSession() as session:
        answer = session.post(
            f"{realm.settings.keycloak_url}/realms/{realm.name}/clients-registrations/openid-connect",
            json={"redirect_uris": ["http://127.0.0.1:1/"], "token_endpoint_auth_method": "none"},
        )
    assert answer.status_code == 403
    assert "Max Clients Limit" in answer.text
    assert names(realm.provision()) == {
        ("registration policy", "max-clients", "changed"),
        ("client policies", "mcp-clients", "created"),
    }


def test_lab_clients_are_for_the_demo_and_a_client_made_by_hand_stays(realm: Realm) -> None:
    realm.admin.post(realm.path("/clients"), {"clientId": "lab-of-my-own"})
    removed = {entry.name for entry in realm.provision(profile="production") if entry.outcome is LedgerOutcome.REMOVED}
    assert removed == {f"lab-{name}" for name in ("jira", "github", "postgres", "vault", "app", "short", "early")}
    assert realm.get("")["sslRequired"] == "external"
    realm.provision()
    assert realm.client("lab-of-my-own")
    assert realm.client("lab-app")


def test_a_password_somebody_changed_stays_and_one_disabled_stays_disabled(realm: Realm) -> None:
    assert realm.signs_in("alice", "alice-1")
    bob = realm.ids["bob"]
    realm.admin.put(realm.path(f"/users/{realm.ids['alice']}/reset-password"), {"type": "password", "value": "my-own"})
    realm.admin.put(realm.path(f"/users/{bob}"), {"enabled": False})
    assert realm.provision() == []
    assert realm.signs_in("alice", "my-own")
    assert not realm.signs_in("alice", "alice-1")
    assert not realm.signs_in("bob", "bob-1")
    realm.admin.delete(realm.path(f"/users/{bob}"))
    realm.admin.delete(realm.path(f"/users/{realm.ids['alice']}"))


def test_a_person_gone_from_the_file_is_removed_and_one_made_by_hand_is_not(realm: Realm) -> None:
    realm.admin.post(realm.path("/users"), {"username": "by_hand", "email": "by_hand@example.com", "enabled": True})
    assert names(realm.provision((ALICE, CHARLIE))) == {("user", "bob", "removed")}
    assert "bob" not in realm.ids
    assert [found["username"] for found in realm.get("/users", username="by_hand", exact="true")] == ["by_hand"]


def test_a_role_taken_out_of_the_file_is_taken_away(realm: Realm) -> None:
    demoted = CHARLIE.model_copy(update={"realm_roles": ()})
    (changed,) = realm.provision((ALICE, BOB, demoted))
    assert (changed.name, changed.note) == ("charlie", "realm role")
    assert realm.get("/roles/facilitator/users") == []


def test_an_address_given_up_goes_to_whoever_the_file_says(realm: Realm) -> None:
    moved = BOB.model_copy(update={"email": "robert@example.com"})
    newcomer = person("newcomer", email="bob@example.com")
    assert names(realm.provision((ALICE, CHARLIE, moved, newcomer))) == {
        ("user", "bob", "changed"),
        ("user", "newcomer", "created"),
    }
    heir = person("heir", email="alice@example.com")
    realm.provision((CHARLIE, moved, newcomer, heir))
    assert set(realm.ids) == {"charlie", "bob", "newcomer", "heir"}


def test_an_address_of_an_account_that_is_not_inits_is_refused_by_name(realm: Realm) -> None:
    realm.admin.post(realm.path("/users"), {"username": "stranger", "email": "newcomer@example.com", "enabled": True})
    with pytest.raises(KeycloakRefused, match="newcomer's e-mail address is that of the account 'stranger'"):
        realm.provision((*EVERYBODY, person("newcomer")))
    assert realm.get("/users", username="newcomer", exact="true") == []
