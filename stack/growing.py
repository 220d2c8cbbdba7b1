"""Logs that grow for as long as the demo runs: past a size one older part is kept, and the rest begins anew."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

LIMIT_BYTES = 64 * 2**20


def older(path: Path) -> Path:
    """Where the part of a log that was put aside lies."""
    return path.with_name(f"{path.name}.1")


def empty(path: Path, *, limit: int = LIMIT_BYTES) -> bool:
    """Put a log aside that processes append to and never open again. What comes in this very moment may be lost.

    True when it was larger than ``limit`` (bytes). Raises OSError.
    """
    if not _too_large(path, limit):
        return False
    shutil.copyfile(path, older(path))
    with path.open("r+b") as file:
        file.truncate()
    return True


def reopened(path: Path, process: subprocess.Popen[bytes], by: signal.Signals, *, limit: int = LIMIT_BYTES) -> bool:
    """Put a log aside that its writer opens anew when it is sent the signal ``by``: nothing is lost.

    True when it was larger than ``limit`` (bytes). Raises OSError.
    """
    if not _too_large(path, limit) or process.poll() is not None:
        return False
    path.rename(older(path))
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(by)
    return True


def _too_large(path: Path, limit: int) -> bool:
    return path.exists() and path.stat().st_size > limit
