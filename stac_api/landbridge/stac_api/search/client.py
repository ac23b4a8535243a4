"""Reading: the landing page, collections, items and searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import attr
import orjson
from pydantic import ValidationError
from stac_fastapi.pgstac.core import CoreCrudClient
from stac_fastapi.pgstac.utils import filter_fields
from stac_fastapi.types.errors import NotFoundError
from starlette.responses import Response

from landbridge.stac_api import links
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

GEOJSON = "application/geo+json"
JSON = "application/json"

# Clients look for the 1.0 names of what stac-fastapi advertises under 1.1 (pystac-client, QGIS).
_ALSO_CONFORMS = (
    "https://api.stacspec.org/v1.0.0/item-search#sort",
    "https://api.stacspec.org/v1.0.0/ogcapi-features#sort",
    "https://api.stacspec.org/v1.0.0/collection-search#sort",
)
_PAGING = frozenset({"limit", "token", "fields", "conf"})


def respond(document: Any, base: str, media_type: str, status: int = 200) -> Response:
    """Serialize once, past FastAPI's encoder (which takes longer than the database)."""
    return Response(links.globalize(orjson.dumps(document), base), status_code=status, media_type=media_type)


@attr.s
class CatalogClient(CoreCrudClient):
    """stac-fastapi-pgstac's client with its answers built in the API and sent as they are."""

    landing_page_id: str = attr.ib(default="landbridge")

    def conformance_classes(self) -> list[str]:
        """What the server conforms to."""
        return sorted({*super().conformance_classes(), *_ALSO_CONFORMS})

    async def all_collections(self, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """`GET /collections`."""
        answer: Any = await super().all_collections(request=request, **kwargs)
        if isinstance(answer, Response):  # `fields` was asked for
            return answer
        base = links.base_url(request)
        for collection in answer["collections"]:
            links.with_collection_links(collection, base)
        return respond(answer, base, JSON)

    async def get_collection(self, collection_id: str, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /collections/{collection_id}`."""
        base = links.base_url(request)
        collection = await self._collection(collection_id, request)
        return respond(links.with_collection_links(collection, base), base, JSON)

    async def get_item(self, item_id: str, collection_id: str, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /collections/{collection_id}/items/{item_id}`."""
        async with request.app.state.get_connection(request, "r") as conn:
            item = await rows.get_item(conn, collection_id, item_id)
        if item is None:
            raise NotFoundError(f"Item {item_id} in collection {collection_id} does not exist.")
        base = links.base_url(request)
        return respond(links.with_item_links(item, base), base, GEOJSON)

    async def item_collection(self, collection_id: str, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /collections/{collection_id}/items`."""
        await self._collection(collection_id, request)
        search = self._get_query(collections=[collection_id], **kwargs)
        here = links.collection_url(links.base_url(request), collection_id)
        extra = [
            {"rel": "self", "type": GEOJSON, "href": f"{here}/items"},
            {"rel": "collection", "type": JSON, "href": here},
            {"rel": "parent", "type": JSON, "href": here},
        ]
        return await self._answer(search, request, extra)

    async def get_search(self, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`GET /search`."""
        return await self._answer(self._get_query(**kwargs), request, _search_links(request))

    async def post_search(self, search_request: Any, request: Request, **kwargs: Any) -> Any:  # type: ignore[override]
        """`POST /search`."""
        return await self._answer(search_request, request, _search_links(request))

    async def _collection(self, collection_id: str, request: Request) -> dict[str, Any]:
        async with request.app.state.get_connection(request, "r") as conn:
            return await rows.get_collection(conn, collection_id)

    def _get_query(self, *, query: str | None = None, **kwargs: Any) -> Any:
        """The search model of a GET's parameters."""
        base = {name: kwargs.pop(name, None) for name in ("collections", "ids", "bbox", "limit", "token")}
        base["query"] = orjson.loads(query) if query else None
        clean = self._clean_search_args(
            base_args=base, filter_query=kwargs.pop("filter_expr", None), **kwargs
        )
        try:
            return self.pgstac_search_model(**clean)
        except ValidationError as error:
            raise BadRequestError(f"The search parameters are invalid: {_reasons(error)}") from error

    async def _answer(self, search: Any, request: Request, extra_links: list[dict[str, Any]]) -> Response:
        settings = request.app.state.landbridge
        query = orjson.loads(search.model_dump_json(exclude_none=True, by_alias=True, exclude=_PAGING))
        limit = min(search.limit if search.limit is not None else 10, settings.max_page)
        async with request.app.state.get_connection(request, "r") as conn:
            page = await rows.search(conn, query, limit, getattr(search, "token", None))
        base = links.base_url(request)
        shown = _fields(getattr(search, "fields", None))
        document = {
            "type": "FeatureCollection",
            "features": [shown(links.with_item_links(item, base)) for item in page.items],
            "links": [
                {"rel": "root", "type": JSON, "href": base},
                *extra_links,
                *await _paging_links(request, page),
            ],
            "numberMatched": page.matched,
            "numberReturned": len(page.items),
        }
        return respond(document, base, GEOJSON)


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())


def _fields(fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    include = set(fields.include or ()) if fields else set()
    exclude = set(fields.exclude or ()) if fields else set()
    if not include and not exclude:
        return lambda item: item
    return lambda item: dict(filter_fields(item, include, exclude))  # type: ignore[arg-type]


def _search_links(request: Request) -> list[dict[str, Any]]:
    return [{"rel": "self", "type": GEOJSON, "href": f"{links.base_url(request)}search"}]


async def _paging_links(request: Request, page: rows.Page) -> list[dict[str, Any]]:
    tokens = {"next": page.next, "previous": page.prev}
    here = urlsplit(str(request.url))
    root = urlsplit(links.base_url(request))
    out: list[dict[str, Any]] = []
    body = orjson.loads(await request.body()) if request.method == "POST" else None
    for rel, token in tokens.items():
        if token is None:
            continue
        params = parse_qs(here.query)
        link: dict[str, Any] = {"rel": rel, "type": GEOJSON, "method": request.method}
        if body is not None:
            link["body"] = {**body, "token": token}
        else:
            params["token"] = [token]
        query = urlencode(params, doseq=True)
        link["href"] = urlunsplit((root.scheme, root.netloc, here.path, query, ""))
        out.append(link)
    return out
