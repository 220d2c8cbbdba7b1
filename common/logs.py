"""Logging set up once per process: one line per event on standard error, every line masked."""

from __future__ import annotations

import logging
import sys

from common.masking import mask_text


class MaskingFormatter(logging.Formatter):
    """Formats a record, traceback included, and masks whatever looks like a secret in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return mask_text(super().format(record))


def set_up(service: str, *, level: str = "INFO") -> None:
    """Send every logger of this process to standard error through the masking formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for chatty in ("httpx", "httpx2", "httpcore", "httpcore2", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
