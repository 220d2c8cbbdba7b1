"""Worker threads for blocking clients, usable from any event loop; the trace and correlation id go along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """A bounded set of threads, owned by one client and closed with it.

    A pool of its own, because asyncio's default one has six threads on a two-core machine and a
    slow Keycloak must not hold up calls to Vault.
    """

    def __init__(self, name: str, *, threads: int = 16) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``call``'s result, from a thread that sees the caller's context variables.

        A cancelled caller stops waiting; the thread finishes on its own (its client has a time limit).
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(copy_context().run, call, *args, **kwargs))

    def close(self) -> None:
        """Take no more work; calls under way finish by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
