"""Grids: the output's GeoBox from a GeoContext, coordinate reference systems compared, cutlines burnt."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import shapely
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import CRS as PROJ
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from landbridge.geo.longitudes import TURN, continuous, moved_by, normalized
from landbridge.raster.wrapping import interval, near, turn_of, turns_between

if TYPE_CHECKING:
    from landbridge.geo import GeoContext

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
T = TypeVar("T")

# An outer edge this near to a grid line, in pixels, lies on it: what decimal fractions leave after a
# division.
_SNAP = 1e-6
_DENSIFY = 64
_WGS84 = "EPSG:4326"
_SAME_PLACE = 1e-6  # units of a system
_AREA = 2
_FEW = 3  # pixels along an area that may be smaller than one
# By how much of its size an outline of so many points may be off.
_BEND = 1e-3
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
    if None not in codes:
        return codes[0] == codes[1]
    return _ground_of(one) == _ground_of(other) and _places_alike(one, other)


def _ground_of(proj: PROJ) -> tuple[Any, ...]:
    """What the longitudes and latitudes of a system are counted on."""
    geodetic = proj.geodetic_crs or proj
    ellipsoid, meridian = geodetic.ellipsoid, geodetic.prime_meridian
    # WGS 84 is one datum or several, by the text it comes from; without a name a datum is its ellipsoid.
    datum = "" if geodetic.datum is None else geodetic.datum.name.removesuffix(" ensemble")
    return (
        "" if datum.lower().startswith("unknown") else datum,
        ellipsoid and (ellipsoid.semi_major_metre, round(ellipsoid.inverse_flattening, 6)),
        meridian and meridian.longitude,
    )


def _places_alike(one: PROJ, other: PROJ) -> bool:
    """Whether two systems on the same ground give all places the same coordinates: names may differ."""
    if not (one.is_projected and other.is_projected):
        return False
    lon, lat = np.meshgrid(np.arange(-175.0, 180.0, 25.0), np.arange(-85.0, 90.0, 17.0))
    first, second = (
        np.array(Transformer.from_crs(proj.geodetic_crs, proj, always_xy=True).transform(lon, lat))
        for proj in (one, other)
    )
    found = np.isfinite(first).all(axis=0)
    with np.errstate(invalid="ignore"):
        return bool(found.any() and (np.abs(first - second)[:, found] <= _SAME_PLACE).all())


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


class _Grids:
    """Two grids, equal to others by their keys."""

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
    """Whether the bounds of a GeoContext are those of its geometry."""
    geometry = getattr(context, "geometry", None)
    return (
        geometry is not None
        and not geometry.is_empty
        and same_crs(crs_of(context.bounds_crs), crs_of(_WGS84))
        and tuple(context.bounds) == continuous(geometry).bounds
    )


def _box_near(geometry: BaseGeometry, crs: CRS, x: float) -> tuple[float, float, float, float]:
    """Return the bounds of a small geometry in a system, at the turn where x is."""
    left, bottom, right, top = project(continuous(geometry), crs_of(_WGS84), crs).bounds
    turn = turn_of(crs)
    if turn is not None:
        moved = near(np.array([left]), x, turn)[0] - left
        left, right = left + moved, right + moved
    return (left, bottom, right, top)


def _bounds_in(bounds: tuple[float, ...], source: CRS, target: CRS) -> tuple[float, float, float, float]:
    """Return bounds in another system; where that repeats they may go on beyond its edge."""
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
    """Whether bounds go around the Earth by more than half."""
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

    turns = turn_of(source), turn_of(target)

    def move(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = to_target.transform(points[:, 0], points[:, 1])
        if len(points) and turns[0] is not None and turns[1] is not None:
            # What goes on beyond the edge of a map goes on there too.
            x = near(x, x[0] + (points[:, 0] - points[0, 0]) * (turns[1] / turns[0]), turns[1])
        return np.column_stack([x, y])

    moved = shapely.transform(geometry, move)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise ValueError(f"the geometry with bounds {geometry.bounds} has no place in {target}")
    return moved


@dataclass(frozen=True, slots=True)
class GroundCutline:
    """A cutline in longitude and latitude, for a grid on whose system it has no place as one shape.

    So it is on grids that hold a pole or the edge of the map, or are seen from space: pixels are looked for
    in it one by one.
    """

    geometry: BaseGeometry


Cutline = BaseGeometry | GroundCutline


def cutline_on(geometry: BaseGeometry | None, geobox: GeoBox) -> Cutline | None:
    """A cutline in longitude and latitude on a grid's system; None where it cuts nothing off.

    A footprint made of a raster's four corners is straight on the raster's own grid, not between its
    longitudes and latitudes: a geometry that covers the grid by either reading cuts nothing.
    """
    if geometry is None or geometry.is_empty:
        return geometry
    wgs84, crs = crs_of(_WGS84), crs_on(geobox)
    extent = box(*geobox.boundingbox.bbox)
    half = min(abs(geobox.resolution.x), abs(geobox.resolution.y)) / 2
    whole = continuous(geometry)
    try:
        straight = _turned(_transform(whole, wgs84, crs), extent, crs)
        if straight.is_valid and straight.buffer(half, join_style="mitre").covers(extent):
            return None
    except ValueError:
        pass
    if turn_of(crs) is None:
        ground = reach(geobox)
        if ground is None:
            return GroundCutline(normalized(geometry))
        west, south, east, north = ground.bounds
        # What is far away may have no place in the system, or a wrong one; a margin keeps edges apart.
        around = ground.buffer(max(min(east - west, TURN / 2), north - south) / 8 + _SNAP, join_style="mitre")
        if not covers(around, geometry):
            whole = continuous(_clipped(geometry, around))
            if whole.is_empty:
                return whole
    bent = _turned(project(whole, wgs84, crs), extent, crs)
    return None if bent.is_valid and bent.covers(extent) else bent


def covers(area: BaseGeometry, geometry: BaseGeometry) -> bool:
    """Whether an area covers a geometry that may be invalid."""
    return bool(shapely.box(*geometry.bounds).within(area))


def _clipped(geometry: BaseGeometry, area: BaseGeometry) -> BaseGeometry:
    """The part of a geometry on an area, of the geometry's own kind."""
    geometry = normalized(geometry)
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    return geometry.intersection(normalized(area))


def _turned(geometry: BaseGeometry, extent: BaseGeometry, crs: CRS) -> BaseGeometry:
    """A geometry in a system that repeats, at all of the turns at which it touches an extent."""
    turn = turn_of(crs)
    if turn is None:
        return geometry
    (left, _, right, _), (low, _, high, _) = geometry.bounds, extent.bounds
    turns = turns_between(low, high, left, right, turn)
    if len(turns) == 1:
        return geometry if turns[0] == 0 else moved_by(geometry, turns[0] * turn)
    # Those of the whole globe go on without a seam.
    return shapely.union_all([moved_by(geometry, number * turn) for number in turns]) if turns else geometry


def is_within_a_pixel(cutline: Cutline | None, geobox: GeoBox) -> bool:
    """Whether a cutline is no larger than one of the pixels of a grid, so that it may hold no center."""
    if cutline is None or isinstance(cutline, GroundCutline) or cutline.is_empty:
        return False
    left, bottom, right, top = cutline.bounds
    return bool(right - left <= abs(geobox.resolution.x) and top - bottom <= abs(geobox.resolution.y))


def outside(cutline: Cutline, geobox: GeoBox, *, all_touched: bool) -> BoolArray:
    """Which pixels (y, x) of a grid a cutline leaves out: by their centers, or unless it touches them."""
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
    to_ground = transformer(crs_on(geobox), crs_of(_WGS84))

    def inside(ys: np.ndarray[Any, Any], xs: np.ndarray[Any, Any]) -> BoolArray:
        t = geobox.transform
        x, y = t.a * xs + t.b * ys[:, None] + t.c, t.d * xs + t.e * ys[:, None] + t.f
        lon, lat = to_ground.transform(x, y)
        lon = np.where(np.isfinite(lon), near(lon, 0.0, TURN), np.nan)
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
        x, y = transformer(crs_of(_WGS84), crs_on(geobox)).transform(points[:, 0], points[:, 1])
        column, row = ~geobox.transform @ (x, y)
        with np.errstate(invalid="ignore"):
            on = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found[row[on].astype(np.intp), column[on].astype(np.intp)] = True
    return ~found


def reach(geobox: GeoBox) -> BaseGeometry | None:
    """Return the ground a grid covers, in longitudes of ±180 and latitudes; None if that has no simple
    outline.
    """
    return _reach(str(crs_on(geobox)), geobox.boundingbox.bbox)


# Calls come back to the same grids, and to the same blocks of them.
@lru_cache(maxsize=512)
def _reach(text: str, bounds: tuple[float, float, float, float]) -> BaseGeometry | None:
    crs = crs_of(text)
    left, bottom, right, top = bounds
    points = _outline(left, bottom, right, top)
    lon, lat = transformer(crs, crs_of(_WGS84)).transform(points[:, 0], points[:, 1])
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None
    turn = turn_of(crs)
    if turn is None:
        if not _is_on_the_map(points, lon, lat, crs):
            return None
        lon = np.unwrap(lon, period=TURN)
    elif right - left >= turn / 2:
        return None
    else:
        # The longitudes of a grid go on, whatever the transformation makes of them.
        lon = near(lon, float(lon[0]), TURN)
        lon = lon if np.ptp(lon) < TURN / 2 else np.unwrap(lon, period=TURN)
    if abs(lon[-1] - lon[0]) > TURN / 2 or np.ptp(lon) >= TURN / 2:
        return None  # around a pole, or half the world
    lon[-1] = lon[0]
    outline = shapely.Polygon(np.column_stack([lon, lat]))
    if not outline.is_valid:
        return None
    # Between its points an outline bends.
    return normalized(outline.buffer(max(np.ptp(lon), np.ptp(lat)) * _BEND, join_style="mitre"))


def _outline(left: float, bottom: float, right: float, top: float) -> np.ndarray[Any, Any]:
    """Return the points (x, y) of a box, closed, no further apart than a part of its longer edges."""
    width, height = right - left, top - bottom
    step = max(width, height) / _DENSIFY
    across, down = (max(1, math.ceil(length / step)) if step else 1 for length in (width, height))
    xs, ys = np.linspace(left, right, across + 1), np.linspace(bottom, top, down + 1)
    points = np.empty((2 * (across + down) + 1, 2))
    x, y = points.T
    # From the lower right counterclockwise, as shapely's boxes are.
    x[: down + 1], y[: down + 1] = right, ys
    x[down : down + across + 1], y[down : down + across + 1] = xs[::-1], top
    x[down + across : 2 * down + across + 1], y[down + across : 2 * down + across + 1] = left, ys[::-1]
    x[2 * down + across :], y[2 * down + across :] = xs, bottom
    return points


def _is_on_the_map(
    points: np.ndarray[Any, Any], lon: np.ndarray[Any, Any], lat: np.ndarray[Any, Any], crs: CRS
) -> bool:
    """Whether longitudes and latitudes lead back to points; beyond a map's edge they lead elsewhere."""
    back = np.column_stack(transformer(crs_of(_WGS84), crs).transform(lon, lat))
    with np.errstate(invalid="ignore"):
        off = np.abs(back - points).max()
    return bool(off <= np.ptp(points, axis=0).max() * _BEND)
