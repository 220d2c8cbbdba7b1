"""What was good until somebody signed out; and two programs that look at such a token, one of them at Keycloak."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from app.lab.attack import Attack, AttackAnswer, AttackContext, plain_answer
from app.lab.mcp import knock
from app.texts import t, told
from common.settings import SERVER_AUDIENCE_PREFIX
from fastmcp_vault.errors import TokenInvalid
from fastmcp_vault.oidc.validation import TokenValidator

_GROUP, PAIR = "sessions", "pair"

PATIENCE = 5.0
"""Seconds within which every server must have heard that a session has ended."""

_LOOK_EVERY = 0.1


async def replay(shot: AttackContext) -> AttackAnswer:
    """The token of a session that is over: still in time, its signature still good."""
    _, token = await shot.arms.ended()
    return await _until_heard(lambda: knock(shot, token))


async def refresh(shot: AttackContext) -> AttackAnswer:
    """The refresh token of a lab client's session, for new tokens, after that session was signed out."""
    held = (await shot.arms.lab_token("lab-app")).refresh_token
    kept = {"refresh_token": held.get_secret_value() if held else "", **shot.arms.lab_login("lab-app")}
    await shot.arms.client.post(f"{shot.arms.range.targets.openid}/logout", data=kept)
    return plain_answer(
        await shot.wire.post(f"{shot.targets.openid}/token", data={"grant_type": "refresh_token", **kept})
    )


async def revoked_at_vault(shot: AttackContext) -> AttackAnswer:
    """A Vault token, after it was given back."""
    jwt = await shot.arms.vault_jwt()
    login = await shot.arms.range.vault.login_jwt(role="person", jwt=jwt)
    await shot.arms.range.vault.revoke_self(login.token)
    path = f"{shot.targets.vault}/v1/secret/data/users/{shot.arms.range.attacker.username}/jira"
    headers = {"X-Vault-Token": login.token.get_secret_value()}
    return plain_answer(await shot.wire.get(path, headers=headers))


async def stolen_cookie(shot: AttackContext) -> AttackAnswer:
    """The app's session cookie, copied while it was good, and used after its owner had signed out."""
    cookie = await shot.arms.app_session()
    headers = {"Cookie": f"{shot.arms.range.cookie}={cookie.get_secret_value()}"}
    app = shot.arms.range.targets.app
    before = await shot.arms.client.get(f"{app}/auth/session", headers=headers)
    before.raise_for_status()
    await shot.arms.client.post(f"{app}/auth/logout", headers=headers | {"Origin": app})
    return plain_answer(await shot.wire.get(f"{shot.targets.app}/auth/session", headers=headers))


async def judged_locally(shot: AttackContext) -> AttackAnswer:
    """A program that verifies the token by itself, with Keycloak's public keys, and asks nobody."""
    _, token = await shot.arms.ended()
    validator = TokenValidator(
        issuer=shot.arms.range.targets.issuer,
        jwks_url=f"{shot.targets.openid}/certs",
        audience="mcp-jira",
        exclusive=SERVER_AUDIENCE_PREFIX,
        client=shot.wire,
    )
    try:
        claims = await validator.validate(token)
    except TokenInvalid as problem:
        return AttackAnswer(401, told(problem.what), through=False, refused=True)
    return AttackAnswer(200, t("lab.judged-good", username=claims.username), through=True, refused=False)


async def introspected(shot: AttackContext) -> AttackAnswer:
    """A program that shows the same token to Keycloak and asks whether it is active (RFC 7662)."""
    _, token = await shot.arms.ended()
    form = {"token": token, **shot.arms.lab_login("lab-jira")}
    response = await shot.wire.post(f"{shot.targets.openid}/token/introspect", data=form)
    active = response.json().get("active") if response.is_success else None
    return AttackAnswer(response.status_code, response.text, through=active is True, refused=active is False)


async def forwarded_link(shot: AttackContext) -> AttackAnswer:
    """A chatbot's login link and its code, sent to somebody who is signed in and types the code.

    What follows would hand the stranger's chat a token that lasts for months: Keycloak must not go on by itself.
    """
    where = shot.arms.range.targets
    asked = {
        "chatbot_user_id": "the stranger who sent the link",
        "client_key": "demo-chatbot",
        "callback_url": where.relay_callback,
        "redirect_after": f"{where.app}/login-relay",
    }
    browser = await shot.arms.signed_in_browser()
    link = (await shot.arms.client.post(f"{where.relay}/issue_login_link", json=asked)).raise_for_status().json()
    opened = where.relay + urlsplit(link["login_url"]).path
    typed = await shot.arms.client.post(opened, data={"code": link["code"]})
    address, headers = browser.at_keycloak(typed.headers["location"], shot.targets.keycloak)
    answer = plain_answer(await shot.wire.get(address, headers=headers))
    asks = answer.through and "password" in answer.said.lower()
    return AttackAnswer(answer.status, answer.said, not asks and answer.status < 400, asks or answer.refused)


async def _until_heard(look: Callable[[], Awaitable[AttackAnswer]]) -> AttackAnswer:
    """The last answer, once it is no longer a good one or PATIENCE is over."""
    until = time.monotonic() + PATIENCE
    answer = await look()
    while answer.through and time.monotonic() < until:
        await asyncio.sleep(_LOOK_EVERY)
        answer = await look()
    return answer


ATTACKS = (
    Attack("replay", _GROUP, "mcp.session", "OpenID Connect Back-Channel Logout 1.0", "session has ended", replay),
    Attack("refresh", _GROUP, "keycloak.session", "RFC 6749 §10.4", "not active", refresh),
    Attack(
        "vault-after", _GROUP, "vault.token", "Vault: auth/token/revoke-self", "permission denied", revoked_at_vault
    ),
    Attack("cookie", _GROUP, "app.session", "OWASP Session Management", "session_ended", stolen_cookie),
    Attack("forwarded", _GROUP, "keycloak.fresh", "OpenID Connect Core §3.1.2.1", "password", forwarded_link),
    Attack("local", PAIR, "nobody.local", "RFC 9068 §4", "", judged_locally, expected="passed"),
    Attack("introspection", PAIR, "keycloak.introspection", "RFC 7662 §2.2", "active", introspected),
)
