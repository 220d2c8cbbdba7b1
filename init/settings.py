"""Settings of the provisioning run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from common.accounts import AccountSettings
from common.ports import PublicUrl
from common.servers import ServerSpec
from common.settings import SSLMODE, SslMode, with_servers


def _of_server(spec: ServerSpec) -> dict[str, tuple[Any, Any]]:
    client, account = SecretStr(f"demo-{spec.client}-secret"), SecretStr(f"demo-{spec.client}-state-password")
    whose = f"the {spec.title} MCP server's account in the shared state"
    return {
        f"mcp_{spec.name}_client_secret": (SecretStr, Field(client, description=f"Secret of client `{spec.client}`.")),
        f"mcp_{spec.name}_state_password": (SecretStr, Field(account, description=f"Password of {whose}.")),
    }


if TYPE_CHECKING:
    _ServerSecrets = AccountSettings
else:
    _ServerSecrets = with_servers(AccountSettings, _of_server)


class InitSettings(_ServerSecrets):
    """Administrators' accesses, and the secrets that the services will be known by."""

    keycloak_admin: str = Field("admin", description="Keycloak's administrator (realm `master`).")
    keycloak_admin_password: SecretStr = Field(SecretStr("admin"), description="Keycloak's administrator's password.")
    vault_token: SecretStr = Field(SecretStr("root-token"), description="A Vault token that may provision (root).")
    vault_root_token_id: SecretStr = Field(
        SecretStr("root-token"),
        description="Id of the root token made for people in the demo profile only; empty: none is made.",
    )
    postgres_host: str = Field("localhost", description="The tools' PostgreSQL as this process reaches it.")
    postgres_port: int = Field(5432, description="Its port.")
    postgres_sslmode: SslMode = SSLMODE
    postgres_admin_user: str = Field("postgres", description="Superuser, used by provisioning only.")
    postgres_admin_password: SecretStr = Field(SecretStr("postgres"), description="The superuser's password.")
    vault_postgres_host: str = Field("", description="PostgreSQL as Vault reaches it; default: POSTGRES_HOST.")
    vault_postgres_port: int = Field(0, description="Its port as Vault reaches it; default: POSTGRES_PORT.")
    vault_keycloak_url: str = Field("", description="Keycloak as Vault reaches it; default: KEYCLOAK_URL.")
    vault_audit_file: str = Field(
        "/vault/logs/audit.log",
        description="File, as Vault sees it, of the audit log that is made when Vault has none; empty: none is made.",
    )
    vault_audit_mode: str = Field(
        "0600",
        pattern="^0[0-7]{3}$",
        description="Mode of that file, in octal; whoever may read it sees every request.",
    )
    audit_keep_days: int = Field(90, ge=0, description="Days that a row of the MCP servers' audit trail is kept.")
    vault_db_password: SecretStr = Field(
        SecretStr("demo-vault-db-password"), description="Password of the PostgreSQL role `vault_admin`."
    )
    app_client_secret: SecretStr = Field(SecretStr("demo-app-secret"), description="Secret of client `mcp-demo-app`.")
    chatbot_relay_client_secret: SecretStr = Field(
        SecretStr("demo-chatbot-relay-secret"), description="Secret of client `chatbot-relay`."
    )
    lab_client_secret: SecretStr = Field(
        SecretStr("demo-lab-secret"), description="Secret of the `lab-*` clients (demo profile only)."
    )
    app_vault_secret_id: SecretStr = Field(
        SecretStr("demo-app-vault-secret-id"), description="Vault secret id of the app."
    )
    example_view_vault_secret_id: SecretStr = Field(
        SecretStr("demo-example-view-vault-secret-id"),
        description="Vault secret id of the app's view of the example application.",
    )
    agents_vault_secret_id: SecretStr = Field(
        SecretStr("demo-agents-vault-secret-id"), description="Vault secret id of the agents' services."
    )
    chatbot_vault_secret_id: SecretStr = Field(
        SecretStr("demo-chatbot-vault-secret-id"), description="Vault secret id of the mock chatbot."
    )
    token_api_vault_secret_id: SecretStr = Field(
        SecretStr("demo-token-api-vault-secret-id"), description="Vault secret id of the token API."
    )
    app_state_password: SecretStr = Field(
        SecretStr("demo-app-state-password"),
        description="Password of the app's account in the shared state.",
    )
    token_api_state_password: SecretStr = Field(
        SecretStr("demo-token-api-state-password"),
        description="Password of the token API's account in the shared state.",
    )
    agents_state_password: SecretStr = Field(
        SecretStr("demo-agents-state-password"),
        description="Password of the agents' services' account in the shared state.",
    )
    auth_relay_state_password: SecretStr = Field(
        SecretStr("demo-auth-relay-state-password"),
        description="Password of the login relay's account in the shared state.",
    )
    app_public_url: PublicUrl = Field("http://localhost:8501", description="The app as browsers see it.")
    relay_public_url: PublicUrl = Field(
        "http://localhost:5600", description="The chatbots' login relay as browsers see it."
    )
    app_backchannel_url: str = Field(
        "", description="The app as Keycloak reaches it, for back-channel logout; default: APP_PUBLIC_URL."
    )
    kubernetes_namespace: str = Field(
        "",
        description="Namespace whose ServiceAccounts log in to Vault, a role each; empty: AppRoles with secret ids.",
    )
    kubernetes_host: str = Field(
        "https://kubernetes.default.svc", description="The cluster's API as Vault reaches it, to check their tokens."
    )
    kubernetes_ca_file: Path | None = Field(
        None, description="Authority (PEM) of that API; a Vault in a pod of the same cluster knows it."
    )
    client_documents: str = Field(
        "",
        description="Addresses of the client-id metadata documents whose clients are let in, separated by blanks; "
        "none by default.",
    )
    client_documents_ca: Path | None = Field(
        None, description="Authorities (PEM) to trust for these documents, instead of the public ones."
    )
    users_file: Path = Field(
        Path(__file__).with_name("users.yaml"),
        description="People and what they hold; outside the demo a file of your own.",
    )
    people_group: str = Field(
        "",
        description="Path of a group of the realm, such as `/mcp`, whose members are the people, instead of a users "
        "file; a subgroup named as a right of the database gives it to its members.",
    )
    room_file: Path | None = Field(
        None, description="People that `./demo people add` made for a room, beside those of the users file."
    )
    room_address: str = Field(
        "", description="Host name or IPv4 address of a room: Vault makes an authority for it, and a certificate."
    )
    room_tls_dir: Path | None = Field(None, description="Where that certificate goes, for the room's front.")
    vault_client_config: Path | None = Field(
        None,
        description="Where the example application's config.ini is written; without it that application is left out.",
    )
    wait_seconds: float = Field(60.0, description="How long to wait for Keycloak, PostgreSQL and Vault.")

    def unused_fields(self) -> frozenset[str]:
        """Neither the known root token nor the lab's clients are made outside the demo."""
        unused = super().unused_fields() | (frozenset() if self.demo else {"vault_root_token_id", "lab_client_secret"})
        if self.kubernetes_namespace:
            unused |= {name for name in type(self).model_fields if name.endswith("_vault_secret_id")}
        return unused

    @property
    def demo(self) -> bool:
        """True in the demo profile: lab clients, `root-token` and known passwords are allowed."""
        return self.profile == "demo"

    @property
    def own_vault(self) -> bool:
        """True where Vault is the demo's own, so that the known root token is made in it."""
        return self.demo and bool(self.vault_root_token_id.get_secret_value())

    @property
    def app_for_keycloak(self) -> str:
        """The app's address as Keycloak reaches it."""
        return (self.app_backchannel_url or self.app_public_url).rstrip("/")

    @property
    def keycloak_for_vault(self) -> str:
        """Keycloak's address as Vault reaches it."""
        return (self.vault_keycloak_url or self.keycloak_url).rstrip("/")

    @property
    def postgres_for_vault(self) -> tuple[str, int]:
        """PostgreSQL's host and port as Vault reaches it."""
        return self.vault_postgres_host or self.postgres_host, self.vault_postgres_port or self.postgres_port

    def server_secret(self, server: str) -> SecretStr:
        """The client secret of one MCP server, by its name (`jira`, …)."""
        value: SecretStr = getattr(self, f"mcp_{server}_client_secret")
        return value

    def state_password(self, account: str) -> SecretStr:
        """The password of one service's account in the shared state, by the account's name (`mcp-jira`, …)."""
        value: SecretStr = getattr(self, f"{account.removeprefix('mcp-demo-').replace('-', '_')}_state_password")
        return value

    def vault_secret_id(self, service: str) -> SecretStr:
        """The Vault secret id of one service, by its name (`agents`, …)."""
        value: SecretStr = getattr(self, f"{service.replace('-', '_')}_vault_secret_id")
        return value
