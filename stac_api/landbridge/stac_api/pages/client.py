"""Read routes that answer a browser with a page for people, and all others with JSON.

A page is made of the JSON document that the same caller would get, so it cannot show more.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

import attr
import orjson
from stac_fastapi.types.errors import NotFoundError
from starlette.requests import Request
from starlette.responses import Response

from landbridge.stac_api.access.headers import PAGE_POLICY
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.access.rules import request_access
from landbridge.stac_api.documents import links
from landbridge.stac_api.http import preconditions
from landbridge.stac_api.pages import models
from landbridge.stac_api.pages.content import Context
from landbridge.stac_api.pages.negotiation import asks_by_parameter, wants_html
from landbridge.stac_api.pages.rendering import render
from landbridge.stac_api.search import execute
from landbridge.stac_api.search import request as requests
from landbridge.stac_api.search.client import CatalogClient, has_tiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from landbridge.stac_api.documents.map_links import Maps
    from landbridge.stac_api.pages.content import Page

    Read = Callable[..., Awaitable[Any]]
    Build = Callable[[Request, dict[str, Any]], Awaitable[Page]]

__all__ = ["PAGE_PATHS", "PagesClient"]

# The routes that have a page.
PAGE_PATHS: Final = (
    "/",
    "/collections",
    "/collections/{collection_id}",
    "/collections/{collection_id}/items",
    "/collections/{collection_id}/items/{item_id}",
)
_CARDS: Final = 24  # on a page, if the request sets no limit
_NEWEST: Final = 12  # images on the page of a product
_OF_JSON: Final = frozenset({b"accept", b"if-match", b"if-none-match"})


@attr.s
class PagesClient(CatalogClient):
    """Client of stac-fastapi-pgstac that can also answer with HTML."""

    async def landing_page(self, **kwargs: Any) -> Any:
        """`GET /`."""
        request = kwargs.pop("request")
        collections = super().all_collections

        async def build(request: Request, document: dict[str, Any]) -> Page:
            found = await collections(request=_as_json(request, query=False), limit=_CARDS)
            return models.landing(document, orjson.loads(found.body), _context(request))

        return await _respond(request, partial(super().landing_page, **kwargs), build)

    async def all_collections(self, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """`GET /collections`."""

        async def build(request: Request, document: dict[str, Any]) -> Page:
            return models.products(document, _context(request), dict(request.query_params))

        if wants_html(request) and "limit" not in request.query_params:
            kwargs["limit"] = _CARDS
        return await _respond(request, partial(super().all_collections, **kwargs), build)

    async def get_collection(self, collection_id: str, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """`GET /collections/{collection_id}`."""

        async def build(request: Request, document: dict[str, Any]) -> Page:
            items, count = await _newest_items(request, collection_id)
            return models.product(document, items, count, _context(request))

        read = partial(super().get_collection, collection_id, **kwargs)
        return await _respond(request, read, build)

    async def item_collection(self, collection_id: str, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """`GET /collections/{collection_id}/items`."""
        collection = super().get_collection

        async def build(request: Request, document: dict[str, Any]) -> Page:
            found = await collection(collection_id, request=_as_json(request, query=False))
            return models.images(document, orjson.loads(found.body), _context(request))

        if wants_html(request) and "limit" not in request.query_params:
            kwargs["limit"] = _CARDS
        read = partial(super().item_collection, collection_id, **kwargs)
        return await _respond(request, read, build)

    async def get_item(self, item_id: str, collection_id: str, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """`GET /collections/{collection_id}/items/{item_id}`."""

        async def build(request: Request, document: dict[str, Any]) -> Page:
            return models.image(document, _context(request))

        read = partial(super().get_item, item_id, collection_id, **kwargs)
        return await _respond(request, read, build)


async def _respond(request: Request, read: Read, build: Build) -> Response:
    """Return the JSON response of `read`, or the page that `build` makes of its document."""
    if not wants_html(request):
        answer: Response = await read(request=request)
        answer.headers.add_vary_header("Accept")
        return answer
    try:
        found: Response = await read(request=_as_json(request))
    except NotFoundError as error:
        return _html_response(request, models.missing(str(error), _context(request)), status=404)
    page = await build(request, orjson.loads(found.body))
    answer = _html_response(request, page)
    if "Allow" in found.headers:
        answer.headers["Allow"] = found.headers["Allow"]
    return preconditions.conditional_response(request, answer, preconditions.body_tag(bytes(answer.body)))


def _html_response(request: Request, page: Page, *, status: int = 200) -> Response:
    answer = Response(render(page), status_code=status, media_type="text/html")
    answer.headers["Content-Security-Policy"] = PAGE_POLICY
    if status == 200 and request_principal(request).user is None:
        answer.headers["Cache-Control"] = "no-cache"  # documents may change at any time
    answer.headers.add_vary_header("Accept")
    return answer


def _as_json(request: Request, *, query: bool = True) -> Request:
    """Return the request for the JSON document without the conditions of the page.

    It has the parameters of the page except the form, and none if `query` is False.
    """
    headers = [(name, value) for name, value in request.scope["headers"] if name not in _OF_JSON]
    kept = [
        one
        for one in parse_qsl(request.scope["query_string"].decode("latin-1"), True)
        if query and one[0] != "f"
    ]
    return Request(
        {**request.scope, "headers": headers, "query_string": urlencode(kept).encode()}, request.receive
    )


def _context(request: Request) -> Context:
    settings = request.app.state.landbridge
    return Context(
        base=links.base_url(request),
        title=settings.title,
        keeps_format=asks_by_parameter(request),
        documentation=request.app.docs_url,
    )


async def _newest_items(request: Request, collection_id: str) -> tuple[list[dict[str, Any]], int | None]:
    """Return the newest items of a collection, as JSON shows them to the caller, and the number of all.

    The number is None if it is not known.
    """
    base, access = links.base_url(request), await request_access(request)
    asked = requests.from_get(collections=[collection_id], limit=_NEWEST)
    async with request.app.state.get_connection(request, "r") as conn:
        page = await execute.search_items(conn, asked, _NEWEST, access)
    maps: Maps = "preview" if has_tiles(request) else "none"
    items = [links.with_item_links(item, base, maps) for item in page.items]
    return orjson.loads(links.globalize(orjson.dumps(items), base)), page.matched
