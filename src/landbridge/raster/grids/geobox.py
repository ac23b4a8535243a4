"""Grids: the output's GeoBox from a GeoContext, and keys by which grids are compared."""

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from landbridge.geo.longitudes import join_at_antimeridian
from landbridge.raster.grids.crs import WGS84, crs_of, project, same_crs, transformer
from landbridge.raster.grids.longitudes import interval, near, turn_of

if TYPE_CHECKING:
    from landbridge.geo import GeoContext

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
T = TypeVar("T")
# An outer edge this near to a grid line, in pixels, lies on it: what decimal fractions leave after a
# division.
_SNAP = 1e-6
_DENSIFY = 64
_FEW = 3  # pixels along an area that may be smaller than one

GridKey = tuple[str | None, tuple[float, ...], tuple[int, ...]]


def key_of(geobox: GeoBox) -> GridKey:
    """Return a key that equal grids share; it takes less time than their hash."""
    transform = geobox.transform
    coefficients = (transform.a, transform.b, transform.c, transform.d, transform.e, transform.f)
    return (None if geobox.crs is None else str(geobox.crs), coefficients, tuple(geobox.shape.yx))


class _Grids:
    """Two grids, compared with others by their keys."""

    __slots__ = ("key", "source", "target")

    def __init__(self, source: GeoBox, target: GeoBox) -> None:
        self.source, self.target = source, target
        self.key = (key_of(source), key_of(target))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Grids) and self.key == other.key


def remembered(function: Callable[[GeoBox, GeoBox], T]) -> Callable[[GeoBox, GeoBox], T]:
    """Return a function of two grids that is run once for the same ones.

    Images of one place share their grid, and calls come back to the same output.
    """

    @lru_cache(maxsize=512)
    def found(grids: _Grids) -> T:
        return function(grids.source, grids.target)

    @wraps(function)
    def get(source: GeoBox, target: GeoBox) -> T:
        return found(_Grids(source, target))

    return get


def output_grid(geocontext: "GeoContext") -> GeoBox:
    """Return the grid of a complete GeoContext.

    Its bounds go to its coordinate reference system with densified edges; with `align_pixels` they grow
    outward to multiples of the resolution; else the grid starts at their top left.

    Raises:
        ValueError: the GeoContext lacks bounds, a coordinate reference system, or both resolution and shape;
            or its bounds have no place in its coordinate reference system.
    """
    _ = geocontext.raster_params  # names what is missing
    context: Any = geocontext
    crs = crs_of(context.crs)
    left, bottom, right, top = _bounds_in(context.bounds, crs_of(context.bounds_crs), crs)
    shape = getattr(context, "shape", None)
    if shape is not None:
        rows, columns = shape
        if right == left or top == bottom:
            raise ValueError(
                f"bounds {context.bounds} have no area, so {columns} x {rows} pixels have no size"
            )
        affine = Affine((right - left) / columns, 0, left, 0, (bottom - top) / rows, top)
        return GeoBox((rows, columns), affine, crs)
    step = float(context.resolution)
    grid = _grid_of((left, bottom, right, top), step, context, crs)
    if (
        getattr(context, "align_pixels", False)
        and max(grid.shape.yx) <= _FEW
        and _is_of_its_geometry(context)
    ):
        # The box of an area that is smaller than a pixel may touch more pixels than the area.
        grid = _grid_of(_box_near(context.geometry, crs, left), step, context, crs)
    return grid


def bounds_of(context: Any) -> tuple[float, float, float, float]:
    """Return the bounds, in its coordinate reference system, of what a GeoContext with bounds means.

    Raises:
        ValueError: it has no place there.
    """
    crs = crs_of(context.crs)
    bounds = _bounds_in(context.bounds, crs_of(context.bounds_crs), crs)
    return _box_near(context.geometry, crs, bounds[0]) if _is_of_its_geometry(context) else bounds


def _grid_of(bounds: tuple[float, ...], step: float, context: Any, crs: CRS) -> GeoBox:
    """Return the grid of bounds by a resolution.

    A point on a line between two pixels belongs to the right (lower) one, also if it is all there is.
    """
    left, bottom, right, top = bounds
    if getattr(context, "align_pixels", False):
        x, y = getattr(context, "grid_origin", None) or (0.0, 0.0)
        left = x + math.floor((left - x) / step + _SNAP) * step
        bottom = y + math.floor((bottom - y) / step + _SNAP) * step
        right = x + math.ceil((right - x) / step - _SNAP) * step
        top = y + math.ceil((top - y) / step - _SNAP) * step
    columns, rows = (max(1, math.floor(length / step + 0.5)) for length in (right - left, top - bottom))
    return GeoBox((rows, columns), Affine(step, 0, left, 0, -step, top), crs)


def _is_of_its_geometry(context: Any) -> bool:
    """Return whether the bounds of a GeoContext are those of its geometry."""
    geometry = getattr(context, "geometry", None)
    return (
        geometry is not None
        and not geometry.is_empty
        and same_crs(crs_of(context.bounds_crs), crs_of(WGS84))
        and tuple(context.bounds) == join_at_antimeridian(geometry).bounds
    )


def _box_near(geometry: BaseGeometry, crs: CRS, x: float) -> tuple[float, float, float, float]:
    """Return the bounds of a small geometry in a system, at the turn of longitudes that holds x."""
    left, bottom, right, top = project(join_at_antimeridian(geometry), crs_of(WGS84), crs).bounds
    turn = turn_of(crs)
    if turn is not None:
        moved = near(np.array([left]), x, turn)[0] - left
        left, right = left + moved, right + moved
    return (left, bottom, right, top)


def _bounds_in(bounds: tuple[float, ...], source: CRS, target: CRS) -> tuple[float, float, float, float]:
    """Return bounds in another system; if that repeats they may go on beyond its edge."""
    west, south, east, north = map(float, bounds)
    if same_crs(source, target):
        return (west, south, east, north)
    turn = turn_of(target)
    xs, ys = np.linspace(west, east, _DENSIFY + 1), np.linspace(south, north, _DENSIFY + 1)
    x, y = transformer(source, target).transform(
        np.concatenate([xs, xs, np.full_like(ys, west), np.full_like(ys, east)]),
        np.concatenate([np.full_like(xs, south), np.full_like(xs, north), ys, ys]),
    )
    if np.isfinite(x).all() and np.isfinite(y).all():
        left, bottom, right, top = transformer(source, target).transform_bounds(
            west, south, east, north, densify_pts=_DENSIFY
        )
        if turn is not None:
            if right < left:
                right += turn
            elif right - left > turn / 2 and not _is_whole(west, east, source):
                left, right = interval(x, turn) or (left, right)
    else:
        left, bottom, right, top = _bounds_by_points(xs, ys, source, target)
    if not all(map(math.isfinite, (left, bottom, right, top))):
        raise ValueError(f"bounds {bounds} of {source} have no place in {target}")
    return (left, bottom, right, top)


def _is_whole(west: float, east: float, crs: CRS) -> bool:
    """Return whether bounds go around the Earth by more than half."""
    turn = turn_of(crs)
    return turn is not None and east - west > turn / 2


def _bounds_by_points(
    xs: np.ndarray[Any, Any], ys: np.ndarray[Any, Any], source: CRS, target: CRS
) -> tuple[float, float, float, float]:
    """Return the bounds of all that has a place in another system, of an area of which not all has."""
    across, down = (
        np.interp(np.linspace(0, _DENSIFY, 4 * _DENSIFY + 1), np.arange(_DENSIFY + 1), edge)
        for edge in (xs, ys)
    )
    x, y = transformer(source, target).transform(*np.meshgrid(across, down))
    found = np.isfinite(x) & np.isfinite(y)
    if not found.any():
        return (math.nan, math.nan, math.nan, math.nan)
    x, y = x[found], y[found]
    turn = turn_of(target)
    left, right = (None if turn is None else interval(x, turn)) or (x.min(), x.max())
    bottom, top = y.min(), y.max()
    if turn is None:
        # What lies between the samples at the edge of the map.
        margin = max(right - left, top - bottom) / _DENSIFY
        left, bottom, right, top = left - margin, bottom - margin, right + margin, top + margin
    return (float(left), float(bottom), float(right), float(top))
