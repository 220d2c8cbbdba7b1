"""The trace: what really happened, step by step, masked; recorded from the wire and never from a script."""

from fastmcp_vault.tracing.model import Exchange, Step, Trace
from fastmcp_vault.tracing.recorder import OpenStep, Recorder, current, extend, recording, reused, skipped, step
from fastmcp_vault.tracing.registry import STEPS, StepKind

__all__ = [
    "STEPS",
    "Exchange",
    "OpenStep",
    "Recorder",
    "Step",
    "StepKind",
    "Trace",
    "current",
    "extend",
    "recording",
    "reused",
    "skipped",
    "step",
]
