"""Grids: the output's GeoBox from a GeoContext, and hash keys of grids."""

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.crs import WGS84, parse_crs, project, same_crs, transformer
from landbridge.geo.grids.longitudes import covering_interval, wrap_near, x_period
from landbridge.geo.longitudes import join_at_antimeridian

if TYPE_CHECKING:
    from landbridge.geo import GeoContext

T = TypeVar("T")
# Distance in pixels within which an outer edge lies on a grid line: the rounding error of a division.
_SNAP = 1e-6
_DENSIFY = 64
_FEW_PIXELS = 3  # pixels along an area that may be smaller than one

GridKey = tuple[str | None, tuple[float, ...], tuple[int, ...]]


def grid_key(geobox: GeoBox) -> GridKey:
    """Return a key that equal grids share; it is faster than the hash of a GeoBox."""
    transform = geobox.transform
    coefficients = (transform.a, transform.b, transform.c, transform.d, transform.e, transform.f)
    return (None if geobox.crs is None else str(geobox.crs), coefficients, tuple(geobox.shape.yx))


class _GridPair:
    """Pair of grids, hashed and compared by their keys."""

    __slots__ = ("key", "source", "target")

    def __init__(self, source: GeoBox, target: GeoBox) -> None:
        self.source, self.target = source, target
        self.key = (grid_key(source), grid_key(target))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _GridPair) and self.key == other.key


def cached_per_grid_pair(function: Callable[[GeoBox, GeoBox], T]) -> Callable[[GeoBox, GeoBox], T]:
    """Cache the results of a function of two grids.

    Images of one area share their grid, and calls use the same output grid again.
    """

    @lru_cache(maxsize=512)
    def found(grids: _GridPair) -> T:
        return function(grids.source, grids.target)

    @wraps(function)
    def get(source: GeoBox, target: GeoBox) -> T:
        return found(_GridPair(source, target))

    return get


def output_grid(geocontext: "GeoContext") -> GeoBox:
    """Return the grid of a complete GeoContext.

    The bounds are transformed to the coordinate reference system with densified edges. With `align_pixels`
    they grow outward to multiples of the resolution; otherwise the grid starts at their top left.

    Raises:
        ValueError: if the GeoContext lacks bounds, a coordinate reference system, or both resolution and
            shape; or if its bounds cannot be transformed to its coordinate reference system.
    """
    _ = geocontext.raster_params  # raises an error that names missing parameters
    context: Any = geocontext
    crs = parse_crs(context.crs)
    left, bottom, right, top = _bounds_in(context.bounds, parse_crs(context.bounds_crs), crs)
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
        and max(grid.shape.yx) <= _FEW_PIXELS
        and _bounds_follow_geometry(context)
    ):
        # The box of an area smaller than a pixel may touch more pixels than the area itself.
        grid = _grid_of(_small_bounds(context.geometry, crs, left), step, context, crs)
    return grid


def area_of_grid(geobox: GeoBox) -> dict[str, Any]:
    """Return the arguments of an AOI whose grid is a GeoBox.

    Raises:
        TypeError: if the argument is not a GeoBox.
        ValueError: if the GeoBox has no coordinate reference system, or is rotated, sheared or mirrored.
    """
    if not isinstance(geobox, GeoBox):
        raise TypeError(f"A grid must be an odc.geo GeoBox; got {geobox!r}.")
    if geobox.crs is None:
        raise ValueError("The GeoBox has no crs. Give it one by GeoBox(shape, affine, crs).")
    width, row_rotation, left, column_rotation, height, top = tuple(geobox.transform)[:6]
    if row_rotation or column_rotation or width <= 0 or height >= 0:
        raise ValueError(
            f"The GeoBox has the transform {tuple(geobox.transform)[:6]}; an AOI has rows from north to "
            "south and columns from west to east. Take another, such as GeoBox.from_bbox(geobox.boundingbox)."
        )
    rows, columns = geobox.shape.yx
    crs = str(geobox.crs)
    area = {"crs": crs, "bounds_crs": crs}
    bounds = (left, top + rows * height, left + columns * width, top)
    if width != -height:
        return area | {"bounds": bounds, "shape": (rows, columns), "align_pixels": False}
    # The origin makes the grid the same to the last digit, which a division of the bounds would not.
    return area | {"bounds": bounds, "resolution": width, "grid_origin": (left, top), "align_pixels": True}


def bounds_of(context: Any) -> tuple[float, float, float, float]:
    """Return the bounds of a GeoContext's area in its coordinate reference system.

    Raises:
        ValueError: if the area cannot be transformed to that system.
    """
    crs = parse_crs(context.crs)
    bounds = _bounds_in(context.bounds, parse_crs(context.bounds_crs), crs)
    return _small_bounds(context.geometry, crs, bounds[0]) if _bounds_follow_geometry(context) else bounds


def _grid_of(bounds: tuple[float, ...], step: float, context: Any, crs: CRS) -> GeoBox:
    """Return the grid of bounds at a resolution.

    A point on a line between two pixels belongs to the right (lower) one, even if the bounds are that point.
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


def _bounds_follow_geometry(context: Any) -> bool:
    """Return whether the bounds of a GeoContext are those of its geometry."""
    geometry = getattr(context, "geometry", None)
    return (
        geometry is not None
        and not geometry.is_empty
        and same_crs(parse_crs(context.bounds_crs), parse_crs(WGS84))
        and tuple(context.bounds) == join_at_antimeridian(geometry).bounds
    )


def _small_bounds(geometry: BaseGeometry, crs: CRS, x: float) -> tuple[float, float, float, float]:
    """Return the bounds of a small geometry in a reference system, in the period that holds x."""
    left, bottom, right, top = project(join_at_antimeridian(geometry), parse_crs(WGS84), crs).bounds
    period = x_period(crs)
    if period is not None:
        moved = wrap_near(np.array([left]), x, period)[0] - left
        left, right = left + moved, right + moved
    return (left, bottom, right, top)


def _bounds_in(bounds: tuple[float, ...], source: CRS, target: CRS) -> tuple[float, float, float, float]:
    """Return bounds in another system; if x is periodic there, they may extend beyond its edge."""
    west, south, east, north = map(float, bounds)
    if same_crs(source, target):
        return (west, south, east, north)
    period = x_period(target)
    xs, ys = np.linspace(west, east, _DENSIFY + 1), np.linspace(south, north, _DENSIFY + 1)
    x, y = transformer(source, target).transform(
        np.concatenate([xs, xs, np.full_like(ys, west), np.full_like(ys, east)]),
        np.concatenate([np.full_like(xs, south), np.full_like(xs, north), ys, ys]),
    )
    if np.isfinite(x).all() and np.isfinite(y).all():
        left, bottom, right, top = transformer(source, target).transform_bounds(
            west, south, east, north, densify_pts=_DENSIFY
        )
        if period is not None:
            if right < left:
                right += period
            elif right - left > period / 2 and not _exceeds_half_circle(west, east, source):
                left, right = covering_interval(x, period) or (left, right)
    else:
        left, bottom, right, top = _bounds_by_points(xs, ys, source, target)
    if not all(map(math.isfinite, (left, bottom, right, top))):
        raise ValueError(f"bounds {bounds} of {source} cannot be transformed to {target}")
    return (left, bottom, right, top)


def _exceeds_half_circle(west: float, east: float, crs: CRS) -> bool:
    """Return whether bounds span more than half of the globe's longitudes."""
    period = x_period(crs)
    return period is not None and east - west > period / 2


def _bounds_by_points(
    xs: np.ndarray[Any, Any], ys: np.ndarray[Any, Any], source: CRS, target: CRS
) -> tuple[float, float, float, float]:
    """Return the bounds in another system of the part of an area that can be transformed to it."""
    across, down = (
        np.interp(np.linspace(0, _DENSIFY, 4 * _DENSIFY + 1), np.arange(_DENSIFY + 1), edge)
        for edge in (xs, ys)
    )
    x, y = transformer(source, target).transform(*np.meshgrid(across, down))
    found = np.isfinite(x) & np.isfinite(y)
    if not found.any():
        return (math.nan, math.nan, math.nan, math.nan)
    x, y = x[found], y[found]
    period = x_period(target)
    left, right = (None if period is None else covering_interval(x, period)) or (x.min(), x.max())
    bottom, top = y.min(), y.max()
    if period is None:
        # The edge of the map may lie between two samples.
        margin = max(right - left, top - bottom) / _DENSIFY
        left, bottom, right, top = left - margin, bottom - margin, right + margin, top + margin
    return (float(left), float(bottom), float(right), float(top))
