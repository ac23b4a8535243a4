"""Waiting for another process, by checks in short intervals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["wait_for"]

_INTERVAL = 0.01  # seconds

T = TypeVar("T")


def wait_for(query: Callable[[], T | None], seconds: float, failure: Callable[[], Exception]) -> T:
    """Repeat a query until its result is neither None nor False, and return the result.

    Args:
        query: tells whether the awaited state is reached; it may raise an error.
        seconds: longest wait.
        failure: returns the error that is raised then; its message says what was awaited.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = query()
        if result is not None and result is not False:
            return result
        if time.monotonic() >= deadline:
            raise failure()
        time.sleep(_INTERVAL)
