"""Approvals given in the app: what waits for this person, and their answer. Every check is made again here."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.process import AppProcess
from app.sessions import Session
from app.texts import t
from fastmcp_vault.errors import Problem, TokenInvalid
from fastmcp_vault.levels import reached
from fastmcp_vault.oidc.tokens import Claims
from fastmcp_vault.printable import printable
from fastmcp_vault.state import Approval

OUR_CLIENTS = ("mcp-demo-app", "chatbot-relay")
"""Programs of the demo: their ids are their names."""

NAME_LIMIT = 80
"""Characters of a name that a stranger chose."""

_log = logging.getLogger(__name__)


class ApprovalGone(Problem):
    """There is nothing to answer here: unknown, another person's, answered, or expired."""

    code, part = "approval_gone", "state"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question as its person may see it. ``login_age``: seconds that their sign-in may be old for a yes; 0: any.

    ``acr``: the level that it must have, if any. ``level_needed`` and ``login_needed``: theirs is too weak, too old.
    ``client_name``: what the program that asks calls itself, if it registered itself and Keycloak says so.
    """

    server: str
    tool: str
    status: str
    facts: Mapping[str, Any]
    login_age: int
    login_needed: bool
    acr: str = ""
    level_needed: bool = False
    client_name: str = ""


async def waiting(process: AppProcess, cookie: str, approval_id: str) -> Waiting:
    """The question, if it is this person's. Raises ApprovalGone, SessionEnded, StateUnavailable."""
    session, who = await _person(process, cookie)
    found = await process.state.approvals.find(approval_id)
    if found is None or found.sub != who.sub or found.way != "link":
        raise ApprovalGone(t("approve.gone"), fix=t("approve.gone.fix"))
    stale = bool(found.login_age) and session.auth_time < time.time() - found.login_age
    weak = bool(found.acr) and found.acr not in reached(session.acr)
    shown = {**found.facts, "expires_at": found.expires_at}
    name = await _name(process, session, str(found.facts.get("client", ""))) if found.status == "pending" else ""
    return Waiting(found.server, found.tool, found.status, shown, found.login_age, stale, found.acr, weak, name)


async def _name(process: AppProcess, session: Session, client: str) -> str:
    """What a client that registered itself calls itself; "" for the demo's own, and while Keycloak does not say."""
    if client in OUR_CLIENTS or not client:
        return ""
    try:
        token = await process.keycloak.exchange(
            session.tokens.access_token, audience="account", scope="account:applications"
        )
        name = await process.keycloak.application_name(token.access_token, client)
    except Problem as problem:
        _log.warning("no name for the client %s: %s", client, problem.what)
        return ""
    return printable(name[:NAME_LIMIT])


async def decide(process: AppProcess, cookie: str, approval_id: str, *, approve: bool) -> Approval:
    """Keep the answer, once; a yes needs a sign-in that is fresh and strong enough for the policy.

    Both as Keycloak's token said when the session began (``auth_time``, ``acr``).

    Raises ApprovalGone, SessionEnded, StateUnavailable.
    """
    session, who = await _person(process, cookie)
    decided = await process.state.approvals.decide(
        approval_id, sub=who.sub, way="link", approve=approve, login_at=session.auth_time, acr=session.acr
    )
    if decided is None:
        _log.info("%s's answer (acr %s) was not taken", who.username, session.acr or "-")
        raise ApprovalGone(t("approve.gone"), fix=t("approve.gone.fix"))
    _log.info(
        "%s %s %s at %s by a sign-in of acr %s, demanded %s: binding %s",
        who.username,
        "approved" if approve else "refused",
        decided.tool,
        decided.server,
        decided.given_acr or "-",
        decided.acr or "any",
        decided.binding.hex()[:16],
    )
    return decided


async def _person(process: AppProcess, cookie: str) -> tuple[Session, Claims]:
    """Who asks, by a token of this app whose signature is checked again, and their session."""
    session = await process.sessions.renewed(cookie)
    claims = await process.validator.validate(session.tokens.access_token.get_secret_value())
    if claims.azp != process.settings.app_client_id or claims.sid != session.sid:
        raise TokenInvalid(t("problem.foreign-token"), fix=t("problem.foreign-token.fix"))
    return session, claims
