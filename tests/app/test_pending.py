"""A sign-in under way is good once, for its own state, in its time."""

from __future__ import annotations

from pydantic import SecretStr

from app.pending import LIFETIME, LIMIT, Pending, PendingLogins, SeenTokens, cookie_name


def pending(state: str = "s", at: float = 0.0) -> Pending:
    return Pending(state=state, nonce="n", verifier=SecretStr("v"), next="/", started_at=at)


def test_it_is_given_back_once() -> None:
    logins = PendingLogins()
    key = logins.keep(pending(), now=0)
    assert logins.take(key, state="s", now=1) == pending()
    assert logins.take(key, state="s", now=1) is None


def test_another_state_gets_nothing_and_uses_it_up() -> None:
    logins = PendingLogins()
    key = logins.keep(pending(), now=0)
    assert logins.take(key, state="other", now=1) is None
    assert logins.take(key, state="s", now=1) is None


def test_an_unknown_key_gets_nothing() -> None:
    logins = PendingLogins()
    logins.keep(pending(), now=0)
    assert logins.take("", state="s", now=1) is None
    assert logins.take("ключ", state="s", now=1) is None


def test_it_is_forgotten_after_its_time() -> None:
    logins = PendingLogins()
    key = logins.keep(pending(at=0), now=0)
    assert logins.take(key, state="s", now=LIFETIME + 1) is None


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    logins = PendingLogins()
    first = logins.keep(pending(), now=0)
    for _ in range(LIMIT):
        last = logins.keep(pending(), now=0)
    assert logins.take(first, state="s", now=0) is None
    assert logins.take(last, state="s", now=0) is not None


def test_two_tabs_have_two_cookies() -> None:
    assert cookie_name("one") != cookie_name("two")


def test_a_logout_token_is_good_once() -> None:
    seen = SeenTokens()
    assert not seen.was_used("a", now=0)
    seen.used("a", until=10)
    assert seen.was_used("a", now=5)
    assert not seen.was_used("b", now=5)
    assert not seen.was_used("a", now=11)
