"""Maps over HTTP: tiles, their descriptions, previews, values and statistics.

Below the path of a collection, an item or a registered search:

/tiles, /map/tiles                                      GET    tile sets (OGC API - Tiles)
/tiles/{tileMatrixSetId}, /map/tiles/{tileMatrixSetId}  GET    one tile set
/tiles/{tileMatrixSetId}/{z}/{x}/{y}[.{format}]         GET    tile
/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}[.{format}]   GET   the same, row first
/{tileMatrixSetId}/tilejson.json                        GET    TileJSON
/WMTSCapabilities.xml                                   GET    WMTS
/preview[.{format}]                                     GET    picture of all images
/bbox/{minx},{miny},{maxx},{maxy}[/{width}x{height}].{format}   GET   picture of a rectangle
/point/{lon},{lat}                                      GET    values
/statistics                                             POST   statistics of polygons
"""

# No deferred annotations here: FastAPI could not resolve the names of the functions' types.
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.search.client import JSON, respond
from landbridge.stac_api.tiles.api import answers, documents, matrix_sets, pictures, pyramids, wmts
from landbridge.stac_api.tiles.api.query import Query, described, numbers
from landbridge.stac_api.tiles.api.targets import (
    Target,
    collection_target,
    item_target,
    search_target,
)
from landbridge.stac_api.tiles.api.tile_search import Images
from landbridge.stac_api.tiles.formats import EXTENSIONS, MEDIA_TYPES, Format
from landbridge.stac_api.tiles.parameters import parse
from landbridge.stac_api.tiles.styles import styles_of

__all__ = ["router"]

router = APIRouter(tags=["Maps"])

_MAX: Final = 2**31 - 1
_XML: Final = "application/xml"
_SetId = Annotated[
    str,
    Path(
        alias="tileMatrixSetId",
        description="Tile matrix set, one of `/tileMatrixSets`.",
        json_schema_extra={"enum": [*matrix_sets.REGISTERED, "UTM32WGS84Quad"]},
    ),
]
_Zoom = Annotated[int, Path(ge=0, le=40, description="Zoom.")]
_Column = Annotated[int, Path(ge=0, le=_MAX, description="Column, from the left.")]
_Row = Annotated[int, Path(ge=0, le=_MAX, description="Row, from the top.")]
_Matrix = Annotated[int, Path(alias="tileMatrix", ge=0, le=40, description="Zoom.")]
_TileRow = Annotated[int, Path(alias="tileRow", ge=0, le=_MAX, description="Row, from the top.")]
_TileCol = Annotated[int, Path(alias="tileCol", ge=0, le=_MAX, description="Column, from the left.")]
_Extension = Annotated[
    str, Path(alias="format", description="Format.", json_schema_extra={"enum": list(EXTENSIONS)})
]
_Pixels = Annotated[int, Path(ge=1, le=4096)]
_PICTURES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Pixels",
        "content": {media.partition(";")[0]: {} for media in MEDIA_TYPES.values()},
    }
}
_TargetOf = Callable[..., Awaitable[Target]]


async def _collection(collection_id: str, request: Request) -> Target:
    return await collection_target(request, collection_id)


async def _item(collection_id: str, item_id: str, request: Request) -> Target:
    return await item_target(request, collection_id, item_id)


async def _search(search_id: str, request: Request) -> Target:
    return await search_target(request, search_id)


def _document(request: Request, target: Target, document: dict[str, Any]) -> Response:
    answer = respond(document, links.base_url(request), JSON)
    answer.headers["Cache-Control"] = answers.cache_control(target)
    return answer


def _add_tiles(prefix: str, target_of: _TargetOf, *, conditions: bool) -> None:
    """Add the routes of tiles below the path of a target."""
    Held = Annotated[Target, Depends(target_of)]  # noqa: N806 - a type

    def query_of(request: Request, group: str = "tile") -> Query:
        return Query.of(request, group, conditions=conditions)

    options: dict[str, Any] = {
        "response_class": Response,
        "responses": _PICTURES,
        "openapi_extra": described("tile", conditions=conditions),
    }
    xyz, ogc = (
        f"{prefix}/tiles/{{tileMatrixSetId}}/{{z}}/{{x}}/{{y}}",
        f"{prefix}/map/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}",
    )

    # The routes with a format come first, because the last part of the others takes any text.
    @router.get(f"{xyz}.{{format}}", **options)
    async def tile_of_format(
        request: Request, target: Held, set_id: _SetId, z: _Zoom, x: _Column, y: _Row, extension: _Extension
    ) -> Response:
        """Return a tile in a format."""
        wanted = pictures.format_of_path(extension)
        return await pictures.tile(request, target, query_of(request), (set_id, z, x, y), wanted)

    @router.get(xyz, **options)
    async def tile(request: Request, target: Held, set_id: _SetId, z: _Zoom, x: _Column, y: _Row) -> Response:
        """Return a tile: JPEG if all of it is opaque, else PNG; or the first format of `Accept`."""
        wanted = pictures.accepted_format(request)
        return _by_accept(await pictures.tile(request, target, query_of(request), (set_id, z, x, y), wanted))

    @router.get(f"{ogc}.{{format}}", **options)
    async def map_tile_of_format(
        request: Request,
        target: Held,
        set_id: _SetId,
        z: _Matrix,
        y: _TileRow,
        x: _TileCol,
        extension: _Extension,
    ) -> Response:
        """Return a tile in a format, by the path of OGC API - Tiles."""
        wanted = pictures.format_of_path(extension)
        return await pictures.tile(request, target, query_of(request), (set_id, z, x, y), wanted)

    @router.get(ogc, **options)
    async def map_tile(
        request: Request, target: Held, set_id: _SetId, z: _Matrix, y: _TileRow, x: _TileCol
    ) -> Response:
        """Return a tile in the first format of `Accept`, by the path of OGC API - Tiles."""
        wanted = pictures.accepted_format(request)
        return _by_accept(await pictures.tile(request, target, query_of(request), (set_id, z, x, y), wanted))


def _by_accept(answer: Response) -> Response:
    answer.headers.add_vary_header("Accept")
    return answer


def _add_descriptions(prefix: str, target_of: _TargetOf, *, conditions: bool) -> None:
    """Add the routes that describe tiles."""
    Held = Annotated[Target, Depends(target_of)]  # noqa: N806 - a type

    def options(group: str) -> dict[str, Any]:
        return {"response_class": Response, "openapi_extra": described(group, conditions=conditions)}

    @router.get(f"{prefix}/tiles", **options("tilesets"))
    @router.get(f"{prefix}/map/tiles", **options("tilesets"))
    async def tilesets(request: Request, target: Held) -> Response:
        """Return the list of tile sets."""
        query = Query.of(request, "tilesets", conditions=conditions)
        return _document(request, target, documents.tileset_list(links.base_url(request), target, query))

    @router.get(f"{prefix}/tiles/{{tileMatrixSetId}}", **options("tilejson"))
    @router.get(f"{prefix}/map/tiles/{{tileMatrixSetId}}", **options("tilejson"))
    async def tileset(request: Request, target: Held, set_id: _SetId) -> Response:
        """Return the description of a tile set."""
        query = Query.of(request, "tilejson", conditions=conditions)
        target, zooms = await _described(request, target, query, set_id)
        base = links.base_url(request)
        return _document(request, target, documents.tileset(base, target, set_id, zooms, query))

    @router.get(f"{prefix}/{{tileMatrixSetId}}/tilejson.json", **options("tilejson"))
    async def tilejson(request: Request, target: Held, set_id: _SetId) -> Response:
        """Return the TileJSON of the tiles."""
        query = Query.of(request, "tilejson", conditions=conditions)
        revision = await pyramids.revision(target)
        target, zooms = await _described(request, target, query, set_id)
        base = links.base_url(request)
        return _document(request, target, documents.tilejson(base, target, set_id, zooms, query, revision))

    @router.get(
        f"{prefix}/WMTSCapabilities.xml",
        response_class=Response,
        responses={200: {"description": "Capabilities", "content": {_XML: {}}}},
        openapi_extra=described("wmts", conditions=conditions),
    )
    async def wmts_capabilities(request: Request, target: Held) -> Response:
        """Return the capabilities of WMTS, with a layer for each style."""
        query = Query.of(request, "wmts", conditions=conditions)
        set_id = query.get("tileMatrixSetId") or matrix_sets.DEFAULT
        target, zooms = await _described(request, target, query, set_id)
        body = wmts.capabilities(
            links.base_url(request),
            target,
            await _layers(target, query),
            set_id,
            zooms,
            extension=documents.tile_format(query),
            size=query.tile_size,
            url=str(request.url),
        )
        return Response(body, media_type=_XML, headers={"Cache-Control": answers.cache_control(target)})


async def _described(
    request: Request, target: Target, query: Query, set_id: str
) -> tuple[Target, documents.Zooms]:
    """Return a target with its title, and the zooms of its tiles; check the parameters of those."""
    matrix_sets.get(set_id)
    narrowing = query.narrowing()
    products = await target.products_of(Images(None, (), 1))
    if products and query.view:
        parse(query.view, list(products.values()))
    most = request.app.state.landbridge.tile_max_items
    has_pyramid = await pyramids.find(request, target, query) is not None
    zooms = await documents.zooms_of(
        target, narrowing, products, set_id, most, query, has_pyramid=has_pyramid
    )
    return target.titled(products), zooms


async def _layers(target: Target, query: Query) -> list[wmts.Layer]:
    """Return the layers: one of the parameters given, or one for each style of the first product."""
    products = await target.products_of(Images(None, (), 1))
    common = query.passed_on()
    styles = styles_of(next(iter(products.values()))) if products and not query.view else ()
    if not styles:
        return [wmts.Layer("default", target.title, tuple(common))]
    return [
        wmts.Layer(
            style.name,
            f"{target.title}: {style.title}" if len(styles) > 1 else target.title,
            (*common, *((("style", style.name),) if number else ())),
        )
        for number, style in enumerate(styles)
    ]


def _add_pictures(prefix: str, target_of: _TargetOf, *, conditions: bool) -> None:
    """Add the routes of previews, rectangles, points and statistics."""
    Held = Annotated[Target, Depends(target_of)]  # noqa: N806 - a type

    def options(group: str) -> dict[str, Any]:
        return {
            "response_class": Response,
            "responses": _PICTURES,
            "openapi_extra": described(group, conditions=conditions),
        }

    async def preview_in(request: Request, target: Target, wanted: Format) -> Response:
        query = Query.of(request, "preview", conditions=conditions)
        grid = pictures.preview_grid(target, query)
        return await pictures.picture(request, target, query, grid, wanted)

    @router.get(f"{prefix}/preview.{{format}}", **options("preview"))
    async def preview_of_format(request: Request, target: Held, extension: _Extension) -> Response:
        """Return a picture of all images in a format."""
        return await preview_in(request, target, pictures.format_of_path(extension))

    @router.get(f"{prefix}/preview", **options("preview"))
    async def preview(request: Request, target: Held) -> Response:
        """Return a picture of all images, in the first format of `Accept`."""
        return _by_accept(await preview_in(request, target, pictures.accepted_format(request)))

    @router.get(
        f"{prefix}/bbox/{{minx}},{{miny}},{{maxx}},{{maxy}}/{{width}}x{{height}}.{{format}}",
        **options("bbox"),
    )
    async def sized_rectangle(
        request: Request,
        target: Held,
        minx: float,
        miny: float,
        maxx: float,
        maxy: float,
        width: _Pixels,
        height: _Pixels,
        extension: _Extension,
    ) -> Response:
        """Return a picture of a rectangle in a size."""
        query = Query.of(request, "bbox", conditions=conditions)
        grid = pictures.rectangle_grid(query, (minx, miny, maxx, maxy), (width, height))
        return await pictures.picture(request, target, query, grid, pictures.format_of_path(extension))

    @router.get(f"{prefix}/bbox/{{minx}},{{miny}},{{maxx}},{{maxy}}.{{format}}", **options("bbox"))
    async def rectangle(
        request: Request,
        target: Held,
        minx: float,
        miny: float,
        maxx: float,
        maxy: float,
        extension: _Extension,
    ) -> Response:
        """Return a picture of a rectangle."""
        query = Query.of(request, "bbox", conditions=conditions)
        grid = pictures.rectangle_grid(query, (minx, miny, maxx, maxy))
        return await pictures.picture(request, target, query, grid, pictures.format_of_path(extension))


def _add_values(prefix: str, target_of: _TargetOf, *, conditions: bool) -> None:
    """Add the routes of values at a point, and of statistics."""
    Held = Annotated[Target, Depends(target_of)]  # noqa: N806 - a type

    @router.get(
        f"{prefix}/point/{{lon}},{{lat}}",
        response_class=Response,
        openapi_extra=described("point", conditions=conditions),
    )
    async def point(request: Request, target: Held, lon: float, lat: float) -> Response:
        """Return the values at a position."""
        query = Query.of(request, "point", conditions=conditions)
        position = numbers(f"{lon},{lat}", 2, "The position")
        found = await pictures.point(request, target, query, (position[0], position[1]))
        if isinstance(found, Response):
            return found
        answer = _document(request, target, found[0])
        if found[1]:
            answer.headers["ETag"] = found[1]
        return answer

    @router.post(
        f"{prefix}/statistics",
        response_class=Response,
        openapi_extra={**described("statistics", conditions=conditions), "requestBody": _POLYGON},
    )
    async def statistics(request: Request, target: Held) -> Response:
        """Return statistics of the pixels in polygons of GeoJSON."""
        query = Query.of(request, "statistics", conditions=conditions)
        body = incoming.parse(await request.body())
        found = await pictures.statistics(request, target, query, body)
        if isinstance(found, Response):
            return found
        answer = respond(found, links.base_url(request), "application/geo+json")
        answer.headers["Cache-Control"] = "no-store"
        return answer


_POLYGON: Final = {
    "required": True,
    "content": {
        media: {
            "schema": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"enum": ["Polygon", "MultiPolygon", "Feature", "FeatureCollection"]},
                    "coordinates": {"type": "array"},
                    "geometry": {"type": "object"},
                    "features": {"type": "array", "items": {"type": "object"}},
                },
            }
        }
        for media in ("application/geo+json", "application/json")
    },
}


@router.get("/tileMatrixSets", response_class=Response)
async def tile_matrix_sets(request: Request) -> Response:
    """Return the tile matrix sets of the server."""
    base = links.base_url(request)
    return respond(documents.matrix_set_list(base), base, JSON)


@router.get("/tileMatrixSets/{tileMatrixSetId}", response_class=Response)  # noqa: FAST003 - an alias
async def tile_matrix_set(request: Request, set_id: _SetId) -> Response:
    """Return a tile matrix set."""
    return respond(matrix_sets.document(set_id), links.base_url(request), JSON)


for _prefix, _target, _conditions in (
    ("/collections/{collection_id}", _collection, True),
    ("/collections/{collection_id}/items/{item_id}", _item, False),
    ("/searches/{search_id}", _search, True),
):
    _add_tiles(_prefix, _target, conditions=_conditions)
    _add_descriptions(_prefix, _target, conditions=_conditions)
    _add_pictures(_prefix, _target, conditions=_conditions)
    _add_values(_prefix, _target, conditions=_conditions)
