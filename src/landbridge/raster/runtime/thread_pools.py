"""Threads that outlive a call, and the memory each of them works in.

A new thread takes PROJ some milliseconds before it transforms its first point, and the system as long to
hand out memory as to fill it: together more than a small mosaic takes.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

__all__ = ["borrow", "give_back", "memory", "tidy"]

# Idle threads that are kept, whatever the number of calls at a time.
_MOST_IDLE = 96
# Bytes of a thread's memory that are kept from one job to the next.
_KEPT = 16 * 2**20

_idle: list[tuple[int, ThreadPoolExecutor]] = []
_lock = threading.Lock()
_local = threading.local()


def borrow(count: int) -> ThreadPoolExecutor:
    """A pool of so many threads that nobody else uses, until it is given back."""
    with _lock:
        for place, (size, pool) in enumerate(_idle):
            if size == count:
                del _idle[place]
                return pool
    return ThreadPoolExecutor(count, thread_name_prefix="landbridge-raster")


def give_back(count: int, pool: ThreadPoolExecutor) -> None:
    """Take back a pool of so many threads, none of which has anything left to do."""
    with _lock:
        _idle.append((count, pool))
        surplus = []
        while sum(size for size, _ in _idle) > _MOST_IDLE:
            surplus.append(_idle.pop(0)[1])
    for unused in surplus:
        unused.shutdown(wait=False)


def memory(name: str, size: int) -> memoryview:
    """Memory of this thread, to be used until it next asks for it by this name, or `tidy`s up."""
    found: bytearray | None = getattr(_local, name, None)
    if found is None or len(found) < size:
        found = bytearray(size)
        setattr(_local, name, found)
    return memoryview(found)[:size]


def tidy() -> None:
    """Let go of what is large of this thread's memory."""
    for name, found in list(vars(_local).items()):
        if len(found) > _KEPT:
            delattr(_local, name)


def _start_anew() -> None:
    """In a forked process there are no threads, and the lock may be held for ever."""
    global _lock  # noqa: PLW0603 - there is one
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
