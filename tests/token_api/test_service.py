"""The service itself: its own token renewed, lost, refused; Vault away; and a restart that begins afresh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from common.settings import load
from fastmcp_vault.errors import Problem
from fastmcp_vault.vault.admin import VaultAdmin
from services.token_api.app import build
from services.token_api.client import TokenApi, run
from services.token_api.settings import TokenApiSettings
from stack.testing import Stack
from tests.support.browser import closed_port
from tests.token_api.conftest import Start


def test_it_lives_on_past_its_token_s_first_life_and_ends_when_the_token_is_revoked(
    start: Start, renewal_token: Callable[[str], str], admin: VaultAdmin
) -> None:
    token = renewal_token("10s")
    service = start(RENEWAL_TOKEN=token)
    service.until(lambda: service.health().get("status") == "healthy")
    first = admin.write("auth/token/lookup", {"token": token})
    left: list[int] = []

    def renewed() -> bool:
        known = admin.write("auth/token/lookup", {"token": token})
        left.append(known["ttl"])
        return bool(known["expire_time"] > first["expire_time"])

    service.until(renewed)
    assert 1 <= min(left[:-1]) <= 4, "renewed once two thirds of its ten seconds were gone, and not before"
    made = httpx2.post(f"{service.url}/api/token/create", json={"name": "late", "permissions": {"read": True}})
    assert made.status_code == 200
    admin.write("auth/token/revoke", {"token": token})
    assert service.process.wait(30) == 1
    assert "RENEWAL_TOKEN cannot be used: Vault does not know it" in service.words()
    # What it issued is an orphan, and outlives it.
    assert admin.write("auth/token/lookup", {"token": made.json()["token"]})["ttl"] > 3000
    for secret in (token, made.json()["token"]):
        assert secret not in service.words()


def test_an_invalid_or_missing_token_is_a_clear_error_and_exit_code_1(start: Start) -> None:
    wrong = start(RENEWAL_TOKEN="s.nobody-knows-this-one")
    missing = start(RENEWAL_TOKEN="")
    assert (wrong.process.wait(30), missing.process.wait(30)) == (1, 1)
    assert "RENEWAL_TOKEN cannot be used: Vault does not know it" in wrong.words()
    assert "RENEWAL_TOKEN is not set" in missing.words()
    assert "Traceback" not in wrong.words() + missing.words()


def test_a_dot_env_file_is_read_and_the_environment_stands_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("RENEWAL_TOKEN=s.from-the-file\nVAULT_ADDR=http://localhost:1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RENEWAL_TOKEN", raising=False)
    monkeypatch.setenv("VAULT_ADDR", "http://localhost:2")
    settings = load(TokenApiSettings)
    assert settings.renewal_token.get_secret_value() == "s.from-the-file"
    assert settings.vault_addr == "http://localhost:2"


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing() -> None:
    class Broken:
        """Stands where the session and the callers stand, and fails at whatever is asked of it."""

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("internals s.secret-token /etc/passwd")

    broken: Any = Broken()
    app = build(broken, broken, broken, hosts=["localhost"], demo=True)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for answer in (
            await http.get("/health"),
            await http.get("/api/data", headers={"Token-Header": "s.x"}),
        ):
            assert answer.status_code == 500
            assert answer.json() == {"error": "Internal Server Error", "message": "The service could not do this."}


def test_without_vault_it_starts_with_a_warning_and_says_so_to_every_caller(start: Start) -> None:
    service = start(RENEWAL_TOKEN="s.may-be-good-who-knows", VAULT_ADDR=f"http://localhost:{closed_port()}")
    service.until(lambda: service.health().get("status") == "degraded")
    assert "WARNING" in service.words()
    created = httpx2.post(f"{service.url}/api/token/create", json={"name": "x"})
    assert (created.status_code, created.json()["success"]) == (503, False)
    read = httpx2.get(f"{service.url}/api/data", headers={"Token-Header": "s.any-token"})
    assert (read.status_code, read.json()["error"]) == (503, "Service Unavailable")
    assert service.process.poll() is None


@pytest.mark.disturbs
async def test_in_the_stack_a_lost_token_is_followed_by_a_start_with_a_new_one(
    api: TokenApi, stack: Stack, admin: VaultAdmin
) -> None:
    before = stack.status("token-api")
    assert before.pid is not None
    (own,) = own_tokens(admin)
    assert set(own["policies"]) == {"default", "token-api"}
    assert own["period"] == 60
    issued = await api.create("outlives the service", ["read"])
    admin.write("auth/token/revoke-accessor", {"accessor": own["accessor"]})
    await asyncio.to_thread(stack.wait_ready, "token-api", other_than=before.pid)
    assert own["accessor"] not in {token["accessor"] for token in own_tokens(admin)}
    assert (await api.data(issued))["user"] == "token-outlives-the-service"


def own_tokens(admin: VaultAdmin) -> list[dict[str, Any]]:
    """The living tokens of the stack's own service, as Vault describes them: it keeps them in memory only."""
    found = []
    for accessor in admin.list("auth/token/accessors")["keys"]:
        try:
            found.append(admin.write("auth/token/lookup-accessor", {"accessor": accessor}))
        except Problem:
            continue  # ended since the listing
    return [token for token in found if token["path"] == "auth/approle/login" and "token-api" in token["policies"]]


async def test_the_example_client_tells_the_whole_story(
    stack: Stack, capsys: pytest.CaptureFixture[str], api: TokenApi
) -> None:
    assert await run(stack.url("token-api"), "an example") == 0
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["made", "read", "listed", "refused", "revoked", "refused"]
    assert await run(f"http://localhost:{closed_port()}", "an example") == 1
    assert "Nobody answers" in capsys.readouterr().err
