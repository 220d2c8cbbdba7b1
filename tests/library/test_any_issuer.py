"""An issuer that is not Keycloak: found by its metadata (RFC 8414), tokens marked by RFC 9068, exchange by RFC 8693."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastmcp import FastMCP
from fastmcp.dependencies import Depends
from fastmcp.utilities.tests import asgi_client
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fastmcp_vault import Issuer, KVSecret, StoredSecret, VaultAuth, VaultServer
from fastmcp_vault.errors import ConfigError, TokenInvalid
from fastmcp_vault.oidc import Endpoints, discover
from fastmcp_vault.vault.admin import VaultAdmin
from stack.testing import Stack
from tests.mcp_servers.serving import served

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CLIENT = "notes-server"


@dataclass
class SmallIssuer:
    """One key, one confidential client, tokens without a session, a user name or a Keycloak claim."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, parameters={"kid": "k1", "use": "sig"}))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    exchanged: list[str] = field(default_factory=list)

    def token(self, sub: str, *, audience: str = CLIENT, typ: str = "at+jwt", **more: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": sub, "aud": audience, "iat": now, "exp": now + 300, "scope": "notes", **more}
        return jwt.encode({"alg": "RS256", "kid": "k1", "typ": typ}, claims, self.key)

    def app(self) -> Starlette:
        async def metadata(_: Request) -> JSONResponse:
            return JSONResponse(
                {"issuer": self.url, "token_endpoint": f"{self.url}/oauth/t", "jwks_uri": f"{self.url}/oauth/keys"}
            )

        async def keys(_: Request) -> JSONResponse:
            return JSONResponse({"keys": [self.key.as_dict(private=False)]})

        async def token(request: Request) -> JSONResponse:
            form = await request.form()
            if (form["client_id"], form["client_secret"]) != (CLIENT, self.secret):
                return JSONResponse({"error": "invalid_client"}, 401)
            if form["grant_type"] != EXCHANGE:
                return JSONResponse({"error": "unsupported_grant_type"}, 400)
            subject = jwt.decode(str(form["subject_token"]), self.key, algorithms=["RS256"]).claims
            self.exchanged.append(subject["sub"])
            made = self.token(subject["sub"], audience=str(form["audience"]), azp=CLIENT)
            return JSONResponse({"access_token": made, "expires_in": 300, "token_type": "Bearer"})

        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", metadata),
                Route("/oauth/keys", keys),
                Route("/oauth/t", token, methods=["POST"]),
            ]
        )


@pytest.fixture
async def issuer() -> AsyncIterator[SmallIssuer]:
    made = SmallIssuer()
    async with served(made.app()) as made.url:
        yield made


@pytest.fixture
async def notes(stack: Stack, issuer: SmallIssuer) -> AsyncIterator[str]:
    """A JWT auth method of the test's own for that issuer, a role, and a secret each for ann and ben; the mount."""
    prepared = _vault_for(stack, issuer.url)
    mount = await asyncio.to_thread(next, prepared)  # Vault fetches the issuer's keys meanwhile
    yield mount
    await asyncio.to_thread(next, prepared, None)


def _vault_for(stack: Stack, issuer: str) -> Iterator[str]:
    vault = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    mount = f"jwt-{secrets.token_hex(4)}"
    vault.write(f"sys/auth/{mount}", {"type": "jwt"})
    vault.write(f"auth/{mount}/config", {"jwks_url": f"{issuer}/oauth/keys", "bound_issuer": issuer})
    policy = "".join(
        f'path "{path}" {{ capabilities = ["read"] }}\n'
        for path in (
            f"secret/data/{mount}/{{{{identity.entity.name}}}}",
            f"secret/metadata/{mount}/{{{{identity.entity.name}}}}",
            "identity/entity/id/{{identity.entity.id}}",
        )
    )
    vault.write(f"sys/policies/acl/{mount}", {"policy": policy})
    role = {
        "role_type": "jwt",
        "bound_audiences": ["vault"],
        "bound_claims": {"azp": CLIENT},
        "user_claim": "sub",
        "token_policies": [mount],
        "token_ttl": "120s",
    }
    vault.write(f"auth/{mount}/role/{CLIENT}", role)
    accessor = (vault.read("sys/auth") or {})[f"{mount}/"]["accessor"]
    made = []
    for name in ("ann", "ben"):
        entity = vault.write("identity/entity", {"name": f"{name}-{mount}"})["id"]
        made.append(entity)
        alias = {"name": f"sub-of-{name}", "canonical_id": entity, "mount_accessor": accessor}
        vault.write("identity/entity-alias", alias)
        vault.write(f"secret/data/{mount}/{name}-{mount}", {"data": {"note": f"{name}'s own"}})
    yield mount
    vault.delete(f"sys/auth/{mount}")
    vault.delete(f"sys/policies/acl/{mount}")
    for entity in made:
        vault.delete(f"identity/entity/id/{entity}")
    for name in ("ann", "ben"):
        vault.delete(f"secret/metadata/{mount}/{name}-{mount}")
    vault.close()


@pytest.fixture
def server(stack: Stack, issuer: SmallIssuer, notes: str) -> FastMCP[Any]:
    auth = VaultAuth(
        issuer=Issuer(issuer.url, client_id=CLIENT, client_secret=issuer.secret),
        vault=VaultServer(stack.url("openbao"), role=CLIENT, mount=notes),
        base_url="http://localhost",
        scopes=["notes"],
    )
    mcp: FastMCP[Any] = FastMCP("Notes", auth=auth, lifespan=auth.lifespan)
    note = auth.credential(KVSecret("secret", notes + "/{entity}", fields=("note",)))

    @mcp.tool
    async def read_note(secret: StoredSecret = Depends(note)) -> str:
        """Read your note."""
        return secret.fields["note"].get_secret_value()

    return mcp


async def read(server: FastMCP[Any], token: str) -> tuple[bool, str]:
    async with asgi_client(server, auth=token) as client:
        answer = await client.call_tool("read_note", {}, raise_on_error=False)
        return answer.is_error, "".join(block.text for block in answer.content if block.type == "text")


async def test_each_person_of_another_issuer_gets_their_own_and_a_stranger_nothing(
    server: FastMCP[Any], issuer: SmallIssuer
) -> None:
    assert await read(server, issuer.token("sub-of-ann")) == (False, "ann's own")
    assert await read(server, issuer.token("sub-of-ben")) == (False, "ben's own")
    failed, text = await read(server, issuer.token("sub-of-nobody"))
    assert failed
    assert "own" not in text.replace("unknown", "").replace("known", "")
    assert issuer.exchanged == ["sub-of-ann", "sub-of-ben", "sub-of-nobody"]


async def test_a_token_that_is_no_access_token_for_this_server_is_refused(issuer: SmallIssuer) -> None:
    endpoints = await discover(issuer.url)
    auth = VaultAuth(
        issuer=Issuer(issuer.url, client_id=CLIENT, client_secret=issuer.secret, endpoints=endpoints),
        vault=VaultServer("http://localhost:1", role=CLIENT),
        base_url="http://localhost",
    )
    async with auth.lifespan(FastMCP("x")):
        assert (await auth.validate(issuer.token("ann"))).sub == "ann"
        for wrong in (
            issuer.token("ann", audience="another"),
            issuer.token("ann", typ="JWT"),
            issuer.token("ann", iss="http://localhost:2"),
            issuer.token("ann", exp=int(time.time()) - 60),
        ):
            with pytest.raises(TokenInvalid):
                await auth.validate(wrong)


async def test_metadata_of_another_issuer_is_refused(issuer: SmallIssuer) -> None:
    found = await discover(issuer.url)
    assert found == Endpoints(issuer.url, f"{issuer.url}/oauth/t", f"{issuer.url}/oauth/keys")
    with pytest.raises(ConfigError, match="another issuer"):
        Endpoints.from_metadata({"issuer": issuer.url}, issuer=f"{issuer.url}/")
    with pytest.raises(ConfigError, match="jwks"):
        Endpoints.from_metadata({"issuer": "https://a", "token_endpoint": "https://a/t"}, issuer="https://a")


def test_one_credential_for_everybody_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="entity"):
        KVSecret("secret", "shared/jira")
