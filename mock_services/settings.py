"""What the mock services read from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mock_services.oauth.server import OAuthApp

LAB = ("attack-lab", "demo-attack-lab-secret")
"""The app's attack lab as a program of its own (id, secret): what it plays through touches nobody's connection."""


class MockSettings(BaseSettings):
    """Environment variables carry the field's name in upper case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    profile: Literal["demo", "production"] = Field("demo", description="The mocks start in the demo profile only.")
    bind_host: str = Field("127.0.0.1", description="Address the process listens on; containers set 0.0.0.0.")
    mock_jira_port: int = Field(8001, ge=1, le=65535, description="Port of the mock Jira.")
    mock_github_port: int = Field(8002, ge=1, le=65535, description="Port of the mock GitHub.")
    mock_users_file: Path = Field(
        Path("init/users.yaml"), description="People and their tokens; read again whenever the file changes."
    )
    mock_room_file: Path | None = Field(
        None, description="The people of a room, beside them; it need not be there, and may come later."
    )
    mock_app_url: str = Field("http://localhost:8501", description="The program that people may let in: the app.")
    jira_oauth_client_id: str = Field(
        "", description="Its id at the mock Atlassian; empty: it is not registered there."
    )
    jira_oauth_client_secret: SecretStr | None = Field(None, description="Its secret there.")
    github_oauth_client_id: str = Field("", description="Its id at the mock GitHub; empty: it is not registered there.")
    github_oauth_client_secret: SecretStr | None = Field(None, description="Its secret there.")
    mock_oauth_access_seconds: int = Field(0, ge=0, description="Life of access tokens; 0: the real provider's.")
    mock_oauth_dir: Path | None = Field(None, description="Where grants outlive a restart; digests only.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Host names served beside `localhost` and `127.0.0.1`, separated by commas."
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("profile")
    @classmethod
    def _only_the_demos(cls, profile: str) -> str:
        if profile != "demo":
            raise ValueError("PROFILE=production, but the mock Jira and GitHub take the demo's published tokens")
        return profile

    def programs(self, provider: Literal["jira", "github"]) -> list[OAuthApp]:
        """The programs that are registered at a provider."""
        client_id: str = getattr(self, f"{provider}_oauth_client_id")
        secret: SecretStr | None = getattr(self, f"{provider}_oauth_client_secret")
        if not client_id or secret is None:
            return []
        app = self.mock_app_url.rstrip("/")
        own = OAuthApp(client_id, secret.get_secret_value(), "MCP Remote Vault", (f"{app}/auth/connected/{provider}",))
        return [own, OAuthApp(*LAB, "Attack lab", (f"{app}/attack-lab",))]

    def kept(self, provider: str) -> Path | None:
        """The file of a provider's grants."""
        return self.mock_oauth_dir / f"{provider}-grants.json" if self.mock_oauth_dir is not None else None

    @property
    def hosts(self) -> list[str]:
        """Every ``Host`` that is answered; anything else may be DNS rebinding."""
        return ["localhost", "127.0.0.1", *self.allowed_hosts]
