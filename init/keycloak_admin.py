"""Keycloak's administrative side, for provisioning: get, post, put and delete a path, sync, each failure explained."""

from __future__ import annotations

import json
from typing import Any, Self

import requests
from keycloak import KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakConnectionError, KeycloakError
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError, KeycloakRefused, KeycloakUnavailable
from fastmcp_vault.http import TimedSession
from init.settings import InitSettings

TIMEOUT_SECONDS = 120.0
"""An import of some hundred people hashes some hundred passwords."""

CONNECTIONS = 8


class RealmAdmin:
    """Keycloak's admin REST API, as an administrator of realm ``master``. Safe to use from several threads at once.

    Paths are relative to ``/admin/realms``. Every method raises KeycloakUnavailable when Keycloak does
    not answer, ConfigError when it does not let the administrator in, KeycloakRefused for any other refusal.
    """

    def __init__(self, base_url: str, *, username: str, password: SecretStr) -> None:
        self._base = base_url.rstrip("/")
        self._session = TimedSession(timeout=TIMEOUT_SECONDS, connections=CONNECTIONS)
        self._connection = KeycloakOpenIDConnection(
            server_url=f"{self._base}/",
            username=username,
            password=password.get_secret_value(),
            realm_name="master",
            timeout=None,
        )
        for connection in (self._connection, self._connection.keycloak_openid.connection):
            connection._s.close()
            connection._s = self._session

    @classmethod
    def of(cls, settings: InitSettings) -> Self:
        """As the administrator that the settings name."""
        return cls(settings.keycloak_url, username=settings.keycloak_admin, password=settings.keycloak_admin_password)

    def log_in(self) -> None:
        """Get the administrator's token now, so that threads do not each get one."""

        def get_token() -> requests.Response:
            self._connection.get_token()
            return _NOTHING

        self._ask("signing the administrator in", get_token)

    def get(self, path: str, **query: Any) -> Any:
        """What is at ``path``, or None when there is nothing."""
        answer = self._ask(f"reading {path}", lambda: self._connection.raw_get(f"admin/realms{path}", **query), 404)
        return None if answer.status_code == 404 else answer.json()

    def post(self, path: str, payload: Any) -> str:
        """Create below ``path``; the new object's id, where Keycloak names it in ``Location``."""
        body = json.dumps(payload)
        answer = self._ask(f"creating at {path}", lambda: self._connection.raw_post(f"admin/realms{path}", data=body))
        return answer.headers.get("Location", "").rpartition("/")[2]

    def put(self, path: str, payload: Any) -> None:
        """Replace what is at ``path``."""
        body = json.dumps(payload)
        self._ask(f"writing {path}", lambda: self._connection.raw_put(f"admin/realms{path}", data=body))

    def delete(self, path: str, payload: Any = None) -> None:
        """Delete what is at ``path``; nothing there is fine."""
        body = None if payload is None else json.dumps(payload)
        self._ask(f"deleting {path}", lambda: self._connection.raw_delete(f"admin/realms{path}", data=body), 404)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _ask(self, doing: str, call: Any, *allowed: int) -> requests.Response:
        try:
            answer: requests.Response = call()
        except KeycloakConnectionError as error:
            raise KeycloakUnavailable(f"Keycloak at {self._base} did not answer, while {doing}.") from error
        except KeycloakError as error:
            raise self._refusal(error.response_code or 0, error.response_body, doing) from error
        if answer.status_code >= 400 and answer.status_code not in allowed:
            raise self._refusal(answer.status_code, answer.content, doing)
        return answer

    def _refusal(
        self, status: int, body: bytes | None, doing: str
    ) -> ConfigError | KeycloakUnavailable | KeycloakRefused:
        said = _words(body)
        if status == 401:
            return ConfigError(
                f"Keycloak did not let the administrator in, while {doing}{said}.",
                fix="Check KEYCLOAK_ADMIN and KEYCLOAK_ADMIN_PASSWORD.",
            )
        if status == 0 or status >= 500:
            return KeycloakUnavailable(f"Keycloak had an internal error, while {doing}{said}.")
        return KeycloakRefused(f"Keycloak refused (HTTP {status}), while {doing}{said}.")


def check_ready(base_url: str) -> None:
    """Return when Keycloak serves its realm ``master``. Raises KeycloakUnavailable."""
    with TimedSession(timeout=3.0) as session:
        try:
            answer = session.get(f"{base_url.rstrip('/')}/realms/master")
        except requests.RequestException as error:
            raise KeycloakUnavailable(f"Keycloak at {base_url} cannot be reached.") from error
    if answer.status_code != 200:
        raise KeycloakUnavailable(f"Keycloak at {base_url} answers HTTP {answer.status_code}.")


_NOTHING = requests.Response()
_NOTHING.status_code = 204


def _words(body: bytes | None) -> str:
    try:
        parsed = json.loads(body or b"")
    except ValueError:
        return ""
    if not isinstance(parsed, dict):
        return ""
    words = parsed.get("errorMessage") or parsed.get("error_description") or parsed.get("error") or ""
    return f": {str(words)[:300]}" if words else ""
