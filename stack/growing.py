"""Logs that grow for as long as the demo runs: past a size one older part is kept, and the rest begins anew."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from stack.processes import ProcessHandle

LIMIT_BYTES = 64 * 2**20


def older(path: Path) -> Path:
    """Where the part of a log that was put aside lies."""
    return path.with_name(f"{path.name}.1")


def empty(path: Path) -> None:
    """Put a log aside that processes append to and never open again. What comes in this very moment may be lost.

    Raises OSError.
    """
    if _too_large(path):
        shutil.copyfile(path, older(path))
        with path.open("r+b") as file:
            file.truncate()


def reopen(path: Path, process: ProcessHandle) -> None:
    """Put a log aside that its writer opens anew on SIGHUP: nothing is lost. Raises OSError."""
    if _too_large(path) and process.poll() is None:
        path.rename(older(path))
        process.send_signal(signal.SIGHUP)


def _too_large(path: Path) -> bool:
    return path.exists() and path.stat().st_size > LIMIT_BYTES
