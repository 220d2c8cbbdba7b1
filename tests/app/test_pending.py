"""A sign-in under way is sealed in its own browser, and good once, for its own state, at any replica."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
import requests
from cryptography.fernet import Fernet
from pydantic import SecretStr

from app.pending import Pending, PendingLogins, SeenTokens, cookie_name
from fastmcp_vault.state import State
from fastmcp_vault.state.sealing import SealedBox
from stack.testing import Stack
from tests.support.login import fill_in
from tests.support.people import Person


@asynccontextmanager
async def replica(stack: Stack, **changes: str) -> AsyncIterator[PendingLogins]:
    """Sign-ins as one more replica of the app sees them."""
    settings = stack.environment("app") | changes
    async with State(SecretStr(settings["STATE_DSN"])) as state:
        yield PendingLogins(SecretStr(settings["APP_SESSION_KEY"]), state.finished_logins)


def sign_in() -> Pending:
    state = secrets.token_urlsafe(16)
    nonce, verifier = secrets.token_urlsafe(16), SecretStr(secrets.token_urlsafe(32))
    return Pending(state=state, nonce=nonce, verifier=verifier, next="/mcp-tools", asked="http://localhost/…")


async def test_it_is_good_once_at_whichever_replica_it_ends(stack: Stack) -> None:
    begun = sign_in()
    async with replica(stack) as here, replica(stack) as there:
        cookie = here.sealed(begun)
        found = there.opened(cookie, state=begun.state)
        assert found == begun
        answers = await asyncio.gather(*(one.finish(found) for one in (here, there) * 5))
        assert sorted(answers) == [False] * 9 + [True]


async def test_the_cookie_tells_nothing_and_opens_for_its_state_and_this_app_only(stack: Stack) -> None:
    begun = sign_in()
    verifier = begun.verifier.get_secret_value()
    async with replica(stack) as here, replica(stack, APP_SESSION_KEY=Fernet.generate_key().decode()) as foreign:
        cookie = here.sealed(begun)
        assert len(cookie) < 3_500, "browsers keep cookies of 4096 bytes"
        for readable in (cookie, base64.urlsafe_b64decode(cookie).decode("latin-1")):
            assert not [part for part in (begun.state, begun.nonce, verifier, begun.next) if part in readable]
        assert here.opened(cookie, state="other") is None
        assert foreign.opened(cookie, state=begun.state) is None
        for broken in ("", "ключ", "half \ud83d", cookie[:-4] + "AAAA", cookie[20:]):
            assert here.opened(broken, state=begun.state) is None
        session = SealedBox([SecretStr(stack.environment("app")["APP_SESSION_KEY"])]).seal(b"{}").decode()
        assert here.opened(session, state=begun.state) is None, "what is sealed for another purpose is no sign-in"


async def test_after_its_time_it_is_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = sign_in()
    async with replica(stack) as here:
        cookie = here.sealed(begun)
        monkeypatch.setattr("app.pending.LIFETIME", -1.0)
        assert here.opened(cookie, state=begun.state) is None


def test_strangers_who_begin_many_sign_ins_push_nobody_out_and_leave_nothing_behind(
    stack: Stack, person: Person
) -> None:
    """Ten thousand did once: the oldest was forgotten, and its person could not come back."""
    login = f"{stack.url('app')}/auth/login"

    def rows() -> int:
        with psycopg.connect(stack.environment("init")["STATE_DSN"]) as connection:
            found = connection.execute("SELECT count(*) FROM pending_logins WHERE length(data) > 0").fetchone()
        return int(found[0]) if found else 0

    before = rows()
    begun = requests.get(f"{login}?next=/my", timeout=10, allow_redirects=False)
    with requests.Session() as stranger:
        for _ in range(200):
            assert stranger.get(login, timeout=10, allow_redirects=False).status_code == 303
            stranger.cookies.clear()
    assert rows() == before
    returned = fill_in(begun.headers["Location"], person.username, person.password)
    cookie = {"Cookie": begun.headers["Set-Cookie"].partition(";")[0]}
    callback = f"{stack.url('app')}/auth/callback"
    finished = requests.get(callback, params=returned, headers=cookie, timeout=10, allow_redirects=False)
    assert (finished.status_code, finished.headers["Location"]) == (303, "/my")
    again = requests.get(callback, params=returned, headers=cookie, timeout=10, allow_redirects=False)
    assert again.status_code == 400


def test_two_tabs_have_two_cookies() -> None:
    assert cookie_name("one") != cookie_name("two")


def test_a_logout_token_is_good_once() -> None:
    seen = SeenTokens()
    assert not seen.was_used("a", now=0)
    seen.used("a", until=10)
    assert seen.was_used("a", now=5)
    assert not seen.was_used("b", now=5)
    assert not seen.was_used("a", now=11)
