"""A further provider is an entry: here Keycloak itself, found by its metadata; and a client with a key of its own."""

from __future__ import annotations

import asyncio
import time

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from fastmcp_vault.accounts.client import GrantGone, ProviderClient
from fastmcp_vault.accounts.errors import ProviderRefused, ProviderUnavailable
from fastmcp_vault.accounts.provider import AccountFacts, Provider, ProviderEndpoints
from stack.testing import Stack
from tests.support.login import fill_in
from tests.support.people import Person


def keycloak(stack: Stack, issuer: str = "") -> Provider:
    """Keycloak, with the app's own client there."""
    realm = f"{stack.url('keycloak')}/realms/mcp-demo"
    facts = f"{realm}/protocol/openid-connect/userinfo"
    return Provider(
        name="keycloak",
        title="Keycloak",
        client_id="mcp-demo-app",
        client_secret=SecretStr(stack.secrets["APP_CLIENT_SECRET"]),
        issuer=issuer or realm,
        scopes=("openid", "profile"),
        account=AccountFacts(url=facts, id="sub", name="preferred_username"),
    )


async def test_a_provider_that_is_found_by_its_metadata_connects_refreshes_and_revokes(
    stack: Stack, person: Person
) -> None:
    client, address = ProviderClient(keycloak(stack)), f"{stack.url('app')}/auth/callback"
    asked = await client.request(redirect_uri=address, scopes=client.provider.wanted(writing=False))
    answer = await asyncio.to_thread(fill_in, asked.url, person.username, person.password)
    assert answer["state"] == asked.state
    await client.answered_by(answer["iss"])
    for other in ("", "http://evil.example"):
        with pytest.raises(ProviderRefused):
            await client.answered_by(other)
    with pytest.raises(ProviderRefused):
        await client.redeem(code=answer["code"], verifier="x" * 43, redirect_uri=address)
    again = await asyncio.to_thread(fill_in, asked.url, person.username, person.password)
    tokens = await client.redeem(code=again["code"], verifier=asked.verifier, redirect_uri=address)
    assert (await client.account(tokens.access_token)).name == person.username
    assert tokens.refresh_token is not None
    fresh = await client.refresh(tokens.refresh_token)
    await client.revoke(access_token=fresh.access_token, refresh_token=fresh.refresh_token)
    assert fresh.refresh_token is not None
    with pytest.raises(GrantGone):
        await client.refresh(fresh.refresh_token)
    await client.close()


async def test_metadata_of_another_issuer_is_not_used(stack: Stack) -> None:
    other = stack.url("keycloak").replace("localhost", "127.0.0.1") + "/realms/mcp-demo"
    client = ProviderClient(keycloak(stack, other))
    with pytest.raises(ProviderUnavailable):
        await client.request(redirect_uri="http://localhost/x", scopes=())
    await client.close()


async def test_a_client_with_a_key_of_its_own_signs_who_it_is_for_whom_and_for_how_long() -> None:
    key = RSAKey.generate_key(2048)
    pem = key.as_pem(private=True).decode()
    provider = Provider(
        name="p",
        title="P",
        client_id="us",
        client_secret=SecretStr(pem),
        authentication="private_key_jwt",
        endpoints=ProviderEndpoints(authorization="https://p.example/a", token="https://p.example/t"),
        account=AccountFacts(url="https://p.example/me"),
    )
    client = ProviderClient(provider)
    token = jwt.decode(await client._assertion(), key, algorithms=["RS256"])
    assert {name: token.claims[name] for name in ("iss", "sub", "aud")} == {
        "iss": "us",
        "sub": "us",
        "aud": "https://p.example/t",
    }
    assert 0 < token.claims["exp"] - time.time() <= 61
    assert pem not in repr(provider)
    await client.close()
