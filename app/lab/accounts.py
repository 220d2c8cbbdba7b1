"""Links, codes and answers of connections that somebody else began; and what was granted, used by who may not."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from app.lab import vault
from app.lab.attack import Attack, AttackAnswer, AttackContext, plain_answer
from app.lab.people import DemoPerson, LabClosed
from app.texts import t
from fastmcp_vault.errors import KeycloakRefused

_GROUP = "accounts"

PROGRAM, PROGRAM_SECRET = "attack-lab", "demo-attack-lab-secret"
"""The lab's own client at the mock Atlassian (mock_services/settings.py): what it ends there is nobody's connection."""

SENDERS = 3
"""People at most who are tried as the sender of a link."""

_LINK = re.compile(r"/connect-account\?id=([\w-]+)")


async def forwarded_link(shot: AttackContext) -> AttackAnswer:
    """The link that somebody else's call got, opened by who is signed in to the app, and would agree to it."""
    asked = urlencode({"id": await _somebody_elses_link(shot)})
    headers = {"Cookie": await _signed_in(shot)}
    return _led_on(await shot.wire.get(f"{shot.targets.app}/auth/connect/jira?{asked}", headers=headers))


async def foreign_answer(shot: AttackContext) -> AttackAnswer:
    """The attacker's own answer, opened in the victim's browser, whose tools would then use the attacker's account."""
    query, _ = await _begun(shot, await _signed_in(shot))
    return await _answered(shot, "jira", query["state"], await _signed_in(shot))


async def injected_code(shot: AttackContext) -> AttackAnswer:
    """The victim's code, out of a log or an address bar, in the answer to a request that the attacker began."""
    own = await _signed_in(shot)
    theirs, _ = await _begun(shot, own)
    code = await _agreed(shot, theirs, shot.arms.range.victim)
    query, cookies = await _begun(shot, own)
    return await _answered(shot, "jira", query["state"], cookies, code=code)


async def mixed_up(shot: AttackContext) -> AttackAnswer:
    """One provider's answer at the address of another, so that its code is sent there."""
    query, cookies = await _begun(shot, await _signed_in(shot))
    return await _answered(shot, "github", query["state"], cookies)


async def other_issuer(shot: AttackContext) -> AttackAnswer:
    """An answer that says it comes from another issuer."""
    query, cookies = await _begun(shot, await _signed_in(shot))
    return await _answered(shot, "jira", query["state"], cookies, iss="http://evil.example")


async def replayed_refresh(shot: AttackContext) -> AttackAnswer:
    """A refresh token that was used once, used again by whoever copied it."""
    address = f"{shot.arms.range.targets.app}/attack-lab"
    asked = {"client_id": PROGRAM, "redirect_uri": address, "scope": "read:me offline_access"}
    code = await _agreed(shot, asked, shot.arms.range.attacker)
    own = {"client_id": PROGRAM, "client_secret": PROGRAM_SECRET}
    token = f"{_provider(shot)}/oauth/token"
    redeeming = {"grant_type": "authorization_code", "code": code, "redirect_uri": address, **own}
    first = (await shot.arms.client.post(token, data=redeeming)).json()
    using = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **own}
    (await shot.arms.client.post(token, data=using)).raise_for_status()
    return plain_answer(await shot.wire.post(f"{shot.targets.provider}/oauth/token", data=using))


async def read_with_the_apps_login(shot: AttackContext) -> AttackAnswer:
    """What the person let us have at Jira, read with the app's own login at Vault for that person."""
    return await vault.ask(shot, "GET", f"secret/data/users/{shot.arms.range.attacker.username}/accounts/jira")


async def _somebody_elses_link(shot: AttackContext) -> str:
    """The id of a link that a call of another person's got, who has no account at Jira. Raises LabClosed."""
    where = shot.arms.range
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "get_issue", "arguments": {"issue_key": "PROJ-1"}},
    }
    for sender in where.without_jira[:SENDERS]:
        try:
            token = (await shot.arms.lab_token("lab-jira", sender)).access_token.get_secret_value()
        except KeycloakRefused:
            continue
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
            "Authorization": f"Bearer {token}",
        }
        answer = await shot.arms.client.post(where.targets.mcp["jira"], headers=headers, json=body)
        if found := _LINK.search(answer.text):
            return found[1]
    raise LabClosed(t("lab.no-link"), fix=t("lab.no-link.fix"))


async def _signed_in(shot: AttackContext) -> str:
    """The cookie of the attacker's own browser."""
    session = await shot.arms.app_session()
    return f"{shot.arms.range.cookie}={session.get_secret_value()}"


async def _begun(shot: AttackContext, own: str) -> tuple[Mapping[str, str], str]:
    """A connection that the attacker began: what the provider is asked, and the cookies of that browser."""
    begun = await shot.arms.client.get(f"{shot.arms.range.targets.app}/auth/connect/jira", headers={"Cookie": own})
    asked = dict(parse_qsl(urlsplit(begun.headers.get("location", "")).query))
    sealed = begun.headers.get("set-cookie", "").partition(";")[0]
    return asked, f"{own}; {sealed}"


async def _agreed(shot: AttackContext, asked: Mapping[str, str], who: DemoPerson) -> str:
    """The code that ``who``'s yes at the mock Atlassian's own page brings."""
    form = {**asked, "username": who.username, "password": who.password.get_secret_value(), "answer": "yes"}
    answer = await shot.arms.client.post(f"{_provider(shot)}/authorize", data=form)
    return dict(parse_qsl(urlsplit(answer.headers.get("location", "")).query))["code"]


async def _answered(
    shot: AttackContext, server: str, state: str, cookies: str, *, code: str = "stolen", **more: str
) -> AttackAnswer:
    query = urlencode({"code": code, "state": state, **more})
    address = f"{shot.targets.app}/auth/connected/{server}?{query}"
    return _led_on(await shot.wire.get(address, headers={"Cookie": cookies}))


def _provider(shot: AttackContext) -> str:
    """The mock Atlassian. Raises LabClosed where accounts cannot be connected."""
    if not shot.arms.range.targets.provider:
        raise LabClosed(t("accounts.unknown"), fix=t("lab.no-provider.fix"))
    return shot.arms.range.targets.provider


def _led_on(response: httpx2.Response) -> AttackAnswer:
    """Let through is also who is sent on, to the provider or as connected; but not to sign in first."""
    answer = plain_answer(response)
    on = response.is_redirect and "/auth/login" not in response.headers.get("location", "")
    return replace(answer, through=answer.through or on)


def _attack(
    name: str, layer: str, standard: str, sign: str, fire: Callable[[AttackContext], Awaitable[AttackAnswer]]
) -> Attack:
    return Attack(f"account-{name}", _GROUP, layer, standard, sign, fire)


ATTACKS = (
    _attack("link", "app.link", "MCP 2026-07-28, elicitation", "another person's", forwarded_link),
    _attack("answer", "app.answer", "RFC 6749 §10.12", "nothing that this browser", foreign_answer),
    _attack("code", "provider.code", "RFC 9700 §4.5", "The code is wrong", injected_code),
    _attack("mix-up", "app.answer", "RFC 9700 §4.4", "nothing that this browser", mixed_up),
    _attack("issuer", "app.answer", "RFC 9207 §2.4", "This answer is not", other_issuer),
    _attack("refresh", "provider.refresh", "RFC 9700 §4.14.2", "invalid refresh token", replayed_refresh),
    _attack("read", "vault.policy", "Vault: policies, deny", "permission denied", read_with_the_apps_login),
)
