"""What the relay hands over, believed only after its signature, its clock and its nonce were checked."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, ValidationError

from common import signed
from mock_services.chatbot.problems import MessageRefused

Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class HandedOver(BaseModel):
    """The relay's payload. ``ts``: seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    relay_access_token: SecretStr
    offline_refresh_token: SecretStr
    issuer: Text
    aud: Text
    chatbot_user_id: Text
    client_key: Text
    ts: int
    nonce: Annotated[str, StringConstraints(min_length=16, max_length=128)]


class Receiver:
    """Checks the relay's messages for one client. ``clock`` gives seconds since the epoch.

    Nonces are remembered in memory for as long as a message could pass for timely. A message from before this process
    began is refused: whether it was seen then is not known any more, and the relay stamps each attempt anew.
    """

    def __init__(
        self, secret: SecretStr, *, client_key: str, issuer: str, aud: str, clock: Callable[[], float]
    ) -> None:
        self._secret, self._clock = secret, clock
        self._expected = (client_key, issuer, aud)
        self._began = int(clock())
        self._seen: OrderedDict[str, float] = OrderedDict()

    def receive(self, body: bytes, signature: str) -> HandedOver:
        """The payload. Raises Refused; nothing of the body is read before its signature is found good."""
        if not signed.is_signed(body, signature, self._secret):
            raise MessageRefused("The signature is not good.")
        try:
            raw = json.loads(body)
            message = HandedOver.model_validate(raw)
        except (ValueError, ValidationError, RecursionError):
            raise MessageRefused("The message is not what the relay sends.") from None
        now = self._clock()
        if not signed.is_timely(raw, now) or message.ts < self._began:
            raise MessageRefused("The message is too old, or the clocks differ by more than a minute.")
        if (message.client_key, message.issuer, message.aud) != self._expected:
            raise MessageRefused("The message is meant for another chatbot.")
        self._remember(message.nonce, now)
        return message

    def _remember(self, nonce: str, now: float) -> None:
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if nonce in self._seen:
            raise MessageRefused("This message was sent before.")
        self._seen[nonce] = now + signed.REMEMBER_SECONDS
