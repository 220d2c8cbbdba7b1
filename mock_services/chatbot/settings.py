"""The chatbot's settings, read once at start."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from common.ports import HttpPort, PublicUrl
from common.settings import CommonSettings


class ChatbotSettings(CommonSettings):
    """Where the relay, Vault and the Jira MCP server are, and what the chatbot is known by."""

    mock_chatbot_port: HttpPort = Field(8003, description="Port of the mock chatbot.")
    chatbot_url: str = Field("http://localhost:8003", description="The chatbot as the relay reaches it.")
    chatbot_public_url: PublicUrl = Field("http://localhost:8003", description="The chatbot as browsers see it.")
    chatbot_client_key: str = Field("demo-chatbot", description="Its key in the relay's `clients.json`.")
    chatbot_client_id: str = Field("chatbot-relay", description="Its client at Keycloak; the secret lies in Vault.")
    chatbot_messenger_key: SecretStr = Field(
        SecretStr("demo-chatbot-messenger-key"), description="What the messenger proves itself with to the chatbot."
    )
    relay_url: str = Field("http://localhost:5600", description="The login relay as the chatbot reaches it.")
    relay_to_chatbot_hmac_secret: SecretStr = Field(
        SecretStr("demo-relay-to-chatbot-hmac-secret-of-demo-chatbot"),
        description="Signs what passes between the relay and this chatbot.",
    )
    vault_role_id: str = Field("chatbot", description="Its role at Vault's AppRole login.")
    vault_secret_id: SecretStr = Field(
        SecretStr("demo-chatbot-vault-secret-id"), description="Its secret id at Vault's AppRole login."
    )
    mcp_jira_url: str = Field("http://localhost:3001/mcp", description="The Jira MCP server.")

    def unused_fields(self) -> frozenset[str]:
        """This process has no access to the shared state."""
        return super().unused_fields() | {"state_dsn"}

    @property
    def callback_url(self) -> str:
        """Where the relay hands tokens over."""
        return f"{self.chatbot_url.rstrip('/')}/relay/callback"

    @property
    def allowed_hosts(self) -> list[str]:
        """Every ``Host`` that is answered; anything else may be DNS rebinding."""
        urls = (self.chatbot_url, self.chatbot_public_url)
        return ["localhost", "127.0.0.1", *(urlsplit(url).hostname or "localhost" for url in urls)]
