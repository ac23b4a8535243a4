"""Cutlines: brought to the system of a grid, and burnt into its pixels."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian, join_at_antimeridian, shift_east
from landbridge.raster.grids.crs import WGS84, crs_of, crs_on, project, reproject, transformer
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.grid_footprint import reach
from landbridge.raster.grids.longitudes import near, turn_of, turns_between

# An outer edge this near to a grid line, in pixels, lies on it: what decimal fractions leave after a
# division.
_SNAP = 1e-6
_AREA = 2
# rasterio swaps the warning filters of the whole process while it burns; two threads at once would leave
# them mixed up.
_BURNING = threading.Lock()


@dataclass(frozen=True, slots=True)
class GroundCutline:
    """A cutline in longitude and latitude, for a grid on whose system it has no place as one shape.

    So it is on grids that hold a pole or the edge of the map, or are seen from space: pixels are looked for
    in it one by one.
    """

    geometry: BaseGeometry


Cutline = BaseGeometry | GroundCutline


def cutline_on(geometry: BaseGeometry | None, geobox: GeoBox) -> Cutline | None:
    """Return a cutline in longitude and latitude on a grid's system; None if it cuts nothing off.

    A footprint made of a raster's four corners is straight on the raster's own grid, not between its
    longitudes and latitudes: a geometry that covers the grid by either reading cuts nothing.
    """
    if geometry is None or geometry.is_empty:
        return geometry
    wgs84, crs = crs_of(WGS84), crs_on(geobox)
    extent = box(*geobox.boundingbox.bbox)
    half = min(abs(geobox.resolution.x), abs(geobox.resolution.y)) / 2
    whole = join_at_antimeridian(geometry)
    try:
        straight = _turned(reproject(whole, wgs84, crs), extent, crs)
        if straight.is_valid and straight.buffer(half, join_style="mitre").covers(extent):
            return None
    except ValueError:
        pass
    if turn_of(crs) is None:
        ground = reach(geobox)
        if ground is None:
            return GroundCutline(cut_at_antimeridian(geometry))
        west, south, east, north = ground.bounds
        # What is far away may have no place in the system, or a wrong one; a margin keeps edges apart.
        around = ground.buffer(
            max(min(east - west, FULL_CIRCLE / 2), north - south) / 8 + _SNAP, join_style="mitre"
        )
        if not covers(around, geometry):
            whole = join_at_antimeridian(_clipped(geometry, around))
            if whole.is_empty:
                return whole
    bent = _turned(project(whole, wgs84, crs), extent, crs)
    return None if bent.is_valid and bent.covers(extent) else bent


def covers(area: BaseGeometry, geometry: BaseGeometry) -> bool:
    """Return whether an area covers a geometry that may be invalid."""
    return bool(shapely.box(*geometry.bounds).within(area))


def _clipped(geometry: BaseGeometry, area: BaseGeometry) -> BaseGeometry:
    """Return the part of a geometry on an area, of the geometry's own kind."""
    geometry = cut_at_antimeridian(geometry)
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    return geometry.intersection(cut_at_antimeridian(area))


def _turned(geometry: BaseGeometry, extent: BaseGeometry, crs: CRS) -> BaseGeometry:
    """Return a geometry in a system that repeats, at all of the turns at which it touches an extent."""
    turn = turn_of(crs)
    if turn is None:
        return geometry
    (left, _, right, _), (low, _, high, _) = geometry.bounds, extent.bounds
    turns = turns_between(low, high, left, right, turn)
    if len(turns) == 1:
        return geometry if turns[0] == 0 else shift_east(geometry, turns[0] * turn)
    # Those of the whole globe go on without a seam.
    return shapely.union_all([shift_east(geometry, number * turn) for number in turns]) if turns else geometry


def is_within_a_pixel(cutline: Cutline | None, geobox: GeoBox) -> bool:
    """Return whether a cutline is no larger than a pixel of a grid, so that it may hold no center."""
    if cutline is None or isinstance(cutline, GroundCutline) or cutline.is_empty:
        return False
    left, bottom, right, top = cutline.bounds
    return bool(right - left <= abs(geobox.resolution.x) and top - bottom <= abs(geobox.resolution.y))


def outside(cutline: Cutline, geobox: GeoBox, *, all_touched: bool) -> BoolArray:
    """Return the pixels (y, x) of a grid that a cutline leaves out: by their centers, or unless it touches
    them.
    """
    from rasterio.features import geometry_mask

    if isinstance(cutline, GroundCutline):
        return _outside_on_ground(cutline.geometry, geobox, all_touched=all_touched)
    if cutline.is_empty:
        return np.ones(geobox.shape.yx, bool)
    if shapely.get_dimensions(cutline) < _AREA:
        # What lies on the line between two pixels belongs to the right (lower) one.
        nudge = np.array([geobox.transform.a, geobox.transform.e]) * _SNAP
        cutline = shapely.transform(cutline, lambda points: points + nudge)
    with _BURNING:
        mask: BoolArray = geometry_mask([cutline], geobox.shape.yx, geobox.transform, all_touched=all_touched)
    return mask


def _outside_on_ground(geometry: BaseGeometry, geobox: GeoBox, *, all_touched: bool) -> BoolArray:
    rows, columns = geobox.shape.yx
    shapely.prepare(geometry)
    to_ground = transformer(crs_on(geobox), crs_of(WGS84))

    def inside(ys: np.ndarray[Any, Any], xs: np.ndarray[Any, Any]) -> BoolArray:
        t = geobox.transform
        x, y = t.a * xs + t.b * ys[:, None] + t.c, t.d * xs + t.e * ys[:, None] + t.f
        lon, lat = to_ground.transform(x, y)
        lon = np.where(np.isfinite(lon), near(lon, 0.0, FULL_CIRCLE), np.nan)
        found: BoolArray = shapely.intersects_xy(geometry, lon, lat)
        return found

    found = inside(np.arange(rows) + 0.5, np.arange(columns) + 0.5)
    if all_touched:
        corners = inside(np.arange(rows + 1.0), np.arange(columns + 1.0))
        found |= corners[:-1, :-1] | corners[1:, :-1] | corners[:-1, 1:] | corners[1:, 1:]
        outline = shapely.segmentize(
            geometry, max(np.ptp(np.reshape(geometry.bounds, (2, 2)), axis=0)) / 1000
        )
        points = shapely.get_coordinates(outline)
        x, y = transformer(crs_of(WGS84), crs_on(geobox)).transform(points[:, 0], points[:, 1])
        column, row = ~geobox.transform @ (x, y)
        with np.errstate(invalid="ignore"):
            on = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found[row[on].astype(np.intp), column[on].astype(np.intp)] = True
    return ~found
