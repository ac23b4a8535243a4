"""Queue for the worker processes of tiles: who waits for one, and which worker a request gets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from landbridge.stac_api.tiles.answers import PoolBusyError, WorkerDiedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from landbridge.stac_api.tiles.render_worker import RenderWorker

__all__ = ["WorkerQueue"]

logger = logging.getLogger(__name__)

# Waiting requests among which one is searched that fits the idle worker.
_LOOKED_AT = 8


@dataclass(eq=False, slots=True)
class _Waiting:
    slot: int
    future: asyncio.Future[_Slot]


@dataclass(eq=False, slots=True)
class _Slot:
    """Place of a worker, which another takes after it has ended."""

    number: int
    worker: RenderWorker | None = None
    starting: asyncio.Task[None] | None = field(default=None, repr=False)


class WorkerQueue:
    """Workers, and the requests that wait for them.

    Parameters
    ----------
    start : callable
        Starts a worker.
    size : int
        Number of workers.
    max_waiting : int
        Number of requests that may wait.
    """

    def __init__(self, start: Callable[[], Awaitable[RenderWorker]], size: int, max_waiting: int) -> None:
        self._start = start
        self._slots = [_Slot(number) for number in range(size)]
        self._idle = dict.fromkeys(range(size))
        self._waiting: deque[_Waiting] = deque()
        self._max_waiting = max_waiting
        self._draining: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def busy(self) -> int:
        """Number of workers that are lent."""
        return len(self._slots) - len(self._idle)

    def start_all(self) -> None:
        """Start all workers, without waiting for them."""
        for slot in self._slots:
            self._begin_start(slot)

    def _begin_start(self, slot: _Slot) -> asyncio.Task[None]:
        if slot.starting is None:
            slot.starting = asyncio.create_task(self._start_in(slot))
        return slot.starting

    async def _start_in(self, slot: _Slot) -> None:
        try:
            slot.worker = await self._start()
        except Exception:
            logger.exception("A process that renders tiles does not start")
        finally:
            slot.starting = None

    @contextlib.asynccontextmanager
    async def lent(self, affinity: int) -> AsyncIterator[RenderWorker]:
        """Lend a worker to one request: that of the affinity if it is idle, else any.

        Raises
        ------
        PoolBusyError
            If too many requests wait.
        WorkerDiedError
            If the worker does not start.
        """
        slot = await self._take(affinity % len(self._slots))
        try:
            if slot.worker is None or not slot.worker.is_alive:
                # A request that is cancelled leaves the start to the next one.
                await asyncio.shield(self._begin_start(slot))
            if slot.worker is None:
                raise WorkerDiedError("The process that renders tiles does not start; see the server's log.")
            yield slot.worker
        finally:
            self._finish(slot)

    async def _take(self, preferred: int) -> _Slot:
        if self._idle:
            number = preferred if preferred in self._idle else self._first_ready()
            del self._idle[number]
            return self._slots[number]
        if len(self._waiting) >= self._max_waiting:
            raise PoolBusyError(
                f"{len(self._waiting)} requests wait for a process that renders tiles. Try again in a moment."
            )
        waiting = _Waiting(preferred, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            return await waiting.future
        except asyncio.CancelledError:
            if waiting.future.done() and not waiting.future.cancelled():
                self._release(waiting.future.result())
            else:
                self._waiting.remove(waiting)
            raise

    def _first_ready(self) -> int:
        """Return an idle slot whose worker runs, else any."""
        return next(
            (one for one in self._idle if self._slots[one].worker is not None), next(iter(self._idle))
        )

    def _finish(self, slot: _Slot) -> None:
        """Release a slot, when its worker has ended what it does."""
        if slot.worker is None or (slot.worker.is_alive and not slot.worker.is_busy):
            self._release(slot)
            return
        task = asyncio.create_task(self._settle(slot))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _settle(self, slot: _Slot) -> None:
        assert slot.worker is not None
        await slot.worker.settle()
        if not slot.worker.is_alive and not self._closed:
            await slot.worker.end()
            slot.worker = None
            await self._begin_start(slot)
        self._release(slot)

    def _release(self, slot: _Slot) -> None:
        # A cancelled request is in the queue until its task runs again.
        waiting = (one for one in self._waiting if not one.future.done())
        looked_at = list(itertools.islice(waiting, _LOOKED_AT))
        if not looked_at:
            self._idle[slot.number] = None
            return
        chosen = next((one for one in looked_at if one.slot == slot.number), looked_at[0])
        self._waiting.remove(chosen)
        chosen.future.set_result(slot)

    async def close(self) -> None:
        """End all workers; requests that wait are cancelled."""
        self._closed = True
        for waiting in self._waiting:
            waiting.future.cancel()
        tasks = [*self._draining, *(slot.starting for slot in self._slots if slot.starting is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for slot in self._slots:
            if slot.worker is not None:
                await slot.worker.end()
