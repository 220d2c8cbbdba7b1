"""Settings that more than one process shares; each process adds its own in a subclass, read once at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, create_model, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from common import production
from common.ports import PublicUrl
from common.secret_files import SecretFiles
from common.servers import SERVERS, ServerSpec
from fastmcp_vault.errors import ConfigError

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
SSLMODE: Any = Field("disable", description="libpq's `sslmode` for that database; outside the demo `require` or more.")
"""The setting of the processes that open the tools' database."""

SECRET_IDS = frozenset({"vault_secret_id", "example_secret_id"})
"""Settings that a process with a ServiceAccount's token does not use."""

SERVER_AUDIENCE_PREFIX = "mcp-"
"""Audiences of MCP servers begin so. A token that our services accept names at most one of them."""


class CommonSettings(BaseSettings):
    """Addresses and the profile. Environment variables carry the field's name in upper case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    profile: Literal["demo", "production"] = Field(
        "demo", description="`production` refuses demo secrets, the lab clients and plain-HTTP issuers at start."
    )
    bind_host: str = Field("127.0.0.1", description="Address the process listens on; containers set 0.0.0.0.")
    keycloak_url: str = Field("http://localhost:8080", description="Keycloak as this process reaches it.")
    keycloak_public_url: PublicUrl = Field(
        "http://localhost:8080", description="Keycloak as browsers see it: the issuer."
    )
    keycloak_realm: str = Field("mcp-demo", description="Realm of the people and clients.")
    vault_addr: str = Field("http://localhost:8200", description="Vault or OpenBao as this process reaches it.")
    state_dsn: SecretStr = Field(
        SecretStr("postgresql://mcp_state:mcp_state@localhost:5432/mcp_state"),
        description="PostgreSQL database `mcp_state`: sessions, ended sessions, suspensions.",
    )

    vault_service_account_token: Path | None = Field(
        None,
        description="File with a Kubernetes ServiceAccount's token: the process logs in to Vault with it, and needs no "
        "secret id.",
    )
    vault_service_account_mount: str = Field(
        "kubernetes", description="Where Vault's Kubernetes auth method is mounted."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A secret may stand in a file that ``NAME_FILE`` names."""
        variables = (env_settings, dotenv_settings)
        files = (SecretFiles(settings_cls, v.env_vars) for v in variables if isinstance(v, EnvSettingsSource))
        return (init_settings, *files, *variables)

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token of the realm."""
        return f"{self.keycloak_public_url.rstrip('/')}/realms/{self.keycloak_realm}"

    @property
    def jwks_url(self) -> str:
        """Where this process fetches the realm's signing keys (RFC 7517)."""
        return f"{self.keycloak_url.rstrip('/')}/realms/{self.keycloak_realm}/protocol/openid-connect/certs"

    def demo_defaults(self) -> list[str]:
        """Names of the secret fields that still hold the value written in this repository."""
        return [
            name
            for name, field in type(self).model_fields.items()
            if isinstance(field.default, SecretStr) and getattr(self, name) == field.default
        ]

    def unused_fields(self) -> frozenset[str]:
        """Fields that this process never uses, so that nobody has to set them."""
        return SECRET_IDS if self.vault_service_account_token else frozenset()

    @model_validator(mode="after")
    def _safe_outside_demo(self) -> Self:
        if self.profile != "demo":
            unused = self.unused_fields()
            left = [name for name in self.demo_defaults() if name not in unused]
            found = production.faults(self, demo_defaults=left, unused=unused)
            if found:
                raise ValueError("; ".join(f"PROFILE=production, but {fault}" for fault in found))
        return self


S = TypeVar("S", bound=CommonSettings)


def with_servers(base: type[S], fields: Callable[[ServerSpec], Mapping[str, tuple[Any, Any]]]) -> type[S]:
    """``base`` with ``fields`` (name → type and pydantic's Field) for each MCP server there is.

    A type checker cannot follow it: give it ``base`` under ``TYPE_CHECKING``, and read the fields by their names.
    """
    more = {name: made for spec in SERVERS.values() for name, made in fields(spec).items()}
    return create_model(base.__name__, __base__=base, **more)  # type: ignore[call-overload, no-any-return]


def load(kind: type[S]) -> S:
    """Read one process's settings from the environment and ``.env``.

    Raises ConfigError naming each variable at fault, never its value.
    """
    try:
        return kind()
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(p) for p in e['loc']).upper() or 'settings'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False, include_url=False)
        )
        raise ConfigError(
            f"The settings cannot be used: {faults}.", fix="Set them in the environment or in .env."
        ) from None
