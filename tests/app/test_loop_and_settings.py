"""The loop that pages call into never hangs a page; settings that cannot be used are refused in a sentence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from app.loop import Loop
from app.settings import AppSettings
from common.settings import load
from fastmcp_vault.errors import ConfigError, NotReady


@pytest.fixture
def running() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def answer(value: int) -> int:
    return value


def test_a_result_comes_back_into_the_calling_thread(running: asyncio.AbstractEventLoop) -> None:
    assert Loop(running).run(answer(7), timeout=5) == 7


def test_an_error_comes_back_too(running: asyncio.AbstractEventLoop) -> None:
    async def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Loop(running).run(fails(), timeout=5)


def test_what_takes_too_long_is_cancelled_and_said(running: asyncio.AbstractEventLoop) -> None:
    cancelled = threading.Event()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(NotReady, match="no answer within"):
        Loop(running).run(for_ever(), timeout=0.05)
    assert cancelled.wait(5)


def test_a_loop_that_does_not_run_is_said_at_once() -> None:
    loop = asyncio.new_event_loop()
    with pytest.raises(NotReady, match="starting or stopping"):
        Loop(loop).run(answer(1), timeout=5)
    loop.close()


def test_production_wants_https_and_secrets_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "production")
    with pytest.raises(ConfigError, match="APP_CLIENT_SECRET") as refused:
        load(AppSettings)
    assert "demo-app-secret" not in str(refused.value)


def test_a_session_key_that_is_none_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SESSION_KEY", "not-a-key-but-secret")
    with pytest.raises(ConfigError, match="APP_SESSION_KEY is not a Fernet key") as refused:
        load(AppSettings)
    assert "not-a-key-but-secret" not in str(refused.value)


def test_an_https_address_makes_the_cookie_secure() -> None:
    assert AppSettings(app_public_url="https://app.example.com").https
    assert not AppSettings(app_public_url="http://localhost:8501").https
