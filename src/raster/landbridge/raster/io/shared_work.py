"""Work of one thread that idle threads of the same call take a part of.

A mosaic of 512 x 512 pixels is one block, whose seven tiles take 5 ms each to decode: 51 ms on one thread, 33
ms on two. The helper's tiles need memory of their own, which costs up to a tenth more CPU time.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from landbridge.raster.runtime import crews
from landbridge.raster.runtime.thread_pools import acquire, release, trim

__all__ = ["results_of"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def results_of(
    items: Sequence[Item], work: Callable[[Item], Result], helped: Callable[[Item], Result]
) -> Iterator[tuple[Item, Result]]:
    """Yield items with their results, in any order.

    Parameters
    ----------
    items : sequence
        Items to work on.
    work : callable
        Function of an item, for this thread; a result is used before the next one is asked for.
    helped : callable
        The same for other threads, whose results are kept until this thread asks for them.
    """
    return _SharedWork(items, helped).run(work)


class _SharedWork(Generic[Item, Result]):
    """Items that this thread takes from the front, and helpers from the back."""

    def __init__(self, items: Sequence[Item], helped: Callable[[Item], Result]) -> None:
        self._items = deque(items)
        self._helped = helped
        self._done: SimpleQueue[tuple[Item, Result] | BaseException | None] = SimpleQueue()
        self._helpers = 0

    def run(self, work: Callable[[Item], Result]) -> Iterator[tuple[Item, Result]]:
        try:
            while self._items:
                self._call_helper()
                try:
                    item = self._items.popleft()
                except IndexError:
                    break
                yield item, work(item)
                yield from self._helped_results(wait=False)
            yield from self._helped_results(wait=True)
        finally:
            # After an error the helpers take no further item.
            self._items.clear()

    def _call_helper(self) -> None:
        """Start a helper if a core is idle, and there is more than one item left."""
        crew = crews.current()
        if crew is None or len(self._items) < 2 or not crew.join():
            return
        self._helpers += 1
        pool = acquire(1)

        def help_out() -> None:
            try:
                while True:
                    try:
                        item = self._items.pop()
                    except IndexError:
                        return
                    self._done.put((item, self._helped(item)))
            except BaseException as error:  # noqa: BLE001 - the thread that is helped raises it
                self._done.put(error)
            finally:
                trim()
                crew.leave()
                release(1, pool)
                self._done.put(None)

        pool.submit(help_out)

    def _helped_results(self, *, wait: bool) -> Iterator[tuple[Item, Result]]:
        """Yield the results of helpers: those that are there, or all."""
        while self._helpers:
            try:
                found = self._done.get(wait)
            except Empty:
                return
            if found is None:
                self._helpers -= 1
            elif isinstance(found, BaseException):
                raise found
            else:
                yield found
