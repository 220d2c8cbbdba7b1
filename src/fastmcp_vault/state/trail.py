"""Actions on their way to the audit trail: noted in memory at once, and written beside the calls they tell of."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from fastmcp_vault import metrics
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import InputError, StateUnavailable

AuditEntry = Mapping[str, Any]
"""One action, ready to be written: JSON values, masked and cut."""

Noted = Callable[[], AuditEntry]
"""An action as it was noted; what is to be written is made of it beside the call."""

QUEUE = 2000
"""Actions that wait for the store at most; what comes while it is full is lost, and counted."""

BATCH = 50
"""Actions that are written at once."""

LINGER_SECONDS = 0.2
"""How long an action waits for others to be written with: a busy server then costs the store five batches a second."""

CLOSE_SECONDS = 3.0
"""How long a shutdown may spend on writing what still waits."""

WITNESS_SECONDS = 60.0
"""How often the chain's head is logged."""

_log = logging.getLogger(__name__)


class QueuedTrail:
    """Hands actions to ``write`` in their order, up to BATCH at once, again and again while the store is away.

    ``write`` returns the chain's head as text. It raises StateUnavailable, or InputError for what no store will take.
    Each entry carries ``process``, an id of this one, and ``number``, from 1 on without gaps as long as nothing is
    lost: what was lost is said by the next entry (``lost_before``), shows as a gap in the numbers, and is counted
    (``metrics.AUDITED``). A process that is killed loses what waits, without a trace of it. Use as ``async with``.
    """

    def __init__(
        self,
        server: str,
        write: Callable[[Sequence[AuditEntry]], Awaitable[str]],
        *,
        capacity: int = QUEUE,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._server, self._write, self._capacity, self._linger = server, write, capacity, linger
        self._process, self._number, self._unsaid = uuid.uuid4().hex, 0, 0
        self._noted: list[tuple[Noted, Mapping[str, Any]]] = []
        self._queue: deque[AuditEntry] = deque()
        self._some, self._many = asyncio.Event(), asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._witness_at = float("-inf")
        self.lost = 0
        """Actions that found the queue full, since the process began, or that waited when it ended."""

    @property
    def waiting(self) -> int:
        """Actions that are not written yet."""
        return len(self._queue) + len(self._noted)

    def record(self, noted: Noted) -> None:
        """Note one action; with the queue full it is lost. Never waits and never fails.

        ``noted`` is called within ``linger`` seconds or BATCH actions: until then what it refers to stays in memory.
        """
        self._number += 1
        if self.waiting >= self._capacity:
            self._unsaid += 1
            self._lose(1, first=self._unsaid == 1, why="the queue is full")
            return
        said = {"lost_before": self._unsaid} if self._unsaid else {}
        self._unsaid = 0
        self._noted.append((noted, {**said, "process": self._process, "number": self._number}))
        self._some.set()
        if len(self._noted) >= BATCH:
            self._take_up()
        if self.waiting >= BATCH:
            self._many.set()

    def _take_up(self) -> None:
        """Make of what was noted what will be written."""
        noted, self._noted = self._noted, []
        self._queue.extend({**one(), **more} for one, more in noted)

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        self._witness_at = float("-inf")
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while self.waiting:
                    await self._write_some()
        except (StateUnavailable, TimeoutError) as error:
            self._lose(self.waiting, why=f"at the end, {error or 'no answer in time'}")

    async def _write_for_ever(self) -> None:
        backoff = Backoff()
        while True:
            await self._some.wait()
            await self._gathered()
            try:
                await self._write_some()
            except StateUnavailable as error:
                _log.warning("%s actions wait for the audit trail: %s", self.waiting, error)
                await asyncio.sleep(backoff.failed())
            else:
                backoff.succeeded()

    async def _gathered(self) -> None:
        """Wait for a whole batch, a moment at most."""
        try:
            async with asyncio.timeout(self._linger):
                await self._many.wait()
        except TimeoutError:
            pass

    async def _write_some(self) -> None:
        """Write the oldest, which leave the queue once they are written; a second attempt writes none of them twice."""
        self._take_up()
        batch = [self._queue[index] for index in range(min(BATCH, len(self._queue)))]
        try:
            self._witness(await self._write(batch))
        except InputError as error:
            self._lose(len(batch), why=str(error))
        else:
            metrics.AUDITED.add(len(batch), server=self._server, outcome="written")
        for _ in batch:
            self._queue.popleft()
        if not self.waiting:
            self._some.clear()
        if self.waiting < BATCH:
            self._many.clear()

    def _witness(self, head: str) -> None:
        """Log the head now and then: whoever cuts the chain off or rewrites it would have to change this log, too."""
        now = asyncio.get_running_loop().time()
        if now - self._witness_at >= WITNESS_SECONDS:
            self._witness_at = now
            _log.info("The audit trail goes to %s", head)

    def _lose(self, count: int, *, why: str, first: bool = True) -> None:
        self.lost += count
        metrics.AUDITED.add(count, server=self._server, outcome="lost")
        if first:
            _log.error("Actions are missing in the audit trail (%s): %s", count, why)
