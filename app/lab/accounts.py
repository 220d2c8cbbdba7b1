"""Answers of a provider's that somebody else began, and what was granted, read by who may not."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from app.lab import vault
from app.lab.attack import Attack, AttackAnswer, AttackContext, plain_answer

_GROUP = "accounts"


async def foreign_answer(shot: AttackContext) -> AttackAnswer:
    """The attacker's own answer, opened in the victim's browser, whose tools would then use the attacker's account."""
    state, _ = await _begun(shot)
    other = await shot.arms.app_session()
    return await _answered(shot, "jira", state, f"{shot.arms.range.cookie}={other.get_secret_value()}")


async def mixed_up(shot: AttackContext) -> AttackAnswer:
    """One provider's answer at the address of another, so that its code is sent there."""
    state, cookies = await _begun(shot)
    return await _answered(shot, "github", state, cookies)


async def other_issuer(shot: AttackContext) -> AttackAnswer:
    """An answer that says it comes from another issuer."""
    state, cookies = await _begun(shot)
    return await _answered(shot, "jira", state, cookies, iss="http://evil.example")


async def read_with_the_apps_login(shot: AttackContext) -> AttackAnswer:
    """What the person let us have at Jira, read with the app's own login at Vault for that person."""
    return await vault.ask(shot, "GET", f"secret/data/users/{shot.arms.range.attacker.username}/accounts/jira")


async def _begun(shot: AttackContext) -> tuple[str, str]:
    """A connection that the attacker began: its ``state``, and the cookies of that browser."""
    session = await shot.arms.app_session()
    own = f"{shot.arms.range.cookie}={session.get_secret_value()}"
    begun = await shot.arms.client.get(f"{shot.arms.range.targets.app}/auth/connect/jira", headers={"Cookie": own})
    state = parse_qs(urlsplit(begun.headers.get("location", "")).query).get("state", [""])[0]
    sealed = begun.headers.get("set-cookie", "").partition(";")[0]
    return state, f"{own}; {sealed}"


async def _answered(shot: AttackContext, server: str, state: str, cookies: str, **more: str) -> AttackAnswer:
    query = urlencode({"code": "stolen", "state": state, **more})
    address = f"{shot.targets.app}/auth/connected/{server}?{query}"
    return plain_answer(await shot.wire.get(address, headers={"Cookie": cookies}))


ATTACKS = (
    Attack("account-answer", _GROUP, "app.answer", "RFC 6749 §10.12", "nothing that this browser", foreign_answer),
    Attack("account-mix-up", _GROUP, "app.answer", "RFC 9700 §4.4", "nothing that this browser", mixed_up),
    Attack("account-issuer", _GROUP, "app.answer", "RFC 9207 §2.4", "This answer is not", other_issuer),
    Attack(
        "account-read",
        _GROUP,
        "vault.policy",
        "Vault: policies, deny",
        "permission denied",
        read_with_the_apps_login,
    ),
)
