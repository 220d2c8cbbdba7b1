"""Somebody else's path, really asked for: with the person's own login at Vault, so that Vault itself says no."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from app.lab.rows import names
from app.person_vault import PART, PersonLogin
from app.process import AppProcess
from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.errors import Problem, VaultDenied
from fastmcp_vault.tracing import Exchange, Recorder, Trace

NOBODY = "somebody-else"
"""Whose path is asked for where no other person is known: it is not mine either."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What Vault answered: its status and words, and when (seconds since the epoch)."""

    path: str
    status: int
    said: str
    at: float
    trace: Trace

    @property
    def correlation_id(self) -> str:
        """The id of the request in Vault's audit log."""
        return self.trace.id


def somebody_else(process: AppProcess, me: str) -> str:
    """Another person of the demo."""
    return next((name for name in names(process, me) if name != me), NOBODY)


async def ask(process: AppProcess, cookie: str, path: str) -> Proof:
    """Read ``path`` in Vault as the person who is signed in.

    Raises SessionEnded, VaultUnavailable and what else keeps the question from being asked; a refusal is the answer.
    """
    recorder = Recorder(t("action.proof", path=path))

    async def work(held: PersonLogin) -> None:
        with tracing.step("own-secret", server=PART):
            await process.vault.read(held.login.token, path)

    with tracing.recording(recorder):
        session = await process.sessions.renewed(cookie)
        try:
            await process.person_vault.use(session, work)
        except VaultDenied:
            pass
        except Problem:
            if not _answers(recorder.trace, path):
                raise
    answer = _answers(recorder.trace, path)[-1]
    return Proof(path, answer.status or 0, _words(answer), time.time(), recorder.trace)


def _answers(trace: Trace, path: str) -> list[Exchange]:
    """Vault's answers about this path."""
    return [e for step in trace.steps for e in step.exchanges if e.url.endswith(f"/v1/{path}") and e.status]


def _words(answer: Exchange) -> str:
    try:
        errors = json.loads(answer.response_body).get("errors") or []
    except (ValueError, AttributeError):
        return ""
    return " ".join(str(error).replace("\n", " ").replace("\t", " ").strip() for error in errors)
