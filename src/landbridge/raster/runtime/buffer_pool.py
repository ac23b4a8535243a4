"""Memory of large results, used again once nobody holds the array that had it.

The system takes longer to hand out new memory than a result takes to be written: it finds the pages one by
one, and clears them. What is kept here it may still take back whenever it runs short (`MADV_FREE`).
"""

import math
import mmap
import os
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

__all__ = ["Memory", "empty"]

# Less than a huge page the allocator keeps by itself.
_LEAST = 2 * 2**20
# Bytes kept at most, all together, and how many times more than an array needs it may be given.
_MOST, _TOO_LARGE = 2**30, 1.25


class Memory:
    """Memory for arrays that nobody uses at present; it is the system's to take back."""

    def __init__(self, most: int = _MOST) -> None:
        """Take how many bytes to keep at most."""
        self._most = most
        self._kept: list[mmap.mmap] = []
        # Arrays end at any moment, even while this thread is in here.
        self._lock = threading.RLock()

    @property
    def kept(self) -> int:
        """Bytes that are kept."""
        return sum(map(len, [*self._kept]))

    def empty(self, shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
        """An array that holds anything."""
        size = math.prod(shape) * dtype.itemsize
        if size < _LEAST or not _CAN_KEEP:
            return np.empty(shape, dtype)
        memory = self._take(size) or _new(size)
        made: Array = np.ndarray(tuple(shape), dtype, buffer=memory)
        # All views of it hold this one, as what has the memory is no array.
        weakref.finalize(made, self._give_back, memory).atexit = False
        return made

    def _take(self, size: int) -> mmap.mmap | None:
        """The smallest memory that is kept and large enough. If there is none, all is given to the system:
        a call never has more than it needs because of those before it.
        """
        with self._lock:
            for memory in sorted(self._kept, key=len):
                if size <= len(memory) <= size * _TOO_LARGE:
                    self._kept.remove(memory)
                    return memory
            self._kept.clear()
        return None

    def _give_back(self, memory: mmap.mmap) -> None:
        try:
            memory.madvise(mmap.MADV_FREE)
        except OSError:
            # It is locked (mlockall): the system could not take it back.
            return
        with self._lock:
            self._kept.append(memory)
            while self.kept > self._most:
                del self._kept[0]


def _new(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # As numpy asks for its own arrays; not all kernels have such pages.
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


_CAN_KEEP = hasattr(mmap, "MADV_FREE")
_memory = Memory()


def empty(shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """`Memory.empty` of what this process keeps."""
    return _memory.empty(shape, dtype)


def _start_anew() -> None:
    """In a forked process the lock may be held for ever."""
    global _memory  # noqa: PLW0603 - there is one
    _memory = Memory()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
