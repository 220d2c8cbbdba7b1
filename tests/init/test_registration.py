"""Clients that register themselves: what a stranger gets, and everything that a stranger does not get."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from common.http import TimedSession
from identity.admin import RealmAdmin
from init.keycloak_registration import OFFERED
from stack.testing import Stack

LOOPBACK = "http://127.0.0.1:33418/callback"
PUBLIC = {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none", "client_name": "Stranger"}
OWN = {"publicClient": True, "clientAuthenticatorType": "none", "redirectUris": [LOOPBACK]}
"""A client in Keycloak's own words, which its registration endpoint also takes."""


class Registration:
    """The realm's registration endpoints, called by nobody in particular; what was made is removed in the end."""

    def __init__(self, stack: Stack) -> None:
        self.realm = f"{stack.url('keycloak')}/realms/mcp-demo"
        self.http = TimedSession(timeout=30)
        self.made: list[str] = []
        self.admin = RealmAdmin(stack.url("keycloak"), username="admin", password=_admin_password(stack))

    def standard(self, **changes: Any) -> requests.Response:
        """By RFC 7591."""
        return self._made("openid-connect", PUBLIC | changes)

    def own(self, **changes: Any) -> requests.Response:
        """By Keycloak's own representation of a client."""
        name = f"stranger-{uuid.uuid4().hex[:8]}"
        return self._made("default", OWN | {"clientId": name} | changes)

    def seen(self, answer: requests.Response) -> dict[str, Any]:
        """The client as the administrator sees it."""
        assert answer.status_code == 201, answer.text
        made = answer.json()
        found = self.admin.get("/mcp-demo/clients", clientId=made.get("client_id") or made["clientId"])
        return dict(found[0])

    def _made(self, kind: str, client: dict[str, Any]) -> requests.Response:
        answer = self.http.post(f"{self.realm}/clients-registrations/{kind}", json=client)
        if answer.status_code == 201:
            self.made.append(answer.json().get("client_id") or answer.json()["clientId"])
        return answer

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
    for answer in (register.standard(redirect_uris=[LOOPBACK, redirect]), register.own(redirectUris=[redirect])):
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
    answers = (
        register.standard(scope=f"mcp:jira {scope}"),
        register.own(optionalClientScopes=[scope]),
        register.own(defaultClientScopes=[scope]),
    )
    for answer in answers:
        assert answer.status_code in (400, 403), answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"publicClient": False, "secret": "x"},
        {"publicClient": False, "clientAuthenticatorType": "client-secret"},
        {"protocolMappers": [{
            "name": "m", "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-attribute-mapper",
            "config": {"user.attribute": "lastName", "claim.name": "sub", "access.token.claim": "true"},
        }]},
        {"protocolMappers": [{
            "name": "m", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": {"included.client.audience": "vault", "access.token.claim": "true"},
        }]},
        {"adminUrl": "http://localhost:8200/v1/sys"},
        {"rootUrl": "https://evil.example", "redirectUris": ["/cb"]},
        {"webOrigins": ["*"]},
        {"attributes": {"backchannel.logout.url": "http://localhost:8200/v1/sys/seal"}},
        {"attributes": {"jwks.url": "http://localhost:8200/v1/sys/health"}},
        {"baseUrl": "javascript:alert(1)"},
        {"attributes": {"logoUri": "http://evil.example/pixel"}},
        {"clientId": "mcp-demo-app"},
    ],
)  # fmt: skip
def test_what_would_reach_further_is_refused(register: Registration, changes: dict[str, Any]) -> None:
    answer = register.own(**changes)
    assert answer.status_code in (400, 403), (answer.status_code, answer.text)


def test_whatever_a_stranger_says_the_client_stays_harmless(register: Registration) -> None:
    """Keycloak's own representation says much more; none of it may stick."""
    client = register.seen(
        register.own(
            consentRequired=False,
            fullScopeAllowed=True,
            implicitFlowEnabled=True,
            directAccessGrantsEnabled=True,
            serviceAccountsEnabled=True,
            attributes={"standard.token.exchange.enabled": "true", "pkce.code.challenge.method": "plain"},
        )
    )
    assert client["consentRequired"]
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    for flow in ("implicitFlowEnabled", "directAccessGrantsEnabled", "fullScopeAllowed"):
        assert not client[flow], flow
    form = {"grant_type": "client_credentials", "client_id": client["clientId"]}
    refused = register.http.post(f"{register.realm}/protocol/openid-connect/token", data=form)
    assert refused.status_code == 401
    assert "Public client" in refused.json()["error_description"]


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


def test_other_kinds_of_registration_are_closed(register: Registration) -> None:
    saml = '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="evil"/>'
    answer = register.http.post(
        f"{register.realm}/clients-registrations/saml2-entity-descriptor",
        data=saml,
        headers={"Content-Type": "application/xml"},
    )
    assert answer.status_code in (400, 401, 403, 500), answer.text
    assert not register.admin.get("/mcp-demo/clients", clientId="evil")


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
