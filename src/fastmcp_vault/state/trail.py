"""Where actions are noted for the audit trail: in memory, or in order to a store, beside the calls they tell of."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, Self

from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import InputError, StateUnavailable

AuditEntry = Mapping[str, Any]
"""One action, ready to be written: JSON values, masked and cut."""

QUEUE = 2000
"""Actions that wait for the store at most; what comes while it is full is lost, and counted."""

BATCH = 50
"""Actions that are written at once."""

CLOSE_SECONDS = 3.0
"""How long a shutdown may spend on writing what still waits."""

_log = logging.getLogger(__name__)


class AuditTrail(Protocol):
    """Takes note of actions. Never waits and never fails: a call's answer does not depend on it."""

    def record(self, entry: AuditEntry) -> None:
        """Note one action."""


class MemoryTrail:
    """The newest actions, for one process; gone with it. ``capacity``: how many are kept."""

    def __init__(self, capacity: int = QUEUE) -> None:
        self.entries: deque[AuditEntry] = deque(maxlen=capacity)

    def record(self, entry: AuditEntry) -> None:
        """Note one action; the oldest goes where there is no room."""
        self.entries.append(entry)


class QueuedTrail:
    """Hands actions to ``write`` in their order, up to BATCH at once, again and again while the store is away.

    ``write`` returns the chain's head as text. It raises StateUnavailable, or InputError for what no store will take.
    Each entry carries ``process``, an id of this one, and ``number``, from 1 on without gaps as long as nothing is
    lost: what was lost is said by the next entry (``lost_before``) and shows as a gap in the numbers. A process that
    is killed loses what waits. Use as ``async with``.
    """

    def __init__(self, write: Callable[[Sequence[AuditEntry]], Awaitable[str]], *, capacity: int = QUEUE) -> None:
        self._write, self._capacity = write, capacity
        self._process, self._number, self._unsaid = uuid.uuid4().hex, 0, 0
        self._queue: deque[AuditEntry] = deque()
        self._some = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self.lost = 0
        """Actions that found the queue full, since the process began, or that waited when it ended."""

    @property
    def waiting(self) -> int:
        """Actions that are not written yet."""
        return len(self._queue)

    def record(self, entry: AuditEntry) -> None:
        """Note one action; with the queue full it is lost."""
        self._number += 1
        if len(self._queue) >= self._capacity:
            self.lost, self._unsaid = self.lost + 1, self._unsaid + 1
            if self._unsaid == 1:
                _log.error("Actions are missing in the audit trail: %s wait already for the store", self._capacity)
            return
        said = {"lost_before": self._unsaid} if self._unsaid else {}
        self._unsaid = 0
        self._queue.append({**entry, **said, "process": self._process, "number": self._number})
        self._some.set()

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._queue:
                    await self._write_some()
        except (StateUnavailable, TimeoutError):
            self.lost += len(self._queue)
            _log.exception("%s actions are missing in the audit trail", len(self._queue))

    async def _write_for_ever(self) -> None:
        backoff = Backoff()
        while True:
            await self._some.wait()
            try:
                await self._write_some()
            except StateUnavailable as error:
                _log.warning("%s actions wait for the audit trail: %s", len(self._queue), error)
                await asyncio.sleep(backoff.failed())
            else:
                backoff.succeeded()

    async def _write_some(self) -> None:
        """Write the oldest, which leave the queue once they are written; a second attempt writes none of them twice."""
        batch = [self._queue[index] for index in range(min(BATCH, len(self._queue)))]
        if batch:
            try:
                # A witness outside the database: whoever cuts the end of the chain off must change this log as well.
                _log.info("The audit trail goes to %s", await self._write(batch))
            except InputError:
                self.lost += len(batch)
                _log.exception("%s actions are missing in the audit trail", len(batch))
        for _ in batch:
            self._queue.popleft()
        if not self._queue:
            self._some.clear()
