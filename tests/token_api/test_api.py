"""Every endpoint as it is promised, against the real Vault: codes, bodies, and who decides what a token may do."""

from __future__ import annotations

import asyncio
import uuid

import httpx2
import pytest
from pydantic import SecretStr

from fastmcp_vault.vault import Vault, VaultSession
from fastmcp_vault.vault.admin import VaultAdmin
from fastmcp_vault.vault.logins import token as with_token
from services.token_api.client import TokenApi, TokenApiRefused
from services.token_api.models import PERMISSIONS, Permissions
from services.token_api.tokens import PAGE, ApiTokens, TooManyTokens
from stack.testing import Stack

CREATE = "/api/token/create"


async def test_a_token_s_answer_is_as_promised_and_vault_knows_it_so(api: TokenApi, admin: VaultAdmin) -> None:
    answer = await api.http.post(CREATE, json={"name": "my program", "permissions": {"read": True, "list": False}})
    body = answer.json()
    assert answer.status_code == 200
    assert (set(body), body["success"]) == ({"success", "token", "message"}, True)
    known = admin.write("auth/token/lookup", {"token": body["token"]})
    assert known["display_name"] == "token-my-program"
    assert known["meta"] == {"read": "true"}
    assert (known["orphan"], known["creation_ttl"]) == (True, 3600)
    assert set(known["policies"]) == {"default", "token-read"}


async def test_data_is_open_to_a_token_and_says_who_for_how_long(api: TokenApi) -> None:
    token = await api.create("reader", ["read", "update"])
    answer = await api.http.get("/api/data", headers={"Token-Header": token.get_secret_value()})
    body = answer.json()
    assert (answer.status_code, body["message"]) == (200, "Success!")
    assert set(body["data"]) == {"result", "timestamp", "user", "ttl", "permissions"}
    assert body["data"]["user"] == "token-reader"
    assert body["data"]["permissions"] == {"read": "true", "update": "true"}
    assert 3500 < body["data"]["ttl"] <= 3600


async def test_no_token_a_bad_one_and_a_revoked_one_are_told_apart(api: TokenApi, admin: VaultAdmin) -> None:
    missing = await api.http.get("/api/data")
    assert (missing.status_code, missing.json()["error"]) == (401, "Token is required")
    token = await api.create("short-lived", ["read"])
    admin.write("auth/token/revoke", {"token": token.get_secret_value()})
    for value in ("s.nobody-knows-this", "no token at all", token.get_secret_value()):
        refused = await api.http.get("/api/data", headers={"Token-Header": value})
        assert (refused.status_code, refused.json()["error"]) == (403, "Invalid token")
        assert set(refused.json()) == {"error", "message"}


async def _allowed(api: TokenApi, permission: str) -> set[str]:
    """Which of the five a token with one permission really may, tried one by one on keys of its own."""
    key = uuid.uuid4().hex
    everything = await api.create("all", PERMISSIONS)
    token = await api.create(f"only {permission}", [permission])
    await api.write(everything, key, "there")
    header = {"Token-Header": token.get_secret_value()}
    tries = {
        "create": api.http.put(f"/api/items/{uuid.uuid4().hex}", headers=header, json={"value": "new"}),
        "read": api.http.get(f"/api/items/{key}", headers=header),
        "update": api.http.put(f"/api/items/{key}", headers=header, json={"value": "changed"}),
        "list": api.http.get("/api/items", headers=header),
        "delete": api.http.delete(f"/api/items/{key}", headers=header),
    }
    may = set()
    for name, attempt in tries.items():
        answer = await attempt
        assert answer.status_code in (200, 403), answer.text
        if answer.status_code == 200:
            may.add(name)
    return may


@pytest.mark.parametrize("permission", PERMISSIONS)
async def test_a_permission_opens_what_it_says_and_nothing_else(api: TokenApi, permission: str) -> None:
    assert await _allowed(api, permission) == {permission}


async def test_a_token_without_read_is_refused_by_vault_itself(api: TokenApi, stack: Stack) -> None:
    token = await api.create("no reader", ["create", "update", "delete", "list"])
    with pytest.raises(TokenApiRefused, match="no policy") as refused:
        await api.data(token)
    assert refused.value.status == 403
    url = f"{stack.url('openbao')}/v1/secret/data/token-api/items/welcome"
    async with httpx2.AsyncClient(trust_env=False) as http:
        at_vault = await http.get(url, headers={"X-Vault-Token": token.get_secret_value()})
    assert at_vault.status_code == 403


UNUSABLE = ["", "   ", "\t\n", "x" * 10_000, "a\x00b", "line\nbreak", "\u202eright to left", 5, None, ["a"], {"a": 1}]


@pytest.mark.parametrize("name", UNUSABLE, ids=lambda name: repr(name)[:20])
async def test_a_name_that_cannot_be_used_is_refused_with_a_sentence(api: TokenApi, name: object) -> None:
    answer = await api.http.post(CREATE, json={"name": name})
    assert answer.status_code == 400
    assert answer.json().keys() == {"success", "message"}
    assert answer.json()["success"] is False
    assert "name" in answer.json()["message"]
    assert len(answer.text) < 300


HARMLESS = [
    "../../sys/seal",
    "🗝️ schlüssel",
    "'; DROP TABLE",
    "{{identity.entity.name}}",
    "a/b?c#d%2e",
    "root",
    "<b>x</b>",
]


@pytest.mark.parametrize("name", HARMLESS)
async def test_a_strange_name_is_a_name_and_nothing_more(api: TokenApi, name: str) -> None:
    own = f"{name} {uuid.uuid4().hex[:8]}"
    token = await api.create(own, ["read"])
    assert (await api.data(token))["permissions"] == {"read": "true"}
    (issued,) = await api.listed(own)
    assert issued["name"] == own
    await api.revoke(issued["accessor"])
    assert await api.listed(own) == []


async def test_what_else_cannot_be_read_is_a_400_too(api: TokenApi) -> None:
    for body in (b"", b"{", b"[]", b'"x"', b'{"name": "x", "permissions": {"root": true}}', b"\xff\xfe"):
        answer = await api.http.post(CREATE, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["success"]) == (400, False)
    # A page of another origin can send this without asking first; it is not JSON, so it makes nothing.
    foreign = await api.http.post(CREATE, content=b'{"name": "x"}', headers={"Content-Type": "text/plain"})
    assert foreign.status_code == 400
    large = await api.http.post(CREATE, content=b" " * 200_000, headers={"Content-Type": "application/json"})
    assert large.status_code == 413


async def test_unknown_addresses_methods_and_hosts_are_answered_in_json(api: TokenApi) -> None:
    missing = await api.http.get("/api/nothing")
    assert (missing.status_code, missing.json()["error"]) == (404, "Not Found")
    assert missing.json().keys() == {"error", "message"}
    assert (await api.http.put("/api/data")).status_code == 405
    assert (await api.http.get("/health", headers={"Host": "evil.example"})).status_code == 400


async def test_health_shows_the_service_s_own_token_masked(api: TokenApi, stack: Stack) -> None:
    health = (await api.http.get("/health")).json()
    assert set(health) == {"status", "vault_addr", "renewal_token_status"}
    assert (health["status"], health["vault_addr"]) == ("healthy", stack.url("openbao"))
    assert "…" in health["renewal_token_status"]


async def test_issued_tokens_are_listed_by_name_renewed_and_revoked_by_accessor(api: TokenApi) -> None:
    name = f"job {uuid.uuid4().hex[:8]}"
    tokens = [await api.create(name, ["read"]) for _ in range(2)]
    listed = await api.listed(name)
    assert [issued["permissions"] for issued in listed] == [["read"], ["read"]]
    assert not any(token.get_secret_value() in str(listed) for token in tokens)
    assert (await api.renew(listed[0]["accessor"]))["ttl"] >= 3599
    await api.revoke(listed[0]["accessor"])
    assert [issued["accessor"] for issued in await api.listed(name)] == [listed[1]["accessor"]]
    with pytest.raises(TokenApiRefused):
        await api.revoke(listed[0]["accessor"])
    # The newest is listed first, so it is the older one that lives.
    living = tokens[0]
    for path, status in (("/api/token/renew", 200), ("/api/token/revoke", 200), ("/api/token/revoke", 403)):
        assert (await api.http.post(path, headers=_header(living))).status_code == status
    assert await api.listed(name) == []


async def test_an_accessor_that_this_service_did_not_issue_cannot_be_touched(api: TokenApi, admin: VaultAdmin) -> None:
    foreign = admin.write("auth/token/create", {"policies": ["default"], "ttl": "1m"})
    for attempt in (api.revoke, api.renew):
        with pytest.raises(TokenApiRefused) as refused:
            await attempt(foreign["accessor"])
        assert refused.value.status == 404
    assert admin.write("auth/token/lookup-accessor", {"accessor": foreign["accessor"]})["ttl"] > 0


async def test_two_hundred_at_once_are_two_hundred_tokens(api: TokenApi) -> None:
    name = f"many {uuid.uuid4().hex[:8]}"
    made = await asyncio.gather(*(api.create(name, ["read"]) for _ in range(200)))
    assert len({token.get_secret_value() for token in made}) == 200
    listed = await api.listed(name)
    assert len({issued["accessor"] for issued in listed}) == 200
    await asyncio.gather(*(api.revoke(issued["accessor"]) for issued in listed))
    assert await api.listed(name) == []


async def test_a_listing_is_a_page_however_many_tokens_there_are(api: TokenApi) -> None:
    """Each token looked at costs two calls of Vault."""
    name = f"paged {uuid.uuid4().hex[:8]}"
    # One after another: which is newer is certain.
    tokens = [await api.create(name, ["read"]) for _ in range(PAGE + 10)]
    first = (await api.http.get("/api/tokens", params={"name": name})).json()
    assert len(first["tokens"]) == PAGE
    rest = (await api.http.get("/api/tokens", params={"name": name, "after": first["next"]})).json()
    assert (len(rest["tokens"]), rest["next"]) == (10, "")
    newest_first = [issued["created_at"] for issued in (*first["tokens"], *rest["tokens"])]
    assert newest_first == sorted(newest_first, reverse=True)
    assert len({issued["accessor"] for issued in (*first["tokens"], *rest["tokens"])}) == PAGE + 10
    for odd in ("x", "../..", f"{first['next']}/", "0" * 500):
        assert (await api.http.get("/api/tokens", params={"after": odd})).status_code == 400
    for token in tokens:
        await api.http.post("/api/token/revoke", headers=_header(token))
    assert await api.listed(name) == []


async def test_whoever_makes_too_many_is_told_so_and_nobody_else_is_kept_from_any(
    api: TokenApi, monkeypatch: pytest.MonkeyPatch, stack: Stack
) -> None:
    monkeypatch.setattr("services.token_api.tokens.PER_HOUR", 3)
    vault = Vault(stack.url("openbao"))
    async with VaultSession(vault, with_token(SecretStr(stack.secrets["VAULT_TOKEN"])), revoke_at_end=False) as session:
        tokens, greedy = ApiTokens(vault, session), f"greedy-{uuid.uuid4().hex[:8]}"
        for _ in range(3):
            await tokens.issue(greedy, "job", Permissions(read=True))
        with pytest.raises(TooManyTokens, match="within an hour"):
            await tokens.issue(greedy, "job", Permissions(read=True))
        assert await tokens.issue(f"other-{uuid.uuid4().hex[:8]}", "job", Permissions(read=True))
    await vault.close()


async def test_no_log_holds_a_token_that_was_made(api: TokenApi, stack: Stack) -> None:
    tokens = [(await api.create("unseen", ["read"])).get_secret_value() for _ in range(3)]
    for token in tokens:
        await api.http.get("/api/data", headers={"Token-Header": token})
        await api.http.get(f"/api/nothing/{token}")
    logs = [path for path in stack.layout.state.rglob("*.log") if path.is_file()]
    assert {path.stem for path in logs} >= {"token-api", "audit"}
    leaking = [path.name for path in logs for token in tokens if token in path.read_text(errors="replace")]
    assert leaking == []


def _header(token: object) -> dict[str, str]:
    return {"Token-Header": token.get_secret_value()}  # type: ignore[attr-defined]
