"""Cutlines: projection to a grid's reference system, and masks of the pixels outside."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.crs import WGS84, grid_crs, parse_crs, project, reproject, transformer
from landbridge.geo.grids.longitudes import period_shifts, wrap_near, x_period
from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian, join_at_antimeridian, shift_east
from landbridge.raster.array_types import BoolArray
from landbridge.raster.grids.grid_footprint import ground_footprint

# Distance in pixels within which an outer edge lies on a grid line: the rounding error of a division.
_SNAP = 1e-6
_AREA = 2
# rasterio replaces the warning filters of the whole process while it rasterizes; two threads at once would
# restore them in the wrong order.
_RASTERIZE_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class GroundCutline:
    """Cutline in longitude and latitude that has no single shape in the grid's reference system.

    Examples are grids that hold a pole or the edge of the map, and views from space. Each pixel's center is
    tested against the geometry.
    """

    geometry: BaseGeometry


Cutline = BaseGeometry | GroundCutline


def cutline_on(geometry: BaseGeometry | None, geobox: GeoBox) -> Cutline | None:
    """Return a cutline (longitude, latitude) in a grid's reference system; None if it covers the grid.

    The edges of a footprint made of a raster's four corners are straight on the raster's own grid, not in
    longitude and latitude. A geometry that covers the grid by either reading cuts nothing off.
    """
    if geometry is None or geometry.is_empty:
        return geometry
    wgs84, crs = parse_crs(WGS84), grid_crs(geobox)
    extent = box(*geobox.boundingbox.bbox)
    half = min(abs(geobox.resolution.x), abs(geobox.resolution.y)) / 2
    whole = join_at_antimeridian(geometry)
    try:
        straight = _repeat_across(reproject(whole, wgs84, crs), extent, crs)
        if straight.is_valid and straight.buffer(half, join_style="mitre").covers(extent):
            return None
    except ValueError:
        pass
    if x_period(crs) is None:
        ground = ground_footprint(geobox)
        if ground is None:
            return GroundCutline(cut_at_antimeridian(geometry))
        west, south, east, north = ground.bounds
        # Distant parts may have no or wrong coordinates in the system; a margin keeps the cut edges away.
        around = ground.buffer(
            max(min(east - west, FULL_CIRCLE / 2), north - south) / 8 + _SNAP, join_style="mitre"
        )
        if not covers(around, geometry):
            whole = join_at_antimeridian(_clipped(geometry, around))
            if whole.is_empty:
                return whole
    bent = _repeat_across(project(whole, wgs84, crs), extent, crs)
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


def _repeat_across(geometry: BaseGeometry, extent: BaseGeometry, crs: CRS) -> BaseGeometry:
    """Return a geometry repeated in each period of x in which it touches an extent."""
    period = x_period(crs)
    if period is None:
        return geometry
    (left, _, right, _), (low, _, high, _) = geometry.bounds, extent.bounds
    shifts = period_shifts(low, high, left, right, period)
    if len(shifts) == 1:
        return geometry if shifts[0] == 0 else shift_east(geometry, shifts[0] * period)
    # Geometries around the whole globe continue without a seam.
    return (
        shapely.union_all([shift_east(geometry, number * period) for number in shifts])
        if shifts
        else geometry
    )


def is_within_a_pixel(cutline: Cutline | None, geobox: GeoBox) -> bool:
    """Return whether a cutline is no larger than a pixel of a grid, and may hold no pixel center."""
    if cutline is None or isinstance(cutline, GroundCutline) or cutline.is_empty:
        return False
    left, bottom, right, top = cutline.bounds
    return bool(right - left <= abs(geobox.resolution.x) and top - bottom <= abs(geobox.resolution.y))


def mask_outside(cutline: Cutline, geobox: GeoBox, *, all_touched: bool) -> BoolArray:
    """Return a mask (y, x), True for pixels outside a cutline.

    A pixel is inside if its center is, or with `all_touched` if the cutline touches it.
    """
    from rasterio.features import geometry_mask

    if isinstance(cutline, GroundCutline):
        return _mask_outside_ground(cutline.geometry, geobox, all_touched=all_touched)
    if cutline.is_empty:
        return np.ones(geobox.shape.yx, bool)
    if shapely.get_dimensions(cutline) < _AREA:
        # Points on the line between two pixels belong to the right (lower) one.
        nudge = np.array([geobox.transform.a, geobox.transform.e]) * _SNAP
        cutline = shapely.transform(cutline, lambda points: points + nudge)
    with _RASTERIZE_LOCK:
        mask: BoolArray = geometry_mask([cutline], geobox.shape.yx, geobox.transform, all_touched=all_touched)
    return mask


def _mask_outside_ground(geometry: BaseGeometry, geobox: GeoBox, *, all_touched: bool) -> BoolArray:
    rows, columns = geobox.shape.yx
    shapely.prepare(geometry)
    to_ground = transformer(grid_crs(geobox), parse_crs(WGS84))

    def inside(ys: np.ndarray[Any, Any], xs: np.ndarray[Any, Any]) -> BoolArray:
        t = geobox.transform
        x, y = t.a * xs + t.b * ys[:, None] + t.c, t.d * xs + t.e * ys[:, None] + t.f
        lon, lat = to_ground.transform(x, y)
        lon = np.where(np.isfinite(lon), wrap_near(lon, 0.0, FULL_CIRCLE), np.nan)
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
        x, y = transformer(parse_crs(WGS84), grid_crs(geobox)).transform(points[:, 0], points[:, 1])
        column, row = ~geobox.transform @ (x, y)
        with np.errstate(invalid="ignore"):
            on = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found[row[on].astype(np.intp), column[on].astype(np.intp)] = True
    return ~found
