"""Which images may touch a place, by their footprints."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian, join_at_antimeridian, shift_east
from landbridge.geo.shapes import MAX_LON
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.longitudes import turns_between
from landbridge.raster.model import Source

IntArray = np.ndarray[Any, np.dtype[np.intp]]


# A footprint may be drawn somewhat inside its raster: it is grown by this share of its size before an image
# is passed over for not touching the grid.
_MARGIN = 0.1
# A footprint of few corners that is wider, in degrees, may bend further than its margin.
_WIDEST = 60
_POLAR = 85


class Footprints:
    """The footprints of images, to be asked for one place after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Take the images."""
        found = [_trusted(source.geometry) for source in sources]
        self._trusted = np.array([footprint is not None for footprint in found], bool)
        self._geometries = np.array([footprint for footprint in found if footprint is not None], object)
        self._bounds = shapely.bounds(self._geometries).reshape(-1, 4).T
        west, south, east, north = self._bounds
        # Of those that are cut at the antimeridian more than need be.
        size = np.minimum(np.maximum(east - west, north - south), _WIDEST)
        self._margins: np.ndarray[Any, Any] = size * _MARGIN

    def touching(self, ground: BaseGeometry | None) -> BoolArray:
        """Which of the images may touch a place in longitude and latitude: all of those not known to lie
        elsewhere.
        """
        touching = ~self._trusted
        if ground is None:
            return np.ones(len(touching), bool)
        if not len(self._geometries):
            return touching
        places = np.nonzero(self._trusted)[0]
        west, _, east, _ = ground.bounds
        most = float(self._margins.max())
        for turn in turns_between(-MAX_LON - most, MAX_LON + most, west, east, FULL_CIRCLE):
            touching[places[self._near(ground if turn == 0 else shift_east(ground, turn * FULL_CIRCLE))]] = (
                True
            )
        return touching

    def _near(self, ground: BaseGeometry) -> IntArray:
        """Return the known footprints (their indexes) that are no further from a place than their margins."""
        # By their bounds first: there may be thousands, and few are near.
        west, south, east, north = self._bounds
        left, bottom, right, top = ground.bounds
        x, y = np.maximum(west - right, left - east), np.maximum(south - top, bottom - north)
        near: IntArray = np.nonzero(np.maximum(x, y) <= self._margins)[0]
        return near[shapely.distance(ground, self._geometries[near]) <= self._margins[near]]


def _trusted(footprint: BaseGeometry | None) -> BaseGeometry | None:
    """Return a footprint within ±180 degrees, if it can say that its image lies elsewhere."""
    if footprint is None or footprint.is_empty or not footprint.is_valid:
        return None
    west, south, east, north = footprint.bounds
    if max(-south, north) > _POLAR:
        return None
    if east - west <= _WIDEST:
        return footprint if west >= -MAX_LON and east <= MAX_LON else cut_at_antimeridian(footprint)
    # A footprint across the antimeridian that isn't cut there seems to go around the world.
    west, _, east, _ = join_at_antimeridian(footprint).bounds
    return cut_at_antimeridian(footprint) if east - west <= _WIDEST else None
