"""The registered chatbots: `clients.json`, its placeholders filled in, its secrets from the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from common.production import SHORTEST_KEY, address_fault, secret_fault
from common.secret_files import secret_of_file
from fastmcp_vault.errors import ConfigError
from services.auth_relay.problems import UnknownClientKey
from services.auth_relay.redirects import is_plain
from services.auth_relay.settings import RelaySettings

_PLACEHOLDER = re.compile(r"\{([A-Z_]+)\}")
_NOT_A_PLACEHOLDER = frozenset({"jwt_secret", "state_dsn"})
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Client(BaseModel):
    """One chatbot. ``callback_urls`` and ``redirect_after`` are whole addresses; a query may be added to the latter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    name: str
    server_url: str
    realm: str
    client_id: str
    redirect_uri: str
    issuer: str
    scope: str = "openid offline_access"
    exchanges: str = ""
    """Scopes that the chatbot exchanges its tokens for: the person agrees to them, and its own tokens lack them."""
    client_secret: SecretStr = Field(min_length=1)
    hmac_secret: SecretStr = Field(min_length=SHORTEST_KEY)
    callback_urls: tuple[str, ...] = Field(min_length=1)
    redirect_after: tuple[str, ...] = Field(min_length=1)

    @property
    def keycloak_public_url(self) -> str:
        """Keycloak as browsers see it: the issuer without its realm."""
        return self.issuer.removesuffix(f"/realms/{self.realm}")


class Clients:
    """Every registered client by its key. Raises ConfigError when the file or a secret cannot be used."""

    def __init__(self, settings: RelaySettings, *, environment: Mapping[str, str | None] | None = None) -> None:
        values = {**dotenv_values(".env"), **os.environ} if environment is None else environment
        self._clients = {key: _client(key, raw, settings, values) for key, raw in _read(settings).items()}
        _check(list(self._clients.values()), settings)

    def all(self) -> tuple[Client, ...]:
        """Every client."""
        return tuple(self._clients.values())

    def get(self, key: str) -> Client:
        """The client of that key. Raises UnknownClientKey."""
        if key not in self._clients:
            raise UnknownClientKey(
                "No chatbot is registered under this client key.", fix="Register it in the relay's `clients.json`."
            )
        return self._clients[key]


def secret_names(key: str) -> tuple[str, str]:
    """The environment variables that may hold a client's Keycloak secret, in order."""
    return f"{key.upper().replace('-', '_')}__SECRETS", f"{key}__secrets"


def _read(settings: RelaySettings) -> dict[str, dict[str, object]]:
    try:
        found = json.loads(settings.clients_file.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The relay's clients cannot be read from {settings.clients_file}.", fix="CLIENTS_FILE names a JSON file."
        ) from error
    if not isinstance(found, dict) or not all(
        _KEY.fullmatch(key) and isinstance(raw, dict) for key, raw in found.items()
    ):
        raise ConfigError(
            f"{settings.clients_file} is not an object of clients by key.",
            fix="Keys have lower-case letters, digits and `-`.",
        )
    return found


def _client(
    key: str, raw: Mapping[str, object], settings: RelaySettings, environment: Mapping[str, str | None]
) -> Client:
    filled: dict[str, object] = {name: _filled(value, settings) for name, value in raw.items()}
    if not filled.get("client_secret"):
        given = (environment.get(name) or secret_of_file(environment, name) for name in secret_names(key))
        filled["client_secret"] = next((value for value in given if value), _from_settings(key, settings))
    if not filled.get("hmac_secret"):
        name = f"{key.upper().replace('-', '_')}__HMAC_SECRET"
        filled["hmac_secret"] = environment.get(name) or secret_of_file(environment, name) or ""
    try:
        return Client.model_validate({**filled, "key": key})
    except ValidationError as error:
        wrong = ", ".join(sorted({str(e["loc"][0]) for e in error.errors(include_input=False)}))
        raise ConfigError(
            f"The relay's client {key} cannot be used: {wrong}.",
            fix=f"`clients.json` and {secret_names(key)[0]} hold what is missing.",
        ) from None


def _from_settings(key: str, settings: RelaySettings) -> str:
    value = getattr(settings, secret_names(key)[0].lower(), None)
    return value.get_secret_value() if isinstance(value, SecretStr) else ""


def _filled(value: object, settings: RelaySettings) -> object:
    if isinstance(value, list):
        return [_filled(each, settings) for each in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name not in type(settings).model_fields or name in _NOT_A_PLACEHOLDER:
            raise ConfigError(f"clients.json names {match[0]}, which is no setting of the relay.")
        known = getattr(settings, name)
        return known.get_secret_value() if isinstance(known, SecretStr) else str(known).rstrip("/")

    return _PLACEHOLDER.sub(fill, value)


def _check(clients: list[Client], settings: RelaySettings) -> None:
    for client in clients:
        addresses = (*client.callback_urls, *client.redirect_after)
        odd = [url for url in (client.redirect_uri, client.issuer, *addresses) if not is_plain(url) or "?" in url]
        if odd:
            raise ConfigError(f"The relay's client {client.key} lists {odd[0]}, which is not a plain http(s) address.")
        if not client.issuer.endswith(f"/realms/{client.realm}"):
            raise ConfigError(f"The relay's client {client.key} names an issuer that is not its realm.")
        if "openid" not in client.scope.split():
            raise ConfigError(f"The relay's client {client.key} does not ask for the scope openid.")
        if settings.profile != "demo":
            _check_outside_demo(client)
    if len({client.hmac_secret.get_secret_value() for client in clients}) != len(clients):
        raise ConfigError("Two clients of the relay share one HMAC secret.", fix="Give each its own.")


def _check_outside_demo(client: Client) -> None:
    whose = f"PROFILE=production, but the relay's client {client.key}"
    for name, secret in (("client_secret", client.client_secret), ("hmac_secret", client.hmac_secret)):
        if fault := secret_fault(name, secret.get_secret_value()):
            raise ConfigError(f"{whose} cannot be used: {fault}.")
    seen = (client.redirect_uri, client.issuer, *client.redirect_after)
    called = (client.server_url, *client.callback_urls)
    if any(address_fault("it", url, public=True) for url in seen) or any(address_fault("it", url) for url in called):
        raise ConfigError(f"{whose} lists an address without https.")
