"""What lies in the database unreadable: contents encrypted, ids as hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError


class SealedBox:
    """Encrypts and decrypts. The first of ``keys`` (Fernet keys) encrypts, all decrypt, so that they can be rotated.

    Raises ConfigError for a key that is none.
    """

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        except ValueError:
            # Not chained: the cause's text may quote the key.
            raise ConfigError(
                "APP_SESSION_KEY is not a Fernet key.",
                fix="It is 32 random bytes in URL-safe base64: `python3 -c 'import base64, os;"
                " print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`.",
            ) from None

    def seal(self, data: bytes) -> bytes:
        """``data``, readable with one of the keys only."""
        return self._fernet.encrypt(data)

    def opened(self, sealed: bytes, *, within: float | None = None) -> bytes | None:
        """What was sealed, at most ``within`` seconds ago; None when that is longer ago, or no key fits (any more)."""
        try:
            return self._fernet.decrypt(sealed, ttl=None if within is None else int(within))
        except InvalidToken:
            return None


def id_hash(secret_id: str) -> bytes:
    """What stands for an id of 256 random bits. A plain hash is enough: nobody can guess one from its hash."""
    return hashlib.sha256(secret_id.encode()).digest()
