"""The agents' auth server: the certificate decides who asks and for how much; nothing else counts."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from common.tls import TlsIdentity, new_key
from fastmcp_vault.errors import VaultError
from fastmcp_vault.vault.client import Vault
from init import agent as agent_command
from init.vault_pki import AGENT_URI, MOUNT, SCOPE_URI
from services.agents.certificates import thumbprint
from tests.mcp_servers.callers import app_client, signed_in
from tests.services.agents import Agent, Site, refused
from tests.support.eventually import eventually
from tests.support.people import Person


def test_a_certificate_is_traded_for_a_token_that_is_bound_to_it(site: Site, name: str) -> None:
    agent = site.agent(name, "agent:commands", "agent:results")
    answer = agent.ask()
    body = answer.json()
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 300)
    assert body["scope"] == "agent:commands agent:results"
    assert answer.headers["Cache-Control"] == "no-store"
    kid, key = site.key()
    claims = jwt.decode(body["access_token"], key, ["HS256"], audience="biz-service", issuer=site.services.auth)
    assert agent.identity is not None
    der = agent.identity.certificate.public_bytes(serialization.Encoding.DER)
    assert claims["cnf"] == {"x5t#S256": thumbprint(der)}
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == (name, body["scope"], 300)
    assert jwt.get_unverified_header(body["access_token"]) == {"alg": "HS256", "typ": "at+jwt", "kid": kid}
    assert claims["jti"] != jwt.decode(agent.token(), key, ["HS256"], audience="biz-service")["jti"]


def test_a_scope_may_narrow_and_never_widen(site: Site, name: str) -> None:
    agent = site.agent(name, "agent:commands", "agent:results")
    assert agent.ask(scope="agent:results").json()["scope"] == "agent:results"
    for wider in ("agent:dispatch", "agent:commands agent:dispatch", "nothing", "agent:commands\tagent:results", " "):
        status, error, _ = refused(agent.ask(scope=wider))
        assert (status, error) == (400, "invalid_scope"), wider


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("grant_type=password&username=a&password=b", (400, "unsupported_grant_type")),
        ("", (400, "invalid_request")),
        ("grant_type=client_credentials&grant_type=client_credentials", (400, "invalid_request")),
        ("grant_type=client_credentials&client_secret=guess", (400, "invalid_request")),
        ("grant_type=client_credentials&client_id=somebody-else", (401, "invalid_client")),
        ("grant_type=client_credentials&x=" + "x" * 70_000, (413, "Content Too Large")),
    ],
)
def test_a_request_that_cannot_be_used_is_told_why(site: Site, name: str, form: str, expected: tuple[int, str]) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.agent(name).http.post(f"{site.services.auth}/oauth2/token", content=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == expected


def test_only_a_form_is_read(site: Site, name: str) -> None:
    answer = site.agent(name).http.post(f"{site.services.auth}/oauth2/token", json={"grant_type": "client_credentials"})
    assert refused(answer)[:2] == (400, "invalid_request")


def test_without_a_certificate_there_is_no_token_but_the_metadata(site: Site, name: str) -> None:
    authority = site.agent(name).identity
    assert authority is not None
    nobody = Agent(site.services, None, authority=authority.authority)
    assert refused(nobody.ask())[:2] == (401, "invalid_client")
    assert nobody.revoke("x").status_code == 401
    told = nobody.http.get(f"{site.services.auth}/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == site.services.auth
    assert told["token_endpoint"] == f"{site.services.auth}/oauth2/token"
    assert told["token_endpoint_auth_methods_supported"] == ["tls_client_auth"]
    assert told["tls_client_certificate_bound_access_tokens"] is True
    assert nobody.http.get(f"{site.services.auth}/health").status_code == 200
    wrong = nobody.http.get(f"{site.services.auth}/health", headers={"Host": "evil.example"})
    assert wrong.status_code == 400


def self_made(name: str, *, issuer: TlsIdentity | None = None) -> TlsIdentity:
    """A certificate that claims everything, signed by its own key, or by ``issuer``'s: which is no authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signing: Any = key
    if issuer is not None:
        signing = serialization.load_pem_private_key(issuer.key.get_secret_value().encode(), None)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.UniformResourceIdentifier(AGENT_URI + name),
                    x509.UniformResourceIdentifier(SCOPE_URI + "agent:commands"),
                ]
            ),
            critical=False,
        )
        .sign(signing, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return TlsIdentity(SecretStr(private), pem if issuer is None else f"{pem}\n{issuer.chain}")


def services_own(site: Site) -> TlsIdentity:
    """A certificate of the right authority, made for servers."""
    key, request = new_key()
    signed = site.vault.write(f"{MOUNT}/sign/agent-services", {"csr": request, "common_name": "localhost"})
    return TlsIdentity(key, signed["certificate"])


@pytest.mark.parametrize("kind", ["self-signed", "signed by an agent", "a server's", "expired"])
def test_a_certificate_that_is_not_good_does_not_get_through_the_handshake(site: Site, name: str, kind: str) -> None:
    good = site.agent(name).identity
    assert good is not None
    if kind == "expired":
        short = site.agent(name, ttl="1s").identity
        assert short is not None
        end = short.certificate.not_valid_after_utc
        asyncio.run(eventually(lambda: datetime.now(UTC) > end))
        bad = short
    else:
        bad = {
            "self-signed": lambda: self_made(name),
            "signed by an agent": lambda: self_made(name, issuer=good),
            "a server's": lambda: services_own(site),
        }[kind]()
    agent = Agent(site.services, bad, authority=good.authority)
    with pytest.raises((httpx2.TransportError, ssl.SSLError)):
        agent.ask()


def test_a_certificate_that_expires_on_an_open_connection_is_refused_there(site: Site, name: str) -> None:
    agent = site.agent(name, ttl="2s")
    assert agent.ask().json()["expires_in"] <= 2
    assert agent.identity is not None
    end = agent.identity.certificate.not_valid_after_utc
    asyncio.run(eventually(lambda: datetime.now(UTC) > end))
    assert refused(agent.ask())[:2] == (401, "invalid_client")


def test_a_revoked_certificate_is_refused_by_the_next_request(site: Site, name: str) -> None:
    agent = site.agent(name)
    token = agent.token()
    assert agent.call("/api/whoami", token, tls=True).status_code == 200
    assert agent.identity is not None
    agent_command.revoke(site.vault, agent.identity.certificate)
    status, error, why = refused(agent.ask())
    assert (status, error) == (401, "invalid_client")
    assert "revoked" in why

    def bites() -> bool:
        answer = agent.call("/api/whoami", token, tls=True)
        return answer.status_code == 401 and refused(answer)[2] == "certificate_revoked"

    asyncio.run(eventually(bites))
    listed = httpx2.get(f"{site.stack.url('openbao')}/v1/{MOUNT}/crl", trust_env=False).content
    serial = agent.identity.certificate.serial_number
    assert x509.load_der_x509_crl(listed).get_revoked_certificate_by_serial_number(serial) is not None


def test_revoking_is_for_ones_own_tokens_and_forgives_what_is_none(site: Site, name: str) -> None:
    agent, other = site.agent(name), site.agent(f"{name}-b")
    token = agent.token()
    assert refused(other.revoke(token))[:2] == (400, "unauthorized_client")
    assert agent.call("/api/whoami", token).status_code == 200
    assert [agent.revoke(text).status_code for text in ("garbage", token, token)] == [200, 200, 200]
    assert refused(agent.call("/api/whoami", token)) == (401, "invalid_token", "token_revoked")
    empty = agent.http.post(f"{site.services.auth}/oauth2/revoke", data={"token_type_hint": "access_token"})
    assert refused(empty)[:2] == (400, "invalid_request")


async def test_vault_lets_a_person_have_agents_of_their_own_and_of_nobody_else(site: Site, person: Person) -> None:
    vault = Vault(site.stack.url("openbao"))
    caller = await signed_in(site.stack, person)
    async with app_client(site.stack) as keycloak:
        for_vault = await keycloak.exchange(caller.tokens.access_token, audience="vault", scope="vault:login")
        token = await vault.login_jwt(role="person", jwt=for_vault.access_token)

        async def sign(agent: str, **more: Any) -> TlsIdentity:
            key, request = new_key()
            asked = {"csr": request, "uri_sans": f"{AGENT_URI}{agent},{SCOPE_URI}agent:commands"} | more
            signed = await vault.write(token.token, f"{MOUNT}/sign/person-agent", asked)
            return TlsIdentity(key, signed["certificate"], signed["issuing_ca"])

        own = await sign(f"{person.username}:worker")
        for agent in ("alice:worker", "worker", f"{person.username}:admin", f"{person.username}:worker:x", "x"):
            with pytest.raises(VaultError):
                await sign(agent)
        with pytest.raises(VaultError):
            await sign(f"{person.username}:worker", common_name="build-7")
    answer = await asyncio.to_thread(Agent(site.services, own).ask)
    assert answer.json()["scope"] == "agent:commands"
    await vault.revoke_self(token.token)
    await caller.sign_out()
    await vault.close()
