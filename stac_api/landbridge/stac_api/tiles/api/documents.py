"""Documents that describe tiles: TileJSON 3.0, and tile sets of OGC API - Tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from landbridge.mappings import band as band_mapping
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles.api import matrix_sets
from landbridge.stac_api.tiles.api.tile_search import sample
from landbridge.stac_api.tiles.formats import EXTENSIONS, MEDIA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from landbridge.stac_api.search.request import Search
    from landbridge.stac_api.tiles.api.query import Query
    from landbridge.stac_api.tiles.api.targets import Bounds, Target
    from landbridge.stac_api.tiles.products import TileProduct

__all__ = ["Zooms", "tile_template", "tilejson", "tileset", "tileset_list", "zooms_of"]

_REL: Final = "http://www.opengis.net/def/rel/ogc/1.0/"
_CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_JSON: Final = "application/json"
# Where web maps end.
_MAX_LATITUDE: Final = 85.0511287798066
# Images that lie on each other at one place: half of those of a tile then cover it.
_OVERLAP: Final = 2
_DEFAULT_MAXZOOM: Final = 18
_FORMATS: Final = ("png", "jpg", "webp", "tif", "npy")
TILE: Final = "{z}/{x}/{y}"
OGC_TILE: Final = "{tileMatrix}/{tileRow}/{tileCol}"


@dataclass(frozen=True, slots=True)
class Zooms:
    """First and last zoom at which tiles show all images of their place."""

    first: int
    last: int


def tile_format(query: Query) -> str:
    """Return the extension of tiles.

    Raises:
        BadRequestError: if it is not known.
    """
    given = query.get("tile_format") or "png"
    if given not in _FORMATS:
        raise BadRequestError(f"tile_format is {given!r:.40}; it must be one of {', '.join(_FORMATS)}.")
    return given


def tile_template(
    base: str,
    target: Target,
    set_id: str,
    pairs: Iterable[tuple[str, str]] = (),
    *,
    extension: str = "",
    ogc: bool = False,
) -> str:
    """Return the URL of tiles with placeholders for zoom, column and row."""
    path = f"map/tiles/{set_id}/{OGC_TILE}" if ogc else f"tiles/{set_id}/{TILE}"
    query = urlencode(list(pairs))
    suffix = f".{extension}" if extension else ""
    return f"{base.rstrip('/')}{target.path}/{path}{suffix}{'?' if query else ''}{query}"


async def zooms_of(
    target: Target,
    narrowing: Search | None,
    products: Mapping[str, TileProduct],
    set_id: str,
    most: int,
    query: Query,
    *,
    has_pyramid: bool = False,
) -> Zooms:
    """Return the zooms that clients should ask for: those given, or those that tiles can show.

    A pyramid shows all first zooms.

    Raises:
        BadRequestError: if the first zoom given is beyond the last.
    """
    found = matrix_sets.get(set_id)
    first = query.integer("minzoom", 0, found.maxzoom)
    last = query.integer("maxzoom", 0, found.maxzoom)
    if first is None:
        first = int(found.minzoom) if has_pyramid else await _first_zoom(target, narrowing, set_id, most)
    if last is None:
        last = max(first, _last_zoom(products, target, set_id))
    if first > last:
        raise BadRequestError(f"minzoom is {first}, but maxzoom is {last}.")
    return Zooms(first, last)


async def _first_zoom(target: Target, narrowing: Search | None, set_id: str, most: int) -> int:
    """Return the first zoom at which a tile needs no more images than it may have.

    It follows from the size of the newest images: enough of them to cover a tile, with the same again below.
    """
    found = matrix_sets.get(set_id)
    if target.search is None:
        return int(found.minzoom)
    many, boxes = await sample(target.pool, target.search, narrowing, target.access, most)
    if not many:
        return int(found.minzoom)
    areas = [_square_metres(box) for box in boxes]
    area = sorted(areas)[len(areas) // 2] if areas else 0.0
    for matrix in found.tileMatrices:
        edge = matrix.scaleDenominator * 0.00028 * matrix.tileWidth
        if edge * edge <= area * most / _OVERLAP:
            return int(matrix.id)
    return int(found.maxzoom)


def _square_metres(box: Bounds) -> float:
    west, south, east, north = box
    degree = matrix_sets.METRES_OF_DEGREE
    middle = math.radians((south + north) / 2)
    # As web maps show it, where a metre at this latitude is longer.
    stretch = 1 / max(0.05, math.cos(middle))
    return (east - west) * degree * (north - south) * degree * stretch


def _last_zoom(products: Mapping[str, TileProduct], target: Target, set_id: str) -> int:
    sizes = [size for product in products.values() for size in _resolutions(product)]
    gsd = (target.item or {}).get("properties", {}).get("gsd")
    if isinstance(gsd, int | float) and gsd > 0:
        sizes.append(float(gsd))
    if not sizes:
        return min(_DEFAULT_MAXZOOM, int(matrix_sets.get(set_id).maxzoom))
    return matrix_sets.zoom_of_resolution(set_id, min(sizes))


def _resolutions(product: TileProduct) -> list[float]:
    """Return the sizes of the pixels of a product in metres, as far as its documents state them."""
    held = [product.collection.get("catalog:resolution_min")]
    held += [entry.get("gsd") for entry in band_mapping.entries(product.collection)]
    summaries = product.collection.get("summaries")
    gsd = summaries.get("gsd") if isinstance(summaries, dict) else None
    held += gsd if isinstance(gsd, list) else [gsd.get("minimum")] if isinstance(gsd, dict) else []
    return [float(one) for one in held if isinstance(one, int | float) and one > 0]


def web_bounds(box: Bounds | None) -> Bounds:
    """Return the part of a bounding box that web maps show; one across the antimeridian is the whole belt."""
    west, south, east, north = box or (-180.0, -90.0, 180.0, 90.0)
    if west > east:
        west, east = -180.0, 180.0
    south, north = max(south, -_MAX_LATITUDE), min(north, _MAX_LATITUDE)
    return (west, south, east, north) if south < north else (west, -_MAX_LATITUDE, east, _MAX_LATITUDE)


def tilejson(
    base: str, target: Target, set_id: str, zooms: Zooms, query: Query, revision: str | None = None
) -> dict[str, Any]:
    """Return the TileJSON of a target, with the revision of its images if it is given."""
    west, south, east, north = web_bounds(target.bbox)
    middle = [(west + east) / 2, (south + north) / 2]
    extension = tile_format(query)
    return {
        "tilejson": "3.0.0",
        "name": target.title,
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [tile_template(base, target, set_id, query.passed_on(), extension=extension)],
        "minzoom": zooms.first,
        "maxzoom": zooms.last,
        "bounds": [west, south, east, north],
        "center": [*middle, zooms.first],
        **({} if revision is None else {"landbridge:revision": revision}),
    }


def tileset_list(base: str, target: Target, query: Query) -> dict[str, Any]:
    """Return the list of the tile sets of a target (OGC API - Tiles, requirements class "Tilesets List")."""
    here = f"{base.rstrip('/')}{target.path}/map/tiles"
    return {
        "links": [{"rel": "self", "type": _JSON, "href": here}],
        "tilesets": [
            {
                "title": f"{target.title}, {name}",
                "dataType": "map",
                "crs": _uri(name),
                "tileMatrixSetURI": _set_uri(name),
                "links": [
                    {
                        "rel": "self",
                        "type": _JSON,
                        "title": "Tile set",
                        "href": _with_query(f"{here}/{name}", query),
                    },
                    _tiling_scheme(base, name),
                ],
            }
            for name in matrix_sets.NAMES
        ],
    }


def tileset(base: str, target: Target, set_id: str, zooms: Zooms, query: Query) -> dict[str, Any]:
    """Return the description of a tile set of a target (OGC 17-083r4, "TileSetMetadata")."""
    west, south, east, north = target.bbox or (-180.0, -90.0, 180.0, 90.0)
    here = f"{base.rstrip('/')}{target.path}"
    pairs = query.passed_on()
    return {
        "title": f"{target.title}, {set_id}",
        "dataType": "map",
        "crs": _uri(set_id),
        "tileMatrixSetId": set_id,
        "tileMatrixSetURI": _set_uri(set_id),
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": _CRS84},
        "tileMatrixSetLimits": _limits(set_id, zooms, target.bbox),
        "links": [
            {"rel": "self", "type": _JSON, "href": _with_query(f"{here}/map/tiles/{set_id}", query)},
            _tiling_scheme(base, set_id),
            *(
                {
                    "rel": "item",
                    "type": MEDIA_TYPES[EXTENSIONS[extension]],
                    "title": f"Tiles as {extension}",
                    "templated": True,
                    "href": tile_template(base, target, set_id, pairs, extension=extension, ogc=True),
                }
                for extension in _FORMATS
            ),
            {
                "rel": "describedby",
                "type": _JSON,
                "title": "TileJSON",
                "href": _with_query(f"{here}/{set_id}/tilejson.json", query),
            },
        ],
    }


def _limits(set_id: str, zooms: Zooms, bbox: Bounds | None) -> list[dict[str, Any]]:
    """Return the zooms of a tile set, each with the columns and rows of the images if they are simple."""
    found = matrix_sets.get(set_id)
    limits = []
    for z in range(max(zooms.first, int(found.minzoom)), zooms.last + 1):
        matrix = found.matrix(z)
        low, high = (0, 0), (matrix.matrixWidth - 1, matrix.matrixHeight - 1)
        if set_id in matrix_sets.RECTANGLES and bbox is not None and bbox[0] <= bbox[2]:
            west, south, east, north = web_bounds(bbox)
            upper, lower = found.tile(west, north, z), found.tile(east, south, z)
            low = (_within(upper.x, high[0]), _within(upper.y, high[1]))
            high = (_within(lower.x, high[0]), _within(lower.y, high[1]))
        limits.append(
            {
                "tileMatrix": str(z),
                "minTileCol": low[0],
                "maxTileCol": high[0],
                "minTileRow": low[1],
                "maxTileRow": high[1],
            }
        )
    return limits


def _within(value: int, most: int) -> int:
    return max(0, min(most, value))


def _with_query(url: str, query: Query) -> str:
    pairs = urlencode(query.passed_on())
    return f"{url}?{pairs}" if pairs else url


def _tiling_scheme(base: str, name: str) -> dict[str, Any]:
    return {
        "rel": f"{_REL}tiling-scheme",
        "type": _JSON,
        "title": name,
        "href": f"{base.rstrip('/')}/tileMatrixSets/{name}",
    }


def _uri(name: str) -> str:
    return str(matrix_sets.document(name)["crs"])


def _set_uri(name: str) -> str:
    return str(matrix_sets.document(name)["uri"])


def matrix_set_list(base: str) -> dict[str, Any]:
    """Return the list of the tile matrix sets of the server."""
    return {
        "tileMatrixSets": [
            {
                "id": name,
                "title": matrix_sets.document(name).get("title", name),
                "uri": _set_uri(name),
                "crs": _uri(name),
                "links": [
                    {
                        "rel": "self",
                        "type": _JSON,
                        "title": name,
                        "href": f"{base.rstrip('/')}/tileMatrixSets/{name}",
                    }
                ],
            }
            for name in matrix_sets.NAMES
        ]
    }
