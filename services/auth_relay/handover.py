"""Handing the tokens over to the chatbot: one signed POST, tried again a few times when the chatbot is not well."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from common import signed
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.sentences import Sentence
from services.auth_relay.clients import Client
from services.auth_relay.problems import AGAIN, CallbackFailed

ATTEMPTS = 3

_log = logging.getLogger(__name__)


async def hand_over(
    http: httpx2.AsyncClient,
    client: Client,
    url: str,
    payload: Mapping[str, Any],
    *,
    seconds: float,
    clock: Callable[[], float],
) -> int:
    """POST the payload, signed, to ``url``; how many attempts it took, of ``seconds`` each. CallbackFailed.

    Each attempt has a nonce of its own: a chatbot that took the message but whose answer was lost takes it again,
    while a copy of a message that somebody overheard is refused. Redirects are not followed.
    """
    backoff = Backoff(first=0.2, longest=1.0)
    said = ""
    for attempt in range(1, ATTEMPTS + 1):
        if attempt > 1:
            await asyncio.sleep(backoff.failed())
        message = {**payload, "ts": int(clock()), "nonce": secrets.token_urlsafe(24)}
        body = signed.canonical(message)
        headers = {"Content-Type": "application/json", signed.HEADER: signed.signature(body, client.hmac_secret)}
        try:
            async with asyncio.timeout(seconds):
                async with http.stream("POST", url, content=body, headers=headers) as answer:
                    status = answer.status_code
        except (httpx2.HTTPError, TimeoutError) as error:
            said = "it did not answer"
            _log.warning("Attempt %d to reach the chatbot %s: %s", attempt, client.key, type(error).__name__)
            continue
        if 200 <= status < 300:
            return attempt
        said = Sentence("it answered HTTP {status}", status=status)
        _log.warning("Attempt %d to hand over to the chatbot %s: HTTP %d", attempt, client.key, status)
        if status < 500 and status != 429:
            break
    raise CallbackFailed(Sentence("{name} did not take the sign-in: {said}.", name=client.name, said=said), fix=AGAIN)
