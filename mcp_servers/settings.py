"""Settings of one MCP server process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from common.accounts import AccountSettings
from common.ports import OptionalHttpPort, PublicUrl
from common.servers import SERVERS, ServerSpec
from common.settings import SSLMODE, CommonSettings, SslMode
from fastmcp_vault.credentials.sources import KVSource
from fastmcp_vault.levels import LEVEL_SECONDS, Demand
from fastmcp_vault.server.limits import CallLimits
from fastmcp_vault.server.profile import ApprovalMode, ApprovalPolicy, ServerProfile
from fastmcp_vault.state.protocol import Quota
from fastmcp_vault.vault import Vault
from mcp_servers.proxies import proxy_for
from mcp_servers.rest import Rest, Words


def client_secret(server: str) -> Any:
    """The setting of that server's own secret at Keycloak, with the demo's default."""
    return Field(SecretStr(f"demo-mcp-{server}-secret"), description="Secret of this server's own client at Keycloak.")


def _named(server: str, setting: str) -> str | None:
    """``MCP_<SERVER>_<setting>``: the name where several servers share one environment, beside ``MCP_<setting>``."""
    return f"MCP_{server.upper()}_{setting}" if server else None


def _approval(server: str) -> Any:
    return Field(
        "writes",
        validation_alias=_named(server, "APPROVAL"),
        description="Which tools need a person's yes to each call: `never`, `destructive` or `writes`.",
    )


def _login_age(server: str) -> Any:
    return Field(
        0,
        ge=0,
        validation_alias=_named(server, "APPROVAL_LOGIN_AGE"),
        description="With a number, yes is said in the app only, by a sign-in at most this many seconds old; 0: any.",
    )


def _acr(server: str) -> Any:
    return Field(
        "",
        validation_alias=_named(server, "APPROVAL_ACR"),
        description="The sign-in that a yes needs, said in the app only: `confirmed` or `two-factor`; empty: any.",
    )


def _proxy() -> Any:
    return Field(
        None,
        description="Proxy for the back end alone, such as http://proxy.example.com:3128; empty: HTTPS_PROXY. Never for"
        " Keycloak, Vault, loopback, or what NO_PROXY lists.",
    )


def _limit(usual: str, whose: str) -> Any:
    return Field(
        usual,
        pattern=r"^\d{1,7}/\d{1,7}$",
        description=f"Calls a minute / calls at once {whose}, over all replicas of this server; 0: any number.",
    )


class ServerSettings(CommonSettings):
    """What every MCP server reads. A subclass per server says which one it is, and adds its back end."""

    spec: ClassVar[ServerSpec]

    mcp_port: OptionalHttpPort = Field(0, description="Port: 3001 Jira, 3002 GitHub, 3003 PostgreSQL by default.")
    mcp_public_url: PublicUrl = Field(
        "", description="The server as clients see it, without `/mcp`; loopback by default."
    )
    mcp_client_secret: SecretStr
    mcp_allowed_hosts: str = Field(
        "", description="Further names, comma-separated, that may stand in `Host` (a container's name)."
    )
    mcp_allowed_origins: str = Field("", description="Browser origins, comma-separated, that may call the server.")
    mcp_capacity: int = Field(10_000, ge=1, description="People whose credentials are held at once.")
    mcp_ahead: bool = Field(
        True, description="Listing the tools begins in the background what the caller's first call will need."
    )
    mcp_approval: ApprovalMode = _approval("")
    mcp_approval_seconds: float = Field(
        300.0, gt=0, le=3600, description="Seconds in which that yes must be given and used."
    )
    mcp_approval_login_age: int = _login_age("")
    mcp_approval_acr: Demand = _acr("")
    mcp_limit_person: str = _limit("3000/50", "of one person")
    mcp_limit_client: str = _limit("60000/1000", "with one client, for everybody together")
    mcp_limit_tool: str = _limit("60000/1000", "of one tool, by everybody together")
    mcp_limit_tools: str = Field(
        "",
        pattern=r"^(\w+=\d{1,7}/\d{1,7}( |$))*$",
        description="The same for some tools instead: `execute=60/5 explain=30/2`.",
    )
    app_public_url: PublicUrl = Field(
        "http://localhost:8501", description="The app as browsers see it: where links for approval lead."
    )
    vault_namespace: str = Field("", description="Vault Enterprise or OpenBao namespace.")
    outage_timeout: float = Field(
        1.8, gt=0, description="Seconds after which Keycloak or Vault counts as down for the call that waits."
    )

    @property
    def server(self) -> str:
        """The server's name."""
        return self.spec.name

    @property
    def title(self) -> str:
        """The server's name as people see it."""
        return self.spec.title

    def stored_secret(self, vault: Vault, *, needs: Sequence[str] = ()) -> KVSource:
        """Where a person's secret for this server lies; ``needs``: the fields without which it is of no use (all)."""
        return KVSource(vault, server=self.server, title=self.title, needs=needs or self.spec.secret)

    @property
    def client_id(self) -> str:
        """The server's Keycloak client, its audience, and its Vault role."""
        return self.spec.client

    @property
    def scope(self) -> str:
        """The scope that opens this server."""
        return f"mcp:{self.server}"

    @property
    def write_scope(self) -> str:
        """The scope that its writing tools need as well."""
        return f"mcp:{self.server}:write"

    @property
    def scopes(self) -> list[str]:
        """Both, as the metadata and a challenge without a token name them."""
        return [self.scope, self.write_scope]

    @property
    def approval_age(self) -> int:
        """Seconds that a yes's sign-in may be old; 0: any. A level counts for a while and no longer."""
        return self.mcp_approval_login_age or (LEVEL_SECONDS if self.mcp_approval_acr else 0)

    @property
    def server_profile(self) -> ServerProfile:
        """What the server is to its callers."""
        return ServerProfile(
            name=self.server,
            title=self.title,
            audience=self.client_id,
            issuer=self.issuer,
            base_url=self.public_url,
            scope=self.scope,
            write_scope=self.write_scope,
            secret=self.mcp_client_secret,
            approval=ApprovalPolicy(
                mode=self.mcp_approval,
                lifetime=self.mcp_approval_seconds,
                login_age=self.approval_age,
                acr=self.mcp_approval_acr,
                page=f"{self.app_public_url.rstrip('/')}/approve",
            ),
            accounts_page=f"{self.app_public_url.rstrip('/')}/connect-account",
        )

    @property
    def call_limits(self) -> CallLimits:
        """How much each person, client and tool may call."""
        some = (entry.partition("=") for entry in self.mcp_limit_tools.split())
        return CallLimits(
            person=_quota(self.mcp_limit_person),
            client=_quota(self.mcp_limit_client),
            tool=_quota(self.mcp_limit_tool),
            tools={name: _quota(text) for name, _, text in some},
        )

    @property
    def port(self) -> int:
        """The port to listen on."""
        return self.mcp_port or self.spec.port

    @property
    def public_url(self) -> str:
        """The server's public address, without a slash at the end."""
        return (self.mcp_public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def allowed_hosts(self) -> list[str]:
        """Names that may stand in ``Host``; loopback names always may."""
        return [urlsplit(self.public_url).hostname or "localhost", *_listed(self.mcp_allowed_hosts)]

    @property
    def allowed_origins(self) -> list[str]:
        """Origins that may stand in ``Origin``."""
        return [self.public_url, *_listed(self.mcp_allowed_origins)]


class RestSettings(ServerSettings, AccountSettings):
    """A server whose back end is a REST API, with people's own accounts where they may connect them."""

    backend_proxy: SecretStr | None = _proxy()
    backend_timeout: float = Field(1.8, gt=0, description="Seconds that one call to the back end may take.")

    def rest(self, url: str, *, words: Words, site_url: str = "") -> Rest:
        """The back end at ``url``, whose errors are read by ``words``; ``site_url``: where people see it."""
        return Rest(
            url,
            server=self.server,
            name=self.title,
            timeout=self.backend_timeout,
            words=words,
            proxy=proxy_for(url, self.backend_proxy),
            site_url=site_url,
        )


class JiraSettings(RestSettings):
    """The Jira server."""

    spec = SERVERS["jira"]

    mcp_client_secret: SecretStr = client_secret("jira")
    mcp_approval: ApprovalMode = _approval("jira")
    mcp_approval_login_age: int = _login_age("jira")
    mcp_approval_acr: Demand = _acr("jira")
    jira_url: str = Field("http://localhost:8001", description="Jira's address, such as https://example.atlassian.net.")
    jira_site_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Where people see Jira, for links; asked of Jira itself when JIRA_URL is a gateway's (/ex/jira/…).",
    )


class GithubSettings(RestSettings):
    """The GitHub server."""

    spec = SERVERS["github"]

    mcp_client_secret: SecretStr = client_secret("github")
    mcp_approval: ApprovalMode = _approval("github")
    mcp_approval_login_age: int = _login_age("github")
    mcp_approval_acr: Demand = _acr("github")
    github_api_url: str = Field("http://localhost:8002", description="GitHub's API, such as https://api.github.com.")


class PostgresSettings(ServerSettings):
    """The PostgreSQL server."""

    spec = SERVERS["postgres"]

    mcp_client_secret: SecretStr = client_secret("postgres")
    mcp_approval: ApprovalMode = _approval("postgres")
    mcp_approval_login_age: int = _login_age("postgres")
    mcp_approval_acr: Demand = _acr("postgres")
    postgres_host: str = Field("localhost", description="The tools' database server.")
    postgres_port: int = Field(5432, description="Its port.")
    postgres_database: str = Field("shop", description="The one database that tools see.")
    postgres_sslmode: SslMode = SSLMODE
    postgres_statement_timeout: float = Field(5.0, gt=0, le=20, description="Seconds that one statement may run.")
    postgres_connections: int = Field(
        3, ge=1, le=10, description="Statements of one person at once, over all sessions and replicas."
    )
    postgres_connections_all: int = Field(100, ge=1, description="Connections of everybody together, at most.")
    postgres_idle: float = Field(5.0, gt=0, description="Seconds after which an unused connection is closed.")


def _quota(text: str) -> Quota:
    calls, _, room = text.partition("/")
    return Quota(int(calls), int(room))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
