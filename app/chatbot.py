"""The mock chatbot as its messenger sees it: this app is the messenger, and vouches for who chats. No Streamlit.

``user`` is the person's Keycloak user id (``sub``) everywhere: a name may be another person's tomorrow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import ValidationError

from app.process import AppProcess
from app.texts import t, told
from fastmcp_vault.errors import BackendRefused, BackendUnavailable, sentences_of
from fastmcp_vault.http import async_client
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import STEPS, Step, Trace

Status = Literal["nobody", "linked", "ended"]
Login = Literal["", "issued", "code_accepted", "linked", "failed", "expired"]

NEW_LOGIN = "new_login_needed"
"""The chatbot's code for a sign-in that is over, or never was."""


@dataclass(frozen=True, slots=True)
class ChatLink:
    """A login link and the code that the chat shows. ``expires_at``: seconds since the epoch."""

    login_url: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class ChatView:
    """One person's chat: whether it is linked, why not, the login under way, and the steps so far, all masked.

    ``login``: how far the last login is, ``failed``: why it did not work. ``facts``: what the chatbot holds.
    """

    status: Status
    ended: str
    login: Login
    failed: str
    link: ChatLink | None
    facts: Mapping[str, Any]
    trace: Trace

    @property
    def under_way(self) -> bool:
        """Whether somebody may be signing in at this moment."""
        return self.login in ("issued", "code_accepted")


async def look(process: AppProcess, user: str) -> ChatView:
    """The chat as it is. Raises BackendUnavailable, BackendRefused."""
    return _chat(await _ask(process, "GET", user))


async def ask_for_link(process: AppProcess, user: str) -> ChatView:
    """A new login link, which leads back to this page."""
    after = f"{process.settings.app_public_url.rstrip('/')}/login-relay"
    return _chat(await _ask(process, "POST", user, "/link", {"redirect_after": after}))


async def refresh(process: AppProcess, user: str) -> None:
    """Have the chatbot refresh its access token now."""
    await _ask(process, "POST", user, "/refresh", {})


async def revoke(process: AppProcess, user: str) -> None:
    """End the offline session at Keycloak; the chatbot finds out when it refreshes."""
    await _ask(process, "POST", user, "/revoke", {})


async def issue(process: AppProcess, user: str, issue_key: str) -> dict[str, Any]:
    """What the chatbot answers to "show me this issue"."""
    return dict((await _ask(process, "POST", user, "/issue", {"issue_key": issue_key}))["issue"])


async def _ask(
    process: AppProcess, method: str, user: str, path: str = "", body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    key = process.settings.chatbot_messenger_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with async_client(base_url=process.settings.chatbot_url) as http:
            answer = await http.request(method, f"/chats/{quote(user, safe='')}{path}", headers=headers, json=body)
            found = json.loads(answer.content)
    except (httpx2.HTTPError, ValueError) as error:
        raise BackendUnavailable(t("relay.away"), fix=t("relay.away.fix")) from error
    if answer.status_code == httpx2.codes.OK and isinstance(found, dict):
        return found
    said = found if isinstance(found, dict) else {}
    kind = BackendUnavailable if said.get("retryable") or answer.status_code >= 500 else BackendRefused
    what, fix = sentences_of(said)
    raise kind(what or t("relay.refused"), fix=fix, code=said.get("code", ""))


def _chat(found: Mapping[str, Any]) -> ChatView:
    link, login, words = found.get("link"), found.get("login") or {}, found.get("words") or {}
    steps = sorted(_steps(found.get("steps", [])), key=lambda step: step.started_at)
    return ChatView(
        status=found["status"],
        ended=told(Sentence.read(str(found.get("ended") or ""), words.get("ended"))),
        login=login.get("status", ""),
        failed=told(Sentence.read(str(login.get("message") or ""), words.get("message")))
        if login.get("status") == "failed"
        else "",
        link=ChatLink(link["login_url"], link["code"], float(link["expires_at"])) if link else None,
        facts=found.get("person") or {},
        trace=Trace(
            id=str(found.get("trace_id") or ""),
            action=t("action.relay"),
            started_at=steps[0].started_at if steps else 0.0,
            steps=steps,
        ),
    )


def _steps(raw: Any) -> list[Step]:
    found = []
    for item in raw if isinstance(raw, list) else []:
        try:
            step = Step.model_validate(item)
        except ValidationError:
            continue
        if step.kind in STEPS:
            found.append(step)
    return found
