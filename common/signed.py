"""Messages between two programs that share a secret: canonical JSON, HMAC-SHA256, a clock and a nonce.

A message is a JSON object with ``ts`` (seconds since the epoch, an integer) and ``nonce``. It is sent as canonical JSON
(sorted keys, no spaces, UTF-8), and the header ``X-Relay-Signature`` holds its HMAC-SHA256 (RFC 2104) in base64url
without padding (RFC 4648 §5).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

HEADER = "X-Relay-Signature"

SKEW_SECONDS = 60
"""How far ``ts`` may be from the receiver's clock, either way."""

REMEMBER_SECONDS = 2 * SKEW_SECONDS + 1
"""How long a nonce must be remembered: as long as a message with it could pass for timely."""


def canonical(message: Mapping[str, Any]) -> bytes:
    """The message as the bytes that are signed and sent."""
    return json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signature(body: bytes, secret: SecretStr) -> str:
    """The header's value for these bytes."""
    digest = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def is_signed(body: bytes, given: str, secret: SecretStr) -> bool:
    """Whether ``given`` is the signature of exactly these bytes; compared in constant time."""
    return hmac.compare_digest(signature(body, secret).encode(), given.encode("utf-8", "replace"))


def is_timely(message: Mapping[str, Any], now: float) -> bool:
    """Whether the message's ``ts`` is within the skew of ``now`` (seconds since the epoch)."""
    ts = message.get("ts")
    return isinstance(ts, int) and not isinstance(ts, bool) and abs(now - ts) <= SKEW_SECONDS
