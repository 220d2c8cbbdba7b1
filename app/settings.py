"""The app's settings, read once at start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, model_validator

from common.accounts import AccountSettings
from common.host_check import LOCAL
from common.ports import HttpPort, PublicUrl
from common.servers import MCP_SERVERS
from common.settings import SSLMODE, SslMode, with_servers

if TYPE_CHECKING:
    _ServerAddresses = AccountSettings
else:
    _ServerAddresses = with_servers(
        AccountSettings,
        lambda spec: {
            f"mcp_{spec.name}_url": (
                str,
                Field(f"http://localhost:{spec.port}/mcp", description=f"The {spec.title} MCP server."),
            )
        },
    )


class AppSettings(_ServerAddresses):
    """Addresses, the app's Keycloak client, and the key that sessions are encrypted with."""

    app_port: HttpPort = Field(8501, description="Port of the app.")
    app_public_url: PublicUrl = Field("http://localhost:8501", description="The app as browsers see it.")
    app_allowed_hosts: str = Field(
        "", description="Further names, comma-separated, that may stand in `Host` (a container's name)."
    )
    app_client_id: str = Field("mcp-demo-app", description="The app's client at Keycloak.")
    app_client_secret: SecretStr = Field(SecretStr("demo-app-secret"), description="That client's secret.")
    app_session_key: SecretStr = Field(
        SecretStr("ZGVtby1zZXNzaW9uLWtleS1kZW1vLXNlc3Npb24ta2U="),
        description="Fernet key that sessions in `mcp_state` are encrypted with.",
    )
    vault_role_id: str = Field("app", description="Role id of the app's own Vault login: it revokes, and reads rules.")
    vault_secret_id: SecretStr = Field(SecretStr("demo-app-vault-secret-id"), description="Its secret id.")
    example_entity: str = Field("my-vault-app", description="The example application that a page shows.")
    example_role_id: str = Field("example-view", description="Role id at Vault for that page: the same rights to read.")
    example_secret_id: SecretStr = Field(SecretStr("demo-example-view-vault-secret-id"), description="Its secret id.")
    audit_file: str = Field(
        "",
        description="Vault's audit log, where the app can read it; of several (a:b) the first that is there. "
        "Empty: no page shows it.",
    )
    logs_dir: str = Field(
        "",
        description="Where the MCP servers, PostgreSQL and the mocks log, for the facilitator's Audit page.",
    )
    postgres_host: str = Field("localhost", description="The database that people's database users open.")
    postgres_port: int = Field(5432, description="Its port.")
    postgres_database: str = Field("shop", description="Its name.")
    postgres_sslmode: SslMode = SSLMODE
    token_api_url: str = Field("http://localhost:5001", description="The token API.")
    chatbot_url: str = Field("http://localhost:8003", description="The mock chatbot as this process reaches it.")
    auth_relay_url: str = Field(
        "http://localhost:5600", description="The login relay as this process reaches it, for the attack lab."
    )
    chatbot_messenger_key: SecretStr = Field(
        SecretStr("demo-chatbot-messenger-key"), description="What the app, as its messenger, proves itself with there."
    )
    lab_client_secret: SecretStr = Field(
        SecretStr("demo-lab-secret"), description="Secret of the `lab-*` clients; used in the demo profile only."
    )
    lab_users_file: Path | None = Field(
        None, description="The demo's people and their published passwords, for the attack lab; demo profile only."
    )
    lab_room_file: Path | None = Field(None, description="The people of a room, beside them; it need not be there.")
    agent_auth_url: str = Field("https://localhost:8443", description="The agents' auth server.")
    biz_service_url: str = Field("http://localhost:5000", description="The business service, plain HTTP.")
    biz_service_tls_url: str = Field("https://localhost:5443", description="The same with mutual TLS.")

    def unused_fields(self) -> frozenset[str]:
        """Outside the demo the attack lab is closed."""
        return super().unused_fields() | (frozenset() if self.profile == "demo" else {"lab_client_secret"})

    @property
    def redirect_uri(self) -> str:
        """Where Keycloak sends the browser back to after sign-in."""
        return f"{self.app_public_url.rstrip('/')}/auth/callback"

    @property
    def public_host(self) -> str:
        """The host name of the app's public address."""
        return urlsplit(self.app_public_url).hostname or "localhost"

    @property
    def allowed_hosts(self) -> list[str]:
        """Names that may stand in ``Host``; anything else may be DNS rebinding."""
        return [self.public_host, *(name.strip() for name in self.app_allowed_hosts.split(",") if name.strip())]

    @property
    def public_origin(self) -> str:
        """Scheme, host and port of the app's public address, as browsers write it in ``Origin``."""
        return origin_of(self.app_public_url)

    @property
    def https(self) -> bool:
        """True when browsers reach the app by https, and cookies are to be ``Secure``."""
        return urlsplit(self.app_public_url).scheme == "https"

    @property
    def browsers_only(self) -> bool:
        """True when people come from other devices, and the MCP servers' addresses lead to this one alone: a room."""
        here = {urlsplit(self.mcp_url(server)).hostname for server in MCP_SERVERS}
        return self.public_host not in LOCAL and here <= LOCAL

    def mcp_url(self, server: str) -> str:
        """The MCP endpoint of ``server`` (jira, github, postgres)."""
        return str(getattr(self, f"mcp_{server}_url"))

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            Fernet(self.app_session_key.get_secret_value())
        except ValueError:
            raise ValueError("APP_SESSION_KEY is not a Fernet key (32 bytes, url-safe base64)") from None
        return self


def origin_of(url: str) -> str:
    """``scheme://host[:port]`` of ``url`` as browsers write it (RFC 6454 §6.2): lower case, no usual port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")
