"""Static catalogs: STAC documents that link to each other, read where they lie.

pystac keeps each document that it has read, and reads them one after the other. A catalog may have millions
of Items, so this reader keeps the documents of Catalogs and Collections only, and reads Items in parallel.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from landbridge.exceptions import ServerError
from landbridge.sources.absolute_hrefs import absolute_document, resolve
from landbridge.sources.catalog_urls import local_path
from landbridge.sources.file_contents import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from landbridge.sources.item_query import ItemQuery

__all__ = ["StaticCatalog"]

_READERS = 16
# Number of Items that are read ahead: they bound the memory of a search.
_AHEAD = 64
# Seconds after which the Catalogs and Collections are read again.
_FRESH_SECONDS = 600.0
_WHOLE_WORLD = {
    "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
    "temporal": {"interval": [[None, None]]},
}


@dataclass(frozen=True, slots=True)
class _Node:
    """A Catalog or a Collection, and the id of the collection that its Items belong to."""

    url: str
    document: dict[str, Any]
    collection: str


class StaticCatalog:
    """Catalog of linked files, such as a `catalog.json` and the files below it."""

    can_filter = True
    can_sort = False

    def __init__(self, url: str) -> None:
        # Hrefs are resolved to paths, so that the address of each document is known under one name.
        self._url = str(local_path(url) or url)
        self._lock = threading.Lock()
        self._nodes: tuple[float, list[_Node]] | None = None

    # Catalogs and Collections
    def describe(self) -> Mapping[str, Any]:
        """Return id, title and description of the catalog."""
        document = _read(self._url)
        return {name: document[name] for name in ("id", "title", "description") if name in document}

    def collections(self) -> Iterator[dict[str, Any]]:
        """Yield the Collections, each once, in the order in which the catalog links to them."""
        seen = set()
        for node in self._tree():
            if node.collection in seen or not (_is_collection(node) or _item_links(node.document)):
                continue
            seen.add(node.collection)
            yield _collection_document(node)

    def collection(self, id: str) -> dict[str, Any] | None:
        """Return a Collection; None if the catalog has none with this id."""
        return next((found for found in self.collections() if found["id"] == id), None)

    def _tree(self) -> list[_Node]:
        """Return all Catalogs and Collections, parents first."""
        with self._lock:
            if self._nodes is None or time.monotonic() - self._nodes[0] > _FRESH_SECONDS:
                self._nodes = time.monotonic(), self._read_tree()
            return self._nodes[1]

    def _read_tree(self) -> list[_Node]:
        root = _node(self._url, _read(self._url), None)
        found, seen, level = [root], {self._url}, [root]
        with ThreadPoolExecutor(_READERS, thread_name_prefix="landbridge-catalog") as pool:
            # One level of the tree after the other; documents of a level are read in parallel.
            while level:
                links = [(node, url) for node in level for url in _links(node.url, node.document, "child")]
                fresh: list[tuple[_Node, str]] = []
                for node, url in links:
                    if url not in seen:
                        seen.add(url)
                        fresh.append((node, url))
                documents = pool.map(lambda entry: _read(entry[1]), fresh)
                level = [
                    _node(url, document, parent)
                    for (parent, url), document in zip(fresh, documents, strict=True)
                ]
                found += level
        return found

    # Items
    def item(self, collection: str, id: str) -> dict[str, Any] | None:
        """Return an Item of a Collection; None if it has none with this id."""
        nodes = [node for node in self._tree() if node.collection == collection]
        # Most catalogs name the files of Items by their ids: try these first, then read all others.
        for likely in (True, False):
            urls = [
                (node, url)
                for node in nodes
                for url in _item_links(node.document, node.url)
                if (id in unquote(urlsplit(url).path)) == likely
            ]
            for item in self._read_items(urls):
                if item.get("id") == id:
                    return item
        return None

    def search(self, query: ItemQuery) -> Iterator[dict[str, Any]]:
        """Yield the Items that satisfy a query, in the order in which the catalog links to them."""
        wanted = query.collections
        urls = (
            (node, url)
            for node in self._tree()
            if wanted is None or node.collection in wanted
            for url in _item_links(node.document, node.url)
        )
        seen: set[tuple[str, str]] = set()
        for item in self._read_items(urls):
            key = (item["collection"], item["id"])
            if key not in seen and query.matches(item):
                seen.add(key)
                yield item

    def _read_items(self, urls: Iterable[tuple[_Node, str]]) -> Iterator[dict[str, Any]]:
        """Yield the Items of files, in their order; some are read ahead."""
        pool = ThreadPoolExecutor(_READERS, thread_name_prefix="landbridge-items")
        try:
            for found in _ahead(pool, lambda entry: _items(*entry), urls):
                yield from found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _ahead(
    pool: ThreadPoolExecutor, read: Callable[[Any], list[dict[str, Any]]], entries: Iterable[Any]
) -> Iterator[list[dict[str, Any]]]:
    """Yield the results of a function in order, while at most `_AHEAD` more are computed."""
    waiting: deque[Any] = deque()
    for entry in entries:
        waiting.append(pool.submit(read, entry))
        if len(waiting) >= _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read(url: str) -> dict[str, Any]:
    import orjson

    try:
        document = orjson.loads(read_bytes(url))
    except orjson.JSONDecodeError as error:
        raise ServerError(f"{url} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ServerError(f"{url} is no STAC document: it is a {type(document).__name__}, not an object.")
    return document


def _node(url: str, document: dict[str, Any], parent: _Node | None) -> _Node:
    """Return a node; Items of a Catalog belong to the Collection above it, else to the Catalog itself."""
    identifier = document.get("id")
    if not isinstance(identifier, str):
        raise ServerError(f"{url} is no STAC Catalog or Collection: it has no id.")
    node = _Node(url, document, identifier)
    if _is_collection(node) or parent is None or not _is_collection_below(parent):
        return node
    return _Node(url, document, parent.collection)


def _is_collection(node: _Node) -> bool:
    kind = node.document.get("type")
    # Before STAC 1.0 neither Collections nor Catalogs had a type.
    return kind == "Collection" or (kind != "Catalog" and "extent" in node.document)


def _is_collection_below(node: _Node) -> bool:
    """Return whether a node is a Collection, or a Catalog that belongs to one."""
    return _is_collection(node) or node.collection != node.document.get("id")


def _collection_document(node: _Node) -> dict[str, Any]:
    """Return a node as a Collection, with absolute hrefs; a Catalog with Items counts as a Collection."""
    if _is_collection(node):
        return absolute_document(node.url, node.document)
    members = {name: value for name, value in node.document.items() if name != "links"}
    return {
        "description": node.document.get("description") or node.collection,
        "license": "other",
        "extent": _WHOLE_WORLD,
        **members,
        "type": "Collection",
        "id": node.collection,
        "links": [],
    }


def _links(base: str, document: Mapping[str, Any], *relations: str) -> list[str]:
    links = document.get("links")
    return [
        resolve(base, link["href"])
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and link.get("rel") in relations and isinstance(link.get("href"), str)
    ]


def _item_links(document: Mapping[str, Any], base: str = "") -> list[str]:
    return _links(base, document, "item", "items")


def _items(node: _Node, url: str) -> list[dict[str, Any]]:
    """Return the Items of a file: one, or those of an ItemCollection."""
    document = _read(url)
    found = document.get("features") if document.get("type") == "FeatureCollection" else [document]
    items = []
    for item in found or ():
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            raise ServerError(f"{url} holds no STAC Item with an id.")
        # The collection that the catalog links the Item from: the member may be missing.
        items.append({**absolute_document(url, item), "collection": node.collection})
    return items
