"""The chatbot's own OAuth: refresh, exchange, revocation, in plain HTTP as any chatbot would speak it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import SecretStr

from fastmcp_vault.errors import KeycloakRefused, KeycloakUnavailable
from fastmcp_vault.masking import mask_text
from fastmcp_vault.sentences import Sentence
from mock_services.chatbot.problems import NewLoginNeeded
from mock_services.chatbot.settings import ChatbotSettings

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
OWN_SCOPE = "openid offline_access"
"""What the chatbot's own tokens are for; tools' scopes, which its people agreed to as well, come by exchange."""

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

_STATUS = "`./demo status` says whether Keycloak is up; try again."


@dataclass(frozen=True, slots=True)
class ChatTokens:
    """A token response (RFC 6749 §5.1). ``expires_at``: seconds since the epoch."""

    access_token: SecretStr
    expires_at: float
    refresh_token: SecretStr | None = field(default=None)


class ChatbotKeycloak:
    """The token endpoint, as the confidential client whose secret ``secret`` gives.

    Raises KeycloakUnavailable when Keycloak does not answer or errs, KeycloakRefused when it refuses the client.
    ``clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        settings: ChatbotSettings,
        http: httpx2.AsyncClient,
        secret: Callable[[], Awaitable[SecretStr]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._http, self._secret, self._clock = settings, http, secret, clock

    async def refresh(self, refresh_token: SecretStr) -> ChatTokens:
        """New tokens (RFC 6749 §6). Raises NewLoginNeeded on ``invalid_grant``."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value(), "scope": OWN_SCOPE}
        return self._read(await self._post(self._settings.token_endpoint, form), sent_at=self._clock())

    async def exchange(self, access_token: SecretStr, *, audience: str, scope: str) -> ChatTokens:
        """A token that only ``audience`` accepts (RFC 8693 §2.1). Raises NewLoginNeeded when the session is over."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": access_token.get_secret_value(),
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": audience,
            "scope": scope,
        }
        return self._read(await self._post(self._settings.token_endpoint, form), sent_at=self._clock())

    async def revoke(self, refresh_token: SecretStr) -> None:
        """End the offline session (RFC 7009 §2.1); one already over is fine."""
        form = {"token": refresh_token.get_secret_value(), "token_type_hint": "refresh_token"}
        await self._post(self._settings.revocation_endpoint, form)

    async def _post(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        secret = await self._secret()
        form |= {"client_id": self._settings.chatbot_client_id, "client_secret": secret.get_secret_value()}
        try:
            answer = await self._http.post(url, data=form)
            body = json.loads(answer.content or b"{}")
        except (httpx2.HTTPError, ValueError) as error:
            raise KeycloakUnavailable("Keycloak did not answer the chatbot.", fix=_STATUS) from error
        if answer.status_code == 200 and isinstance(body, dict):
            return body
        if answer.status_code >= 500 or not isinstance(body, dict):
            raise KeycloakUnavailable("Keycloak had an internal error.", fix=_STATUS)
        raise _refusal(str(body.get("error", "")), mask_text(str(body.get("error_description", "")), limit=500))

    @staticmethod
    def _read(body: dict[str, Any], *, sent_at: float) -> ChatTokens:
        try:
            refresh = body.get("refresh_token")
            return ChatTokens(
                access_token=SecretStr(body["access_token"]),
                expires_at=sent_at + float(body["expires_in"]),
                refresh_token=SecretStr(refresh) if refresh else None,
            )
        except (KeyError, TypeError, ValueError):
            raise KeycloakUnavailable("Keycloak answered with something that is no token.", fix=_STATUS) from None


def claims(token: SecretStr) -> dict[str, Any]:
    """A JWT's payload, not verified: it came in a signed message, or from Keycloak itself. ``{}`` if it is no JWT."""
    try:
        payload = token.get_secret_value().split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(code: str, words: str) -> Exception:
    said = f": {words.rstrip('.')}" if words else ""
    # An exchange answers `invalid_request`, "Invalid token", where a refresh says `invalid_grant`.
    if code == "invalid_grant" or words.lower().startswith("invalid token"):
        return NewLoginNeeded(
            Sentence("Keycloak says that the sign-in is over{said}.", said=said), fix="Ask for a new login link."
        )
    return KeycloakRefused(
        Sentence("Keycloak refused the chatbot ({code}){said}.", code=code, said=said),
        fix="`./demo init` sets up its client.",
    )
