"""What agents can do here, whichever way they come: the scope is checked first, then the work is done."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.agents.certificates import owner_of
from services.agents.errors import AgentScopeInsufficient
from services.agents.house import AgentServices
from services.biz_service.gate import AgentCaller
from services.biz_service.store import Command, Commands
from services.web import BODY_LIMIT

AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}(:[a-z][a-z0-9-]{0,62})?$", max_length=126)]


class Result(BaseModel):
    """An agent's report on one command."""

    model_config = ConfigDict(extra="forbid")

    command_id: str = Field(min_length=1, max_length=64)
    status: Literal["completed", "failed"]
    result: Any = None


class NewCommand(BaseModel):
    """A command for an agent."""

    model_config = ConfigDict(extra="forbid")

    agent: AgentName
    command: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,127}$")
    parameters: dict[str, Any] = Field(default_factory=dict)


class Work:
    """The business. Raises InsufficientScope, UnknownCommand, AlreadyFinished, QueueFull, StateUnavailable."""

    def __init__(self, house: AgentServices, store: Commands) -> None:
        self._house, self._store = house, store

    async def ready(self) -> bool:
        """Whether commands can be read now."""
        return await self._store.answer()

    async def commands(self, caller: AgentCaller) -> dict[str, Any]:
        """The commands that wait for this agent."""
        caller.need("agent:commands")
        waiting = await self._store.pending(caller.name)
        return {"agent": caller.name, "count": len(waiting), "commands": waiting}

    async def report(self, caller: AgentCaller, report: Result) -> dict[str, Any]:
        """Record a result; a command is reported on once."""
        caller.need("agent:results")
        at = await self._store.finish(caller.name, report.command_id, status=report.status, result=report.result)
        return {"command_id": report.command_id, "status": report.status, "recorded_at": at}

    async def dispatch(self, caller: AgentCaller, new: NewCommand) -> dict[str, Any]:
        """Queue a command for an agent of the same owner."""
        caller.need("agent:dispatch")
        if owner_of(new.agent) != owner_of(caller.name):
            raise AgentScopeInsufficient(
                "Commands can be given to agents of the same owner only.", scope="agent:dispatch"
            )
        queued = await self._store.add(Command(new.agent, new.command, new.parameters, caller.name))
        return {"command_id": queued, "agent": new.agent, "status": "pending"}

    async def config(self, caller: AgentCaller) -> dict[str, Any]:
        """How an agent shall behave. Times in seconds, sizes in bytes."""
        caller.need("agent:commands")
        return {
            "agent": caller.name,
            "poll_interval_seconds": 30,
            "renew_token_before_seconds": 30,
            "max_body_bytes": BODY_LIMIT,
            "token_endpoint": f"{self._house.settings.agent_auth_public_url.rstrip('/')}/oauth2/token",
        }

    def token_info(self, caller: AgentCaller) -> dict[str, Any]:
        """The token's claims, as they were verified just now."""
        claims, now = caller.claims, time.time()
        return {
            "active": True,
            "iss": claims.iss,
            "aud": list(claims.aud),
            "sub": claims.sub,
            "scope": " ".join(sorted(claims.scopes)),
            "jti": claims.jti,
            "iat": claims.iat,
            "exp": claims.exp,
            "expires_in": max(0, int(claims.exp - now)),
            "cnf": None if claims.thumbprint is None else {"x5t#S256": claims.thumbprint},
        }

    def whoami(self, caller: AgentCaller) -> dict[str, Any]:
        """Whom this service takes the caller for."""
        return {
            "agent": caller.name,
            "owner": owner_of(caller.name) or None,
            "scopes": sorted(caller.claims.scopes),
            "issued_by": caller.issued_by,
            "certificate_bound": caller.claims.thumbprint is not None,
            "connection": caller.connection,
        }
