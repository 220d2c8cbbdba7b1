"""Whom a token speaks for, where a test needs no token."""

from __future__ import annotations

from fastmcp_vault.oidc.tokens import Claims


def bearer(sid: str, *, sub: str = "alice", azp: str = "mcp-demo-app", auth_time: float = 0.0) -> Claims:
    """The claims of a session's token."""
    return Claims(iss="https://sso.example", sub=sub, azp=azp, sid=sid, auth_time=auth_time, exp=2e9, iat=1e9)
