"""Tiles of a grid that intersect a shape."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from landbridge.geo.context import GeoContext
from landbridge.geo.errors import InvalidShapeError
from landbridge.geo.longitudes import cut_at_antimeridian
from landbridge.geo.shapes import MAX_LAT, MAX_LON, to_shapely
from landbridge.geo.units import METERS_PER_DEGREE
from landbridge.geo.utm_grid import FALSE_EASTING, ZONES, UtmGrid, UtmTile, utm_transformer, utm_zone

# Edges that are straight in longitude and latitude are arcs in UTM. Segments of this length keep the error
# below about 2 m.
_SEGMENT_DEGREES = 0.1


def to_polygons(shape: Any) -> list[Polygon]:
    """Return the polygons of a shape to be tiled, in longitude and latitude.

    A GeoContext may cross the antimeridian, and so may a shape that is cut there.

    Raises
    ------
    InvalidShapeError
        If the shape is of another type, or beyond ±180 or ±90 degrees.
    """
    polygons = [polygon for geometry in _geometries(shape) for polygon in _parts(geometry)]
    if not polygons:
        raise InvalidShapeError("The shape is empty.")
    for polygon in polygons:
        west, south, east, north = polygon.bounds
        if west < -MAX_LON or east > MAX_LON or south < -MAX_LAT or north > MAX_LAT:
            raise InvalidShapeError(
                f"The bounds {polygon.bounds} reach beyond ±180 or ±90 degrees. Cut a shape across the "
                "antimeridian into a MultiPolygon (RFC 7946), or pass it as an AOI."
            )
    return polygons


def _geometries(shape: Any) -> list[BaseGeometry]:
    """Return the Polygons and MultiPolygons of a shape in any of its forms."""
    if isinstance(shape, str):
        try:
            shape = json.loads(shape)
        except ValueError as error:
            raise InvalidShapeError(f"The text of the shape is not JSON: {shape[:80]!r}.") from error
    if isinstance(shape, (list, tuple)):
        return [geometry for item in shape for geometry in _geometries(item)]
    document = getattr(shape, "__geo_interface__", shape)
    if isinstance(document, Mapping) and document.get("type") == "FeatureCollection":
        return _geometries(list(document.get("features", [])))
    try:
        geometry = to_shapely(shape)
    except (TypeError, ValueError) as error:
        raise InvalidShapeError(f"The shape is invalid. {error}") from error
    if isinstance(shape, GeoContext):
        geometry = cut_at_antimeridian(geometry)
    if not isinstance(geometry, (Polygon, MultiPolygon)):
        raise InvalidShapeError(f"A shape must be a Polygon or MultiPolygon; got {geometry.geom_type}.")
    return [geometry]


def estimate_tile_count(grid: UtmGrid, polygons: list[Polygon]) -> float:
    """Return the approximate number of tiles that polygons need."""
    area = 0.0
    for polygon in polygons:
        west, south, east, north = polygon.bounds
        scale = math.cos(math.radians(min(abs(south), abs(north)) if south * north > 0 else 0))
        area += max(polygon.area * scale, (east - west) * 1e-9) * METERS_PER_DEGREE**2
    return area / grid.utm_tilesize**2


def covering_tiles(grid: UtmGrid, shape: Any) -> Iterator[UtmTile]:
    """Yield each tile that intersects a shape once, in every UTM zone that the shape crosses.

    Zones are in order from west to east. In a zone the column at the shape's middle comes first, then its
    neighbors outward. In a column, rows go north.
    """
    polygons = to_polygons(shape)
    whole = unary_union(
        [polygon if polygon.is_valid else shapely.make_valid(polygon) for polygon in polygons]
    )
    west, _, east, _ = whole.bounds
    for zone in range(utm_zone(west), min(utm_zone(east), ZONES[-1]) + 1):
        strip = box(6 * zone - 186, -MAX_LAT, 6 * zone - 180, MAX_LAT)
        inside = _parts(whole.intersection(strip))
        if inside:
            yield from _tiles_of_zone(grid, zone, unary_union(inside))


def _tiles_of_zone(grid: UtmGrid, zone: int, lonlat: BaseGeometry) -> Iterator[UtmTile]:
    segment = min(_SEGMENT_DEGREES, grid.utm_tilesize / METERS_PER_DEGREE * 4)
    to_utm = utm_transformer(zone).transform
    dense = shapely.segmentize(lonlat, max(segment, _SEGMENT_DEGREES / 10))
    utm = shapely.transform(dense, lambda points: np.column_stack(to_utm(points[:, 0], points[:, 1])))
    if not utm.is_valid:
        utm = shapely.make_valid(utm)
    shapely.prepare(utm)
    side = grid.utm_tilesize
    left, bottom, right, top = utm.bounds
    first, last = math.ceil((left - FALSE_EASTING) / side) - 1, math.floor((right - FALSE_EASTING) / side)
    rows = range(math.ceil(bottom / side) - 1, math.floor(top / side) + 1)
    center_x, _ = to_utm(lonlat.centroid.x, lonlat.centroid.y)
    middle = math.floor((center_x - FALSE_EASTING) / side)
    ys = np.array(rows) * side
    for path in sorted(range(first, last + 1), key=lambda path: (abs(path - middle), -path)):
        x = FALSE_EASTING + path * side
        # One call for the whole column, because this takes most of the time.
        for hit in np.flatnonzero(shapely.intersects(utm, _column(x, ys, side))):
            yield UtmTile(grid, zone, path, rows[hit])


def _column(x: float, ys: np.ndarray[Any, np.dtype[np.float64]], side: float) -> Any:
    """Return the squares of a column that start at x and each y."""
    xs = np.full_like(ys, x)
    return shapely.box(xs, ys, xs + side, ys + side)


def _parts(geometry: BaseGeometry) -> list[Polygon]:
    """Return the polygons of a geometry, without points and lines."""
    if isinstance(geometry, Polygon):
        return [] if geometry.is_empty else [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _parts(part)]
