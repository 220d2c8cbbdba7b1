"""What the mock services read from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


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

    @property
    def hosts(self) -> list[str]:
        """Every ``Host`` that is answered; anything else may be DNS rebinding."""
        return ["localhost", "127.0.0.1", *self.allowed_hosts]
