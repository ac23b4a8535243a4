"""Which images may touch a place, by their footprints."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from landbridge.raster.grid import BoolArray
from landbridge.raster.types import Source

# A footprint may be drawn somewhat inside its raster: it is grown by this share of its size before an image
# is passed over for not touching the grid.
_MARGIN = 0.1
_WHOLE_WORLD = 180


class Footprints:
    """The footprints of images, to be asked for one place after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Take the images."""
        self._trusted = np.array([_is_trusted(source.geometry) for source in sources], bool)
        known = [source.geometry for source, trusted in zip(sources, self._trusted, strict=True) if trusted]
        self._geometries = np.array(known, object)
        west, south, east, north = shapely.bounds(self._geometries).reshape(-1, 4).T
        self._margins: np.ndarray[Any, Any] = np.maximum(east - west, north - south) * _MARGIN

    def touching(self, ground: BaseGeometry | None) -> BoolArray:
        """Which of the images may touch a place in longitude and latitude: all of those not known to lie
        elsewhere.
        """
        touching = np.ones(len(self._trusted), bool)
        if ground is not None and len(self._geometries):
            shapely.prepare(ground)
            touching[self._trusted] = shapely.distance(ground, self._geometries) <= self._margins
        return touching


def _is_trusted(footprint: BaseGeometry | None) -> bool:
    """Whether a footprint can say that its image lies elsewhere."""
    if footprint is None or footprint.is_empty or not footprint.is_valid:
        return False
    west, _, east, _ = footprint.bounds
    return bool(east - west < _WHOLE_WORLD)
