"""Logging set up once per process: one line per event on standard error, cut, masked and escaped."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from fastmcp_vault.masking import mask_text
from fastmcp_vault.printable import printable

LINE_LIMIT = 4_000
"""Characters of one event; the rest is cut off."""

TRACEBACK_LIMIT = 30_000
"""Characters of one traceback."""

CONTINUED = "    | "
"""Every line of a traceback begins so: none of them can pass for an event of its own."""


class MaskingFormatter(logging.Formatter):
    """Formats a record: cut, then masked, then every control character escaped, so that one event is one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line; a traceback follows it on lines that begin with CONTINUED."""
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [printable(mask_text(self.formatMessage(record), limit=LINE_LIMIT))]
        for text in (self._traceback(record), self.formatStack(record.stack_info) if record.stack_info else ""):
            masked = mask_text(text, limit=TRACEBACK_LIMIT)
            lines += [f"{CONTINUED}{printable(line)}" for line in masked.split("\n")] if masked else []
        return "\n".join(lines)

    def _traceback(self, record: logging.LogRecord) -> str:
        """Never kept in the record: other handlers would show it unmasked."""
        if record.exc_info and record.exc_info[0] is not None:
            return self.formatException(record.exc_info)
        return record.exc_text or ""


def set_up(service: str, *, level: str = "INFO") -> None:
    """Send every logger of this process to standard error through the masking formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    sys.excepthook = _uncaught
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for chatty in ("httpx", "httpx2", "httpcore", "httpcore2", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What ends the process is logged like everything else, and not printed as it is."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        logging.getLogger("uncaught").critical("The process ends", exc_info=(kind, error, traceback))
