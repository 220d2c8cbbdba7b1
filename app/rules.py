"""What Vault would let one MCP server open: its login role and policies, read from the live Vault by the app itself.

Read-only, and no secret: the app's policy at Vault lets it read these roles and policies and nothing beside them.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastmcp_vault.errors import Problem
from fastmcp_vault.vault import Vault, VaultSession

ENTITY_NAME = "{{identity.entity.name}}"
PERSON_POLICY = "user-secrets"
"""What a person's own login opens (init/vault_policies.py)."""

DEFAULT_POLICY = "default"
"""Every token has it: Vault's own, for a token's dealings with itself."""

_VAULT_ITSELF = ("auth/token/", "sys/", "identity/", "cubbyhole/")
"""Where `default` speaks of a token, its entity and Vault, and of nothing that is stored."""

KEPT_SECONDS = 10.0
"""How long what was read, or that it cannot be read, is shown without being asked again."""

_PATH = re.compile(r'path\s+"(?P<path>[^"]+)"\s*\{(?P<body>[^}]*)\}')
_CAPABILITIES = re.compile(r"capabilities\s*=\s*\[(?P<list>[^\]]*)\]")
_COMMENT = re.compile(r"^\s*(#|//).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One path of a policy as it is written, and what may be done there."""

    policy: str
    path: str
    capabilities: tuple[str, ...]

    @property
    def personal(self) -> bool:
        """Whether Vault fills in whose path it is."""
        return ENTITY_NAME in self.path

    @property
    def text(self) -> str:
        """The line as a policy holds it."""
        quoted = ", ".join(f'"{one}"' for one in self.capabilities)
        return f'path "{self.path}" {{ capabilities = [{quoted}] }}'

    def filled(self, entity: str) -> str:
        """The path as Vault reads it for this entity."""
        return self.path.replace(ENTITY_NAME, entity)

    def covers(self, path: str, entity: str) -> bool:
        """Whether the line speaks of ``path`` when this entity asks (Vault: ``*`` ends a path, ``+`` is one part)."""
        filled = self.filled(entity)
        pattern = re.escape(filled.removesuffix("*")).replace(r"\+", "[^/]+")
        return re.fullmatch(pattern + (".*" if filled.endswith("*") else ""), path) is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as Vault holds it."""

    name: str
    text: str

    @property
    def lines(self) -> tuple[PolicyLine, ...]:
        """Its paths, in order; what is no plain path stays in ``text`` alone."""
        return tuple(
            PolicyLine(self.name, found["path"], _capabilities(found["body"]))
            for found in _PATH.finditer(_COMMENT.sub("", self.text))
        )


@dataclass(frozen=True, slots=True)
class ServerRules:
    """How one server gets into Vault, and what it may open there. ``read_at`` in seconds since the epoch."""

    role: str
    audiences: tuple[str, ...]
    claims: Mapping[str, str]
    policies: tuple[Policy, ...]
    person: Policy
    read_at: float

    def deciding(self, path: str, entity: str) -> PolicyLine | None:
        """The line of the server's policies that opens ``path`` for this entity."""
        return next((line for line in self.lines if line.covers(path, entity)), None)

    @property
    def lines(self) -> tuple[PolicyLine, ...]:
        """Every line of the policies, but what `default` says of a token's dealings with Vault itself."""
        every = (line for policy in self.policies for line in policy.lines)
        return tuple(line for line in every if line.policy != DEFAULT_POLICY or not line.path.startswith(_VAULT_ITSELF))


class Rules:
    """Reads them, and remembers them for KEPT_SECONDS: they are everybody's, and change when an administrator acts."""

    def __init__(self, vault: Vault, session: VaultSession) -> None:
        self._vault, self._session = vault, session
        self._known: dict[str, tuple[float, ServerRules | Problem]] = {}

    async def of(self, servers: Iterable[str]) -> dict[str, ServerRules | Problem]:
        """The rules of each of these MCP servers, or why they cannot be read."""
        names = list(servers)
        return dict(zip(names, await asyncio.gather(*map(self._of, names)), strict=True))

    async def _of(self, server: str) -> ServerRules | Problem:
        asked_at, found = self._known.get(server, (0.0, None))
        if found is None or time.time() - asked_at >= KEPT_SECONDS:
            try:
                found = await self._read(f"mcp-{server}")
            except Problem as problem:
                found = problem
            self._known[server] = time.time(), found
        return found

    async def _read(self, role: str) -> ServerRules:
        token = self._session.token
        about = await self._vault.read(token, f"auth/jwt/role/{role}") or {}
        names = (*about.get("token_policies", ()), DEFAULT_POLICY)
        *policies, person = await asyncio.gather(*(self._policy(name) for name in (*names, PERSON_POLICY)))
        claims = {name: _said(value) for name, value in (about.get("bound_claims") or {}).items()}
        audiences = tuple(map(str, about.get("bound_audiences") or ()))
        return ServerRules(role, audiences, claims, tuple(policies), person, time.time())

    async def _policy(self, name: str) -> Policy:
        found = await self._vault.read(self._session.token, f"sys/policies/acl/{name}") or {}
        return Policy(name, str(found.get("policy", "")))


def _capabilities(body: str) -> tuple[str, ...]:
    found = _CAPABILITIES.search(body)
    return tuple(re.findall(r'"([^"]+)"', found["list"])) if found else ()


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
