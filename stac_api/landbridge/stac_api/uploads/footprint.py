"""The footprint of a raster: where its valid pixels lie, in longitude and latitude, as RFC 7946 wants it.

The outline of the valid pixels is taken to longitude and latitude in pieces so short that they stay straight.
That is enough unless the raster holds a pole or reaches beyond the edge of its projection: then its cells are
gathered one by one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import rasterio.features
import rasterio.warp
import shapely
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from shapely.affinity import affine_transform, translate

from landbridge.stac_api.uploads.cell_coverage import CellGrid, outline_of_cells, simplified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rasterio.crs import CRS
    from shapely.geometry.base import BaseGeometry

_CELLS = 512  # along the longest side of the grid that a footprint is traced on
_CORNERS = 100
_WGS84 = "EPSG:4326"
_TURN = 360.0
# Pieces along the longest side of an outline: at least, and at most.
_PIECES, _MOST_PIECES = 16, 256
# A piece may bend by so much of a pixel.
_BEND = 0.25
# A place that leads back to another one, by more than so much of a pixel, is beyond the edge of the map.
_BACK = 0.1
# A third of a turn of the Earth, but for what systems of other datums are off.
_ONE_TURN = 1e-4
_MESH = 17


def cell_of(longest: int) -> int:
    """Return the pixels along a cell of the grid that the footprint is traced on: a power of two."""
    return 1 << max(0, math.ceil(math.log2(longest / _CELLS)))


def footprint(
    crs: CRS, transform: Affine, size: tuple[int, int], valid: np.ndarray, cell: int
) -> BaseGeometry:
    """Return where a raster of a size (columns, rows) has valid pixels; never less than that.

    Empty if none lies on the Earth.

    Cells of some pixels are valid if any of their pixels is. Their outline, without holes, is simplified
    outwards, so that a reader may skip what a footprint doesn't touch. It is cut at the antimeridian.
    """
    if not valid.any():
        return shapely.Polygon()
    extent = shapely.box(0, 0, *size)
    pixels = extent if valid.all() else _outline(valid, cell).intersection(extent)
    try:
        found = _degrees(crs, transform, pixels) if crs.is_geographic else None
        found = _projected(crs, transform, pixels, extent) if found is None else found
    except (RasterioError, CPLE_BaseError):
        found = None
    return normalized(
        outline_of_cells(crs, transform, CellGrid(size, valid, cell)) if found is None else found
    )


def normalized(geometry: BaseGeometry) -> BaseGeometry:
    """Return an area within ±180 and ±90 degrees, cut at the antimeridian if it crosses it."""
    geometry = shapely.make_valid(geometry)
    if geometry.is_empty:
        return shapely.Polygon()
    west, _, east, _ = geometry.bounds
    found: list[BaseGeometry] = []
    for turn in range(math.floor((west + 180) / _TURN), math.floor((east + 180) / _TURN) + 1):
        middle = turn * _TURN
        inside = geometry.intersection(shapely.box(middle - 180, -90, middle + 180, 90))
        found += [translate(part, -middle) for part in _polygons(inside)]
    return shapely.orient_polygons(shapely.union_all(found))


def _degrees(crs: CRS, transform: Affine, pixels: BaseGeometry) -> BaseGeometry | None:
    """Return pixels of a geographic system in longitude and latitude; None if these need a transformation."""
    _, unit = crs.units_factor
    if not math.isclose(unit, math.pi / 180, rel_tol=1e-9) or crs != rasterio.crs.CRS.from_epsg(4326):
        return None
    return affine_transform(_pieces(pixels, _PIECES), transform.to_shapely())


def _projected(
    crs: CRS, transform: Affine, pixels: BaseGeometry, extent: BaseGeometry
) -> BaseGeometry | None:
    """Return pixels in longitude and latitude, in one piece; None if the outline doesn't tell where they lie.

    Raises:
        RasterioError, CPLE_BaseError: a place is beyond the edge of the map.
    """
    width, height = extent.bounds[2:]
    mesh = np.stack(np.meshgrid(np.linspace(0, width, _MESH), np.linspace(0, height, _MESH)), -1)
    if not _is_on_the_map(crs, transform, mesh.reshape(-1, 2)):
        return None
    count = _PIECES
    while True:
        edges = [shapely.get_exterior_ring(part) for part in _polygons(_pieces(pixels, count))]
        rings = [shapely.get_coordinates(edge) for edge in edges]
        places = [_ground(crs, transform, ring) for ring in rings]
        if any(abs(place[-1, 0] - place[0, 0]) > _TURN / 2 for place in places):
            return None  # around a pole
        if all(_is_straight(crs, transform, *pair) for pair in zip(rings, places, strict=True)):
            break
        count *= 2
        if count > _MOST_PIECES:
            return None
    if not all(_is_on_the_map(crs, transform, ring) for ring in rings):
        return None
    for place in places:
        place[-1] = place[0]
    found = shapely.union_all([shapely.make_valid(shapely.Polygon(place)) for place in places])
    if count > _PIECES:
        found = found.simplify(_BEND * min(_pixel(*pair) for pair in zip(rings, places, strict=True)))
    return found


def _pieces(pixels: BaseGeometry, count: int) -> BaseGeometry:
    """Return an area whose edges are cut into so many pieces along its longer side."""
    left, top, right, bottom = pixels.bounds
    return shapely.segmentize(pixels, max(right - left, bottom - top) / count)


def _is_straight(crs: CRS, transform: Affine, ring: np.ndarray, place: np.ndarray) -> bool:
    """Return whether the middles between points of an outline lie on straight lines on the ground, too."""
    middles = _ground(crs, transform, (ring[:-1] + ring[1:]) / 2, float(place[0, 0]))
    off = middles - (place[:-1] + place[1:]) / 2
    off[:, 0] -= _TURN * np.round(off[:, 0] / _TURN)
    steps = np.diff(place, axis=0)
    narrowing = np.cos(np.radians(middles[:, 1]))
    off[:, 0] *= narrowing
    steps[:, 0] *= narrowing
    lengths = np.hypot(*np.diff(ring, axis=0).T)
    return bool((np.hypot(*off.T) * lengths <= _BEND * np.hypot(*steps.T)).all())


def _pixel(ring: np.ndarray, place: np.ndarray) -> float:
    """Return the least degrees along a pixel of an outline."""
    lengths = np.hypot(*np.diff(ring, axis=0).T)
    along = np.hypot(*np.diff(place, axis=0).T)
    return float((along[lengths > 0] / lengths[lengths > 0]).min())


def _ground(crs: CRS, transform: Affine, pixels: np.ndarray, first: float | None = None) -> np.ndarray:
    """Return longitudes and latitudes of places in pixels: one longitude goes on from the one before."""
    x, y = transform @ (pixels[:, 0], pixels[:, 1])
    lon, lat = rasterio.warp.transform(crs, _WGS84, x, y)
    places = np.column_stack([lon, lat])
    if not np.isfinite(places).all():
        raise RasterioError("a place is beyond the edge of the map")
    places[:, 0] = np.unwrap(places[:, 0], period=_TURN)
    if first is not None:
        places[:, 0] += _TURN * np.round((first - places[0, 0]) / _TURN)
    return places


def _is_on_the_map(crs: CRS, transform: Affine, pixels: np.ndarray) -> bool:
    """Return whether places in pixels lead to the ground and back.

    Some projections know no edge: beyond it they lead to other places. In cylindrical ones these are the same
    places, a turn of the Earth further.
    """
    places = _ground(crs, transform, pixels)
    x, y = rasterio.warp.transform(_WGS84, crs, places[:, 0], places[:, 1])
    back = np.column_stack(~transform @ (np.asarray(x), np.asarray(y))) - pixels
    far = np.abs(back).max(axis=1) > _BACK
    if not far.any():
        return True
    if np.abs(back[far, 1]).max() > _BACK:
        return False
    turns = np.abs(back[far, 0])
    return bool(
        np.abs(turns - turns.max()).max() <= _BACK and _is_cylindrical(crs, float(turns.max()), transform)
    )


def _is_cylindrical(crs: CRS, turn: float, transform: Affine) -> bool:
    """Return whether so many pixels along x are a whole turn, at all latitudes."""
    lon, lat = np.array([-60.0, 60.0, -60.0, 60.0]), np.array([0.0, 0.0, 40.0, 40.0])
    x, _ = rasterio.warp.transform(_WGS84, crs, lon, lat)
    third = abs(turn * transform.a) / 3
    steps = np.array([x[1] - x[0], x[3] - x[2]])
    off = np.minimum(np.abs(steps - third), np.abs(np.abs(steps) - 2 * third))
    return bool((off <= _ONE_TURN * third).all())


def _outline(valid: np.ndarray, cell: int) -> BaseGeometry:
    """Return an outline of the valid cells, in pixels, that leaves none out and has few corners."""
    traced = rasterio.features.shapes(
        valid.astype("uint8"), mask=valid, connectivity=8, transform=Affine.scale(cell)
    )
    filled = [shapely.Polygon(geometry["coordinates"][0]) for geometry, _ in traced]
    return simplified(shapely.union_all(filled), float(cell), _CORNERS)


def _polygons(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in getattr(geometry, "geoms", [geometry]):
        if hasattr(part, "geoms"):
            yield from _polygons(part)
        elif part.geom_type == "Polygon" and not part.is_empty:
            yield part
