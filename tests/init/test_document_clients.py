"""Clients made from their metadata documents: what Keycloak then has of them, and what becomes of it later."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from init.keycloak_registration import OFFERED
from stack.testing import Stack
from tests.init.realm import Realm
from tests.init.test_keycloak_again import names
from tests.support.document_server import REDIRECT, DocumentServer, document_server


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentServer]:
    with document_server(tmp_path_factory.mktemp("documents")) as server:
        yield server


@pytest.fixture(scope="module")
def realm(stack: Stack, host: DocumentServer) -> Iterator[Realm]:
    made = Realm(stack)
    made.settings = made.settings.model_copy(update={"client_documents_ca": host.authority})
    made.provision()
    yield made
    made.remove()


def test_a_documented_client_gets_what_a_registered_one_gets_and_nothing_else(
    realm: Realm, host: DocumentServer
) -> None:
    address = host.publish("/app.json", grant_types=["authorization_code", "client_credentials"])
    assert realm.provision(client_documents=address, dry_run=True)
    assert not realm.get("/clients", clientId=address), "a plan writes nothing"
    assert names(realm.provision(client_documents=address)) == {("client", address, "created")}
    assert realm.provision(client_documents=address) == []
    client = realm.client(address)
    assert client["name"] == "Documented (localhost)"
    assert client["redirectUris"] == [REDIRECT]
    assert client["publicClient"]
    assert client["consentRequired"]
    for flow in ("implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled", "fullScopeAllowed"):
        assert not client[flow], flow
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    assert sorted(client["optionalClientScopes"]) == sorted(OFFERED["optional"])
    assert sorted(client["defaultClientScopes"]) == sorted(OFFERED["default"])
    assert not client.get("protocolMappers")


def test_a_document_is_followed_when_it_changes_and_its_client_goes_when_it_may_not_stay(
    realm: Realm, host: DocumentServer, caplog: pytest.LogCaptureFixture
) -> None:
    address = host.publish("/changing.json")
    realm.provision(client_documents=address)
    host.publish("/changing.json", redirect_uris=["https://app.example/cb"], scope="mcp:jira")
    assert names(realm.provision(client_documents=address)) == {("client", address, "changed")}
    assert realm.client(address)["redirectUris"] == ["https://app.example/cb"]
    assert realm.client(address)["optionalClientScopes"] == ["mcp:jira"]
    host.served["/changing.json"] = lambda request: request.send_error(503)
    assert realm.provision(client_documents=address) == [], "what cannot be read says nothing"
    assert realm.client(address)["redirectUris"] == ["https://app.example/cb"]
    host.publish("/changing.json", redirect_uris=[REDIRECT, "http://evil.example/cb"])
    with caplog.at_level(logging.WARNING, "init"):
        assert names(realm.provision(client_documents=address)) == {("client", address, "removed")}
    assert "http://evil.example/cb" in caplog.text
    host.publish("/changing.json")
    assert names(realm.provision(client_documents=address)) == {("client", address, "created")}
    assert names(realm.provision()) == {("client", address, "removed")}, "no longer on the list"


def test_a_refused_document_registers_nothing_and_holds_nobody_up(realm: Realm, host: DocumentServer) -> None:
    bad = [
        host.publish("/secret.json", client_secret="x"),
        host.publish("/scope.json", scope="mcp:jira vault:login"),
        host.publish("/other.json", client_id="https://vscode.dev/oauth/client-metadata.json"),
        "https://169.254.169.254/latest",
        realm.settings.vault_addr + "/v1/sys/health",
    ]
    good = host.publish("/good.json")
    asked = len(host.seen)
    assert names(realm.provision(client_documents=" ".join([*bad, good]))) == {("client", good, "created")}
    assert len(host.seen) == asked + 4
    known = {client["clientId"] for client in realm.get("/clients", max="1000")}
    assert not known & {*bad, "https://vscode.dev/oauth/client-metadata.json"}
    realm.provision()


def test_somebody_elses_client_by_that_name_is_not_mended_but_replaced(realm: Realm, host: DocumentServer) -> None:
    """Whoever made it may hold a token that changes it, and people may have agreed to it."""
    address = host.publish("/squatted.json")
    squat = {"clientId": address, "publicClient": True, "redirectUris": [REDIRECT, "https://evil.example/cb"]}
    old = realm.admin.post(realm.path("/clients"), squat)
    assert names(realm.provision(client_documents=address)) == {
        ("client", address, "removed"),
        ("client", address, "created"),
    }
    assert realm.client(address)["id"] != old
    assert realm.client(address)["redirectUris"] == [REDIRECT]
    realm.provision()
