"""Grid of an answer: bounds in a coordinate reference system, divided into pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from landbridge.stac_api.errors import BadRequestError

__all__ = ["MAX_EDGE", "MAX_PIXELS", "Grid"]

# Largest width and height of a grid, and most pixels, so that a request is bounded in time and memory.
MAX_EDGE: Final = 4096
MAX_PIXELS: Final = 2048 * 2048


@dataclass(frozen=True, slots=True)
class Grid:
    """Pixels of an answer.

    Attributes
    ----------
    bounds : tuple of float
        West, south, east and north edge in `crs`.
    crs : str
        Coordinate reference system: an authority code such as `EPSG:3857`, or WKT.
    width, height : int
        Number of columns and rows.

    Raises
    ------
    BadRequestError
        If a bound is not finite, the bounds are empty, or the grid has no or too many pixels.
    """

    bounds: tuple[float, float, float, float]
    crs: str
    width: int
    height: int

    def __post_init__(self) -> None:
        west, south, east, north = self.bounds
        if not all(map(math.isfinite, self.bounds)) or west >= east or south >= north:
            raise BadRequestError(
                f"The bounds must be finite, with west < east and south < north, got {self.bounds}."
            )
        if not (1 <= self.width <= MAX_EDGE and 1 <= self.height <= MAX_EDGE) or (
            self.width * self.height > MAX_PIXELS
        ):
            raise BadRequestError(
                f"The picture must have 1 to {MAX_EDGE} columns and rows, and at most {MAX_PIXELS:,} pixels, "
                f"got {self.width} x {self.height}."
            )

    @classmethod
    def fitting(
        cls,
        bounds: tuple[float, float, float, float],
        crs: str,
        *,
        width: int | None = None,
        height: int | None = None,
        max_size: int = 1024,
    ) -> Grid:
        """Return a grid of square pixels, or of the given shape.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east and north edge in `crs`.
        crs : str
            Coordinate reference system.
        width, height : int, optional
            Number of columns and rows. If one is missing, it follows from the other and the bounds.
        max_size : int, default 1024
            Pixels of the longer edge if neither `width` nor `height` is given.

        Raises
        ------
        BadRequestError
            As for the class.
        """
        west, south, east, north = bounds
        if width is None or height is None:
            if not all(map(math.isfinite, bounds)) or west >= east or south >= north:
                return cls(bounds, crs, 1, 1)  # raises the error
            ratio = (east - west) / (north - south)
            if width is None and height is None:
                width, height = (
                    (max_size, max(1, round(max_size / ratio)))
                    if ratio >= 1
                    else (max(1, round(max_size * ratio)), max_size)
                )
            elif width is None:
                assert height is not None
                width = max(1, round(min(height * ratio, 2 * MAX_EDGE)))
            else:
                height = max(1, round(min(width / ratio, 2 * MAX_EDGE)))
        assert height is not None
        return cls(bounds, crs, width, height)

    def buffered(self, pixels: float) -> Grid:
        """Return the grid with a border of so many pixels on each side, a multiple of 0.5."""
        if not pixels:
            return self
        west, south, east, north = self.bounds
        dx, dy = (east - west) / self.width * pixels, (north - south) / self.height * pixels
        added = round(2 * pixels)
        return Grid(
            (west - dx, south - dy, east + dx, north + dy), self.crs, self.width + added, self.height + added
        )
