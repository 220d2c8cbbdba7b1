"""The relay's settings, read once at start."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from common.ports import HttpPort, PublicUrl
from common.production import SHORTEST_KEY
from common.settings import CommonSettings


class RelaySettings(CommonSettings):
    """Addresses, secrets and times. Values of `clients.json` may name the addresses: ``{BASE_URL}`` and so on."""

    relay_port: HttpPort = Field(5600, description="Port of the login relay.")
    relay_workers: int = Field(1, ge=1, le=32, description="Processes that serve it; they share SESSION_CACHE_DIR.")
    relay_allowed_hosts: str = Field("", description="Further names that may stand in `Host`, comma-separated.")
    base_url: PublicUrl = Field("http://localhost:5600", description="The relay as browsers see it.")
    jwt_secret: SecretStr = Field(
        SecretStr("demo-relay-jwt-secret-which-signs-login-links"), description="Signs the login links (HS256)."
    )
    relay_to_chatbot_hmac_secret: SecretStr = Field(
        SecretStr("demo-relay-to-chatbot-hmac-secret-of-demo-chatbot"),
        description="Signs what passes between the relay and the demo client.",
    )
    demo_chatbot__secrets: SecretStr = Field(
        SecretStr("demo-chatbot-relay-secret"),
        description="Keycloak secret of the client `demo-chatbot`; other clients have variables of their own.",
    )
    state_ttl_seconds: int = Field(600, ge=1, description="How long a sign-in at Keycloak may take.")
    lit_ttl_seconds: int = Field(300, ge=1, description="How long a login link is good.")
    callback_timeout_seconds: float = Field(
        4.0, gt=0, description="How long one of three attempts to reach a chatbot may take; a person waits meanwhile."
    )
    session_cache_dir: Path = Field(Path(".cache/sessions"), description="Sign-ins under way, shared by the workers.")
    clients_file: Path = Field(Path(__file__).with_name("clients.json"), description="The registered chatbots.")
    chatbot_url: str = Field("http://localhost:8003", description="The demo chatbot as the relay reaches it.")
    chatbot_public_url: PublicUrl = Field("http://localhost:8003", description="The demo chatbot as browsers see it.")
    app_public_url: PublicUrl = Field("http://localhost:8501", description="The app as browsers see it.")
    debug: bool = Field(False, description="Log more, and serve the interactive API pages at /docs.")

    @property
    def origin(self) -> str:
        """Scheme, host and port of the relay's public address, as browsers write it in ``Origin``."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def https(self) -> bool:
        """True when browsers reach the relay by https, and cookies are to be ``Secure``."""
        return urlsplit(self.base_url).scheme == "https"

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for name in ("jwt_secret", "relay_to_chatbot_hmac_secret"):
            if len(getattr(self, name).get_secret_value().encode()) < SHORTEST_KEY:
                raise ValueError(f"{name.upper()} needs at least {SHORTEST_KEY} bytes")
        return self
