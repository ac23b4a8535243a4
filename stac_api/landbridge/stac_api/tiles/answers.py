"""Answers of the render pool, and its errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from landbridge.errors import LandbridgeError
from landbridge.stac_api.errors import UnavailableError

__all__ = [
    "PointValues",
    "PoolBusyError",
    "RenderTimeoutError",
    "Rendered",
    "UnreadableItemError",
    "WorkerDiedError",
]


@dataclass(frozen=True, slots=True)
class Rendered:
    """Encoded pixels.

    Attributes
    ----------
    body : bytes
        Content of the answer.
    media_type : str
        Media type of `body`.
    is_empty : bool
        True if no pixel is valid.
    items : int
        Number of items that were read or looked at, from the top, until all pixels were valid.
    """

    body: bytes
    media_type: str
    is_empty: bool
    items: int


@dataclass(frozen=True, slots=True)
class PointValues:
    """Values at one point.

    Attributes
    ----------
    names : tuple of str
        Names of the bands, or the expressions.
    values : tuple of float, int or None
        One value per name; None if the point has no valid pixel.
    """

    names: tuple[str, ...]
    values: tuple[float | int | None, ...]


class PoolBusyError(UnavailableError):
    """All workers are busy, and too many requests wait for them."""

    retry_after = 2


class WorkerDiedError(UnavailableError):
    """The worker process ended while it rendered the answer; another takes its place."""

    retry_after = 1


class RenderTimeoutError(UnavailableError):
    """The answer was not rendered before its deadline."""

    retry_after = 5


class UnreadableItemError(LandbridgeError):
    """A file of an item is missing, broken, or not one that the server may read."""


Statistics = dict[str, dict[str, Any]]
"""Statistics by the name of the band or the expression, with the members of titiler's statistics."""
