"""Passwords, tokens and secrets that stand in this repository: known to everybody, refused outside the demo profile."""

from __future__ import annotations

PUBLISHED = frozenset(
    {
        # People's passwords, and what they hold (init/users.yaml).
        *("alice123", "bob123", "charlie123"),
        *("demo-jira-token-alice", "demo-jira-token-bob", "demo-github-token-alice", "demo-github-token-bob"),
        # Administrators, and the databases' own passwords (docker-compose.yml).
        *("admin", "root-token", "postgres", "keycloak", "mcp_state"),
        # The app's key for sessions: "demo-session-key-demo-session-ke", as a Fernet key.
        "ZGVtby1zZXNzaW9uLWtleS1kZW1vLXNlc3Npb24ta2U=",
    }
)
"""Values, to the letter. Every other one begins with DEMO."""

DEMO = "demo-"
"""How the demo's secrets begin."""


def is_published(secret: str) -> bool:
    """Whether everybody can read this value here."""
    return secret in PUBLISHED or secret.startswith(DEMO)
