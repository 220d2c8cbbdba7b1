"""Every service of the demo, declared once: the stack, `docker-compose.yml` and its drift test read this list.

Values are templates: ``{port[name]}`` is that port of this instance, ``{secret[NAME]}`` one of its
secrets, ``{users_file}`` the file it is provisioned from, ``{data}`` its data folder, ``{logs}`` that of its logs. A
new service is one more entry here and its ports in ``PORTS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from common.servers import SERVERS, ServerSpec
from stack.overridable import OVERRIDABLE
from stack.programs import VAULT_PROGRAM
from stack.secret_store import FIXED, PROVISIONED
from stack.service import Service

PORTS: Mapping[str, int] = {
    "keycloak": 8080,
    "keycloak-inner": 8081,
    "openbao": 8200,
    "openbao-cluster": 8201,
    "postgres": 5432,
    "app": 8501,
    **{spec.client: spec.port for spec in SERVERS.values()},
    "mock-jira": 8001,
    "mock-github": 8002,
    "token-api": 5001,
    "biz-service": 5000,
    "biz-service-tls": 5443,
    "agent-auth": 8443,
    "mock-chatbot": 8003,
    "auth-relay": 5600,
    "app-metrics": 9501,
    **{f"{spec.client}-metrics": spec.port + 6000 for spec in SERVERS.values()},
    "prometheus": 9090,
    "prometheus-inner": 9091,
    "zipkin": 9411,
    "zipkin-inner": 9412,
    "room": 4443,
    "room-page": 4080,
}
"""The ports people and scripts rely on; ``--port-offset`` moves all of them, never onto one that browsers refuse.

Nothing listens on those for metrics unless ``OTEL_METRICS_EXPORTER`` says
``prometheus``, nor on Prometheus's and Zipkin's unless ``up --observe`` starts it, nor on
a room's without ``up --room``.
"""


def _state_dsn(account: str, password: str) -> dict[str, str]:
    """The shared state, as one account; that of the tables' owner is for provisioning alone."""
    return {"STATE_DSN": f"postgresql://{account}:{{secret[{password}]}}@localhost:{{port[postgres]}}/mcp_state"}


_COMMON = {
    "BIND_HOST": "127.0.0.1",
    "KEYCLOAK_URL": "http://localhost:{port[keycloak]}",
    "KEYCLOAK_PUBLIC_URL": "http://localhost:{port[keycloak]}",
    "KEYCLOAK_REALM": "mcp-demo",
    "VAULT_ADDR": "http://localhost:{port[openbao]}",
}

_CHATBOT = {
    "CHATBOT_URL": "http://localhost:{port[mock-chatbot]}",
    "CHATBOT_PUBLIC_URL": "http://localhost:{port[mock-chatbot]}",
}

FRONT = "front"
"""The service that `./demo up --room` adds; :mod:`stack.room` gives it its address and certificate."""

ROOM_FILE = "{data}/room.yaml"
"""Where `./demo people add` keeps the people of a room; it need not be there."""

_POSTGRES = {"POSTGRES_HOST": "localhost", "POSTGRES_PORT": "{port[postgres]}"}


_OF_BACK_ENDS = (
    "BACKEND_TIMEOUT",
    "JIRA_SITE_URL",
    "BACKEND_PROXY",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
)
"""How an MCP server reaches its back end."""


_ACCOUNTS = {
    "JIRA_OAUTH_CLIENT_ID": "mcp-remote-vault",
    "JIRA_OAUTH_URL": "http://localhost:{port[mock-jira]}",
    "JIRA_OAUTH_API_URL": "http://localhost:{port[mock-jira]}",
    "GITHUB_OAUTH_CLIENT_ID": "mcp-remote-vault",
    "GITHUB_OAUTH_URL": "http://localhost:{port[mock-github]}",
    "GITHUB_OAUTH_API_URL": "http://localhost:{port[mock-github]}",
}
"""The providers whose accounts people connect: the mocks, unless the caller's environment names others."""

_ACCOUNT_SECRETS = {name: f"{{secret[{name}]}}" for name in ("JIRA_OAUTH_CLIENT_SECRET", "GITHUB_OAUTH_CLIENT_SECRET")}

_OF_ACCOUNTS = (*_ACCOUNTS, *_ACCOUNT_SECRETS, "ACCOUNT_PROVIDERS")


def _address(spec: ServerSpec) -> str:
    return f"http://localhost:{{port[{spec.client}]}}"


def _of(spec: ServerSpec, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of this server's provider."""
    return {name: value for name, value in settings.items() if name.startswith(f"{spec.name.upper()}_")}


def _mcp_server(spec: ServerSpec) -> Service:
    return Service(
        name=spec.client,
        title=f"MCP server: {spec.title}",
        module=("mcp_servers", spec.name),
        ports=(spec.client,),
        metrics=f"{spec.client}-metrics",
        env=_COMMON
        | {"MCP_PORT": f"{{port[{spec.client}]}}", "MCP_PUBLIC_URL": _address(spec)}
        | {"APP_PUBLIC_URL": "http://localhost:{port[app]}"}
        | (_of(spec, _ACCOUNTS) if spec.account else {})
        | dict(spec.back_end),
        secrets=_state_dsn(spec.client, spec.variable("STATE_PASSWORD"))
        | {"MCP_CLIENT_SECRET": f"{{secret[{spec.variable('CLIENT_SECRET')}]}}"}
        | (_of(spec, _ACCOUNT_SECRETS) if spec.account else {}),
        takes=(
            *(spec.variable(f"APPROVAL{rest}") for rest in ("", "_LOGIN_AGE", "_ACR")),
            *(f"MCP_LIMIT_{whose}" for whose in ("PERSON", "CLIENT", "TOOL", "TOOLS")),
            *_OF_BACK_ENDS,
            *((*_of(spec, dict.fromkeys(_OF_ACCOUNTS, "")), "ACCOUNT_PROVIDERS") if spec.account else ()),
        ),
        uses=("postgres", "openbao", "keycloak"),
        opens=f"{_address(spec)}/mcp",
    )


SERVICES: tuple[Service, ...] = (
    Service(
        name="postgres",
        title="PostgreSQL",
        program="postgres",
        ports=("postgres",),
        opens="postgresql://localhost:{port[postgres]}",
    ),
    Service(
        name="openbao",
        title="Vault",
        program="openbao",
        ports=("openbao", "openbao-cluster"),
        health="/v1/sys/health",
        takes=(VAULT_PROGRAM,),
        opens="http://localhost:{port[openbao]}",
    ),
    Service(
        name="keycloak",
        title="Keycloak",
        program="keycloak",
        ports=("keycloak", "keycloak-inner"),
        health="/health/ready",
        uses=("postgres",),
        waits=True,
        opens="http://localhost:{port[keycloak]}",
    ),
    Service(
        name="init",
        title="Provisioning",
        module=("init",),
        env=_COMMON
        | _POSTGRES
        | {
            "POSTGRES_ADMIN_USER": "postgres",
            "USERS_FILE": "{users_file}",
            "ROOM_FILE": ROOM_FILE,
            "APP_PUBLIC_URL": "http://localhost:{port[app]}",
            "RELAY_PUBLIC_URL": "http://localhost:{port[auth-relay]}",
            "VAULT_POSTGRES_HOST": "localhost",
            "VAULT_POSTGRES_PORT": "{port[postgres]}",
            "VAULT_KEYCLOAK_URL": "http://localhost:{port[keycloak]}",
            "VAULT_CLIENT_CONFIG": "{data}/my-vault-app/config.ini",
            "VAULT_AUDIT_FILE": "{data}/openbao/audit.log",
            "AUDIT_KEEP_DAYS": "90",
            **_ACCOUNTS,
        },
        secrets=_state_dsn("mcp_state", "STATE_DB_PASSWORD")
        | {name: f"{{secret[{name}]}}" for name in (*FIXED, "VAULT_TOKEN", "POSTGRES_ADMIN_PASSWORD", *PROVISIONED)}
        | _ACCOUNT_SECRETS,
        takes=("AUDIT_KEEP_DAYS", "CLIENT_DOCUMENTS", "CLIENT_DOCUMENTS_CA", *_OF_ACCOUNTS),
        uses=("postgres", "openbao", "keycloak"),
        waits=True,
        one_shot=True,
    ),
    Service(
        name="mock",
        title="Mock Jira and GitHub",
        module=("mock_services", "jira", "github"),
        ports=("mock-jira", "mock-github"),
        env={
            "BIND_HOST": "127.0.0.1",
            "MOCK_JIRA_PORT": "{port[mock-jira]}",
            "MOCK_GITHUB_PORT": "{port[mock-github]}",
            "MOCK_USERS_FILE": "{users_file}",
            "MOCK_ROOM_FILE": ROOM_FILE,
            "MOCK_OAUTH_DIR": "{data}",
            "MOCK_APP_URL": "http://localhost:{port[app]}",
            **{name: _ACCOUNTS[name] for name in ("JIRA_OAUTH_CLIENT_ID", "GITHUB_OAUTH_CLIENT_ID")},
        },
        secrets=_ACCOUNT_SECRETS,
        opens="http://localhost:{port[mock-jira]}, http://localhost:{port[mock-github]}",
    ),
    Service(
        name="auth-relay",
        title="Login relay",
        module=("services.auth_relay",),
        ports=("auth-relay",),
        env=_COMMON
        | _CHATBOT
        | {
            "RELAY_PORT": "{port[auth-relay]}",
            "BASE_URL": "http://localhost:{port[auth-relay]}",
            "APP_PUBLIC_URL": "http://localhost:{port[app]}",
            "SESSION_CACHE_DIR": "{data}/auth-relay",
        },
        secrets=_state_dsn("auth-relay", "AUTH_RELAY_STATE_PASSWORD")
        | {
            "JWT_SECRET": "{secret[RELAY_JWT_SECRET]}",
            "RELAY_TO_CHATBOT_HMAC_SECRET": "{secret[RELAY_TO_CHATBOT_HMAC_SECRET]}",
            "DEMO_CHATBOT__SECRETS": "{secret[CHATBOT_RELAY_CLIENT_SECRET]}",
        },
        uses=("postgres", "keycloak"),
        opens="http://localhost:{port[auth-relay]}",
    ),
    Service(
        name="chatbot",
        title="Mock chatbot",
        module=("mock_services.chatbot",),
        ports=("mock-chatbot",),
        env=_COMMON
        | _CHATBOT
        | {
            "MOCK_CHATBOT_PORT": "{port[mock-chatbot]}",
            "RELAY_URL": "http://localhost:{port[auth-relay]}",
            "MCP_JIRA_URL": "http://localhost:{port[mcp-jira]}/mcp",
            "VAULT_ROLE_ID": "chatbot",
        },
        secrets={
            "RELAY_TO_CHATBOT_HMAC_SECRET": "{secret[RELAY_TO_CHATBOT_HMAC_SECRET]}",
            "CHATBOT_MESSENGER_KEY": "{secret[CHATBOT_MESSENGER_KEY]}",
            "VAULT_SECRET_ID": "{secret[CHATBOT_VAULT_SECRET_ID]}",
        },
        uses=("openbao", "keycloak", "auth-relay", "mcp-jira"),
        opens="http://localhost:{port[mock-chatbot]}",
    ),
    *map(_mcp_server, SERVERS.values()),
    Service(
        name="token-api",
        title="Token API",
        module=("services.token_api.launch",),
        ports=("token-api",),
        env=_COMMON | {"TOKEN_API_PORT": "{port[token-api]}", "VAULT_ROLE_ID": "token-api"},
        secrets=_state_dsn("token-api", "TOKEN_API_STATE_PASSWORD")
        | {"VAULT_SECRET_ID": "{secret[TOKEN_API_VAULT_SECRET_ID]}"},
        uses=("postgres", "openbao", "keycloak"),
        opens="http://localhost:{port[token-api]}",
    ),
    Service(
        name="agents",
        title="Agents and biz service",
        module=("services", "agent_auth", "biz_service"),
        ports=("biz-service", "biz-service-tls", "agent-auth"),
        tls=frozenset({"biz-service-tls", "agent-auth"}),
        env=_COMMON
        | {
            "BIZ_SERVICE_PORT": "{port[biz-service]}",
            "BIZ_SERVICE_TLS_PORT": "{port[biz-service-tls]}",
            "AGENT_AUTH_PORT": "{port[agent-auth]}",
            "AGENT_AUTH_PUBLIC_URL": "https://localhost:{port[agent-auth]}",
            "VAULT_ROLE_ID": "agents",
        },
        secrets=_state_dsn("agents", "AGENTS_STATE_PASSWORD") | {"VAULT_SECRET_ID": "{secret[AGENTS_VAULT_SECRET_ID]}"},
        takes=("JWT_SECRET_KEY", "USE_REDIS", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "AUTH_MODE"),
        uses=("postgres", "openbao", "keycloak"),
        opens="http://localhost:{port[biz-service]}, https://localhost:{port[agent-auth]}",
    ),
    Service(
        name="app",
        title="The app",
        module=("app",),
        ports=("app",),
        metrics="app-metrics",
        env=_COMMON
        | {
            "APP_PORT": "{port[app]}",
            "APP_PUBLIC_URL": "http://localhost:{port[app]}",
            **{spec.variable("URL"): f"{_address(spec)}/mcp" for spec in SERVERS.values()},
            **_POSTGRES,
            "POSTGRES_DATABASE": "shop",
            **_ACCOUNTS,
            "AUDIT_FILE": "{data}/openbao/audit.log",
            "LOGS_DIR": "{logs}",
            "AGENT_AUTH_URL": "https://localhost:{port[agent-auth]}",
            "BIZ_SERVICE_URL": "http://localhost:{port[biz-service]}",
            "BIZ_SERVICE_TLS_URL": "https://localhost:{port[biz-service-tls]}",
            "TOKEN_API_URL": "http://localhost:{port[token-api]}",
            "CHATBOT_URL": "http://localhost:{port[mock-chatbot]}",
            "AUTH_RELAY_URL": "http://localhost:{port[auth-relay]}",
            "LAB_USERS_FILE": "{users_file}",
            "LAB_ROOM_FILE": ROOM_FILE,
        },
        secrets=_state_dsn("mcp-demo-app", "APP_STATE_PASSWORD")
        | {
            "LAB_CLIENT_SECRET": "{secret[LAB_CLIENT_SECRET]}",
            "APP_CLIENT_SECRET": "{secret[APP_CLIENT_SECRET]}",
            "APP_SESSION_KEY": "{secret[APP_SESSION_KEY]}",
            "VAULT_SECRET_ID": "{secret[APP_VAULT_SECRET_ID]}",
            "EXAMPLE_SECRET_ID": "{secret[EXAMPLE_VIEW_VAULT_SECRET_ID]}",
            "CHATBOT_MESSENGER_KEY": "{secret[CHATBOT_MESSENGER_KEY]}",
            **_ACCOUNT_SECRETS,
        },
        takes=_OF_ACCOUNTS,
        uses=("postgres", "openbao", "keycloak", *(spec.client for spec in SERVERS.values()), "token-api"),
        opens="http://localhost:{port[app]}",
    ),
    Service(
        name="prometheus",
        title="Prometheus",
        program="prometheus",
        ports=("prometheus", "prometheus-inner"),
        health="/-/ready",
        optional=True,
        opens="http://localhost:{port[prometheus]}/consoles/calls.html",
    ),
    Service(
        name="zipkin",
        title="Zipkin",
        program="zipkin",
        ports=("zipkin", "zipkin-inner"),
        optional=True,
        opens="http://localhost:{port[zipkin]}/zipkin/",
    ),
    Service(
        name=FRONT,
        title="The room's front",
        module=("services.room",),
        ports=("room", "room-page"),
        tls=frozenset({"room"}),
        health="/_room/health",
        env={
            "KEYCLOAK_URL": "http://localhost:{port[keycloak]}",
            "KEYCLOAK_PAGES_URL": "http://localhost:{port[keycloak-inner]}",
            "KEYCLOAK_REALM": "mcp-demo",
            "APP_URL": "http://localhost:{port[app]}",
            "AUTH_RELAY_URL": "http://localhost:{port[auth-relay]}",
            "CHATBOT_URL": "http://localhost:{port[mock-chatbot]}",
            "MOCK_JIRA_URL": "http://localhost:{port[mock-jira]}",
            "MOCK_GITHUB_URL": "http://localhost:{port[mock-github]}",
            "ROOM_PORT": "{port[room]}",
            "ROOM_PAGE_PORT": "{port[room-page]}",
        },
        uses=("init", "keycloak", "app", "auth-relay", "chatbot", "mock"),
        waits=True,
        optional=True,
    ),
)

USUAL = tuple(entry.name for entry in SERVICES if not entry.optional)
"""What ``./demo up`` starts."""

INFRASTRUCTURE = ("postgres", "openbao", "keycloak")


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that services take from the caller's ``environment``; as digests, for some are secrets."""
    names = sorted({*OVERRIDABLE, *(name for service in SERVICES for name in service.takes)})
    return {name: sha256(environment[name].encode()).hexdigest() for name in names if name in environment}


def service(name: str) -> Service:
    """The service of that name. Raises KeyError."""
    return {entry.name: entry for entry in SERVICES}[name]
