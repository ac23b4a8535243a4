"""Level of the caller's code in the stack, so that a warning names a line of the user."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["levels_to_user"]


def levels_to_user() -> int:
    """Return the `stacklevel` with which the calling function's warning names a line outside this package."""
    level = 1
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect.stack` reads files
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("landbridge."):
        level += 1
        frame = frame.f_back
    return level
