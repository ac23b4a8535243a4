"""Footprint of a raster: the area of its valid pixels in longitude and latitude (RFC 7946).

The outline of the valid pixels is cut into segments so short that they stay straight in longitude and
latitude. If the raster contains a pole or reaches beyond the edge of its projection, `cell_coverage` takes
its grid cells one by one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import rasterio.features
import rasterio.warp
import shapely
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from shapely.affinity import affine_transform, translate

from landbridge.stac_api.uploads.cell_coverage import CellGrid, outline_of_cells, simplify_outwards
from landbridge.stac_api.uploads.gdal_errors import GDAL_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rasterio.crs import CRS
    from shapely.geometry.base import BaseGeometry

_CELLS = 512  # along the longest side of the grid in which a footprint is traced
_CORNERS = 100
_WGS84 = "EPSG:4326"
_TURN = 360.0
# Fewest segments along the longest side of an outline, and how often a segment is halved at most.
_SEGMENTS, _HALVINGS = 16, 6
# Largest deviation of a segment from a straight line, in pixels, and the places along it that are compared.
# Centers of pixels are half a pixel inside.
_MAX_DEVIATION = 0.25
_FRACTIONS = (0.125, 0.25, 0.5, 0.75, 0.875)
# Largest error of a point transformed to longitude and latitude and back, in pixels; a point with a larger
# one is beyond the edge of the map.
_MAX_ROUND_TRIP = 0.1
# Relative tolerance of a third of a turn, for systems of other datums.
_TURN_TOLERANCE = 1e-4
_MESH = 17


def cell_of(longest: int) -> int:
    """Return the pixels along a cell of the grid in which the footprint is traced: a power of two."""
    return 1 << max(0, math.ceil(math.log2(longest / _CELLS)))


def footprint(
    crs: CRS, transform: Affine, size: tuple[int, int], valid: np.ndarray, cell: int
) -> BaseGeometry:
    """Return an area that contains all valid pixels of a raster; empty if none lies on the Earth.

    It is the outline of the valid cells, without holes, simplified outwards and cut at the antimeridian: a
    reader may skip an image whose footprint it does not touch.

    Parameters
    ----------
    crs, transform : CRS, Affine
        Georeference of the raster.
    size : tuple of int
        Columns and rows.
    valid : ndarray of bool, (rows, columns) of cells
        True for a cell with a valid pixel.
    cell : int
        Pixels along a cell.
    """
    if not valid.any():
        return shapely.Polygon()
    extent = shapely.box(0, 0, *size)
    pixels = extent if valid.all() else _outline(valid, cell).intersection(extent)
    try:
        found = _from_wgs84(crs, transform, pixels) if crs.is_geographic else None
        found = _from_projection(crs, transform, pixels, extent) if found is None else found
    except GDAL_ERRORS:
        found = None
    return normalize(
        outline_of_cells(crs, transform, CellGrid(size, valid, cell)) if found is None else found
    )


def normalize(geometry: BaseGeometry) -> BaseGeometry:
    """Return an area within ±180 and ±90 degrees, cut at the antimeridian."""
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


def _from_wgs84(crs: CRS, transform: Affine, pixels: BaseGeometry) -> BaseGeometry | None:
    """Return an area of pixels in longitude and latitude if the system is EPSG:4326 in degrees, else None."""
    _, unit = crs.units_factor
    if not math.isclose(unit, math.pi / 180, rel_tol=1e-9) or crs != rasterio.crs.CRS.from_epsg(4326):
        return None
    return affine_transform(_segmentize(pixels, _SEGMENTS), transform.to_shapely())


def _from_projection(
    crs: CRS, transform: Affine, pixels: BaseGeometry, extent: BaseGeometry
) -> BaseGeometry | None:
    """Return an area of pixels in longitude and latitude by its outline; None if that is not sufficient.

    Raises
    ------
    GDAL_ERRORS
        If a point is beyond the edge of the map.
    """
    width, height = extent.bounds[2:]
    axes = np.meshgrid(np.linspace(0, width, _MESH), np.linspace(0, height, _MESH))
    mesh = np.stack(axes, -1).reshape(-1, 2)
    if not _is_on_the_map(crs, transform, mesh, _lonlat(crs, transform, mesh)):
        return None
    edges = [shapely.get_exterior_ring(part) for part in _polygons(_segmentize(pixels, _SEGMENTS))]
    outlines = []
    for edge in edges:
        ring = _straight_segments(crs, transform, shapely.get_coordinates(edge))
        if ring is None:
            return None
        lonlat = _lonlat(crs, transform, ring)
        if not _is_on_the_map(crs, transform, ring, lonlat):
            return None
        if abs(lonlat[-1, 0] - lonlat[0, 0]) > _TURN / 2:
            return None  # the outline goes around a pole
        lonlat[-1] = lonlat[0]
        outlines.append(shapely.make_valid(shapely.Polygon(lonlat)))
    return shapely.union_all(outlines)


def _segmentize(pixels: BaseGeometry, count: int) -> BaseGeometry:
    """Cut the edges of an area into segments, `count` along its longer side."""
    left, top, right, bottom = pixels.bounds
    return shapely.segmentize(pixels, max(right - left, bottom - top) / count)


def _straight_segments(crs: CRS, transform: Affine, ring: np.ndarray) -> np.ndarray | None:
    """Halve segments of an outline until all stay straight in longitude and latitude; None if some do not."""
    for _ in range(_HALVINGS):
        bent = np.flatnonzero(_deviation(crs, transform, ring) > _MAX_DEVIATION)
        if not len(bent):
            return ring
        ring = np.insert(ring, bent + 1, (ring[bent] + ring[bent + 1]) / 2, axis=0)
    return None


def _deviation(crs: CRS, transform: Affine, ring: np.ndarray) -> np.ndarray:
    """Return the largest distance of each segment of an outline from its image in longitude and latitude.

    The image is the straight line between the two ends in longitude and latitude. Distances are in pixels,
    because a pixel may be far narrower in one direction than in the other.
    """
    ends, steps = _lonlat(crs, transform, ring), np.diff(ring, axis=0)
    along = np.array(_FRACTIONS)[:, None, None]
    wanted = ring[:-1] + along * steps
    lines = ends[:-1] + along * np.diff(ends, axis=0)
    # Both are transformed, because a longitude beyond 180 degrees may come back a whole turn away.
    to_pixels = [
        _pixels(crs, transform, places.reshape(-1, 2))
        for places in (lines, _lonlat(crs, transform, wanted.reshape(-1, 2)))
    ]
    off = (to_pixels[0] - to_pixels[1]).reshape(wanted.shape)
    lengths = np.maximum(np.hypot(*steps.T), np.finfo(float).tiny)
    across = np.abs(off[..., 0] * steps[:, 1] - off[..., 1] * steps[:, 0]) / lengths
    return np.asarray(np.nan_to_num(across, nan=np.inf).max(axis=0))


def _pixels(crs: CRS, transform: Affine, places: np.ndarray) -> np.ndarray:
    """Return places in longitude and latitude as points in pixels."""
    x, y = rasterio.warp.transform(_WGS84, crs, places[:, 0], places[:, 1])
    with np.errstate(invalid="ignore"):
        return np.column_stack(~transform @ (np.asarray(x), np.asarray(y)))


def _lonlat(crs: CRS, transform: Affine, pixels: np.ndarray) -> np.ndarray:
    """Return longitudes and latitudes of points in pixels, with longitudes unwrapped along the points."""
    x, y = transform @ (pixels[:, 0], pixels[:, 1])
    lon, lat = rasterio.warp.transform(crs, _WGS84, x, y)
    places = np.column_stack([lon, lat])
    if not np.isfinite(places).all():
        raise RasterioError("a point is beyond the edge of the map")
    places[:, 0] = np.unwrap(places[:, 0], period=_TURN)
    return places


def _is_on_the_map(crs: CRS, transform: Affine, pixels: np.ndarray, places: np.ndarray) -> bool:
    """Return whether points in pixels survive the transformation to longitude and latitude and back.

    `places` are their longitudes and latitudes.

    Beyond the edge of the map some projections give other points instead of an error. Cylindrical ones give
    the same points a turn of the Earth further, which is fine.
    """
    back = _pixels(crs, transform, places) - pixels
    far = np.abs(back).max(axis=1) > _MAX_ROUND_TRIP
    if not far.any():
        return True
    if np.abs(back[far, 1]).max() > _MAX_ROUND_TRIP:
        return False
    turns = np.abs(back[far, 0])
    return bool(
        np.abs(turns - turns.max()).max() <= _MAX_ROUND_TRIP
        and _is_cylindrical(crs, float(turns.max()), transform)
    )


def _is_cylindrical(crs: CRS, turn: float, transform: Affine) -> bool:
    """Return whether `turn` pixels along x are a whole turn of the Earth, at all latitudes."""
    lon, lat = np.array([-60.0, 60.0, -60.0, 60.0]), np.array([0.0, 0.0, 40.0, 40.0])
    x, _ = rasterio.warp.transform(_WGS84, crs, lon, lat)
    third = abs(turn * transform.a) / 3
    steps = np.array([x[1] - x[0], x[3] - x[2]])
    off = np.minimum(np.abs(steps - third), np.abs(np.abs(steps) - 2 * third))
    return bool((off <= _TURN_TOLERANCE * third).all())


def _outline(valid: np.ndarray, cell: int) -> BaseGeometry:
    """Return an outline with few corners around all valid cells, in pixels."""
    traced = rasterio.features.shapes(
        valid.astype("uint8"), mask=valid, connectivity=8, transform=Affine.scale(cell)
    )
    filled = [shapely.Polygon(geometry["coordinates"][0]) for geometry, _ in traced]
    return simplify_outwards(shapely.union_all(filled), float(cell), _CORNERS)


def _polygons(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in getattr(geometry, "geoms", [geometry]):
        if hasattr(part, "geoms"):
            yield from _polygons(part)
        elif part.geom_type == "Polygon" and not part.is_empty:
            yield part
