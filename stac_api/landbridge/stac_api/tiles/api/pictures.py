"""Rendered answers: tiles, previews, other rectangles, values of a point, statistics of a polygon."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from starlette.responses import Response

from landbridge.mappings import InvalidDocument
from landbridge.mappings.geometry import check_geometry
from landbridge.stac_api.documents.positions import check_positions
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles.api import answers, matrix_sets, pyramids
from landbridge.stac_api.tiles.api.tile_search import Images, TooManyImagesError
from landbridge.stac_api.tiles.formats import EXTENSIONS, MEDIA_TYPES, Format
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.parameters import parse

if TYPE_CHECKING:
    from starlette.requests import Request

    from landbridge.stac_api.tiles.api.query import Query
    from landbridge.stac_api.tiles.api.targets import Bounds, Target
    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import View

__all__ = ["accepted_format", "picture", "point", "preview_grid", "rectangle_grid", "statistics", "tile"]

_CRS84: Final = "OGC:CRS84"
_WEB_MERCATOR: Final = "EPSG:3857"
_MAX_LATITUDE: Final = 85.0511287798066
_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
# Half the size of the square around a point in which images are looked for, in degrees.
_NEAR: Final = 1e-7
_MOST_FEATURES: Final = 20
# The code, URN or URL of a reference system; not the text of one, which could be of any size.
_CODE: Final = re.compile(
    r"[A-Za-z]{1,12}:[A-Za-z0-9]{1,12}|(?:urn:ogc:def:crs:|https?://www\.opengis\.net/)[\w:./]{1,60}"
)
_ACCEPTED: Final = {
    media.partition(";")[0]: each for each, media in MEDIA_TYPES.items() if media.startswith("image/")
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Images of a target in a place, their products, and the view of them that a request asks for."""

    target: Target
    images: Images
    products: Mapping[str, TileProduct]
    view: View


async def _shown(
    request: Request,
    target: Target,
    query: Query,
    bbox: Bounds,
    format: Format,
    core: Bounds | None = None,
) -> Shown | None:
    """Return what a request shows; None if no collection is named, and no image is there to have bands."""
    most = request.app.state.landbridge.tile_max_items
    images = await target.images(query.narrowing(), bbox, most=most, core=core)
    products = await target.products_of(images)
    if not products:
        return None
    return Shown(target, images, products, parse(query.view, list(products.values()), format))


def accepted_format(request: Request) -> Format:
    """Return the format that a client prefers by its `Accept`; `Format.AUTO` if it takes several."""
    first = request.headers.get("accept", "*/*").partition(",")[0].partition(";")[0].strip().lower()
    return _ACCEPTED.get(first, Format.AUTO)


async def tile(
    request: Request, target: Target, query: Query, place: tuple[str, int, int, int], format: Format
) -> Response:
    """Return a tile, given by its set, zoom, column and row."""
    set_id, z, x, y = place
    found = matrix_sets.tile_of(set_id, z, x, y, size=query.tile_size, margin=query.margin)
    return await picture(request, target, query, found.grid, format, bbox=found.bbox, core=found.core)


async def picture(
    request: Request,
    target: Target,
    query: Query,
    grid: Grid,
    format: Format,
    *,
    bbox: Bounds | None = None,
    core: Bounds | None = None,
) -> Response:
    """Return the pixels of a grid.

    Args:
        request: the request.
        target: whose images are shown.
        query: its parameters.
        grid: pixels of the answer.
        format: format of the answer.
        bbox: west, south, east and north of the grid in degrees; computed if missing.
        core: as in `find_images`.
    """
    if bbox is None:
        bbox = matrix_sets.degrees_of(grid.crs, grid.buffered(query.margin).bounds)
    caching = {"Cache-Control": answers.cache_control(target)}
    try:
        shown = await _shown(request, target, query, bbox, format, core)
        if shown is not None:
            return await _drawn(request, shown, grid)
    except TooManyImagesError as error:
        with contextlib.suppress(TooManyImagesError):
            shown = await _shown_by_pyramid(request, target, query, grid, bbox, format)
            if shown is not None:
                return await _drawn(request, shown, grid)
        # Without an entity tag: a pyramid may be made without a change of the images.
        return answers.notice(error, format, caching)
    return Response(status_code=204, headers=caching)


async def _drawn(request: Request, shown: Shown, grid: Grid) -> Response:
    """Return the pixels of what is shown in a grid.

    Raises:
        TooManyImagesError: if more images are needed than one answer may have.
    """
    tag = answers.tag_of(shown.view, _described(grid), shown.images, shown.products)
    if (unchanged := answers.known_version(request, tag, shown.target)) is not None:
        return unchanged
    shown.images.check_number(first_is_enough=shown.view.method == "last")
    pool = request.app.state.render_pool
    rendered = await answers.unless_client_left(
        request, pool.render(shown.view, grid, shown.images.pages(), shown.products)
    )
    if rendered is None:
        return answers.gone()
    headers = {"Cache-Control": answers.cache_control(shown.target), "ETag": tag}
    if rendered.is_empty:
        headers[answers.EMPTY_HEADER] = "true"
    return Response(rendered.body, media_type=rendered.media_type, headers=headers)


async def _shown_by_pyramid(
    request: Request, target: Target, query: Query, grid: Grid, bbox: Bounds, format: Format
) -> Shown | None:
    """Return the images of a target's pyramid in a place; None if it has none for the request."""
    pyramid = await pyramids.find(request, target, query)
    if pyramid is None or not pyramid.suits(grid, bbox):
        return None
    view = parse(query.view, [pyramid.shows], format)
    found = await pyramid.target.products_of(Images(None, (), 1))
    if view.method != "last" or any(set(view.bands) - set(one.bands) for one in found.values()):
        return None
    most = request.app.state.landbridge.tile_max_items
    images = await pyramid.target.images(None, bbox, most=most)
    # Shared caches may keep it only if everybody may see both.
    own = replace(pyramid.target, is_public=pyramid.target.is_public and target.is_public)
    return Shown(own, images, found, view)


def _described(grid: Grid) -> list[Any]:
    return [grid.bounds, grid.crs, grid.width, grid.height]


def preview_grid(target: Target, query: Query) -> Grid:
    """Return the grid of all images of a target.

    Raises:
        BadRequestError: if a parameter is invalid.
    """
    west, south, east, north = target.bbox or _WORLD
    if west > east:
        # Across the antimeridian, where only geographic coordinates go on.
        east += 360
    if east - west < 2 * _NEAR or north - south < 2 * _NEAR:
        west, south, east, north = west - _NEAR, south - _NEAR, east + _NEAR, north + _NEAR
    crs = _crs(query.get("dst_crs"), "dst_crs")
    if crs is None:
        outside = north > _MAX_LATITUDE or south < -_MAX_LATITUDE or east > 180
        crs = _CRS84 if outside else _WEB_MERCATOR
    return Grid.fitting(_projected((west, south, east, north), _CRS84, crs), crs, **query.size())


def rectangle_grid(query: Query, bounds: Bounds, size: tuple[int, int] | None = None) -> Grid:
    """Return the grid of a rectangle, with the size given in its path or by parameters.

    Raises:
        BadRequestError: if a parameter is invalid.
    """
    given = _crs(query.get("coord_crs"), "coord_crs") or _CRS84
    crs = _crs(query.get("dst_crs"), "dst_crs") or given
    if crs != given:
        Grid(bounds, given, 1, 1)  # checks the bounds
        bounds = _projected(bounds, given, crs)
    shape: dict[str, int] = query.size() if size is None else {"width": size[0], "height": size[1]}
    return Grid.fitting(bounds, crs, **shape)


def _projected(bounds: Bounds, source: str, crs: str) -> Bounds:
    if source == crs:
        return bounds
    try:
        found = Transformer.from_crs(source, crs, always_xy=True).transform_bounds(*bounds, densify_pts=21)
    except ProjError as error:
        raise BadRequestError(f"The rectangle {list(bounds)} does not exist in {crs}: {error}.") from error
    return (float(found[0]), float(found[1]), float(found[2]), float(found[3]))


def _crs(text: str | None, name: str) -> str | None:
    """Return a reference system as `authority:code`; None if it is not given.

    Raises:
        BadRequestError: if it is not known by a code.
    """
    if text is None:
        return None
    authority = None
    if _CODE.fullmatch(text):
        with contextlib.suppress(CRSError):
            authority = CRS.from_user_input(text).to_authority(min_confidence=100)
    if authority is None:
        raise BadRequestError(
            f"{name} is {text!r:.100}; it must be a coordinate reference system such as EPSG:3857."
        )
    code = ":".join(authority)
    return _CRS84 if code in ("EPSG:4326", "OGC:CRS84") else code


async def point(
    request: Request, target: Target, query: Query, position: tuple[float, float]
) -> tuple[dict[str, Any], str] | Response:
    """Return the values at a position and their entity tag, or the 304 if the client has them.

    Raises:
        BadRequestError: if the position is not on Earth.
        TooManyImagesError: if too many images lie there.
    """
    crs = _crs(query.get("coord_crs"), "coord_crs") or _CRS84
    longitude, latitude = position
    if crs != _CRS84:
        longitude, latitude = Transformer.from_crs(crs, _CRS84, always_xy=True).transform(*position)
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise BadRequestError(f"The position {list(position)} in {crs} is not one on Earth.")
    near = (
        max(-180.0, longitude - _NEAR),
        max(-90.0, latitude - _NEAR),
        min(180.0, longitude + _NEAR),
        min(90.0, latitude + _NEAR),
    )
    shown = await _shown(request, target, query, near, Format.NPY)
    if shown is None:
        return {"coordinates": list(position), "values": [], "band_names": []}, ""
    tag = answers.tag_of(shown.view, [longitude, latitude], shown.images, shown.products)
    if (unchanged := answers.known_version(request, tag, target)) is not None:
        return unchanged
    shown.images.check_number(first_is_enough=shown.view.method == "last")
    found = await answers.unless_client_left(
        request,
        request.app.state.render_pool.point(
            shown.view, longitude, latitude, shown.images.pages(), shown.products
        ),
    )
    if found is None:
        return answers.gone()
    return {
        "coordinates": list(position),
        "values": list(found.values),
        "band_names": list(found.names),
    }, tag


async def statistics(request: Request, target: Target, query: Query, body: Any) -> dict[str, Any] | Response:
    """Return the GeoJSON of the body, each feature with the statistics of its area.

    Raises:
        BadRequestError: if the body is not a polygon, or not features of polygons.
        TooManyImagesError: if too many images lie in one of them.
    """
    features, is_collection = _features(body)
    done = []
    for feature in features:
        found = await _statistics_of(request, target, query, feature["geometry"])
        if found is None:
            return answers.gone()
        properties = feature.get("properties")
        kept = properties if isinstance(properties, dict) else {}
        done.append({**feature, "properties": {**kept, "statistics": found}})
    return {"type": "FeatureCollection", "features": done} if is_collection else done[0]


def _features(body: Any) -> tuple[list[dict[str, Any]], bool]:
    kind = body.get("type") if isinstance(body, Mapping) else None
    if kind == "FeatureCollection":
        features = body.get("features")
        if not isinstance(features, list) or not 1 <= len(features) <= _MOST_FEATURES:
            raise BadRequestError(f"A FeatureCollection needs `features`: 1 to {_MOST_FEATURES} of them.")
    elif kind == "Feature":
        features = [body]
    else:
        features = [{"type": "Feature", "properties": {}, "geometry": body}]
    for feature in features:
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
            raise BadRequestError(
                "The body must be a Polygon or MultiPolygon of GeoJSON, or a Feature or FeatureCollection of "
                "those."
            )
        check_positions("The body", geometry)
        try:
            check_geometry(geometry)
        except InvalidDocument as error:
            raise BadRequestError(f"The polygon is not valid: {error}") from error
    return features, kind == "FeatureCollection"


async def _statistics_of(
    request: Request, target: Target, query: Query, polygon: dict[str, Any]
) -> dict[str, Any] | None:
    from shapely.geometry import shape  # not needed at the start

    bounds = shape(polygon).bounds
    crs = _crs(query.get("dst_crs"), "dst_crs") or _CRS84
    grid = Grid.fitting(_projected(bounds, _CRS84, crs), crs, **query.size())
    bbox = matrix_sets.degrees_of(grid.crs, grid.buffered(query.margin).bounds)
    shown = await _shown(request, target, query, bbox, Format.NPY)
    if shown is None:
        return {}
    shown.images.check_number(first_is_enough=shown.view.method == "last")
    found: dict[str, Any] | None = await answers.unless_client_left(
        request,
        request.app.state.render_pool.statistics(
            shown.view,
            grid,
            shown.images.pages(),
            shown.products,
            polygon=polygon,
            bins=query.integer("histogram_bins", 1, 256) or 10,
            categorical=query.flag("categorical"),
        ),
    )
    return found


def format_of_path(extension: str) -> Format:
    """Return the format of an extension in a path.

    Raises:
        BadRequestError: if it is not known.
    """
    if extension not in EXTENSIONS:
        raise BadRequestError(f"The format {extension!r:.40} is not one of {', '.join(EXTENSIONS)}.")
    return EXTENSIONS[extension]
