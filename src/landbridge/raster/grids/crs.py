"""Coordinate reference systems: read from texts, compared, and transformed between."""

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

from landbridge.raster.grids.longitudes import near, turn_of

WGS84 = "EPSG:4326"
_SAME_PLACE = 1e-6  # units of a system
_DENSIFY = 64


@lru_cache(maxsize=256)
def crs_of(text: str) -> CRS:
    """Return the coordinate reference system of an EPSG code, PROJ string or WKT.

    Raises:
        ValueError: the text is none of these.
    """
    try:
        return CRS(text)
    except CRSError as error:
        raise ValueError(f"{text!r} is no coordinate reference system: {error}") from error


def crs_on(geobox: GeoBox) -> CRS:
    """Return the system of a grid that has one."""
    assert geobox.crs is not None
    return geobox.crs


def same_crs(first: CRS, second: CRS) -> bool:
    """Return whether two systems mean the same coordinates, whatever text they were made from."""
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
    """Return the datum, ellipsoid and prime meridian of a system."""
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
    """Return whether two systems of one datum give all places the same coordinates: names may differ."""
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
    """Return the transformer of (x, y) from one system to another."""
    return _transformer(str(source), str(target))


@lru_cache(maxsize=256)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(CRS(source).proj, CRS(target).proj, always_xy=True)


def project(geometry: BaseGeometry, source: CRS, target: CRS) -> BaseGeometry:
    """Return a geometry in another system, its edges densified first so that they bend with the projection.

    Raises:
        ValueError: it has no place there.
    """
    left, bottom, right, top = geometry.bounds
    longest = max(right - left, top - bottom)
    if longest > 0:
        geometry = shapely.segmentize(geometry, longest / _DENSIFY)
    return reproject(geometry, source, target)


def reproject(geometry: BaseGeometry, source: CRS, target: CRS) -> BaseGeometry:
    """Return a geometry with its points in another system, between which its edges stay straight.

    Raises:
        ValueError: it has no place there.
    """
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
