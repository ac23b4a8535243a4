"""Tile matrix sets (OGC Two Dimensional Tile Matrix Set 2.0) in which the server offers tiles.

morecantile has the registered sets. Of those for UTM it has one zone, from which the others follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import morecantile
import numpy as np
from pyproj import Transformer
from pyproj.enums import TransformDirection
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles.grid import Grid

if TYPE_CHECKING:
    from morecantile import TileMatrixSet

    Bounds: TypeAlias = tuple[float, float, float, float]

__all__ = [
    "DEFAULT",
    "METRES_OF_DEGREE",
    "NAMES",
    "RECTANGLES",
    "REGISTERED",
    "Tile",
    "crs_of",
    "degrees_of",
    "document",
    "get",
    "tile_of",
    "zoom_of_resolution",
]

DEFAULT: Final = "WebMercatorQuad"
REGISTERED: Final = (
    DEFAULT,
    "WorldCRS84Quad",
    "WorldMercatorWGS84Quad",
    "EuropeanETRS89_LAEAQuad",
    "UPSArcticWGS84Quad",
    "UPSAntarcticWGS84Quad",
)
_UTM: Final = {f"UTM{zone:02}WGS84Quad": 32600 + zone for zone in range(1, 61)}
_UTM_TEMPLATE: Final = "UTM31WGS84Quad"
NAMES: Final = (*REGISTERED, *_UTM)
# Sets whose tiles are rectangles of longitudes and latitudes.
RECTANGLES: Final = frozenset({DEFAULT, "WorldCRS84Quad", "WorldMercatorWGS84Quad"})
_RECTANGULAR_CRS: Final = frozenset({"EPSG:3857", "EPSG:3395"})
_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
# Points along each edge of a tile at which its longitudes and latitudes are computed.
_DENSITY: Final = 21
# Size of a pixel in metres by the definition of scale denominators (OGC 17-083r4, 6.1.1.1).
_PIXEL: Final = 0.00028
METRES_OF_DEGREE: Final = 6378137.0 * math.pi / 180


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile.

    Args:
        set_id: id of the tile matrix set.
        z, x, y: zoom, column and row, counted from the top left.
        grid: its pixels.
        bbox: west, south, east and north in degrees, of the tile and some pixels around it; west is larger if
            it crosses the antimeridian.
        core: the same of the tile without those pixels, if the tile covers all of it; otherwise None.
    """

    set_id: str
    z: int
    x: int
    y: int
    grid: Grid
    bbox: Bounds
    core: Bounds | None


@lru_cache(maxsize=len(NAMES))
def get(name: str) -> TileMatrixSet:
    """Return a tile matrix set.

    Raises:
        NotFoundError: if it is not one of `NAMES`.
    """
    if name not in NAMES:
        raise NotFoundError(
            f"Tile matrix set {name!r:.100} does not exist; the server has {', '.join(REGISTERED)}, and "
            f"{next(iter(_UTM))} to {list(_UTM)[-1]}."
        )
    if name in REGISTERED:
        return morecantile.tms.get(name)
    document = morecantile.tms.get(_UTM_TEMPLATE).model_dump(exclude_none=True, mode="json")
    code = _UTM[name]
    return morecantile.TileMatrixSet.model_validate(
        {
            **document,
            "id": name,
            "title": f"Universal Transverse Mercator zone {code - 32600} (WGS 84)",
            "uri": f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{name}",
            "crs": f"http://www.opengis.net/def/crs/EPSG/0/{code}",
        }
    )


@lru_cache(maxsize=len(NAMES))
def crs_of(name: str) -> str:
    """Return the reference system of a set as `authority:code`."""
    authority = get(name).crs._pyproj_crs.to_authority()  # noqa: SLF001 - morecantile shows URLs only
    return ":".join(authority)


@lru_cache(maxsize=128)
def _to_degrees(crs: str) -> Transformer:
    return Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)


def tile_of(name: str, z: int, x: int, y: int, *, size: int | None = None, margin: float = 0) -> Tile:
    """Return a tile.

    Args:
        name: id of the tile matrix set.
        z: zoom.
        x: column.
        y: row, from the top.
        size: pixels of an edge; None for those of the set.
        margin: pixels around the tile in which images count as well.

    Raises:
        NotFoundError: if the set does not exist.
        BadRequestError: if the set has no such tile.
    """
    found = get(name)
    if not found.minzoom <= z <= found.maxzoom:
        raise BadRequestError(f"The zoom is {z}; those of {name} are {found.minzoom} to {found.maxzoom}.")
    matrix = found.matrix(z)
    if not (0 <= x < matrix.matrixWidth and 0 <= y < matrix.matrixHeight):
        raise BadRequestError(
            f"The tile {x}/{y} does not exist: at zoom {z}, {name} has the columns 0 to "
            f"{matrix.matrixWidth - 1} and the rows 0 to {matrix.matrixHeight - 1}."
        )
    left, bottom, right, top = found.xy_bounds(morecantile.Tile(x, y, z))
    crs = crs_of(name)
    grid = Grid((left, bottom, right, top), crs, size or matrix.tileWidth, size or matrix.tileHeight)
    across, up = (right - left) / grid.width * margin, (top - bottom) / grid.height * margin
    bbox = degrees_of(crs, (left - across, bottom - up, right + across, top + up))
    core = degrees_of(crs, grid.bounds) if name in RECTANGLES else None
    return Tile(name, z, x, y, grid, bbox, core)


def degrees_of(crs: str, bounds: Bounds) -> Bounds:
    """Return longitudes and latitudes that contain a rectangle of another reference system.

    If the projection is not defined in all of the rectangle, as in the outermost tiles of some sets, they are
    those of the whole world: too many images may be looked at, but none is missed.
    """
    if crs == "OGC:CRS84":
        west, south, east, north = bounds
    else:
        to_degrees, rectangular = _to_degrees(crs), crs in _RECTANGULAR_CRS
        if not rectangular and not _is_defined(to_degrees, bounds):
            return _WORLD
        west, south, east, north = to_degrees.transform_bounds(*bounds, densify_pts=_DENSITY)
        if not all(map(math.isfinite, (west, south, east, north))):
            return _WORLD
        if rectangular:
            # The margin around the outermost tiles does not reach the other side of the world.
            half_turn = _half_turn(crs)
            west = -180.0 if bounds[0] <= -half_turn else west
            east = 180.0 if bounds[2] >= half_turn else east
    return (_longitude(west), max(-90.0, south), _longitude(east), min(90.0, north))


def _is_defined(to_degrees: Transformer, bounds: Bounds) -> bool:
    """Return whether positions all over a rectangle survive the way to degrees and back."""
    left, bottom, right, top = bounds
    xs, ys = np.meshgrid(np.linspace(left, right, _DENSITY), np.linspace(bottom, top, _DENSITY))
    longitudes, latitudes = to_degrees.transform(xs, ys)
    back = to_degrees.transform(longitudes, latitudes, direction=TransformDirection.INVERSE)
    allowed = 1e-6 * max(right - left, top - bottom) + 1e-3
    difference = np.hypot(back[0] - xs, back[1] - ys)
    return bool(np.all(np.isfinite(difference)) and np.all(difference <= allowed))


@lru_cache(maxsize=8)
def _half_turn(crs: str) -> float:
    """Return the x of the antimeridian in a cylindrical projection."""
    x, _ = _to_degrees(crs).transform(180.0, 0.0, direction=TransformDirection.INVERSE)
    return float(x) * (1 - 1e-12)


def _longitude(value: float) -> float:
    return max(-180.0, min(180.0, value))


def zoom_of_resolution(name: str, metres: float) -> int:
    """Return the zoom whose pixels are at most as large as `metres`, or the last one."""
    found = get(name)
    for matrix in found.tileMatrices:
        if float(matrix.scaleDenominator) * _PIXEL <= metres:
            return int(matrix.id)
    return int(found.maxzoom)


@lru_cache(maxsize=len(NAMES))
def document(name: str) -> dict[str, Any]:
    """Return the definition of a set as JSON."""
    found: dict[str, Any] = get(name).model_dump(exclude_none=True, mode="json")
    return found
