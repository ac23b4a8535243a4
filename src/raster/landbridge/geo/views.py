"""Views of areas in notebooks and on maps, which an installed distribution offers as entry points.

This package draws nothing itself: `landbridge` does.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GROUP", "view"]

GROUP = "landbridge.geo.views"


@cache
def view(name: str) -> Callable[..., Any] | None:
    """Return the function that is installed for a kind of view, "html" or "map"; None without one."""
    for found in entry_points(group=GROUP, name=name):
        loaded: Callable[..., Any] = found.load()
        return loaded
    return None
