"""Catalogs in files, answered as a STAC API: the client sends its requests to them as to a server.

`FileApi` is a transport of httpx. It answers the requests for the landing page, the Collections, one
Collection, a search, and one Item. What a catalog in files cannot do is missing in its conformance classes,
so that the client does it.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import httpx

from landbridge.exceptions import BadRequestError, NotFoundError, ServerError
from landbridge.sources.catalog_urls import kind_of
from landbridge.sources.item_query import ItemQuery, parse_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["FileApi", "FileCatalog"]

_STAC, _OGC = "https://api.stacspec.org/v1.0.0", "http://www.opengis.net/spec"
_ALWAYS = (
    f"{_STAC}/core",
    f"{_STAC}/collections",
    f"{_STAC}/ogcapi-features",
    f"{_STAC}/item-search",
    f"{_OGC}/ogcapi-features-1/1.0/conf/core",
    f"{_OGC}/ogcapi-features-1/1.0/conf/geojson",
)
_FILTER = (
    f"{_STAC}/item-search#filter",
    f"{_OGC}/ogcapi-features-3/1.0/conf/filter",
    f"{_OGC}/cql2/1.0/conf/basic-cql2",
    f"{_OGC}/cql2/1.0/conf/advanced-comparison-operators",
    f"{_OGC}/cql2/1.0/conf/basic-spatial-functions",
    f"{_OGC}/cql2/1.0/conf/cql2-json",
    f"{_OGC}/cql2/1.0/conf/cql2-text",
)
_SORT = (f"{_STAC}/item-search#sort",)
# Number of searches whose position is kept; later pages of others read the catalog again from its start.
_KEPT_SEARCHES = 32


class FileCatalog(Protocol):
    """Catalog in files. Items are yielded in an order that does not change, as they are read."""

    @property
    def can_filter(self) -> bool:
        """True if searches with a filter are answered."""

    @property
    def can_sort(self) -> bool:
        """True if searches with an order are answered."""

    def describe(self) -> Mapping[str, Any]:
        """Return id, title and description of the catalog."""

    def collections(self) -> Iterable[dict[str, Any]]:
        """Return the Collections."""

    def collection(self, id: str) -> dict[str, Any] | None:
        """Return a Collection; None if there is none with this id."""

    def item(self, collection: str, id: str) -> dict[str, Any] | None:
        """Return an Item; None if there is none with this id."""

    def search(self, query: ItemQuery) -> Iterator[dict[str, Any]]:
        """Yield the Items that satisfy a query, without regard to its limit."""


def _catalog_at(url: str, kind: str) -> FileCatalog:
    if kind == "parquet":
        from landbridge.sources.parquet import ParquetCatalog

        return ParquetCatalog(url)
    from landbridge.sources.static_catalog import StaticCatalog

    return StaticCatalog(url)


class FileApi(httpx.BaseTransport):
    """Transport that answers requests below `url` from the catalog in files there.

    `kind` is "catalog" or "parquet"; by default it follows from the address.
    """

    def __init__(self, url: str, kind: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._root = httpx.URL(self._url).raw_path.partition(b"?")[0].decode().rstrip("/")
        self._catalog = _catalog_at(self._url, kind_of(url, kind))
        self._searches: OrderedDict[str, tuple[int, Iterator[dict[str, Any]]]] = OrderedDict()
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request; errors are answered with a status, as by a server."""
        try:
            answer = self._answer(request)
        except BadRequestError as error:
            return _error(400, "BadRequest", str(error))
        except NotFoundError as error:
            return _error(404, "NotFound", str(error))
        except ServerError as error:
            # 501 is not repeated: the files were read with retries.
            return _error(501, "Unreadable", str(error))
        if answer is None:
            return _error(404, "NotFound", f"{request.url.path} does not exist.")
        import orjson

        return httpx.Response(
            200, headers={"Content-Type": "application/geo+json"}, content=orjson.dumps(answer)
        )

    def _answer(self, request: httpx.Request) -> Any:
        path = request.url.raw_path.partition(b"?")[0].decode().removeprefix(self._root).strip("/")
        parts = [unquote(part) for part in path.split("/")] if path else []
        if request.method not in ("GET", "POST") or (request.method == "POST" and parts != ["search"]):
            raise BadRequestError(f"{self._url} is a catalog in files, which can only be read.")
        catalog = self._catalog
        answer: Any = None
        match parts:
            case []:
                answer = self._landing_page()
            case ["conformance"]:
                answer = {"conformsTo": self._conformance()}
            case ["collections"]:
                answer = {"collections": list(catalog.collections()), "links": []}
            case ["collections", collection]:
                answer = catalog.collection(collection)
            case ["collections", collection, "items"]:
                answer = self._page(request, {**request.url.params, "collections": [collection]})
            case ["collections", collection, "items", item]:
                answer = catalog.item(collection, item)
            case ["search"]:
                answer = self._page(request, _members(request))
        return answer

    def _conformance(self) -> list[str]:
        catalog = self._catalog
        return [*_ALWAYS, *(_FILTER if catalog.can_filter else ()), *(_SORT if catalog.can_sort else ())]

    def _landing_page(self) -> dict[str, Any]:
        url = self._url
        return {
            "description": "",
            **self._catalog.describe(),
            "type": "Catalog",
            "stac_version": "1.1.0",
            "conformsTo": self._conformance(),
            "links": [
                {"rel": "self", "href": url},
                {"rel": "root", "href": url},
                {"rel": "data", "href": f"{url}/collections"},
                {"rel": "conformance", "href": f"{url}/conformance"},
                {"rel": "search", "href": f"{url}/search", "method": "GET", "type": "application/geo+json"},
                {"rel": "search", "href": f"{url}/search", "method": "POST", "type": "application/geo+json"},
            ],
        }

    # Pages
    def _page(self, request: httpx.Request, members: Mapping[str, Any]) -> dict[str, Any]:
        query = parse_query(members, can_filter=self._catalog.can_filter, can_sort=self._catalog.can_sort)
        key, position, items = self._resume(query)
        found = list(itertools.islice(items, query.limit))
        following = next(items, None)
        page: dict[str, Any] = {"type": "FeatureCollection", "features": found, "links": []}
        page["numberReturned"] = len(found)
        if following is None:
            page["numberMatched"] = position + len(found)
            return page
        position += len(found)
        self._keep(key, position, itertools.chain([following], items))
        page["links"] = [_next_link(request, members, f"{key}:{position}")]
        return page

    def _resume(self, query: ItemQuery) -> tuple[str, int, Iterator[dict[str, Any]]]:
        """Return a key, the position and the remaining Items of a search: from its start, or by its token."""
        if query.token is None:
            return secrets.token_hex(8), 0, self._catalog.search(query)
        key, _, number = query.token.partition(":")
        if not number.isdigit():
            raise BadRequestError(f"The token {query.token!r} is invalid: take it from a next link.")
        position = int(number)
        with self._lock:
            kept = self._searches.pop(key, None)
        if kept is not None and kept[0] == position:
            return key, position, kept[1]
        # Another request took this page before, or too many searches were begun since.
        return secrets.token_hex(8), position, itertools.islice(self._catalog.search(query), position, None)

    def _keep(self, key: str, position: int, items: Iterator[dict[str, Any]]) -> None:
        with self._lock:
            self._searches[key] = position, items
            if len(self._searches) > _KEPT_SEARCHES:
                self._searches.popitem(last=False)


def _members(request: httpx.Request) -> dict[str, Any]:
    """Return the members of a search."""
    import orjson

    if request.method == "GET":
        return dict(request.url.params)
    try:
        members = orjson.loads(request.read() or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"The body of the search is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise BadRequestError("The body of the search must be an object.")
    return members


def _next_link(request: httpx.Request, members: Mapping[str, Any], token: str) -> dict[str, Any]:
    url = request.url
    if request.method == "POST":
        return {"rel": "next", "method": "POST", "href": str(url), "body": {**members, "token": token}}
    return {"rel": "next", "method": "GET", "href": str(url.copy_set_param("token", token))}


def _error(status: int, code: str, description: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "description": description})
