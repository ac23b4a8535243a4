"""Work on a stream's blocks beside its arrival: in a thread, in order, a few blocks behind."""

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

MAX_PENDING = 4  # blocks that wait their turn: enough that neither side stands still for the other's hiccups


class OrderedExecutor:
    """Calls made one after another in a thread of their own.

    At the end of its `async with` all of them have ended, whatever happened.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[asyncio.Future[Any]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for call in self._waiting:
            call.cancel()
        last = asyncio.get_running_loop().run_in_executor(self._thread, _nothing)
        self._thread.shutdown(wait=False)
        try:
            await asyncio.shield(last)
        except asyncio.CancelledError:
            await asyncio.wait({last})  # what it works on must not be taken from under it
            raise

    async def add(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Have a call made after those before it, of which all but `MAX_PENDING` - 1 have ended by then.

        Raises what one of them did.
        """
        if len(self._waiting) >= MAX_PENDING:
            await self._waiting.popleft()
        loop = asyncio.get_running_loop()
        self._waiting.append(loop.run_in_executor(self._thread, call, *arguments))

    async def done(self) -> None:
        """Wait until all calls have been made. Raises what one of them did."""
        while self._waiting:
            await self._waiting.popleft()


def _nothing() -> None:
    pass
