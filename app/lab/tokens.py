"""Tokens at an MCP server's door that are forged, altered, out of time, or meant for somebody else."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from app.lab import forgery
from app.lab.attack import Attack, AttackAnswer, AttackContext, tool_answer
from app.lab.mcp import knock, send
from app.texts import t
from fastmcp_vault.errors import LoginFailed
from fastmcp_vault.oidc.validation import LEEWAY_SECONDS

_GROUP = "tokens"


async def unsigned(shot: AttackContext) -> AttackAnswer:
    """The attacker's good token with its signature taken off, and ``alg`` saying that none is needed."""
    return await knock(shot, forgery.unsigned(await shot.arms.server_token("jira")))


async def wrong_key(shot: AttackContext) -> AttackAnswer:
    """The victim's name in a token signed by a key of the attacker's own, under Keycloak's key id."""
    token = await shot.arms.server_token("jira")
    return await knock(shot, forgery.resigned(token, preferred_username=shot.arms.range.victim.username))


async def own_key(shot: AttackContext) -> AttackAnswer:
    """A token that brings the key to check it with, in its own header (RFC 7515 §4.1.3)."""
    header = {"kid": "attacker", "jwk": forgery.attackers_jwk()}
    return await knock(shot, forgery.resigned(await shot.arms.server_token("jira"), header=header))


async def confusion(shot: AttackContext) -> AttackAnswer:
    """Keycloak's public key, which everybody may read, used as the shared secret of HS256."""
    token = await shot.arms.server_token("jira")
    kid = forgery.parts(token)[0]["kid"]
    published = (await shot.arms.client.get(f"{shot.arms.range.targets.openid}/certs")).json()["keys"]
    return await knock(shot, forgery.confused(token, next(key for key in published if key["kid"] == kid)))


async def tampered(shot: AttackContext) -> AttackAnswer:
    """The attacker's good token with the victim's name written over theirs."""
    victim = shot.arms.range.victim.username
    token = await shot.arms.server_token("jira")
    return await knock(shot, forgery.altered(token, preferred_username=victim, email=f"{victim}@example.com"))


async def expired(shot: AttackContext) -> AttackAnswer:
    """A genuine token that lasts one second, sent until the server no longer takes it; the last answer counts."""
    token = (await shot.arms.lab_token("lab-short")).access_token.get_secret_value()
    over = float(forgery.parts(token)[1]["exp"]) + LEEWAY_SECONDS
    answer = await knock(shot, token)
    while answer.through and time.time() < over + 1:
        await asyncio.sleep(max(0.05, over - time.time()))
        answer = await knock(shot, token)
    return answer


async def early(shot: AttackContext) -> AttackAnswer:
    """A genuine token that begins in the year 2100 (``nbf``)."""
    return await knock(shot, (await shot.arms.lab_token("lab-early")).access_token.get_secret_value())


async def foreign_issuer(shot: AttackContext) -> AttackAnswer:
    """A token that is whole in itself, of an issuer that the attacker runs: its name, its key, its signature."""
    header, token = {"kid": "attacker"}, await shot.arms.server_token("jira")
    return await knock(shot, forgery.resigned(token, header=header, iss="http://evil.example/realms/mcp-demo"))


async def login_token(shot: AttackContext) -> AttackAnswer:
    """The token that the app got at sign-in: genuine, and for no MCP server."""
    return await knock(shot, (await shot.arms.login()).access_token.get_secret_value())


async def id_token(shot: AttackContext) -> AttackAnswer:
    """The ID token of the same sign-in, which tells the app who somebody is, and opens nothing."""
    found = (await shot.arms.login()).id_token
    if found is None:
        raise LoginFailed(t("lab.no-sign-in"))
    return await knock(shot, found.get_secret_value())


async def other_server(shot: AttackContext) -> AttackAnswer:
    """The attacker's good token for the GitHub server, at the Jira server."""
    return await knock(shot, await shot.arms.server_token("github"))


async def in_the_address(shot: AttackContext) -> AttackAnswer:
    """A good token, but in the address, where every log on the way would keep it."""
    return await knock(shot, "", query={"access_token": await shot.arms.server_token("jira")})


async def more_than_granted(shot: AttackContext) -> AttackAnswer:
    """A token that may only read, at a tool that writes."""
    token = await shot.arms.server_token("jira", write=False)
    arguments = {"issue_key": "PROJ-1", "body": "written without the right to"}
    asked: dict[str, Any] = {"method": "tools/call", "params": {"name": "add_comment", "arguments": arguments}}
    return tool_answer(await send(shot, token, asked))


ATTACKS = (
    Attack("alg-none", _GROUP, "mcp.signature", "RFC 8725 §3.1", "not signed with RS256|signed token", unsigned),
    Attack("wrong-key", _GROUP, "mcp.signature", "RFC 7515 §5.2", "signature is not good", wrong_key),
    Attack("own-key", _GROUP, "mcp.signature", "RFC 8725 §3.10", "key that Keycloak does not have", own_key),
    Attack("hs256", _GROUP, "mcp.signature", "RFC 8725 §2.1", "not signed with RS256", confusion),
    Attack("tampered", _GROUP, "mcp.signature", "RFC 7515 §5.2", "signature is not good", tampered),
    Attack("expired", _GROUP, "mcp.times", "RFC 7519 §4.1.4", "has expired", expired),
    Attack("early", _GROUP, "mcp.times", "RFC 7519 §4.1.5", "not valid yet", early),
    Attack(
        "issuer", _GROUP, "mcp.issuer", "RFC 9068 §4", "key that Keycloak does not have|another issuer", foreign_issuer
    ),
    Attack("audience", _GROUP, "mcp.audience", "RFC 9068 §4", "not meant for mcp-jira", login_token),
    Attack("id-token", _GROUP, "mcp.type", "RFC 9068 §4", "not an access token", id_token),
    Attack("other-server", _GROUP, "mcp.audience", "RFC 8707 §2", "not meant for mcp-jira", other_server),
    Attack("in-address", _GROUP, "mcp.header", "RFC 6750 §5.3", "Bearer|authenticat", in_the_address),
    Attack("scope", _GROUP, "mcp.scope", "RFC 6750 §3.1", "mcp:jira:write", more_than_granted),
)
