"""Coordinate reference systems: parsing, comparison and transformation."""

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import CRS as PROJ
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.longitudes import wrap_near, x_period

WGS84 = "EPSG:4326"
_COORDINATE_TOLERANCE = 1e-6  # in units of the system
_DENSIFY = 64


@lru_cache(maxsize=256)
def parse_crs(text: str) -> CRS:
    """Return the coordinate reference system of an EPSG code, PROJ string or WKT.

    Raises:
        ValueError: if the text cannot be parsed.
    """
    try:
        return CRS(text)
    except CRSError as error:
        raise ValueError(f"{text!r} is not a coordinate reference system: {error}") from error


def grid_crs(geobox: GeoBox) -> CRS:
    """Return the coordinate reference system of a grid, which must have one."""
    assert geobox.crs is not None
    return geobox.crs


def same_crs(first: CRS, second: CRS) -> bool:
    """Return whether two systems have the same coordinates, even if their texts differ."""
    # The cache uses texts as keys: the hash of a CRS formats it as WKT each time.
    return first is second or _is_same_crs(str(first), str(second))


@lru_cache(maxsize=256)
def _is_same_crs(first: str, second: str) -> bool:
    if first == second:
        return True
    one, other = CRS(first).proj, CRS(second).proj
    if one.equals(other, ignore_axis_order=True):
        return True
    codes = one.to_epsg(), other.to_epsg()
    if None not in codes:
        return codes[0] == codes[1]
    return _datum_of(one) == _datum_of(other) and _coordinates_agree(one, other)


def _datum_of(proj: PROJ) -> tuple[Any, ...]:
    """Return the datum, ellipsoid and prime meridian of a system."""
    geodetic = proj.geodetic_crs or proj
    ellipsoid, meridian = geodetic.ellipsoid, geodetic.prime_meridian
    # WGS 84 is a datum or a datum ensemble, depending on the text. A nameless datum is its ellipsoid.
    datum = "" if geodetic.datum is None else geodetic.datum.name.removesuffix(" ensemble")
    return (
        "" if datum.lower().startswith("unknown") else datum,
        ellipsoid and (ellipsoid.semi_major_metre, round(ellipsoid.inverse_flattening, 6)),
        meridian and meridian.longitude,
    )


def _coordinates_agree(one: PROJ, other: PROJ) -> bool:
    """Return whether two projected systems of one datum give sample points the same coordinates."""
    if not (one.is_projected and other.is_projected):
        return False
    lon, lat = np.meshgrid(np.arange(-175.0, 180.0, 25.0), np.arange(-85.0, 90.0, 17.0))
    first, second = (
        np.array(Transformer.from_crs(proj.geodetic_crs, proj, always_xy=True).transform(lon, lat))
        for proj in (one, other)
    )
    found = np.isfinite(first).all(axis=0)
    with np.errstate(invalid="ignore"):
        return bool(found.any() and (np.abs(first - second)[:, found] <= _COORDINATE_TOLERANCE).all())


def transformer(source: CRS, target: CRS) -> Transformer:
    """Return the transformer of (x, y) from one system to another."""
    return _transformer(str(source), str(target))


@lru_cache(maxsize=256)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(CRS(source).proj, CRS(target).proj, always_xy=True)


def project(geometry: BaseGeometry, source: CRS, target: CRS) -> BaseGeometry:
    """Return a geometry in another system, its edges densified first so that they bend with the projection.

    Raises:
        ValueError: if it cannot be transformed.
    """
    left, bottom, right, top = geometry.bounds
    longest = max(right - left, top - bottom)
    if longest > 0:
        geometry = shapely.segmentize(geometry, longest / _DENSIFY)
    return reproject(geometry, source, target)


def reproject(geometry: BaseGeometry, source: CRS, target: CRS) -> BaseGeometry:
    """Return a geometry with its vertices transformed to another system; edges stay straight.

    Raises:
        ValueError: if it cannot be transformed.
    """
    if same_crs(source, target):
        return geometry
    to_target = transformer(source, target)

    periods = x_period(source), x_period(target)

    def transform_points(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = to_target.transform(points[:, 0], points[:, 1])
        if len(points) and periods[0] is not None and periods[1] is not None:
            # A geometry that continues beyond the edge of a map does so in the target too.
            x = wrap_near(x, x[0] + (points[:, 0] - points[0, 0]) * (periods[1] / periods[0]), periods[1])
        return np.column_stack([x, y])

    moved = shapely.transform(geometry, transform_points)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise ValueError(f"the geometry with bounds {geometry.bounds} cannot be transformed to {target}")
    return moved
