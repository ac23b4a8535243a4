"""Read routes: the landing page, collections, items and searches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import attr
import orjson
from stac_fastapi.pgstac.core import CoreCrudClient
from stac_fastapi.pgstac.utils import filter_fields
from starlette.responses import Response

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, Role, item_not_found, request_access
from landbridge.stac_api.documents import links
from landbridge.stac_api.documents.extents import with_extent_of_items
from landbridge.stac_api.http import allowed_methods, preconditions
from landbridge.stac_api.pgstac import collection_queries, extents, item_queries
from landbridge.stac_api.search import execute, landing
from landbridge.stac_api.search import request as requests
from landbridge.stac_api.search.parameters import check_body, check_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.documents.map_links import Maps
    from landbridge.stac_api.search.request import Fields, Search

GEOJSON = "application/geo+json"
JSON = "application/json"

# Members that identify a document are shown even if `fields` excludes them.
_ALWAYS_SHOWN = {"Feature": {"type", "stac_version", "id", "collection"}, "Collection": {"type", "id"}}


def respond(document: Any, base: str, media_type: str, status: int = 200) -> Response:
    """Serialize a document once, without FastAPI's encoder, which takes longer than the database."""
    return Response(links.globalize(orjson.dumps(document), base), status_code=status, media_type=media_type)


def has_tiles(request: Request) -> bool:
    """Return whether the server renders map tiles."""
    return bool(request.app.state.has_tiles)


@attr.s
class CatalogClient(CoreCrudClient):
    """Client of stac-fastapi-pgstac that builds its answers in the API."""

    landing_page_id: str = attr.ib(default="landbridge")
    tiles: bool = attr.ib(default=True)

    def conformance_classes(self) -> list[str]:
        """Return the conformance classes of the server."""
        tiles = landing.TILE_CLASSES if self.tiles else ()
        return sorted({*super().conformance_classes(), *landing.ALSO_CONFORMS, *tiles})

    async def landing_page(self, **kwargs: Any) -> Any:
        """`GET /`."""
        request: Request = kwargs["request"]
        document = dict(await super().landing_page(**kwargs))
        access = await request_access(request)
        async with request.app.state.get_connection(request, "r") as conn:
            children = await collection_queries.collection_titles(conn, landing.MOST_CHILDREN, access)
        base = links.base_url(request)
        return respond(landing.completed(document, base, children, tiles=self.tiles), base, JSON)

    async def all_collections(self, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """`GET /collections`."""
        check_query(request)
        asked = requests.from_get(**kwargs)
        limit = min(asked.limit, request.app.state.landbridge.max_page)
        access = await request_access(request)
        async with request.app.state.get_connection(request, "r") as conn:
            found, matched = await execute.search_collections(conn, asked, limit, access)
        covers = await extents.extents_of_items(request, [one["id"] for one in found], access)
        base = links.base_url(request)
        shown, maps = _member_selector(asked.fields, "Collection"), has_tiles(request)
        document = {
            "collections": [
                shown(
                    links.with_collection_links(
                        with_extent_of_items(one, covers.get(one["id"])), base, maps=maps
                    )
                )
                for one in found
            ],
            "links": [
                {"rel": "root", "type": JSON, "href": base},
                {"rel": "self", "type": JSON, "href": f"{base}collections"},
                *_offset_links(request, asked.offset, limit, matched),
            ],
            "numberMatched": matched,
            "numberReturned": len(found),
        }
        return respond(document, base, JSON)

    async def get_collection(self, collection_id: str, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /collections/{collection_id}`."""
        base = links.base_url(request)
        access = await request_access(request)
        async with request.app.state.get_connection(request, "r") as conn:
            stored, version = await collection_queries.get_collection_version(conn, collection_id, access)
        cover = (await extents.extents_of_items(request, [collection_id], access)).get(collection_id)
        collection = with_extent_of_items(access.visible_document(stored), cover)
        answer = respond(links.with_collection_links(collection, base, maps=has_tiles(request)), base, JSON)
        answer.headers["Allow"] = allowed_methods.allow_header(request, access.role(stored))
        tag = preconditions.collection_tag(version, cover, access, base)
        return preconditions.conditional_response(request, answer, tag)

    async def get_item(self, item_id: str, collection_id: str, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /collections/{collection_id}/items/{item_id}`."""
        access = await request_access(request)
        async with request.app.state.get_connection(request, "r") as conn:
            item, version = await item_queries.get_item_version(conn, collection_id, item_id, access)
        if item is None:
            raise item_not_found(collection_id, item_id)
        base = links.base_url(request)
        blob = collection_id in BLOB_COLLECTIONS
        role = access.role(item) if blob else Role.WRITER if access.writes(collection_id) else Role.READER
        answer = respond(
            links.with_item_links(item, base, "all" if has_tiles(request) else "none"), base, GEOJSON
        )
        answer.headers["Allow"] = allowed_methods.allow_header(request, role)
        tag = preconditions.item_tag(version, access, base, shared=not blob)
        return preconditions.conditional_response(request, answer, tag)

    async def item_collection(self, collection_id: str, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /collections/{collection_id}/items`."""
        check_query(request)
        await self._collection(collection_id, request, await request_access(request))
        asked = requests.from_get(collections=[collection_id], **kwargs)
        here = links.collection_url(links.base_url(request), collection_id)
        extra = [
            {"rel": "self", "type": GEOJSON, "href": f"{here}/items"},
            {"rel": "collection", "type": JSON, "href": here},
            {"rel": "parent", "type": JSON, "href": here},
        ]
        return await self._answer(asked, request, extra)

    async def get_search(self, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /search`."""
        check_query(request)
        return await self._answer(requests.from_get(**kwargs), request, _search_links(request))

    async def post_search(self, search_request: Any, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`POST /search`."""
        await check_body(request, type(search_request))
        asked = await requests.in_thread(request, requests.from_post, search_request)
        return await self._answer(asked, request, _search_links(request))

    async def _collection(self, collection_id: str, request: Request, access: Access) -> dict[str, Any]:
        async with request.app.state.get_connection(request, "r") as conn:
            return await collection_queries.get_collection(conn, collection_id, access)

    async def _answer(self, asked: Search, request: Request, extra_links: list[dict[str, Any]]) -> Response:
        settings = request.app.state.landbridge
        limit, access = min(asked.limit, settings.max_page), await request_access(request)
        async with request.app.state.get_connection(request, "r") as conn:
            page = await execute.search_items(
                conn,
                asked,
                limit,
                access,
                most_sorted=settings.max_unindexed_sort,
                count_seconds=settings.count_seconds,
            )
        base = links.base_url(request)
        shown = _member_selector(asked.fields, "Feature")
        maps: Maps = "preview" if has_tiles(request) else "none"
        document = {
            "type": "FeatureCollection",
            "features": [shown(links.with_item_links(item, base, maps)) for item in page.items],
            "links": [
                {"rel": "root", "type": JSON, "href": base},
                *extra_links,
                *await _paging_links(request, page),
            ],
            **({} if page.matched is None else {"numberMatched": page.matched}),
            "numberReturned": len(page.items),
        }
        return respond(document, base, GEOJSON)


def _member_selector(fields: Fields, kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the function that reduces a document to the members asked for."""
    if not fields.include and not fields.exclude:
        return lambda document: document
    include = {*fields.include, *_ALWAYS_SHOWN[kind]} if fields.include else set()
    exclude = set(fields.exclude) - _ALWAYS_SHOWN[kind]
    if kind == "Collection":
        return partial(_select_members, include=include, exclude=exclude)
    return lambda item: dict(filter_fields(item, include, exclude))  # type: ignore[arg-type]


def _select_members(document: dict[str, Any], include: set[str], exclude: set[str]) -> dict[str, Any]:
    # For an item without members filter_fields returns its id and collection; a collection gets neither.
    return dict(filter_fields({"collection": None, **document}, include, {*exclude, "collection"}))  # type: ignore[typeddict-item]


def _search_links(request: Request) -> list[dict[str, Any]]:
    return [{"rel": "self", "type": GEOJSON, "href": f"{links.base_url(request)}search"}]


def _url_with(request: Request, **changed: Any) -> str:
    """Return the URL of a request with some of its parameters changed."""
    here, root = urlsplit(str(request.url)), urlsplit(links.base_url(request))
    params = {**parse_qs(here.query), **{name: [value] for name, value in changed.items()}}
    return urlunsplit((root.scheme, root.netloc, here.path, urlencode(params, doseq=True), ""))


def _offset_links(request: Request, offset: int, limit: int, matched: int) -> list[dict[str, Any]]:
    found = []
    if offset + limit < matched:
        found.append(("next", offset + limit))
    if offset > 0:
        found.append(("prev", max(min(offset, matched) - limit, 0)))
    return [
        {"rel": rel, "type": JSON, "method": "GET", "href": _url_with(request, offset=start)}
        for rel, start in found
    ]


async def _paging_links(request: Request, page: execute.Page) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    body = orjson.loads(await request.body()) if request.method == "POST" else None
    for rel, token in (("next", page.next), ("previous", page.prev)):
        if token is None:
            continue
        link: dict[str, Any] = {"rel": rel, "type": GEOJSON, "method": request.method}
        if body is not None:
            link |= {"href": _url_with(request), "body": {**body, "token": token}}
        else:
            link["href"] = _url_with(request, token=token)
        out.append(link)
    return out
