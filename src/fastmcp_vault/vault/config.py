"""The application's configuration: `config.ini`, with the environment above it, and the hand-over of its secret id.

A key of a section is a field here and a variable in the environment: ``[vault] role_id`` is ``VAULT_ROLE_ID``.
"""

from __future__ import annotations

import configparser
import io
import os
import time
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fastmcp_vault.errors import ConfigError, VaultDenied, VaultError
from fastmcp_vault.files import write_private
from fastmcp_vault.vault.client import Vault


class ClientConfig(BaseSettings):
    """What the application is, where its Vault is, and which secrets it keeps. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_ignore_empty=True)

    vault_entity: str = Field("my-vault-app", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    vault_url: str = "http://localhost:8200"
    vault_namespace: str = ""
    vault_role_id: str = ""
    vault_secret_id: SecretStr = SecretStr("")
    vault_secret_id_expires: float = 0.0
    """When the secret id ends, where that is known (seconds since the epoch)."""
    vault_secret_id_wrapped: SecretStr = SecretStr("")
    """A wrapping token, good once, that holds the secret id."""
    kv_secret_enabled: bool = True
    kv_secret_path: str = "app"  # noqa: S105 - where it is, not what it is
    kv_secret_refresh_interval: float = Field(5.0, ge=0.1)
    database_dynamic_enabled: bool = True
    database_dynamic_role_id: str = "my-vault-app-dynamic"
    database_static_enabled: bool = True
    database_static_role_id: str = "my-vault-app-static"
    http_timeout: float = Field(30.0, gt=0)
    http_max_response_size: int = Field(4096, ge=256)

    @property
    def kv_mount(self) -> str:
        """``{entity}-kv``."""
        return f"{self.vault_entity}-kv"

    @property
    def database_mount(self) -> str:
        """``{entity}-database``."""
        return f"{self.vault_entity}-database"

    def vault(self) -> Vault:
        """A client for this configuration."""
        return Vault(
            self.vault_url,
            namespace=self.vault_namespace,
            timeout=self.http_timeout,
            max_response_size=self.http_max_response_size,
            kv_mount=self.kv_mount,
            database_mount=self.database_mount,
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
        """The environment first, then what the file said."""
        return env_settings, init_settings


def read(path: Path | None) -> ClientConfig:
    """The configuration in this file, or, with None, in the environment alone.

    Raises ConfigError naming the file or the key at fault, never a value.
    """
    try:
        return ClientConfig(**_flat(path))
    except ValidationError as error:
        faults = "; ".join(f"{_key(e['loc'])}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigError(
            f"The configuration cannot be used: {faults}.", fix=f"See {path or 'the environment'}."
        ) from None


async def secret_id(config: ClientConfig, vault: Vault, path: Path | None) -> tuple[SecretStr, float]:
    """The secret id and when it ends (0: not known); one that came wrapped is opened, and kept in the file.

    Raises ConfigError where there is none, or somebody opened it before; VaultUnavailable.
    """
    if config.vault_secret_id.get_secret_value():
        from_file = not os.environ.get("VAULT_SECRET_ID")
        return config.vault_secret_id, config.vault_secret_id_expires if from_file else 0.0
    wrapped = config.vault_secret_id_wrapped
    if not wrapped.get_secret_value():
        raise ConfigError("There is no secret id.", fix="Set `secret_id` in [vault], or VAULT_SECRET_ID.")
    try:
        opened = await vault.unwrap(wrapped)
    except (VaultError, VaultDenied) as error:
        raise ConfigError(
            "The wrapping token for the secret id is used up or its time is over.",
            fix="If it was not you who used it, somebody else holds the secret id. An administrator makes a new one.",
        ) from error
    ttl = float(opened.get("secret_id_ttl") or 0)
    found, expires = SecretStr(str(opened["secret_id"])), time.time() + ttl if ttl else 0.0
    if path is not None:
        _keep(path, found, expires)
    return found, expires


def _write(path: Path, sections: dict[str, dict[str, str]]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(sections)
    text = io.StringIO()
    parser.write(text)
    write_private(path, text.getvalue())


def sections(path: Path) -> dict[str, dict[str, str]]:
    """A configuration file as it stands. Raises ConfigError."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no {path}.", fix="Write one, or say where it is with `--config`.") from error
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigError(f"{path} cannot be read ({type(error).__name__}).", fix="It is an INI file.") from error
    return {name: dict(parser[name]) for name in parser.sections()}


def _keep(path: Path, found: SecretStr, expires: float) -> None:
    known = sections(path)
    known.setdefault("vault", {}).pop("secret_id_wrapped", None)
    known["vault"] |= {"secret_id": found.get_secret_value(), "secret_id_expires": str(expires)}
    _write(path, known)


def _flat(path: Path | None) -> dict[str, Any]:
    found = {} if path is None else sections(path)
    return {f"{section}_{key}": value for section, keys in found.items() for key, value in keys.items()}


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
