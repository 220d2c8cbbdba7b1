"""What a trace is: steps, each with the HTTP exchanges seen on the wire, already masked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fastmcp_vault.tracing.registry import STEPS, StepKind

Status = Literal["done", "reused", "failed", "skipped"]

BODY_LIMIT = 8_192
"""Characters kept of a request or response body."""


class Exchange(BaseModel):
    """One request and its response as they went over the wire. Times: seconds since the epoch, milliseconds."""

    model_config = ConfigDict(extra="forbid")

    method: str
    url: str
    started_at: float
    duration_ms: float | None = None
    status: int | None = None
    request_headers: dict[str, str] = Field(default_factory=dict)
    request_body: str = ""
    response_headers: dict[str, str] = Field(default_factory=dict)
    response_body: str = ""
    error: str = ""


class Step(BaseModel):
    """One step that was done, reused, failed or skipped.

    ``since`` and ``until`` (seconds since the epoch) tell of a reused step from when to when its
    result holds. ``detail`` is small, masked and made for people. ``words`` holds what another language
    needs of ``sentence``, ``error`` and ``fix`` (:meth:`fastmcp_vault.sentences.Sentence.read`).
    """

    model_config = ConfigDict(extra="forbid")

    kind: str
    server: str = ""
    status: Status = "done"
    started_at: float
    duration_ms: float = 0.0
    sentence: str = ""
    error: str = ""
    fix: str = ""
    code: str = ""
    words: dict[str, Any] = Field(default_factory=dict)
    since: float | None = None
    until: float | None = None
    detail: dict[str, Any] = Field(default_factory=dict)
    exchanges: list[Exchange] = Field(default_factory=list)

    @property
    def about(self) -> StepKind:
        """The registry's entry for this step."""
        return STEPS[self.kind]

    @property
    def number(self) -> int:
        """The step's number, 1 to 7."""
        return self.about.number


class Trace(BaseModel):
    """One action of one person: its correlation id, what it was, and its steps in the order they began."""

    model_config = ConfigDict(extra="forbid")

    id: str
    action: str
    started_at: float
    steps: list[Step] = Field(default_factory=list)

    def find(self, kind: str, server: str = "") -> Step | None:
        """The first step of this kind at this server (none named: at no server), if there is one."""
        return next((step for step in self.steps if (step.kind, step.server) == (kind, server)), None)

    def detail(self, kind: str, server: str = "") -> dict[str, Any]:
        """What that step recorded; nothing where there is no such step."""
        found = self.find(kind, server)
        return found.detail if found else {}

    @property
    def failed(self) -> list[Step]:
        """The steps that failed."""
        return [s for s in self.steps if s.status == "failed"]
