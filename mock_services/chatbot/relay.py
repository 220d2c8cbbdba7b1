"""The chatbot's side of the login relay: asking for a link, and how far a login is; every request signed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from common import signed
from fastmcp_vault.sentences import Sentence
from mock_services.chatbot.problems import RelayRefused, RelayUnavailable
from mock_services.chatbot.settings import ChatbotSettings

_STATUS = "`./demo status` says whether the login relay is up; try again."


class RelayClient:
    """The relay, as one of its registered clients. Raises RelayUnavailable, RelayRefused."""

    def __init__(self, settings: ChatbotSettings, http: httpx2.AsyncClient, *, clock: Callable[[], float]) -> None:
        self._settings, self._http, self._clock = settings, http, clock

    async def link(self, user: str, *, redirect_after: str) -> dict[str, Any]:
        """``login_url``, ``code``, ``expires_in`` (seconds) and ``login_id`` for one of the chatbot's users."""
        return await self._ask(
            "/issue_login_link",
            {
                "chatbot_user_id": user,
                "callback_url": self._settings.callback_url,
                "redirect_after": redirect_after or f"{self._settings.chatbot_public_url.rstrip('/')}/linked",
            },
        )

    async def progress(self, login_id: str) -> dict[str, Any]:
        """``status``, ``error``, ``message`` and the ``steps`` so far."""
        return await self._ask("/login_link_status", {"login_id": login_id})

    async def _ask(self, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        message = {
            **fields,
            "client_key": self._settings.chatbot_client_key,
            "ts": int(self._clock()),
            "nonce": secrets.token_urlsafe(24),
        }
        body = signed.canonical(message)
        signature = signed.signature(body, self._settings.relay_to_chatbot_hmac_secret)
        headers = {"Content-Type": "application/json", signed.HEADER: signature}
        try:
            answer = await self._http.post(
                f"{self._settings.relay_url.rstrip('/')}{path}", content=body, headers=headers
            )
            found = json.loads(answer.content)
        except (httpx2.HTTPError, ValueError) as error:
            raise RelayUnavailable("The login relay does not answer the chatbot.", fix=_STATUS) from error
        if answer.status_code >= 500 or not isinstance(found, dict):
            raise RelayUnavailable("The login relay had an internal error.", fix=_STATUS)
        if answer.status_code != 200:
            raise RelayRefused(
                Sentence(
                    "The login relay refused ({error}): {message}",
                    error=found.get("error"),
                    message=found.get("message"),
                )
            )
        return found
