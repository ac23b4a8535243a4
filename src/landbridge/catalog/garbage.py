"""Holding the garbage collector off while many objects are made of which none is garbage."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["paused"]


class _Paused:
    """A context manager for any number of threads: collection goes on when the last of them is done.

    A page of items is a hundred thousand objects. The collector, which counts how many are made, would look
    at all of them again and again: that takes as long as making them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._users += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._was_enabled:
                gc.enable()


paused = _Paused()
