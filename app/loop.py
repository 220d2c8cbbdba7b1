"""The one event loop of the process, as seen from the threads in which pages run."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, TypeVar

from app import texts
from app.zone import zone
from fastmcp_vault.errors import NotReady

T = TypeVar("T")


class Loop:
    """Runs coroutines on a loop that lives in another thread.

    Keycloak, Vault, state and MCP clients are bound to the loop they were made in. The server's own loop is that
    loop: routes use it directly, pages through :meth:`run`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout: float) -> T:
        """The coroutine's result, waited for in this thread for ``timeout`` seconds at most.

        Raises NotReady when the time is up (the coroutine is cancelled) or the process is stopping.
        """
        if not self._loop.is_running():
            coroutine.close()
            raise NotReady(texts.t("problem.app-changing"), fix=texts.t("problem.reload"))
        # Known in this thread's context from now on, which the coroutine inherits.
        texts.language()
        zone()
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise NotReady(texts.t("problem.slow", seconds=timeout), fix=texts.t("problem.slow.fix")) from None
        except concurrent.futures.CancelledError:
            raise NotReady(texts.t("problem.app-stopping"), fix=texts.t("problem.reload")) from None

    def stream(self, items: AsyncGenerator[T], *, timeout: float) -> Iterator[T]:
        """Each item as it comes, each waited for ``timeout`` seconds at most; closed when the page stops looking."""

        async def following() -> list[T]:
            try:
                return [await anext(items)]
            except StopAsyncIteration:
                return []

        try:
            while found := self.run(following(), timeout=timeout):
                yield found[0]
        finally:
            self.run(items.aclose(), timeout=timeout)
