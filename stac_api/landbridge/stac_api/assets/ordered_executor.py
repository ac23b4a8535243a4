"""Executor that works on the blocks of a stream in order, in a thread, while the next blocks arrive."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["MAX_PENDING", "OrderedExecutor"]

MAX_PENDING = 4  # waiting calls: enough that neither side waits for short delays of the other


class OrderedExecutor:
    """Runs calls one after another in a thread of its own.

    All calls have ended at the end of its `async with`, even after an error.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._pending: deque[asyncio.Future[Any]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for call in self._pending:
            call.cancel()
        last = asyncio.get_running_loop().run_in_executor(self._thread, _nothing)
        self._thread.shutdown(wait=False)
        try:
            await asyncio.shield(last)
        except asyncio.CancelledError:
            await asyncio.wait({last})  # the call's file and buffer must outlive it
            raise

    async def submit(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Add a call as soon as fewer than `MAX_PENDING` are pending; raise the error of an earlier one."""
        if len(self._pending) >= MAX_PENDING:
            await self._pending.popleft()
        loop = asyncio.get_running_loop()
        self._pending.append(loop.run_in_executor(self._thread, call, *arguments))

    async def finish(self) -> None:
        """Wait for all calls; raise the error of one that failed."""
        while self._pending:
            await self._pending.popleft()


def _nothing() -> None:
    pass
