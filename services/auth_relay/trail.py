"""How far a login is, for the chatbot that asked for it: its status and its steps, masked as they were recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp_vault import tracing
from fastmcp_vault.errors import Problem
from fastmcp_vault.sentences import form_of
from fastmcp_vault.tracing import Recorder
from services.auth_relay.models import LoginProgress, LoginStatus
from services.auth_relay.problems import WrongCode
from services.auth_relay.store import Store

KIND = "trail"
KEEP_SECONDS = 1_800.0
"""How long a login's steps can be asked for."""


class Trails:
    """The trails of logins, each by the login's id and for one client only."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def progress(self, login_id: str, client_key: str) -> LoginProgress | None:
        """How far it is; None when there is no such login of this client."""
        found = await self._store.get(KIND, login_id)
        if found is None or found.pop("client_key") != client_key:
            return None
        return LoginProgress.model_validate(found)

    @asynccontextmanager
    async def step(
        self, login_id: str, trace_id: str, client_key: str, kind: str, reached: LoginStatus
    ) -> AsyncIterator[tracing.OpenStep]:
        """Record the block as a step of that login, and keep it whether it succeeds or fails.

        A Problem ends the login, unless it is a mistyped code or somebody's second try with a used link.
        """
        recorder = Recorder("login", correlation_id=trace_id)
        now: dict[str, Any] = {"status": reached}
        try:
            with tracing.recording(recorder), tracing.step(kind) as opened:
                yield opened
        except Problem as problem:
            goes_on = isinstance(problem, WrongCode) or problem.detail.get("reason") == "used"
            failed = {
                "status": "failed",
                "error": problem.code,
                "message": problem.what,
                "words": form_of(problem.what),
            }
            now = {} if goes_on else failed
            raise
        finally:
            before = await self._store.get(KIND, login_id) or {"client_key": client_key, "status": reached, "steps": []}
            steps = [*before["steps"], *(step.model_dump(mode="json") for step in recorder.trace.steps)]
            await self._store.put(KIND, login_id, {**before, **now, "steps": steps}, ttl=KEEP_SECONDS)
