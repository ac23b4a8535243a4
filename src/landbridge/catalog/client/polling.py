"""Polling: the times of requests that are repeated until a task has ended or a timeout is over."""

from __future__ import annotations

import time
from itertools import chain, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["growing_pauses", "listed_pauses", "polls"]


def polls(timeout: float | None, pauses: Iterable[float], long_poll: float = 0.0) -> Iterator[float]:
    """Yield at the time of each request, until the timeout is over; there is at least one request.

    The values are the seconds, at most `long_poll`, for which the service may hold the request. If it answers
    earlier, or without long polling, the next request follows after the next pause.
    """
    end = None if timeout is None else time.monotonic() + timeout
    remaining_pauses = iter(pauses)
    while True:
        start = time.monotonic()
        wait = long_poll if end is None else max(0.0, min(long_poll, end - start))
        yield wait
        now = time.monotonic()
        if end is not None and now >= end:
            return
        if not long_poll or now - start < wait / 2:
            pause = next(remaining_pauses)
            time.sleep(pause if end is None else min(pause, end - now))


def growing_pauses(first: float, factor: float, longest: float) -> Iterator[float]:
    """Yield pauses that grow by a factor up to the longest, without end."""
    pause = min(first, longest)
    while True:
        yield pause
        pause = min(pause * factor, longest)


def listed_pauses(pauses: Sequence[float]) -> Iterator[float]:
    """Yield the pauses of a list, and its last one without end."""
    return chain(pauses, repeat(pauses[-1]))
