"""Limits on the positions of geometries, counted before anything else reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from landbridge.stac_api.errors import BadRequestError

__all__ = ["MOST_POSITIONS", "check_positions"]

MOST_POSITIONS: Final = 20_000  # of all geometries of a search
_SLACK: Final = 1_000  # lists that are no positions: rings, polygons, the coordinates themselves


def check_positions(name: str, geometries: Any, most: int = MOST_POSITIONS) -> None:
    """Raise `BadRequestError` if geometries, valid or not, have more than `most` positions."""
    stack = [geometries]
    count = 0
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            stack += [node.get(member) for member in ("coordinates", "geometries", "geometry")]
        elif isinstance(node, list | tuple):
            count += 1
            if count + len(node) > most + _SLACK:
                raise BadRequestError(f"{name} has more than {most:,} positions; simplify its geometry.")
            stack += [inner for inner in node if isinstance(inner, list | tuple | Mapping)]
