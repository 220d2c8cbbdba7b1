"""Waiting for a server that is coming up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from fastmcp_vault.errors import NotReady, Problem

_POLL_SECONDS = 0.1
_SAY_AFTER_SECONDS = 2.0

log = logging.getLogger(__name__)


def wait_until_ready(name: str, check: Callable[[], object], *, within: float) -> None:
    """Call ``check`` until it raises no Problem that may pass, for at most ``within`` seconds. Raises NotReady."""
    deadline = time.monotonic() + within
    say_at = time.monotonic() + _SAY_AFTER_SECONDS
    pause = threading.Event()
    while True:
        try:
            check()
            return
        except Problem as error:
            if not error.retryable:
                raise
            if time.monotonic() >= deadline:
                raise NotReady(f"{name} was not ready within {within:g} s: {error.what}", fix=error.fix) from error
            if time.monotonic() >= say_at:
                log.info("waiting for %s: %s", name, error.what)
                say_at = time.monotonic() + 5 * _SAY_AFTER_SECONDS
        pause.wait(_POLL_SECONDS)
