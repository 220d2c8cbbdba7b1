"""Vault's policies: what a token opens is the meeting of who (the entity's name) and which server (the role)."""

from __future__ import annotations

from common.servers import SERVERS, ServerSpec

_ME = "{{identity.entity.name}}"
_PARTNER = "{{identity.entity.metadata.partner}}"

SERVER_POLICY = "What the {} MCP server may "
"""How the policy of an MCP server begins; init knows by it what it wrote for one whose entry is gone."""


def policy(purpose: str, *rules: tuple[str, str]) -> str:
    """A policy in HCL: each rule a path and its capabilities, separated by spaces."""
    lines = [f"# {purpose}"]
    for path, capabilities in rules:
        quoted = ", ".join(f'"{capability}"' for capability in capabilities.split())
        lines.append(f'path "{path}" {{ capabilities = [{quoted}] }}')
    return "\n".join(lines) + "\n"


def _server(spec: ServerSpec) -> str:
    if not spec.secret:
        return policy(
            f"{SERVER_POLICY.format(spec.name)}do for the person it acts for: make that person's database user.",
            (f"database/creds/{_ME}", "read"),
        )
    return policy(
        f"{SERVER_POLICY.format(spec.name)}read for the person it acts for: that one credential.",
        (f"secret/data/users/{_ME}/{spec.name}", "read"),
        (f"secret/metadata/users/{_ME}/{spec.name}", "read"),
        *(_account(spec) if spec.account else ()),
    )


def _account(spec: ServerSpec) -> tuple[tuple[str, str], ...]:
    """The account that the person connected: read, and replaced by a refreshed one. ``connector`` makes it."""
    path = f"users/{_ME}/accounts/{spec.name}"
    return (
        (f"secret/data/{path}", "read update"),
        (f"secret/metadata/{path}", "read update"),
        (f"secret/destroy/{path}", "update"),
    )


POLICIES = {
    "user-secrets": policy(
        "For the person: everything that is theirs, and nothing else.",
        (f"secret/data/users/{_ME}/*", "read"),
        (f"secret/metadata/users/{_ME}/*", "read list"),
        (f"database/creds/{_ME}", "read"),
        (f"database/roles/{_ME}", "read"),
        # What a person let us have at a provider is for the MCP servers; the app sees that it is there, and no token.
        (f"secret/data/users/{_ME}/accounts/*", "deny"),
    ),
    "connector": policy(
        "For the app, while a person connects an account: writes that one path, and reads none.",
        (f"secret/data/users/{_ME}/accounts/+", "create update"),
        (f"secret/metadata/users/{_ME}/accounts/+", "read create update"),
        (f"secret/destroy/users/{_ME}/accounts/+", "update"),
    ),
    "disconnector": policy(
        "For the app, while a person disconnects an account: reads it, to end it at the provider, and removes it.",
        (f"secret/data/users/{_ME}/accounts/+", "read"),
        (f"secret/metadata/users/{_ME}/accounts/+", "read delete"),
    ),
    "partner": policy(
        "For the app, while a person stores or takes back the Jira credential of the partner that init named: writes"
        " that one path, and reads no secret. It opens nothing to somebody without a partner.",
        (f"secret/data/users/{_PARTNER}/jira", "create update"),
        (f"secret/metadata/users/{_PARTNER}/jira", "read delete"),
    ),
    "person-agents": policy(
        "For the person: certificates for agents of their own, and their end. The role fills in the person's name.",
        ("pki-agents/sign/person-agent", "update"),
        ("pki-agents/revoke-with-key", "update"),
    ),
    **{spec.client: _server(spec) for spec in SERVERS.values()},
    "facilitator": policy(
        "For the facilitator of a workshop: who there is and which leases live; no secret of anybody.",
        ("identity/entity/name", "list"),
        ("identity/entity/name/*", "read"),
        ("secret/metadata/users/*", "read list"),
        ("sys/leases/lookup/database/creds/*", "list sudo"),
        ("sys/leases/revoke", "update"),
    ),
}
"""Policy by name. None is attached to an entity: roles hand them out."""
