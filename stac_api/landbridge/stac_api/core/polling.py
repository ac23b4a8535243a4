"""Waiting for a state of the database, by queries in intervals."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_INTERVAL = 0.1  # seconds

T = TypeVar("T")


async def poll(query: Callable[[], Awaitable[T]], is_final: Callable[[T], bool], seconds: float) -> T:
    """Repeat a query until its result is final or the time is over; return the last result."""
    deadline = time.monotonic() + seconds
    while True:
        result = await query()
        if is_final(result) or time.monotonic() >= deadline:
            return result
        await asyncio.sleep(_INTERVAL)
