"""Threads that work for one call, and how many cores are idle.

A call divides its output among threads, but near its end, and if the output is small, some have nothing to
do. They then help the others.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from landbridge.raster.runtime.thread_pools import default_worker_count

__all__ = ["Crew", "current"]

_lock = threading.Lock()
_busy = 0  # threads of all calls that are at work
_thread = threading.local()


class Crew:
    """Threads that work for one call, of which there are `limit` at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._busy = 0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count this thread as one of the crew inside a `with` block."""
        before = current()
        _thread.crew = self
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)
            _thread.crew = before

    def join(self) -> bool:
        """Count one more thread, if the call may have one and a core is idle."""
        global _busy  # noqa: PLW0603 - the cores are those of the process
        with _lock:
            if self._busy >= self._limit or _busy >= default_worker_count():
                return False
            self._busy += 1
            _busy += 1
            return True

    def leave(self) -> None:
        """Count one thread less."""
        self._count(-1)

    def _count(self, change: int) -> None:
        global _busy  # noqa: PLW0603 - as above
        with _lock:
            self._busy += change
            _busy += change


def current() -> Crew | None:
    """Return the crew of this thread; None if it does not work for a call."""
    return getattr(_thread, "crew", None)


def _reset_after_fork() -> None:
    """Reset a forked process, which has no other threads."""
    global _lock, _busy  # noqa: PLW0603 - there is one of each
    _lock = threading.Lock()
    _busy = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
