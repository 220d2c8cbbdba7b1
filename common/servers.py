"""The MCP servers there are, each described once: ports, labels, secrets, clients, roles and paths follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One MCP server; its tools are in ``mcp_servers/<name>.py``.

    ``name`` stands in its scopes (``mcp:<name>``) and in the name of its client, audience, Vault role and policy.
    ``secret``: the fields of a person's KV secret at ``users/<person>/<name>``; without any, Vault makes a database
    user for the person (``database/creds/<person>``). ``account``: whose accounts people may connect
    (common/accounts.py), kept at ``users/<person>/accounts/<name>``. ``back_end``: its own settings under ``./demo``,
    in which ``{port[…]}`` is a port of the instance. ``begin_with``: a tool to try first, and its arguments.
    """

    name: str
    title: str
    port: int
    secret: tuple[str, ...] = ()
    account: str = ""
    back_end: Mapping[str, str] = field(default_factory=dict)
    begin_with: tuple[str, Mapping[str, str]] = ("credential_status", {})

    @property
    def client(self) -> str:
        """Its Keycloak client, its audience, its Vault role and its policy."""
        return f"mcp-{self.name}"

    def variable(self, what: str) -> str:
        """The environment variable for ``what`` where several servers share one environment."""
        return f"MCP_{self.name.upper()}_{what}"


_ALL = (
    ServerSpec(
        "jira",
        "Jira",
        3001,
        secret=("email", "api_token"),
        account="Atlassian",
        back_end={"JIRA_URL": "http://localhost:{port[mock-jira]}", "JIRA_SITE_URL": "", "BACKEND_PROXY": ""},
        begin_with=("get_issue", {"issue_key": "PROJ-1"}),
    ),
    ServerSpec(
        "github",
        "GitHub",
        3002,
        secret=("login", "token"),
        account="GitHub",
        back_end={"GITHUB_API_URL": "http://localhost:{port[mock-github]}", "BACKEND_PROXY": ""},
        begin_with=("list_repos", {}),
    ),
    ServerSpec(
        "postgres",
        "PostgreSQL",
        3003,
        back_end={"POSTGRES_HOST": "localhost", "POSTGRES_PORT": "{port[postgres]}", "POSTGRES_DATABASE": "shop"},
        begin_with=("list_tables", {}),
    ),
)

SERVERS: Mapping[str, ServerSpec] = {spec.name: spec for spec in _ALL}
"""By name, in the order in which pages show them. A server of your own is one more entry above."""

MCP_SERVERS = tuple(SERVERS)
"""Their names."""
