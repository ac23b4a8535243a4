"""Thread pools and scratch buffers that are reused from call to call.

PROJ needs some milliseconds per new thread before the first transformation, and new memory costs page faults:
together more than a small mosaic takes. Writing a scratch buffer of 0.5 MiB takes 7 µs, a new array 12 µs
until the C library's allocator has adapted to the size; of 2 MiB, 26 µs and 26 to 43 µs (two threads).
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

__all__ = [
    "acquire",
    "borrow_buffer",
    "default_worker_count",
    "give_back",
    "limit_worker_count",
    "release",
    "scratch_buffer",
    "trim",
]

# Largest number of idle threads that are kept.
_MAX_IDLE_THREADS = 96
# Largest scratch buffer, in bytes, that a thread keeps from one job to the next; and size of all buffers that
# were borrowed.
_MAX_KEPT_BYTES = 16 * 2**20

_idle: list[tuple[int, ThreadPoolExecutor]] = []
_lock = threading.Lock()
_scratch = threading.local()
_lent_before: list[bytearray] = []
_limit: int | None = None


def acquire(count: int) -> ThreadPoolExecutor:
    """Return a pool of `count` threads for exclusive use until it is released."""
    with _lock:
        for place, (size, pool) in enumerate(_idle):
            if size == count:
                del _idle[place]
                return pool
    return ThreadPoolExecutor(count, thread_name_prefix="landbridge-raster")


def release(count: int, pool: ThreadPoolExecutor) -> None:
    """Keep an idle pool of `count` threads for later calls."""
    with _lock:
        _idle.append((count, pool))
        surplus = []
        while sum(size for size, _ in _idle) > _MAX_IDLE_THREADS:
            surplus.append(_idle.pop(0)[1])
    for unused in surplus:
        unused.shutdown(wait=False)


def scratch_buffer(name: str, size: int) -> memoryview:
    """Return this thread's buffer of a name; the next request by that name, or `trim`, invalidates it."""
    buffer: bytearray | None = getattr(_scratch, name, None)
    if buffer is None or len(buffer) < size:
        buffer = bytearray(size)
        setattr(_scratch, name, buffer)
    return memoryview(buffer)[:size]


def borrow_buffer(size: int) -> bytearray:
    """Return a buffer of at least a size, for use by several threads, until `give_back`."""
    with _lock:
        for place, buffer in enumerate(_lent_before):
            if size <= len(buffer) <= 2 * size:
                return _lent_before.pop(place)
    return bytearray(size)


def give_back(buffer: bytearray) -> None:
    """Keep a borrowed buffer for later."""
    with _lock:
        _lent_before.append(buffer)
        while sum(map(len, _lent_before)) > _MAX_KEPT_BYTES:
            del _lent_before[0]


def trim() -> None:
    """Delete this thread's large buffers."""
    for name, buffer in list(vars(_scratch).items()):
        if len(buffer) > _MAX_KEPT_BYTES:
            delattr(_scratch, name)


def _reset_after_fork() -> None:
    """Reset a forked process, which has no threads and whose lock would never be released."""
    global _lock  # noqa: PLW0603 - there is one
    _lock = threading.Lock()
    _idle.clear()
    _lent_before.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


def default_worker_count() -> int:
    """Return the default number of threads of a call: one per core that it may run on, up to the limit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if _limit is None else min(cores, _limit)


def limit_worker_count(count: int | None) -> None:
    """Give the later calls of this process at most so many threads by default; None removes the limit.

    For a process that shares its cores with others that are as busy.
    """
    global _limit  # noqa: PLW0603 - the cores are those of the process
    _limit = count
