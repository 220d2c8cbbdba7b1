"""What the room's front reads from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from common.ports import HttpPort
from common.settings import CommonSettings


class RoomSettings(CommonSettings):
    """Where people reach the room, its certificate, and the servers behind it, which listen on loopback."""

    room_address: str = Field("127.0.0.1", description="Host name or IPv4 address that people open.")
    room_bind: str = Field("127.0.0.1", description="Address that the front listens on.")
    room_port: HttpPort = Field(4443, description="Port of the front, HTTPS.")
    room_page_port: HttpPort = Field(4080, description="Port of the page with the authority's certificate, plain HTTP.")
    room_certificate: Path = Field(
        Path("front.pem"), description="The front's certificate and its chain (PEM), with or without its key."
    )
    room_key: Path | None = Field(None, description="The key (PEM), where it lies in a file of its own.")
    room_authority: Path | None = Field(
        None, description="The authority's certificate (PEM) that people have to trust; none: no page hands one out."
    )
    app_url: str = Field("http://localhost:8501", description="The app as this process reaches it.")
    keycloak_pages_url: str = Field(
        "",
        description="Keycloak's port that takes the PROXY protocol (HAProxy, version 1), which tells it the browser's "
        "address; without it Keycloak takes this process for every browser.",
    )
    auth_relay_url: str = Field("http://localhost:5600", description="The login relay, likewise.")
    chatbot_url: str = Field("http://localhost:8003", description="The mock chatbot, likewise.")
    mock_jira_url: str = Field("http://localhost:8001", description="The mock Jira, likewise.")
    mock_github_url: str = Field("http://localhost:8002", description="The mock GitHub, likewise.")

    def unused_fields(self) -> frozenset[str]:
        """This process has no access to the shared state, nor to Vault."""
        return super().unused_fields() | {"state_dsn", "vault_addr"}

    @property
    def origin(self) -> str:
        """Scheme, host and port of every page in the room."""
        return f"https://{self.room_address}:{self.room_port}"

    @property
    def page(self) -> str:
        """The address of the page that hands out the authority's certificate."""
        return f"http://{self.room_address}:{self.room_page_port}/"
