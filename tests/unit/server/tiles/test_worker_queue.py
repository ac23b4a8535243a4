"""Queue for the workers of tiles: every worker is lent again, whatever its requests do."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.stac_api.tiles.answers import PoolBusyError
from landbridge.stac_api.tiles.worker_queue import WorkerQueue


class Worker:
    """A worker that is always alive and idle."""

    is_alive, is_busy = True, False

    async def end(self) -> None:
        self.is_alive = False


async def started() -> Worker:
    return Worker()


async def held(queue: WorkerQueue, affinity: int, until: asyncio.Event) -> None:
    async with queue.lent(affinity):
        await until.wait()


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_request_that_is_cancelled_when_its_worker_is_released_loses_no_worker():
    async def run() -> None:
        queue = WorkerQueue(started, 1, 5)
        done = asyncio.Event()
        first = asyncio.create_task(held(queue, 0, done))
        await turns()
        second = asyncio.create_task(held(queue, 0, done))
        await turns()
        done.set()
        second.cancel()  # before the first one has released the worker
        await asyncio.gather(first, second, return_exceptions=True)
        async with asyncio.timeout(5):
            await held(queue, 0, done)
        await queue.close()

    asyncio.run(run())


def test_more_requests_than_may_wait_are_refused():
    async def run() -> None:
        queue = WorkerQueue(started, 1, 1)
        done = asyncio.Event()
        tasks = [asyncio.create_task(held(queue, 0, done)) for _ in range(3)]
        await turns()
        assert [task.done() for task in tasks] == [False, False, True]
        with pytest.raises(PoolBusyError, match="1 requests wait"):
            tasks[2].result()
        done.set()
        await asyncio.gather(*tasks[:2])
        await queue.close()

    asyncio.run(run())


@given(st.lists(st.tuples(st.sampled_from(["ask", "cancel", "end", "turn"]), st.integers(0, 9)), max_size=60))
def test_all_workers_can_be_lent_after_any_requests(steps):
    async def run() -> None:
        queue = WorkerQueue(started, 2, 100)
        events: list[asyncio.Event] = []
        tasks: list[asyncio.Task[None]] = []
        for step, number in steps:
            if step == "ask":
                events.append(asyncio.Event())
                tasks.append(asyncio.create_task(held(queue, number, events[-1])))
            elif step == "turn":
                await asyncio.sleep(0)
            elif tasks:
                place = number % len(tasks)
                events[place].set() if step == "end" else tasks[place].cancel()
        for event in events:
            event.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5), queue.lent(0), queue.lent(1):
            pass
        await queue.close()

    asyncio.run(run())
