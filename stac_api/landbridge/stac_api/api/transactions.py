"""Routes that write: the Transaction extension and bulk items.

It replaces the transaction client of stac-fastapi-pgstac, which has these faults: patches read and write
without one lock; the id in a body may differ from the path; members unknown to the models are lost; the first
writers of a new collection collide; bulk writes are not validated like single ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import attr
from fastapi import APIRouter, FastAPI, Request
from stac_fastapi.extensions.transaction import TransactionConformanceClasses
from stac_fastapi.types.extension import ApiExtension
from starlette.exceptions import HTTPException
from starlette.responses import Response

from landbridge.mappings import ids
from landbridge.stac_api.access import audit, rules
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.access.rules import Access, Role, request_access
from landbridge.stac_api.api import openapi_schemas
from landbridge.stac_api.assets import deletion_queue, href_policy
from landbridge.stac_api.blobs import collections, deletion
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.documents.extents import keep_stored_extent, with_extent_of_items
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.http import preconditions
from landbridge.stac_api.pgstac import bulk_load, collection_queries, extents, item_queries, writes
from landbridge.stac_api.search.client import GEOJSON, JSON, has_tiles, respond

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import asyncpg

    from landbridge.stac_api.access.principal import Principal
    from landbridge.stac_api.documents.map_links import Maps

_METHODS = {"insert": False, "upsert": True}


@attr.s
class Transactions(ApiExtension):
    """STAC API Transaction extension v1.0.0 for collections and items, plus `bulk_items`.

    https://github.com/stac-api-extensions/transaction
    """

    conformance_classes: list[str] = attr.ib(
        factory=lambda: [TransactionConformanceClasses.ITEMS, TransactionConformanceClasses.COLLECTIONS]
    )
    schema_href: str | None = attr.ib(default=None)

    def register(self, app: FastAPI) -> None:
        """Add the routes."""
        router = APIRouter(prefix=app.state.router_prefix, tags=["Transactions"])
        for method, path, endpoint, status in _ROUTES:
            router.add_api_route(
                path,
                endpoint,
                methods=[method],
                status_code=status,
                response_class=Response,
                openapi_extra=openapi_schemas.request_body(endpoint.__name__),
            )
        app.include_router(router)


async def _parsed_body(request: Request) -> Any:
    return incoming.parse(await request.body())


def _collection_response(
    request: Request, document: dict[str, Any], access: Access, status: int = 200
) -> Response:
    base = links.base_url(request)
    shown = links.with_collection_links(access.visible_document(document), base, maps=has_tiles(request))
    location = {"Location": links.collection_url(base, document["id"])} if status == 201 else {}
    answer = respond(shown, base, JSON, status)
    answer.headers.update(location)
    return answer


def _item_response(request: Request, document: dict[str, Any], access: Access, status: int = 200) -> Response:
    base = links.base_url(request)
    maps: Maps = "all" if has_tiles(request) else "none"
    shown = links.with_item_links(access.visible_document(document), base, maps)
    answer = respond(shown, base, GEOJSON, status)
    if status == 201:
        answer.headers["Location"] = links.item_url(base, document["collection"], document["id"])
    return answer


async def create_collection(request: Request) -> Response:
    """`POST /collections`."""
    base = links.base_url(request)
    body = await _parsed_body(request)
    if isinstance(body, dict) and ids.is_blob_collection(body.get("id")):
        raise BadRequestError(f"{body['id']!r} is reserved for blobs; the first blob creates it.")
    audit.add_targets(request, body.get("id") if isinstance(body, dict) else None)
    principal, access = request_principal(request), await request_access(request)
    body = rules.with_namespaced_id(body, principal)
    document = incoming.collection(body, base, owners=rules.owners_of_product(body, principal))
    rules.check_still_owner(document, access)
    href_policy.check(document, _allowed_hrefs(request))
    audit.add_targets(request, document["id"])
    version = await writes.create_collection(request.app.state.writepool, document)
    _drop_cached_grants(request)
    answer = _collection_response(request, document, access, 201)
    answer.headers["ETag"] = preconditions.collection_tag(version, None, access, base)
    return answer


async def put_collection(collection_id: str, request: Request) -> Response:
    """`PUT /collections/{collection_id}`."""
    body = await _parsed_body(request)
    return await _change_collection(collection_id, request, lambda _: body, whole=True)


async def patch_collection(collection_id: str, request: Request) -> Response:
    """`PATCH /collections/{collection_id}` with a JSON Merge Patch or a JSON Patch."""
    patch = await _parsed_body(request)
    return await _change_collection(
        collection_id, request, lambda stored: incoming.patched(stored, patch), whole=False
    )


async def _change_collection(
    collection_id: str, request: Request, new: Callable[[dict[str, Any]], Any], *, whole: bool
) -> Response:
    base, access = links.base_url(request), await request_access(request)
    cover = (await extents.extents_of_items(request, [collection_id], access)).get(collection_id)

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        access.require(stored, Role.WRITER)
        # The previous state stays untouched for the comparison that dates the bands.
        seen = with_extent_of_items(access.visible_document(stored), cover)
        document = new(incoming.copied(seen))
        if isinstance(document, dict):
            document = rules.check_list_changes(
                keep_stored_extent(document, seen, stored), stored, access, whole=whole
            )
        done = incoming.collection(document, base, collection_id=collection_id, previous=stored)
        href_policy.check(done, _allowed_hrefs(request), stored)
        return rules.finish_list_changes(done, stored, access)

    def tag(version: str) -> str:
        return preconditions.collection_tag(version, cover, access, base)

    check = preconditions.write_check(request, tag)
    changed, version = await writes.change_collection(
        request.app.state.writepool, collection_id, change, check
    )
    _drop_cached_grants(request)
    answer = _collection_response(request, with_extent_of_items(changed, cover), access)
    answer.headers["ETag"] = tag(version)
    return answer


def _allowed_hrefs(request: Request) -> Sequence[str]:
    """Return the href prefixes that the operator allows."""
    allowed: Sequence[str] = request.app.state.landbridge.allowed_hrefs
    return allowed


def _drop_cached_grants(request: Request) -> None:
    """Clear the cached access of callers, so that the next request sees the new lists."""
    request.app.state.services.grants.clear()


async def delete_collection(collection_id: str, request: Request) -> Response:
    """`DELETE /collections/{collection_id}`: only if it is empty."""
    base, access = links.base_url(request), await request_access(request)
    cover = (await extents.extents_of_items(request, [collection_id], access)).get(collection_id)
    check = preconditions.write_check(
        request, lambda version: preconditions.collection_tag(version, cover, access, base)
    )
    await writes.delete_collection(request.app.state.writepool, collection_id, access, check)
    _drop_cached_grants(request)
    return Response(status_code=204)


async def create_items(collection_id: str, request: Request) -> Response:
    """`POST /collections/{collection_id}/items` with an Item or an ItemCollection."""
    base = links.base_url(request)
    body = await _parsed_body(request)
    kind = body.get("type") if isinstance(body, dict) else type(body).__name__
    if kind not in ("Feature", "FeatureCollection"):
        raise BadRequestError(f"The body's `type` is {kind!r}; it must be 'Feature' or 'FeatureCollection'.")
    if kind == "FeatureCollection":
        features = body.get("features")
        if not isinstance(features, list):
            raise BadRequestError("A FeatureCollection needs `features`: an array of items.")
        await _bulk_load(request, collection_id, features, replace=False)
        return Response(status_code=201)
    audit.add_targets(request, *_target_ids(collection_id, [body]))
    new = _NewItems(request_principal(request), await request_access(request), base, _allowed_hrefs(request))
    new.check_names(collection_id, [body])
    await collections.ensure(request.app.state.writepool, collection_id)
    version = ""

    async def note(conn: asyncpg.Connection) -> None:
        nonlocal version
        version = await item_queries.current_version(conn)

    items = await writes.create_items(
        request.app.state.writepool,
        collection_id,
        lambda parent: list(new.items(parent, [body])),
        also=note,
    )
    answer = _item_response(request, items[0], new.access, 201)
    answer.headers["ETag"] = _item_tag(collection_id, new.access, base)(version)
    return answer


@dataclass(frozen=True, slots=True)
class _NewItems:
    """Checks and completes new items: of products by writers, blobs by each caller in its own namespace."""

    principal: Principal
    access: Access
    base: str
    hrefs: Sequence[str]

    def check_names(self, collection: str, items: Iterable[Any]) -> None:
        """Check the namespaces of new blobs, before any lookup."""
        for item in items:
            name = item.get("id") if isinstance(item, dict) else None
            rules.check_namespace(collection, name, self.principal)

    def items(self, parent: dict[str, Any], items: Iterable[Any]) -> Iterable[dict[str, Any]]:
        """Return the items, each completed and checked lazily for storing in a collection."""
        ready = incoming.each_item(
            items, parent, self.base, lambda item: rules.owners_of_item(parent["id"], item, self.principal)
        )
        made = map(self._checked, ready)
        if parent["id"] not in rules.BLOB_COLLECTIONS:
            self.access.require(parent, Role.WRITER)
            return made
        if not self.access.unrestricted:
            deletion.check_writable(parent["id"].removeprefix(ids.BLOB_COLLECTION_PREFIX))
        return map(self._owned, made)

    def _owned(self, blob: dict[str, Any]) -> dict[str, Any]:
        rules.check_still_owner(blob, self.access)
        return blob

    def _checked(self, item: dict[str, Any]) -> dict[str, Any]:
        href_policy.check(item, self.hrefs)
        return item


async def put_item(collection_id: str, item_id: str, request: Request) -> Response:
    """`PUT /collections/{collection_id}/items/{item_id}`."""
    body = await _parsed_body(request)
    return await _change_item(collection_id, item_id, request, lambda _: body, whole=True)


async def patch_item(collection_id: str, item_id: str, request: Request) -> Response:
    """`PATCH /collections/{collection_id}/items/{item_id}` with a JSON Merge Patch or a JSON Patch."""
    patch = await _parsed_body(request)
    return await _change_item(
        collection_id, item_id, request, lambda stored: incoming.patched(stored, patch), whole=False
    )


async def _change_item(
    collection_id: str, item_id: str, request: Request, new: Callable[[dict[str, Any]], Any], *, whole: bool
) -> Response:
    base, access = links.base_url(request), await request_access(request)

    def change(stored: dict[str, Any], parent: dict[str, Any]) -> dict[str, Any]:
        if collection_id not in rules.BLOB_COLLECTIONS:
            writes.check_writer(access, parent, item_id)
            document = new(incoming.copied(stored))
            done = incoming.item(document, parent, base, item_id=item_id, previous=stored)
            href_policy.check(done, _allowed_hrefs(request), stored)
            return done
        access.require(stored, Role.WRITER)
        document = new(incoming.copied(access.visible_document(stored)))
        if isinstance(document, dict):
            document = rules.check_list_changes(document, stored, access, whole=whole)
        done = incoming.item(document, parent, base, item_id=item_id, previous=stored)
        href_policy.check(done, _allowed_hrefs(request), stored)
        return rules.finish_list_changes(done, stored, access)

    tag = _item_tag(collection_id, access, base)
    changed, version = await writes.change_item(
        request.app.state.writepool,
        collection_id,
        item_id,
        change,
        check=preconditions.write_check(request, tag),
    )
    answer = _item_response(request, changed, access)
    answer.headers["ETag"] = tag(version)
    return answer


def _item_tag(collection_id: str, access: Access, base: str) -> Callable[[str], str]:
    """Return the function from an item's version to its entity tag."""
    shared = collection_id not in rules.BLOB_COLLECTIONS
    return lambda version: preconditions.item_tag(version, access, base, shared=shared)


async def delete_item(collection_id: str, item_id: str, request: Request) -> Response:
    """`DELETE /collections/{collection_id}/items/{item_id}`, with the item's files."""
    access = await request_access(request)
    check = preconditions.write_check(request, _item_tag(collection_id, access, links.base_url(request)))
    if ids.is_blob_collection(collection_id):
        record = await deletion.delete(
            request.app.state.writepool, [(collection_id, item_id)], access, all_or_none=True, check=check
        )
        await request.app.state.jobs.defer(deletion.NAME, deletion=record["id"])
        return Response(status_code=204)

    async def note(conn: asyncpg.Connection, item: dict[str, Any]) -> None:
        await deletion_queue.schedule_items(conn, [item])

    await writes.delete_item(request.app.state.writepool, collection_id, item_id, note, access, check)
    await deletion_queue.try_to_delete_due(request.app.state.writepool, request.app.state.store)
    return Response(status_code=204)


async def bulk_items(collection_id: str, request: Request) -> Response:
    """`POST /collections/{collection_id}/bulk_items`: `{"items": {id: item}, "method": "insert"|"upsert"}`.

    All or nothing: one invalid item refuses the whole request; the message names the item.
    """
    body = await _parsed_body(request)
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, dict):
        raise BadRequestError(
            'The body needs `items`: an object of items by id, as {"items": {"id1": {...}}}.'
        )
    method = body.get("method", "insert")
    if not isinstance(method, str) or method not in _METHODS:
        raise BadRequestError(f"`method` is {method!r}; it must be one of {', '.join(map(repr, _METHODS))}.")
    if ids.is_blob_collection(collection_id) and _METHODS[method]:
        raise BadRequestError("Blobs cannot be replaced: `method` must be 'insert' here.")
    for item_id, item in items.items():
        if isinstance(item, dict) and item.setdefault("id", item_id) != item_id:
            raise BadRequestError(
                f"The item under {item_id!r} has the id {item['id']!r}; they must be the same."
            )
    await _bulk_load(request, collection_id, list(items.values()), replace=_METHODS[method])
    counts = {"received": len(items), "success": len(items), "skipped": 0, "errors": []}
    return respond(counts, links.base_url(request), JSON)


async def _bulk_load(request: Request, collection_id: str, items: list[Any], *, replace: bool) -> None:
    audit.add_targets(request, *_target_ids(collection_id, items))
    if len(items) > (most := request.app.state.landbridge.max_bulk_items):
        raise HTTPException(413, f"The request has {len(items)} items; {most} are the maximum.")
    principal, access = request_principal(request), await request_access(request)
    new = _NewItems(principal, access, links.base_url(request), _allowed_hrefs(request))
    new.check_names(collection_id, items)
    async with request.app.state.get_connection(request, "r") as conn:
        parent = await collection_queries.get_collection(conn, collection_id, new.access)

    def run() -> None:
        database = request.app.state.landbridge.database_url
        ready = new.items(parent, items)
        if replace:
            # A replaced item keeps its `created`.
            ready = list(ready)
            known = bulk_load.created(database, collection_id, (item["id"] for item in ready))
            for item in ready:
                item["properties"]["created"] = known.get(item["id"]) or item["properties"]["created"]
        bulk_load.load_items(database, collection_id, ready, replace=replace)

    if items:
        await asyncio.to_thread(run)


def _target_ids(collection_id: str, items: list[Any]) -> list[str]:
    """Return the Catalog ids of items, for the audit log."""
    names = (item.get("id") for item in items if isinstance(item, dict))
    return [audit.target_id(collection_id, name) for name in names if isinstance(name, str)]


_COLLECTION = "/collections/{collection_id}"
_ITEM = f"{_COLLECTION}/items/{{item_id}}"
_ROUTES: list[tuple[str, str, Callable[..., Any], int]] = [
    ("POST", "/collections", create_collection, 201),
    ("PUT", _COLLECTION, put_collection, 200),
    ("PATCH", _COLLECTION, patch_collection, 200),
    ("DELETE", _COLLECTION, delete_collection, 204),
    ("POST", f"{_COLLECTION}/items", create_items, 201),
    ("PUT", _ITEM, put_item, 200),
    ("PATCH", _ITEM, patch_item, 200),
    ("DELETE", _ITEM, delete_item, 204),
    ("POST", f"{_COLLECTION}/bulk_items", bulk_items, 200),
]
