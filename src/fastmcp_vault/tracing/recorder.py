"""The recorder: opens steps around real work, collects what the wire saw, and masks it all on the way in."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from fastmcp_vault import metrics
from fastmcp_vault.advice import advice
from fastmcp_vault.errors import Problem
from fastmcp_vault.masking import mask_text, mask_value
from fastmcp_vault.sentences import masked, with_words
from fastmcp_vault.tracing import spans
from fastmcp_vault.tracing.model import Exchange, Step, Trace
from fastmcp_vault.tracing.registry import STEPS

MAX_STEPS = 200
"""A trace stops growing here; an action that needs more is not one a person reads."""


class OpenStep:
    """A step in progress. Everything given to it is masked before it is kept."""

    def __init__(self, step: Step, recorder: Recorder | None) -> None:
        self.step = step
        self._recorder = recorder

    def say(self, sentence: str) -> None:
        """One plain sentence on what happened; of a Sentence, the words are kept for other languages."""
        self.step.sentence = masked(sentence, partial(mask_text, secrets=self._secrets))
        self.step.words |= with_words(sentence=self.step.sentence).get("words", {})

    def detail(self, **values: Any) -> None:
        """Facts worth showing beside the step; secret-looking names and values are masked."""
        self.step.detail.update({k: mask_value(k, v, secrets=self._secrets) for k, v in values.items()})

    def reused(self, *, since: float, until: float | None = None) -> None:
        """Nothing was sent: an earlier result still holds (seconds since the epoch)."""
        self.step.status, self.step.since, self.step.until = "reused", since, until

    def valid(self, *, until: float | None) -> None:
        """How long the result of this step holds (seconds since the epoch)."""
        self.step.until = until

    def protect(self, *secrets: str) -> None:
        """Mask these exact values wherever they appear in this trace from now on."""
        if self._recorder is not None:
            self._recorder.protect(*secrets)

    def add(self, exchange: Exchange) -> None:
        """Keep one exchange that the wire saw (see :mod:`fastmcp_vault.tracing.wire`, which masks it)."""
        self.step.exchanges.append(exchange)

    def fail(self, error: BaseException) -> None:
        """Mark the step failed, with the error's sentences if it is one of ours."""
        step = self.step
        step.status = "failed"
        if isinstance(error, Problem):
            step.error, step.fix, step.code = error.what, error.fix, error.code
        else:
            step.error, step.fix, step.code = f"{type(error).__name__}: {error}", advice(step.about.hint), "internal"
        mask = partial(mask_text, secrets=self._secrets)
        step.error, step.fix = masked(step.error, mask), masked(step.fix, mask)
        step.words |= with_words(error=step.error, fix=step.fix).get("words", {})

    @property
    def secrets(self) -> frozenset[str]:
        """Exact values that this trace masks."""
        return self._secrets

    @property
    def _secrets(self) -> frozenset[str]:
        return self._recorder.secrets if self._recorder is not None else frozenset()


class _Unrecorded(OpenStep):
    """A step that nobody records: it runs and is counted, and what is said about it is neither masked nor kept."""

    def say(self, sentence: str) -> None:
        return

    def detail(self, **values: Any) -> None:
        return

    def reused(self, *, since: float, until: float | None = None) -> None:
        self.step.status = "reused"

    def valid(self, *, until: float | None) -> None:
        return

    def add(self, exchange: Exchange) -> None:
        return

    def fail(self, error: BaseException) -> None:
        self.step.status, self.step.code = "failed", error.code if isinstance(error, Problem) else "internal"


class Recorder:
    """Collects one action's steps. One per action; safe to use from several tasks and threads at once."""

    def __init__(self, action: str, *, correlation_id: str | None = None) -> None:
        self.trace = Trace(id=correlation_id or uuid.uuid4().hex, action=action, started_at=time.time())
        self.secrets: frozenset[str] = frozenset()
        self.noted: list[Step] = []
        self._protecting = threading.Lock()

    def protect(self, *secrets: str) -> None:
        """Mask these exact values in everything recorded from now on."""
        with self._protecting:
            self.secrets |= {s for s in secrets if s}

    @contextmanager
    def step(self, kind: str, *, server: str = "") -> Iterator[OpenStep]:
        """Record the block as one step of ``kind``; an exception marks it failed and goes on up."""
        opened = self._open(kind, server)
        with spans.of_step(opened.step):
            token = _open_step.set(opened)
            began = time.perf_counter()
            try:
                yield opened
            except BaseException as error:
                opened.fail(error)
                raise
            finally:
                opened.step.duration_ms = (time.perf_counter() - began) * 1000
                _count(opened.step)
                _open_step.reset(token)

    def note(self, kind: str, *, server: str = "") -> OpenStep:
        """Record a step that took no time: something reused or skipped."""
        opened = self._open(kind, server)
        self.noted.append(opened.step)
        return opened

    def tell_noted(self) -> None:
        """Make spans of what was noted since the last time, as it has been described by now."""
        noted, self.noted = self.noted, []
        for step in noted:
            spans.of_note(step)

    def extend(self, steps: Iterable[Step]) -> None:
        """Take over steps that another process recorded in the same action, in time order."""
        room = MAX_STEPS - len(self.trace.steps)
        self.trace.steps.extend(list(steps)[:room])
        self.trace.steps.sort(key=lambda s: s.started_at)

    def _open(self, kind: str, server: str) -> OpenStep:
        step = Step(kind=STEPS[kind].id, server=server, started_at=time.time())
        if len(self.trace.steps) < MAX_STEPS:
            self.trace.steps.append(step)
        return OpenStep(step, self)


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)
_open_step: ContextVar[OpenStep | None] = ContextVar("open_step", default=None)


def current() -> Recorder | None:
    """The recorder of this task or thread, if an action is being recorded."""
    return _recorder.get()


def open_step() -> OpenStep | None:
    """The innermost step open in this task or thread."""
    return _open_step.get()


@contextmanager
def recording(recorder: Recorder | None) -> Iterator[Recorder | None]:
    """Make ``recorder`` the current one inside the block (None switches recording off)."""
    token = _recorder.set(recorder)
    inner = _open_step.set(None)
    try:
        if recorder is None:
            yield None
            return
        with spans.of_action(recorder.trace.action, recorder.trace.id):
            try:
                yield recorder
            finally:
                recorder.tell_noted()
    finally:
        _open_step.reset(inner)
        _recorder.reset(token)


@contextmanager
def step(kind: str, *, server: str = "") -> Iterator[OpenStep]:
    """Record the block as a step of the current action; without one, the block simply runs."""
    recorder = _recorder.get()
    if recorder is None:
        with _counted(kind, server) as counted:
            yield counted
        return
    with recorder.step(kind, server=server) as opened:
        yield opened


@contextmanager
def _counted(kind: str, server: str) -> Iterator[OpenStep]:
    opened, began = _Unrecorded(Step(kind=kind, server=server, started_at=time.time()), None), time.perf_counter()
    try:
        yield opened
    except BaseException as error:
        opened.fail(error)
        raise
    finally:
        opened.step.duration_ms = (time.perf_counter() - began) * 1000
        _count(opened.step)


def _count(step: Step) -> None:
    metrics.STEPS.record(
        step.duration_ms / 1000, step=step.kind, server=step.server, status=step.status, reason=step.code
    )


def reused(
    kind: str, *, since: float, until: float | None = None, server: str = "", sentence: str = "", **detail: Any
) -> None:
    """Record that this step's earlier result was used again (``since``, ``until``: seconds since the epoch)."""
    metrics.STEPS.record(0.0, step=kind, server=server, status="reused", reason="")
    recorder = _recorder.get()
    if recorder is not None:
        opened = recorder.note(kind, server=server)
        opened.reused(since=since, until=until)
        opened.detail(**detail)
        opened.say(sentence)


def skipped(kind: str, reason: str, *, server: str = "") -> None:
    """Record that this step did not happen, and why."""
    recorder = _recorder.get()
    if recorder is not None:
        opened = recorder.note(kind, server=server)
        opened.step.status = "skipped"
        opened.say(reason)


def extend(steps: Iterable[Step]) -> None:
    """Add steps that another process recorded to the current action."""
    recorder = _recorder.get()
    if recorder is not None:
        recorder.extend(steps)
