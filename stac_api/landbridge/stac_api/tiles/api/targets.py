"""Targets: the item, collection or search whose images are shown, as the caller may see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson
from cachetools import LRUCache
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.access.principal import PUBLIC, request_principal
from landbridge.stac_api.access.rules import (
    BLOB_COLLECTIONS,
    UNRESTRICTED,
    collection_not_found,
    item_not_found,
    request_access,
)
from landbridge.stac_api.pgstac import collection_queries, item_queries, tile_queries
from landbridge.stac_api.search.request import Search
from landbridge.stac_api.tiles.api import registered_searches
from landbridge.stac_api.tiles.api.tile_search import Images, find_images
from landbridge.stac_api.tiles.products import TileProduct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    import asyncpg
    from starlette.requests import Request

    from landbridge.stac_api.access.rules import Access

    Bounds: TypeAlias = tuple[float, float, float, float]

__all__ = ["Products", "Target", "collection_target", "item_target", "search_target"]

_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
_MAX_CACHED: Final = 64 * 2**20  # bytes of documents of collections
# Named collections of a search that all must have the bands shown, with or without images in a place.
_MOST_PRODUCTS: Final = 50


class Products:
    """Cache of the bands of collections, by the version of a collection's row."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, str], tuple[TileProduct, int]] = LRUCache(
            _MAX_CACHED, getsizeof=lambda held: held[1]
        )

    async def get(self, conn: asyncpg.Connection, collection: str, version: str) -> TileProduct | None:
        """Return the product of a version of a collection; None if the collection was deleted meanwhile."""
        held = self._known.get((collection, version))
        if held is not None:
            return held[0]
        document = await collection_queries.find_collection(conn, collection, UNRESTRICTED)
        if document is None:
            return None
        product = TileProduct(document)
        # Its band tables take several times the size of the document.
        size = 8 * len(orjson.dumps(document))
        if size <= _MAX_CACHED:
            self._known[collection, version] = (product, size)
        return product


@dataclass(frozen=True, slots=True)
class Target:
    """An item, a collection or a search whose images are shown.

    Args:
        path: path of its routes, without the prefix of a proxy, quoted as in a URL.
        route: the same as the server's routing has it.
        title: name for people.
        access: rights of the caller.
        pool: pool of reading connections.
        products: cache of products.
        search: conditions; None for an item.
        item, version: the item and the version of its row.
        states: version and bounding box of each named collection.
        is_public: whether everybody sees the same.
    """

    path: str
    route: str
    title: str
    access: Access
    pool: asyncpg.Pool
    products: Products
    search: Search | None = None
    item: dict[str, Any] | None = None
    version: str = ""
    states: Mapping[str, tuple[str, Bounds | None]] | None = None
    is_public: bool = False

    @property
    def is_collection(self) -> bool:
        """True for all images of one collection."""
        return self.item is None and self.path.startswith("/collections/")

    @property
    def bbox(self) -> Bounds | None:
        """West, south, east and north of all images; None if there are none, the world if not known."""
        if self.item is not None:
            return _box(self.item.get("bbox")) or _WORLD
        if self.states is None:
            return _WORLD
        boxes = [box for _, box in self.states.values() if box is not None]
        if not boxes:
            return None
        wests, souths, easts, norths = zip(*boxes, strict=True)
        return (min(wests), min(souths), max(easts), max(norths))

    def titled(self, products: Mapping[str, TileProduct]) -> Target:
        """Return the target with the title of its collection."""
        titles = [str(one.collection.get("title") or one.id) for one in products.values()]
        if self.item is not None:
            titles = [f"{title}, {self.item['id']}" for title in titles]
        return replace(self, title=titles[0]) if len(titles) == 1 else self

    async def images(
        self, narrowing: Search | None, bbox: Bounds, *, most: int, core: Bounds | None = None
    ) -> Images:
        """Return the images in a place; without a query if they all lie elsewhere.

        Args:
            narrowing: conditions of the request, besides those of the target.
            bbox: west, south, east and north in degrees; west is larger across the antimeridian.
            most: maximum number of images.
            core: as in `find_images`.
        """
        own = self.bbox
        if own is None or not _overlap(own, bbox):
            return Images(None, (), most)
        if self.search is None:
            return Images.of_item(self.item, self.version)
        return await find_images(
            self.pool, self.search, self.access, bbox, most=most, narrowing=narrowing, core=core
        )

    async def products_of(self, images: Images) -> dict[str, TileProduct]:
        """Return the products of the target, or those of the images found if a search names none, or many.

        Raises:
            NotFoundError: if a collection was deleted after its images were found.
        """
        named = self.states is not None and len(self.states) <= _MOST_PRODUCTS
        names = list(self.states or ()) if named else sorted(images.collections)
        found = await self.load_products(names, images)
        if missing := next((name for name in images.collections if name not in found), None):
            raise collection_not_found(missing)
        return found

    async def load_products(
        self, names: Iterable[str], images: Images | None = None
    ) -> dict[str, TileProduct]:
        """Return the products of some collections, described by an image where the collection is not."""
        found: dict[str, TileProduct] = {}
        wanted = list(names)
        async with self.pool.acquire() as conn:
            known = self.states or {}
            missing = [name for name in wanted if name not in known]
            states = {**known, **(await tile_queries.collection_states(conn, missing) if missing else {})}
            for name in wanted:
                if name in states and (product := await self.products.get(conn, name, states[name][0])):
                    found[name] = product
        for name, product in found.items():
            if product.needs_sample:
                found[name] = TileProduct(product.collection, self._sample(name, images))
        return found

    def _sample(self, collection: str, images: Images | None) -> dict[str, Any] | None:
        if self.item is not None:
            return self.item
        return next(
            (
                one.item
                for one in (images.found if images else ())
                if one.collection == collection and one.item
            ),
            None,
        )


def _box(given: Any) -> Bounds | None:
    if not isinstance(given, list | tuple) or len(given) not in (4, 6):
        return None
    half = len(given) // 2
    return (float(given[0]), float(given[1]), float(given[half]), float(given[half + 1]))


def _overlap(one: Bounds, other: Bounds) -> bool:
    if one[1] > other[3] or other[1] > one[3]:
        return False
    return any(a[0] <= b[1] and b[0] <= a[1] for a in _spans(one) for b in _spans(other))


def _spans(box: Bounds) -> list[tuple[float, float]]:
    west, east = box[0], box[2]
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def _segment(part: str) -> str:
    return quote(part, safe=":~!$&'()*+,;=@")


async def collection_target(request: Request, collection: str) -> Target:
    """Return a collection as the target of a request.

    Raises:
        NotFoundError: if it does not exist, or the caller may not see it.
    """
    access = await request_access(request)
    state = await _state(request, access, collection)
    return Target(
        path=f"/collections/{_segment(collection)}",
        route=f"/collections/{collection}",
        title=collection,
        access=access,
        pool=request.app.state.readpool,
        products=request.app.state.tile_products,
        search=Search(collections=(collection,)),
        states={collection: state},
        is_public=await _are_public(request, [collection]),
    )


async def item_target(request: Request, collection: str, item: str) -> Target:
    """Return an item as the target of a request.

    Raises:
        NotFoundError: if it does not exist, or the caller may not see it.
    """
    access = await request_access(request)
    if not access.reads(collection) or collection in BLOB_COLLECTIONS:
        raise item_not_found(collection, item)
    pool = request.app.state.readpool
    async with pool.acquire() as conn:
        states = await tile_queries.collection_states(conn, [collection])
        document, version = await item_queries.get_item_version(conn, collection, item, access)
    if document is None or collection not in states:
        raise item_not_found(collection, item)
    return Target(
        path=f"/collections/{_segment(collection)}/items/{_segment(item)}",
        route=f"/collections/{collection}/items/{item}",
        title=item,
        access=access,
        pool=pool,
        products=request.app.state.tile_products,
        item=document,
        version=version,
        states=states,
        is_public=await _are_public(request, [collection]),
    )


async def search_target(request: Request, name: str) -> Target:
    """Return a registered search as the target of a request.

    Raises:
        NotFoundError: if it is not registered.
    """
    pool = request.app.state.readpool
    registered = await registered_searches.find(pool, name)
    if registered.is_stale:
        await registered_searches.touch(request.app.state.writepool, name)
    access = await request_access(request)
    search, states = registered.search, None
    if search.collections is not None:
        async with pool.acquire() as conn:
            states = await tile_queries.collection_states(conn, search.collections)
        states = {one: state for one, state in states.items() if _shows(access, one)}
        search = replace(search, collections=tuple(states))
    return Target(
        path=f"/searches/{name}",
        route=f"/searches/{name}",
        title=f"Search {name[:8]}",
        access=access,
        pool=pool,
        products=request.app.state.tile_products,
        search=search,
        states=states,
        is_public=bool(states) and await _are_public(request, registered.search.collections or ()),
    )


def _shows(access: Access, collection: str) -> bool:
    return access.reads(collection) and collection not in BLOB_COLLECTIONS


async def _state(request: Request, access: Access, collection: str) -> tuple[str, Bounds | None]:
    if not access.reads(collection):
        raise collection_not_found(collection)
    async with request.app.state.readpool.acquire() as conn:
        states = await tile_queries.collection_states(conn, [collection])
    if collection not in states:
        raise collection_not_found(collection)
    if collection in BLOB_COLLECTIONS:
        raise NotFoundError(f"Collection {collection} has blobs, of which there are no maps.")
    return states[collection]


async def _are_public(request: Request, collections: Iterable[str]) -> bool:
    """Return whether shared caches may keep what is shown of these collections; not for operators."""
    if request_principal(request).operator:
        return False
    everybody: Access = await request.app.state.services.grants.access(frozenset({PUBLIC}))
    return everybody.read.issuperset(collections)
