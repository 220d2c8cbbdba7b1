"""What an MCP server is to its callers: its name, its address, its scopes, and when a person is asked first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

from fastmcp_vault.levels import Demand

ApprovalMode = Literal["never", "destructive", "writes"]
"""Which tools ask a person before they run: none, those that may overwrite or delete, all that change anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """How a yes is asked for. ``login_age`` and ``lifetime`` in seconds; ``login_age`` 0: a sign-in of any age will do.

    ``acr`` is the level that the sign-in of whoever says yes must have. ``page`` is where links lead; the id is added.
    """

    mode: ApprovalMode = "never"
    lifetime: float = 300.0
    login_age: int = 0
    acr: Demand = ""
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProfile:
    """One MCP server (resource server, RFC 9728).

    ``name`` stands in traces, ``audience`` in tokens; it is the server's own client at the issuer and what suspensions
    name. ``scope`` opens the server, ``write_scope`` (may be empty) its writing tools. ``secret`` is shared by all
    replicas: keys for what travels through clients are derived from it. ``accounts_page``: where links to connect an
    account lead; the id is added.
    """

    name: str
    title: str
    audience: str
    issuer: str
    base_url: str
    scope: str = ""
    write_scope: str = ""
    secret: SecretStr = field(default_factory=lambda: SecretStr(""), repr=False)
    approval: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    accounts_page: str = ""

    @property
    def scopes(self) -> list[str]:
        """The scopes there are, as the metadata and a challenge without a token name them."""
        return [scope for scope in (self.scope, self.write_scope) if scope]
