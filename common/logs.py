"""Logging set up once per process: one line per event on standard error, as text or JSON, cut, masked and escaped."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from logging.handlers import MemoryHandler
from types import TracebackType

from fastmcp_vault.masking import mask_text
from fastmcp_vault.printable import printable
from fastmcp_vault.tracing.logged import CorrelationFilter

FORMAT = "LOG_FORMAT"
"""The variable that chooses between ``text`` and ``json``."""

LINE_LIMIT = 4_000
"""Characters of one event; the rest is cut off."""

ID_LIMIT = 64
"""Characters of a correlation id, which may be a stranger's."""

TRACEBACK_LIMIT = 30_000
"""Characters of one traceback."""

SEVERITY = {logging.DEBUG: 5, logging.INFO: 9, logging.WARNING: 13, logging.ERROR: 17, logging.CRITICAL: 21}
"""OpenTelemetry's number of a level (log data model, SeverityNumber)."""

GATHERED = 100
"""Events that wait to be written together at most."""

CONTINUED = "    | "
"""Every line of a traceback begins so: none of them can pass for an event of its own."""


class MaskingFormatter(logging.Formatter):
    """Formats a record: cut, then masked, then every control character escaped, so that one event is one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line; a traceback follows it on lines that begin with CONTINUED."""
        record.message = record.getMessage()
        whose = getattr(record, "correlation_id", "")[:ID_LIMIT]
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        ending = f" [{printable(whose)}]" if whose else ""
        lines = [printable(mask_text(self.formatMessage(record), limit=LINE_LIMIT)) + ending]
        for text in (self.traceback(record), self.formatStack(record.stack_info) if record.stack_info else ""):
            masked = mask_text(text, limit=TRACEBACK_LIMIT)
            lines += [f"{CONTINUED}{printable(line)}" for line in masked.split("\n")] if masked else []
        return "\n".join(lines)

    def traceback(self, record: logging.LogRecord) -> str:
        """Never kept in the record: other handlers would show it unmasked."""
        if record.exc_info and record.exc_info[0] is not None:
            return self.formatException(record.exc_info)
        return record.exc_text or ""


class JsonFormatter(MaskingFormatter):
    """The same as one JSON object a line, its fields named as OpenTelemetry's log model and conventions name them.

    ``event.name`` is the place in the code that logged it.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The finished line, traceback included."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = {
            "timestamp": at.replace("+00:00", "Z"),
            "severity_text": record.levelname,
            "severity_number": SEVERITY.get(record.levelno),
            "service.name": self._service,
            "event.name": f"{record.name}.{record.funcName}",
            "correlation_id": printable(getattr(record, "correlation_id", "")[:ID_LIMIT]),
            "trace_id": getattr(record, "trace_id", ""),
            "span_id": getattr(record, "span_id", ""),
            "body": printable(mask_text(record.getMessage(), limit=LINE_LIMIT)),
            "exception.stacktrace": printable(mask_text(self.traceback(record), limit=TRACEBACK_LIMIT)),
        }
        return json.dumps({name: value for name, value in event.items() if value}, ensure_ascii=False)


class GatheringHandler(MemoryHandler):
    """Writes events a moment later and together, so that no call waits for its own line; a warning, at once.

    ``seconds``: how long an event waits at most. A process that is killed loses what waits; one that ends writes it.
    """

    def __init__(self, target: logging.Handler, *, seconds: float) -> None:
        super().__init__(GATHERED, flushLevel=logging.WARNING, target=target)
        self._seconds = seconds
        threading.Thread(target=self._flush_for_ever, name="logs", daemon=True).start()

    def _flush_for_ever(self) -> None:
        waiting = threading.Event()
        while self.target is not None:
            waiting.wait(self._seconds)
            if self.buffer:
                self.flush()


def set_up(service: str, *, level: str = "INFO", gather_seconds: float = 0.0) -> None:
    """Send every logger of this process to standard error: through JsonFormatter where ``LOG_FORMAT`` is ``json``.

    ``gather_seconds``: how long an event may wait for others to be written with; 0: each is written at once.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    text = MaskingFormatter(f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter(service) if os.environ.get(FORMAT, "") == "json" else text)
    if gather_seconds:
        handler = GatheringHandler(handler, seconds=gather_seconds)
    handler.addFilter(CorrelationFilter())
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
