"""Selection of the images that may touch an area, by their footprints."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.longitudes import period_shifts
from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian, join_at_antimeridian, shift_east
from landbridge.geo.shapes import MAX_LON
from landbridge.raster.array_types import BoolArray, IntArray
from landbridge.raster.model import Source

# A footprint may be somewhat smaller than its raster. An image is skipped only if its footprint, grown by
# this share of its size, does not touch the grid.
_MARGIN_SHARE = 0.1
# Largest width in degrees of a usable footprint: the edges of a wider one may bend further than its margin.
_MAX_WIDTH = 60
_MAX_LATITUDE = 85


class Footprints:
    """Footprints of images, indexed for queries by area."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Index the footprints of images."""
        found = [_reliable(source.geometry) for source in sources]
        self._reliable = np.array([footprint is not None for footprint in found], bool)
        self._geometries = np.array([footprint for footprint in found if footprint is not None], object)
        self._bounds = shapely.bounds(self._geometries).reshape(-1, 4).T
        west, south, east, north = self._bounds
        # Footprints that are cut at the antimeridian get a larger margin than needed.
        size = np.minimum(np.maximum(east - west, north - south), _MAX_WIDTH)
        self._margins: np.ndarray[Any, Any] = size * _MARGIN_SHARE

    def touching(self, ground: BaseGeometry | None) -> BoolArray:
        """Return flags of the images that may touch an area in longitude and latitude.

        Images without a usable footprint count as touching; with no area, all images do.
        """
        touching = ~self._reliable
        if ground is None:
            return np.ones(len(touching), bool)
        if not len(self._geometries):
            return touching
        places = np.nonzero(self._reliable)[0]
        west, _, east, _ = ground.bounds
        most = float(self._margins.max())
        for shift in period_shifts(-MAX_LON - most, MAX_LON + most, west, east, FULL_CIRCLE):
            touching[
                places[
                    self._within_margins(ground if shift == 0 else shift_east(ground, shift * FULL_CIRCLE))
                ]
            ] = True
        return touching

    def _within_margins(self, ground: BaseGeometry) -> IntArray:
        """Return the indexes of usable footprints within their margin of an area."""
        # Bounds are compared first: of thousands of footprints few are near.
        west, south, east, north = self._bounds
        left, bottom, right, top = ground.bounds
        x, y = np.maximum(west - right, left - east), np.maximum(south - top, bottom - north)
        near: IntArray = np.nonzero(np.maximum(x, y) <= self._margins)[0]
        return near[shapely.distance(ground, self._geometries[near]) <= self._margins[near]]


def _reliable(footprint: BaseGeometry | None) -> BaseGeometry | None:
    """Return a footprint within ±180 degrees, or None if it cannot exclude its image."""
    if footprint is None or footprint.is_empty or not footprint.is_valid:
        return None
    west, south, east, north = footprint.bounds
    if max(-south, north) > _MAX_LATITUDE:
        return None
    if east - west <= _MAX_WIDTH:
        return footprint if west >= -MAX_LON and east <= MAX_LON else cut_at_antimeridian(footprint)
    # A footprint across the antimeridian that is not cut there seems to surround the globe.
    west, _, east, _ = join_at_antimeridian(footprint).bounds
    return cut_at_antimeridian(footprint) if east - west <= _MAX_WIDTH else None
