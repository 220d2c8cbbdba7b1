"""Runs a command's ``main``: errors with the demo's own advice, and a quiet end when output is cut (``… | head``)."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from common.advice import ADVICE
from fastmcp_vault.advice import give_advice

CUT = 141
"""The exit code of a program that SIGPIPE ended, as shells tell it (128 + 13)."""


def run(main: Callable[[], int | None]) -> int:
    """The command's exit code; CUT when nobody reads its output any more.

    A broken pipe of any other kind, such as a server's connection, goes on as it is.
    """
    give_advice(ADVICE)
    try:
        try:
            code = main()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    except BrokenPipeError:
        cut = [stream for stream in (sys.stdout, sys.stderr) if _is_cut(stream)]
        for stream in cut:
            _discard(stream)
        if not cut:
            raise
        return CUT
    return code or 0


def _is_cut(stream: TextIO) -> bool:
    """Whether the other end of the stream's pipe is closed."""
    try:
        waiting = select.poll()
        waiting.register(stream.fileno(), select.POLLOUT)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in waiting.poll(0))
    except (OSError, ValueError):
        return False


def _discard(stream: TextIO) -> None:
    """Send what is still buffered nowhere: Python flushes once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
