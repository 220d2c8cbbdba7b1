"""Clients that register themselves: what a stranger gets, and everything that a stranger does not get."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from fastmcp_vault.http import TimedSession
from init.keycloak_admin import RealmAdmin
from init.keycloak_registration import OFFERED
from stack.testing import Stack

LOOPBACK = "http://127.0.0.1:33418/callback"
PUBLIC = {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none", "client_name": "Stranger"}


class Registration:
    """The realm's registration endpoints, called by nobody in particular; what was made is removed in the end."""

    def __init__(self, stack: Stack) -> None:
        self.realm = f"{stack.url('keycloak')}/realms/mcp-demo"
        self.http = TimedSession(timeout=30)
        self.made: list[str] = []
        self.admin = RealmAdmin(stack.url("keycloak"), username="admin", password=_admin_password(stack))

    def standard(self, **changes: Any) -> requests.Response:
        """By RFC 7591."""
        answer = self.http.post(f"{self.realm}/clients-registrations/openid-connect", json=PUBLIC | changes)
        if answer.status_code == 201:
            self.made.append(answer.json()["client_id"])
        return answer

    def seen(self, answer: requests.Response) -> dict[str, Any]:
        """The client as the administrator sees it."""
        assert answer.status_code == 201, answer.text
        found = self.admin.get("/mcp-demo/clients", clientId=answer.json()["client_id"])
        return dict(found[0])

    def close(self) -> None:
        """Remove what was registered."""
        for name in self.made:
            for found in self.admin.get("/mcp-demo/clients", clientId=name):
                with suppress(Exception):
                    self.admin.delete(f"/mcp-demo/clients/{found['id']}")
        self.admin.close()
        self.http.close()


@pytest.fixture(scope="module")
def register(stack: Stack) -> Iterator[Registration]:
    registration = Registration(stack)
    yield registration
    registration.close()


def _admin_password(stack: Stack) -> SecretStr:
    return SecretStr(stack.secrets.get("KEYCLOAK_ADMIN_PASSWORD", "admin"))


def test_a_stranger_gets_a_public_client_with_pkce_consent_and_the_tools_scopes(register: Registration) -> None:
    for changes in ({}, {"scope": "mcp:jira mcp:jira:write"}):
        client = register.seen(register.standard(**changes))
        assert client["publicClient"]
        assert client["consentRequired"]
        assert client["standardFlowEnabled"]
        for flow in ("implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled", "fullScopeAllowed"):
            assert not client[flow], flow
        assert client["attributes"]["pkce.code.challenge.method"] == "S256"
        asked = changes.get("scope", " ".join(OFFERED["optional"])).split()
        assert sorted(client["optionalClientScopes"]) == sorted(asked)
        assert "basic" in client["defaultClientScopes"], "without it a token has no `sub`"
        assert set(client["defaultClientScopes"]) <= set(OFFERED["default"])


@pytest.mark.parametrize(
    "redirect",
    ["http://localhost:9/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb", "https://claude.ai/api/mcp/auth_callback"],
)
def test_loopback_and_https_redirects_are_taken(register: Registration, redirect: str) -> None:
    assert register.standard(redirect_uris=[redirect]).status_code == 201


@pytest.mark.parametrize(
    "redirect",
    [
        "http://evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://localhost:1@evil.example/cb",
        "http://127.0.0.1.evil.example/",
        "http://127.1:9/cb",
        "https://*",
        "https://evil.example/*",
        "http://localhost:*/cb",
        "http://localhost/*",
        "*",
        "/relative",
        "https://user@evil.example/cb",
        "https://evil.example/cb#part",
        "javascript:alert(1)",
        "myapp://callback",
    ],
)
def test_other_redirects_are_refused(register: Registration, redirect: str) -> None:
    answer = register.standard(redirect_uris=[LOOPBACK, redirect])
    assert answer.status_code in (400, 403), (answer.status_code, answer.text)


@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", None]
)
def test_a_confidential_client_is_refused(register: Registration, method: str | None) -> None:
    answer = register.standard(token_endpoint_auth_method=method, jwks_uri="https://evil.example/jwks")
    assert answer.status_code in (400, 403), answer.text


@pytest.mark.parametrize(
    "scope", ["vault:login", "offline_access", "roles", "realm-roles", "tokens:issue", "agent:dispatch", "mcp:all"]
)
def test_other_scopes_are_refused(register: Registration, scope: str) -> None:
    answer = register.standard(scope=f"mcp:jira {scope}")
    assert answer.status_code in (400, 403), answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://vscode.dev/oauth/client-metadata.json"},
        {"client_id": "mcp-demo-app"},
        {"jwks_uri": "http://localhost:8200/v1/sys/health"},
        {"request_uris": ["http://localhost:8200/v1/sys/health"]},
        {"backchannel_logout_uri": "http://localhost:8200/v1/sys/seal"},
        {"backchannel_logout_uri": "https://evil.example/"},
        {"sector_identifier_uri": "http://localhost:8200/v1/sys/health", "subject_type": "pairwise"},
        {"backchannel_client_notification_endpoint": "http://localhost:8200/"},
        {"client_uri": "javascript:alert(1)"},
        {"logo_uri": "http://evil.example/pixel"},
        {"tos_uri": "javascript:alert(1)"},
        {"post_logout_redirect_uris": ["http://evil.example/"]},
        {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]},
    ],
    ids=repr,
)
def test_what_would_reach_further_is_refused(register: Registration, changes: dict[str, Any]) -> None:
    answer = register.standard(**changes)
    assert answer.status_code in (400, 403), (answer.status_code, answer.text)


def test_whatever_a_stranger_says_the_client_stays_harmless(register: Registration) -> None:
    """Grants that are asked for and not given: without a redirect, nobody would be asked."""
    grants = ["authorization_code", "implicit", "password", "client_credentials"]
    further = ["urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"]
    client = register.seen(register.standard(grant_types=[*grants, *further], application_type="web"))
    assert client["consentRequired"]
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    for flow in ("implicitFlowEnabled", "directAccessGrantsEnabled", "fullScopeAllowed"):
        assert not client[flow], flow
    form = {"client_id": client["clientId"], "username": "alice", "password": "alice123", "auth_req_id": "x"}
    for grant in [*grants[2:], *further]:
        refused = register.http.post(
            f"{register.realm}/protocol/openid-connect/token", data={"grant_type": grant, "device_code": "x"} | form
        )
        assert refused.status_code in (400, 401), grant
        assert refused.json()["error"] in ("unauthorized_client", "unsupported_grant_type"), refused.text
    for door in ("auth/device", "ext/ciba/auth"):
        answer = register.http.post(f"{register.realm}/protocol/openid-connect/{door}", data=form)
        assert answer.status_code in (204, 404), door
        assert "device_code" not in answer.text
        assert "auth_req_id" not in answer.text


def test_a_registered_client_cannot_grow_afterwards(register: Registration) -> None:
    made = register.standard(scope="mcp:jira").json()
    bearer = {"Authorization": f"Bearer {made['registration_access_token']}"}
    kept = {"client_id": made["client_id"], **PUBLIC, "scope": "mcp:jira"}
    for changes in (
        {"redirect_uris": ["http://evil.example/cb"]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"scope": "mcp:jira vault:login"},
    ):
        answer = register.http.put(made["registration_client_uri"], json=kept | changes, headers=bearer)
        assert answer.status_code in (400, 403), answer.text


def test_whoever_asks_to_be_a_service_never_becomes_one(register: Registration) -> None:
    """Keycloak writes the grant down, and makes the account; no token ever comes of it (RFC 6749 §4.4)."""
    made = register.standard(grant_types=["authorization_code", "client_credentials"])
    client = register.seen(made)
    uri, known = made.json()["registration_client_uri"], {"client_id": client["clientId"], **PUBLIC}

    def refused() -> None:
        assert "client_secret" not in made.json()
        form = {"grant_type": "client_credentials", "client_id": client["clientId"]}
        for secret in ({}, {"client_secret": ""}, {"client_secret": client.get("secret") or "x"}):
            answer = register.http.post(f"{register.realm}/protocol/openid-connect/token", data=form | secret)
            assert answer.status_code in (400, 401), answer.text
            assert "access_token" not in answer.json()

    refused()
    bearer = {"Authorization": f"Bearer {made.json()['registration_access_token']}"}
    for changes in (
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post", "client_secret": "chosen-by-a-stranger"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"]},
    ):
        answer = register.http.put(uri, json=known | changes, headers=bearer)
        assert answer.status_code in (400, 403), answer.text
        refused()
    answer = register.http.put(uri, json=known | {"grant_types": ["client_credentials"]}, headers=bearer)
    if answer.status_code == 200:
        made = answer
    refused()
    now = register.admin.get("/mcp-demo/clients", clientId=client["clientId"])[0]
    assert now["publicClient"]
    if now["serviceAccountsEnabled"]:
        account = register.admin.get(f"/mcp-demo/clients/{now['id']}/service-account-user")
        roles = register.admin.get(f"/mcp-demo/users/{account['id']}/role-mappings")
        assert [role["name"] for role in roles.get("realmMappings", [])] == ["default-roles-mcp-demo"]
        assert not roles.get("clientMappings")


def test_without_pkce_there_is_no_code(register: Registration) -> None:
    made = register.standard(scope="mcp:jira").json()
    query = {"client_id": made["client_id"], "redirect_uri": LOOPBACK, "response_type": "code", "scope": "mcp:jira"}
    for more in ({}, {"code_challenge": "x" * 43, "code_challenge_method": "plain"}):
        answer = register.http.get(
            f"{register.realm}/protocol/openid-connect/auth", params=query | more, allow_redirects=False
        )
        assert answer.status_code == 302
        assert "error=invalid_request" in answer.headers["Location"]
        assert "code=" not in answer.headers["Location"].replace("code_challenge", "")


@pytest.mark.parametrize("kind", ["default", "install", "saml2-entity-descriptor"])
def test_keycloaks_other_ways_to_register_are_closed(register: Registration, kind: str) -> None:
    """There a stranger would choose the client's id, and could take the one of an application yet to come."""
    name = f"https://app-{uuid.uuid4().hex[:8]}.example/client.json"
    wish = {"clientId": name, "publicClient": True, "redirectUris": [LOOPBACK]}
    answer = register.http.post(f"{register.realm}/clients-registrations/{kind}", json=wish)
    assert answer.status_code == 404, answer.text
    assert not register.admin.get("/mcp-demo/clients", clientId=name)


def test_the_realm_holds_so_many_clients_and_no_more(register: Registration) -> None:
    policies = register.admin.get(
        "/mcp-demo/components", type="org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy"
    )
    limits = [found["config"] for found in policies if found["providerId"] == "max-clients"]
    assert limits == [{"max-clients": ["500"]}]


def test_metadata_invites_nobody_to_ask_for_more(register: Registration) -> None:
    metadata = register.http.get(f"{register.realm}/.well-known/oauth-authorization-server").json()
    assert set(OFFERED["optional"]) <= set(metadata["scopes_supported"])
    assert not {"offline_access", "vault:login", "tokens:issue"} & set(metadata["scopes_supported"])
    assert "S256" in metadata["code_challenge_methods_supported"]
