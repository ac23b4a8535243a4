"""Waiting for what another process is about to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 60.0


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fail where it never does."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
