"""Grids: the output's GeoBox from a GeoContext, coordinate reference systems compared, cutlines burnt."""

import math
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

if TYPE_CHECKING:
    from landbridge.geo import GeoContext

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

# An outer edge this near to a grid line, in pixels, lies on it: what decimal fractions leave after a
# division.
_SNAP = 1e-6
_DENSIFY = 64
# rasterio swaps the warning filters of the whole process while it burns; two threads at once would leave
# them mixed up.
_BURNING = threading.Lock()


@lru_cache(maxsize=256)
def crs_of(text: str) -> CRS:
    """The coordinate reference system of an EPSG code, PROJ string or WKT.

    Raises:
        ValueError: the text is none of these.
    """
    try:
        return CRS(text)
    except CRSError as error:
        raise ValueError(f"{text!r} is no coordinate reference system: {error}") from error


def crs_on(geobox: GeoBox) -> CRS:
    """The system of a grid that has one."""
    assert geobox.crs is not None
    return geobox.crs


def same_crs(first: CRS, second: CRS) -> bool:
    """Whether two systems mean the same coordinates, whatever text they were made from."""
    # By their texts: the hash of a system writes it out as WKT each time.
    return first is second or _same(str(first), str(second))


@lru_cache(maxsize=256)
def _same(first: str, second: str) -> bool:
    if first == second:
        return True
    one, other = CRS(first).proj, CRS(second).proj
    if one.equals(other, ignore_axis_order=True):
        return True
    codes = one.to_epsg(), other.to_epsg()
    return codes[0] is not None and codes[0] == codes[1]


def transformer(source: CRS, target: CRS) -> Transformer:
    """The transformer of (x, y) from one system to another."""
    return _transformer(str(source), str(target))


@lru_cache(maxsize=256)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(CRS(source).proj, CRS(target).proj, always_xy=True)


GridKey = tuple[str | None, tuple[float, ...], tuple[int, ...]]


def key_of(geobox: GeoBox) -> GridKey:
    """What grids that are equal have in common, sooner told than their hash."""
    transform = geobox.transform
    coefficients = (transform.a, transform.b, transform.c, transform.d, transform.e, transform.f)
    return (None if geobox.crs is None else str(geobox.crs), coefficients, tuple(geobox.shape.yx))


def output_grid(geocontext: "GeoContext") -> GeoBox:
    """The grid of a complete GeoContext.

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
    if getattr(context, "align_pixels", False):
        left, bottom = (math.floor(edge / step + _SNAP) * step for edge in (left, bottom))
        right, top = (math.ceil(edge / step - _SNAP) * step for edge in (right, top))
    columns, rows = (max(1, math.floor(length / step + 0.5)) for length in (right - left, top - bottom))
    return GeoBox((rows, columns), Affine(step, 0, left, 0, -step, top), crs)


def _bounds_in(bounds: tuple[float, ...], source: CRS, target: CRS) -> tuple[float, float, float, float]:
    if same_crs(source, target):
        left, bottom, right, top = map(float, bounds)
    else:
        left, bottom, right, top = transformer(source, target).transform_bounds(
            bounds[0], bounds[1], bounds[2], bounds[3], densify_pts=_DENSIFY
        )
    if not all(map(math.isfinite, (left, bottom, right, top))):
        raise ValueError(f"bounds {bounds} of {source} have no place in {target}")
    if right < left:
        raise ValueError(f"bounds {bounds} cross the antimeridian in {target}: use a projected crs")
    return (left, bottom, right, top)


def project(geometry: BaseGeometry, source: CRS, target: CRS) -> BaseGeometry:
    """A geometry in another system, its edges densified first so that they bend with the projection.

    Raises:
        ValueError: it has no place there.
    """
    left, bottom, right, top = geometry.bounds
    longest = max(right - left, top - bottom)
    if longest > 0:
        geometry = shapely.segmentize(geometry, longest / _DENSIFY)
    return _transform(geometry, source, target)


def _transform(geometry: BaseGeometry, source: CRS, target: CRS) -> BaseGeometry:
    if same_crs(source, target):
        return geometry
    to_target = transformer(source, target)

    def move(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.column_stack(to_target.transform(points[:, 0], points[:, 1]))

    moved = shapely.transform(geometry, move)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise ValueError(f"the geometry with bounds {geometry.bounds} has no place in {target}")
    return moved


def cutline_on(geometry: BaseGeometry | None, geobox: GeoBox) -> BaseGeometry | None:
    """A cutline in longitude and latitude on a grid's system; None where it cuts nothing off.

    A footprint made of a raster's four corners is straight on the raster's own grid, not between its
    longitudes and latitudes: a geometry that covers the grid by either reading cuts nothing.
    """
    if geometry is None:
        return None
    wgs84 = crs_of("EPSG:4326")
    extent = box(*geobox.boundingbox.bbox)
    half = min(abs(geobox.resolution.x), abs(geobox.resolution.y)) / 2
    straight = _transform(geometry, wgs84, crs_on(geobox))
    if straight.is_valid and straight.buffer(half, join_style="mitre").covers(extent):
        return None
    bent = project(geometry, wgs84, crs_on(geobox))
    return None if bent.is_valid and bent.covers(extent) else bent


def outside(cutline: BaseGeometry, geobox: GeoBox, *, all_touched: bool) -> BoolArray:
    """Which pixels (y, x) of a grid a cutline leaves out: by their centers, or unless it touches them."""
    from rasterio.features import geometry_mask

    if cutline.is_empty:
        return np.ones(geobox.shape.yx, bool)
    with _BURNING:
        mask: BoolArray = geometry_mask([cutline], geobox.shape.yx, geobox.transform, all_touched=all_touched)
    return mask


def reach(geobox: GeoBox) -> BaseGeometry | None:
    """The ground a grid covers in longitude and latitude, or None where that has no simple outline."""
    try:
        outline = project(box(*geobox.boundingbox.bbox), crs_on(geobox), crs_of("EPSG:4326"))
    except ValueError:
        return None
    west, _, east, _ = outline.bounds
    return outline if outline.is_valid and east - west < 180 else None
