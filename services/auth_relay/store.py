"""Links and sign-ins under way: JSON on disk, shared by every worker, gone after their time, each taken once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from diskcache import FanoutCache, JSONDisk, Timeout

from fastmcp_vault.sentences import Sentence
from services.auth_relay.problems import StoreUnavailable

SIZE_LIMIT = 64 * 2**20
"""Bytes on disk; a sign-in takes some kilobytes. Beyond it no new link is kept, and none that exists is pushed out."""

LOCK_SECONDS = 1.0
"""How long one attempt waits for SQLite's lock; attempts go on until it is had."""

T = TypeVar("T")


class Store:
    """Values by kind and key. Raises StoreUnavailable when the disk does not do its part.

    ``diskcache`` runs each operation in a transaction of SQLite, so :meth:`take` and :meth:`claim` succeed once,
    whichever threads and processes try. JSON, not pickles: whoever could write the file could otherwise run code here.
    """

    def __init__(self, folder: Path) -> None:
        # Threads of its own: a slow disk holds up nobody who waits for one of asyncio's.
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="relay-store")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            self._cache = FanoutCache(
                str(folder),
                shards=4,
                timeout=LOCK_SECONDS,
                disk=JSONDisk,
                size_limit=SIZE_LIMIT,
                # Only what has expired is removed to make room.
                eviction_policy="none",
            )
        except (OSError, sqlite3.Error, Timeout) as error:
            raise StoreUnavailable(
                Sentence("The relay cannot keep sign-ins in {folder}.", folder=folder),
                fix="SESSION_CACHE_DIR names a folder of its own.",
            ) from error

    async def require_room(self) -> None:
        """Raises StoreUnavailable while SIZE_LIMIT is reached."""
        if await self._do(self._cache.volume) >= SIZE_LIMIT:
            raise StoreUnavailable(
                "The relay keeps as many sign-ins as it can, so it gives no new link.", fix="Try again in some minutes."
            )

    async def put(self, kind: str, key: str, value: Mapping[str, Any], *, ttl: float) -> None:
        """Keep a value for ``ttl`` seconds."""
        await self._do(lambda: self._cache.set(f"{kind}:{key}", dict(value), expire=ttl, retry=True))

    async def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The value, if it is there and its time is not over."""
        found = await self._do(lambda: self._cache.get(f"{kind}:{key}", retry=True))
        return found if isinstance(found, dict) else None

    async def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """The value, for the first who asks; nothing for everybody after."""
        found = await self._do(lambda: self._cache.pop(f"{kind}:{key}", retry=True))
        return found if isinstance(found, dict) else None

    async def claim(self, kind: str, key: str, *, ttl: float) -> bool:
        """True for the first who claims this key within ``ttl`` seconds."""
        return bool(await self._do(lambda: self._cache.add(f"{kind}:{key}", 1, expire=ttl, retry=True)))

    async def close(self) -> None:
        """Close the files."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._cache.close()

    async def _do(self, work: Callable[[], T]) -> T:
        def call() -> T:
            try:
                return work()
            except (OSError, sqlite3.Error, Timeout) as error:
                raise StoreUnavailable(
                    "The relay cannot read or write its sign-ins.", fix="Try again; its log says why."
                ) from error

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
