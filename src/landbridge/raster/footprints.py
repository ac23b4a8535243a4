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
        self._bounds = shapely.bounds(self._geometries).reshape(-1, 4).T
        west, south, east, north = self._bounds
        self._margins: np.ndarray[Any, Any] = np.maximum(east - west, north - south) * _MARGIN

    def touching(self, ground: BaseGeometry | None) -> BoolArray:
        """Which of the images may touch a place in longitude and latitude: all of those not known to lie
        elsewhere.
        """
        touching = ~self._trusted
        if ground is None:
            return np.ones(len(touching), bool)
        # By their bounds first: there may be thousands, and few are near.
        west, south, east, north = self._bounds
        left, bottom, right, top = ground.bounds
        x, y = np.maximum(west - right, left - east), np.maximum(south - top, bottom - north)
        near = np.nonzero(np.maximum(x, y) <= self._margins)[0]
        close = shapely.distance(ground, self._geometries[near]) <= self._margins[near]
        touching[np.nonzero(self._trusted)[0][near[close]]] = True
        return touching


def _is_trusted(footprint: BaseGeometry | None) -> bool:
    """Whether a footprint can say that its image lies elsewhere."""
    if footprint is None or footprint.is_empty or not footprint.is_valid:
        return False
    west, _, east, _ = footprint.bounds
    return bool(east - west < _WHOLE_WORLD)
