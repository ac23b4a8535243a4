"""Blobs over HTTP.

POST /blobs                       announce a blob: its item, and the size of its data
PUT  /blobs/uploads/{id}          send the data, streamed; the answer confirms the complete blob
GET  /blobs/{type}/{item}/data    read the data, also in ranges; HEAD too
GET  /blobs/{type}/{item}/hash    read its MD5, which is computed after the upload of large data
POST /blobs/deletions             delete blobs by their ids
GET  /blobs/deletions/{id}        read the status of the deletion of their data
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from stac_fastapi.types.errors import NotFoundError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from landbridge.mappings import InvalidDocument, assets, blob, ids
from landbridge.stac_api.access import audit, rules
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.access.rules import UNRESTRICTED
from landbridge.stac_api.assets import deletion_queue, href_policy, quota
from landbridge.stac_api.assets import routes as files
from landbridge.stac_api.assets.store import href
from landbridge.stac_api.blobs import checksums, collections, data_upload, deletion, records
from landbridge.stac_api.core import blob_items
from landbridge.stac_api.core.polling import poll
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.errors import BadRequestError, ConflictError
from landbridge.stac_api.pgstac import collection_queries, item_queries, writes
from landbridge.stac_api.search.client import GEOJSON, JSON, respond

if TYPE_CHECKING:
    import asyncpg

    from landbridge.stac_api.assets.store import AssetStore

router = APIRouter(prefix="/blobs", tags=["Blobs"])

_MAX_IDS = 10_000
_PUT_SECONDS = 6 * 3600  # lifetime of a signed URL


@router.post("", response_class=Response, status_code=201)
async def create(request: Request) -> Response:
    """Announce a blob: `{"item", "size", "overwrite"}`.

    The item's asset `data` may state the size and the checksum to expect. `size` is the size of the data, if
    it is known. With `overwrite`, the blob replaces one of the same id, which only its owners may do; until
    the data is complete, the old blob stays.
    """
    body = incoming.parse(await request.body())
    item = body.get("item") if isinstance(body, dict) else None
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise BadRequestError("The body needs `item`: the STAC item of the blob.")
    storage_type = str(item.get("collection") or "").removeprefix(ids.BLOB_COLLECTION_PREFIX)
    known = sorted(map(ids.blob_collection_id, blob_items.STORAGE_TYPES))
    if item.get("collection") not in known:
        kinds = ", ".join(known)
        raise BadRequestError(f"The item's `collection` is {item.get('collection')!r}; it is one of {kinds}.")
    deletion.check_writable(storage_type)
    principal = request_principal(request)
    rules.check_namespace(item["collection"], item["id"], principal)
    data_upload.announce(item, body.get("size"), request.app.state.landbridge.max_upload_bytes)
    pool, base = request.app.state.writepool, links.base_url(request)
    await collections.ensure(pool, item["collection"])
    parent = await collection_queries.get_collection(pool, item["collection"], UNRESTRICTED)
    # Check the item before its data is sent.
    whole = _item(item, parent, "/assets/blobs/announced", request)
    href_policy.check(whole, request.app.state.landbridge.allowed_hrefs)
    upload = uuid.uuid4()
    audit.add_targets(request, blob_items.blob_id(item), f"upload {upload}")
    access = await rules.request_access(request)
    rules.check_still_owner(whole, access)
    overwrite = _flag(body, "overwrite")
    await _refuse_existing(pool, item, access if overwrite else None)
    # The blob's owner is the caller that announces it, not the one that sends its data by the URL.
    item["properties"] = {**whole["properties"], **item["properties"]}
    async with pool.acquire() as conn, conn.transaction():
        await quota.check(conn, request.app.state.landbridge.quota_bytes, item, quota.announced_bytes(item))
        await records.create_upload(
            conn,
            upload,
            item,
            principal.name,
            overwrite=overwrite,
            subjects=None if principal.operator else sorted(principal.subjects),
        )
    path = f"/blobs/uploads/{upload}"
    # Not a URL of the store: the API counts and hashes the data.
    url = base + path[1:] + request.app.state.signer.put_query(path, principal, _PUT_SECONDS)
    answer = {"id": str(upload), "blob_id": blob_items.blob_id(item), "url": url}
    return respond(answer, base, JSON, 201)


def _flag(body: dict[str, Any], name: str) -> bool:
    given = body.get(name, False)
    if not isinstance(given, bool):
        raise BadRequestError(f"`{name}` is {given!r}; it is true or false.")
    return given


async def _refuse_existing(
    pool: asyncpg.Pool, item: dict[str, Any], replaced_by: rules.Access | None = None
) -> None:
    """Raise an error if a blob of the id exists, unless a caller with this access may replace it.

    Raises
    ------
    ConflictError
        If the blob exists and the caller may not see it, or replaces none.
    HTTPException
        403 if the caller does not own it.
    """
    if replaced_by is not None:
        async with pool.acquire() as conn:
            stored = await item_queries.get_item(conn, item["collection"], item["id"], replaced_by)
        if stored is not None:
            replaced_by.require(stored, rules.Role.OWNER)
            return
    if await item_queries.exists(pool, item["collection"], item["id"]):
        raise ConflictError(
            f"Blob {blob_items.blob_id(item)} exists already; replace it with `overwrite`, or delete it."
        )


def _item(item: dict[str, Any], parent: dict[str, Any], href_: str, request: Request) -> dict[str, Any]:
    """Return the item with its data asset at an href."""
    document = incoming.copied(item)
    data = document.setdefault("assets", {}).setdefault(blob.DATA_ASSET, {"roles": ["data"]})
    if not isinstance(data, dict):
        raise InvalidDocument("href", f"{data!r} is not an asset")
    data["href"] = href_
    if isinstance(document.get("properties"), dict):
        document["properties"]["catalog:storage_state"] = "available"
    owners = rules.owners_of_item(parent["id"], document, request_principal(request))
    return incoming.item(document, parent, links.base_url(request), owners=owners, received=True)


@router.put("/uploads/{upload_id}", response_class=Response, status_code=201)
async def put(upload_id: uuid.UUID, request: Request) -> Response:
    """Store the data of an announced blob. A repeated call changes nothing after the first success."""
    pool, store = request.app.state.writepool, request.app.state.store
    upload = await records.upload(pool, upload_id, _user(request))
    item = upload["item"]
    audit.add_targets(request, blob_items.blob_id(item))
    if upload["committed"]:
        return await _committed(pool, upload, request)
    access = await _replacing(request, upload)
    if access is None:
        await _refuse_existing(pool, item)
    storage_type = item["collection"].removeprefix(ids.BLOB_COLLECTION_PREFIX)
    path = store.new_blob(storage_type)
    settings = request.app.state.landbridge
    left = await quota.remaining(pool, settings.quota_bytes, item, str(upload_id))
    limit = min(settings.max_upload_bytes, settings.max_upload_bytes if left is None else left)
    await records.begin(pool, upload_id, path)
    discard = partial(_discard, pool, store)
    wanted = data_upload.expected(item)
    received = await data_upload.receive(store, path, request.stream(), wanted, limit, discard)
    document = incoming.copied(item)
    data = document.setdefault("assets", {}).setdefault(blob.DATA_ASSET, {"roles": ["data"]})
    data["file:size"] = received.size
    assets.set_checksum(data, received.md5)

    replaced: list[int | None] = []

    async def make_room(conn: asyncpg.Connection) -> None:
        size = received.size or 0
        await quota.check(conn, settings.quota_bytes, item, size, instead_of=str(upload_id))
        if access is not None:
            key = item["collection"], item["id"]
            replaced[:] = [await deletion.replace(conn, *key, access, upload["username"])]

    async def note(conn: asyncpg.Connection) -> None:
        await records.commit(conn, upload_id, path, hash_due=received.md5 is None)
        await quota.add(conn, item, {path: received.size or 0})

    try:
        made = await writes.create_items(
            pool,
            item["collection"],
            lambda parent: [_item(document, parent, href(path), request)],
            before=make_room,
            also=note,
        )
    except (
        ConflictError,
        BadRequestError,
        InvalidDocument,
        NotFoundError,
        quota.QuotaError,
        HTTPException,  # the caller does not own the blob that it would replace
    ):
        # After any other error it is unknown whether the blob exists; the periodic cleanup finds out.
        await discard(path)
        upload = await records.upload(pool, upload_id)
        if upload["committed"]:
            return await _committed(pool, upload, request)
        raise
    for deleted in filter(None, replaced):
        await request.app.state.jobs.defer(deletion.NAME, deletion=deleted)
    if received.md5 is None:
        await request.app.state.jobs.defer(checksums.NAME, upload=str(upload_id))
    return _answer(made[0], request, 201)


async def _discard(pool: asyncpg.Pool, store: AssetStore, path: str) -> None:
    """Delete the data of an upload that becomes no blob, now or by the periodic cleanup."""
    await deletion_queue.try_to_delete(pool, store, path.removesuffix("data"))


async def _replacing(request: Request, upload: asyncpg.Record) -> rules.Access | None:
    """Return the access by which an upload may replace a blob; None if it may replace none.

    It is what the caller of the announcement may do now: a signed URL has no rights of its own.
    """
    if not upload["overwrite"]:
        return None
    if upload["subjects"] is None:
        return UNRESTRICTED
    found: rules.Access = await request.app.state.services.grants.access(frozenset(upload["subjects"]))
    return found


async def _committed(pool: asyncpg.Pool, upload: asyncpg.Record, request: Request) -> Response:
    item = upload["item"]
    async with pool.acquire() as conn:
        found = await item_queries.get_item(conn, item["collection"], item["id"], UNRESTRICTED)
    if found is None or found["assets"][blob.DATA_ASSET]["href"] != href(upload["committed"]):
        # A blob of the same name that was made since is not this upload's.
        raise NotFoundError(f"Blob {blob_items.blob_id(item)} was deleted after it was uploaded.")
    return _answer(found, request)


def _answer(item: dict[str, Any], request: Request, status: int = 200) -> Response:
    base = links.base_url(request)
    return respond(links.with_item_links(item, base), base, GEOJSON, status)


@router.post("/deletions", response_class=Response, status_code=202)
async def delete(request: Request) -> Response:
    """Delete blobs: `{"ids": [...], "raise_on_missing": false}`; ids of missing blobs are ignored."""
    body = incoming.parse(await request.body())
    names = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRequestError("The body needs `ids`: an array of the ids of blobs.")
    if len(names) > _MAX_IDS:
        raise BadRequestError(f"{len(names)} blobs are too many; one request may have {_MAX_IDS}.")
    audit.add_targets(request, *names)
    strict = bool(body.get("raise_on_missing"))
    wanted = []
    for name in names:
        try:
            storage_type, namespace, rest = ids.split_blob_id(name)
            wanted.append((ids.blob_collection_id(storage_type), ids.blob_item_id(namespace, rest)))
        except ValueError as error:
            if strict:
                raise NotFoundError(f"Blobs do not exist: {name!r}") from error
    access, user = await rules.request_access(request), request_principal(request).name
    record = await deletion.delete(
        request.app.state.writepool, wanted, access, username=user, all_or_none=strict
    )
    await request.app.state.jobs.defer(deletion.NAME, deletion=record["id"])
    return respond(records.to_json(record), links.base_url(request), JSON, 202)


@router.get("/deletions/{deletion_id}", response_class=Response)
async def get_deletion(deletion_id: int, request: Request) -> Response:
    """Return the status of a deletion of blobs' data."""
    record = await records.deletion(request.app.state.readpool, deletion_id, _user(request))
    return respond(records.to_json(record), links.base_url(request), JSON)


@router.get("/{storage_type}/{item_id}/data", response_class=Response)
@router.head("/{storage_type}/{item_id}/data", response_class=Response)
async def data(storage_type: str, item_id: str, request: Request) -> Response:
    """Return the data of a blob, or a range of it; its entity tag is its MD5, once known."""
    access = await rules.request_access(request)
    missing = ""
    while True:
        async with request.app.state.get_connection(request, "r") as conn:
            asset = await _data(conn, storage_type, item_id, access)
        path = links.asset_path(asset["href"])
        if path is None:
            shown = _display_id(ids.blob_collection_id(storage_type), item_id)
            raise BadRequestError(f"Blob {shown} is remote: its data is at {asset['href']}")
        # A reader that started before the MD5 was known continues by the earlier tag.
        known = (assets.checksum_of(asset), blob.data_version(asset["href"]))
        etags = [f'"{tag}"' for tag in known if tag is not None]
        try:
            return await files.serve(path, request, etags=etags, cached="no-cache")
        except HTTPException as error:
            # The blob may have been replaced, and its data deleted, after the item was read.
            if error.status_code != 404 or path == missing:
                raise
            missing = path


@router.get("/{storage_type}/{item_id}/hash", response_class=Response)
async def get_hash(
    storage_type: str, item_id: str, request: Request, wait: Annotated[float, Query(ge=0, le=60)] = 0
) -> Response:
    """Return the MD5 of a blob's data: `{"hash", "pending"}`, after up to `wait` seconds if it is pending."""
    access = await rules.request_access(request)

    async def query() -> dict[str, Any]:
        async with (
            request.app.state.get_connection(request, "r") as conn,
            # One snapshot of both: the MD5 is added in the transaction that ends its being due.
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            asset = await _data(conn, storage_type, item_id, access)
            md5, path = assets.checksum_of(asset), links.asset_path(asset["href"])
            pending = md5 is None and path is not None and await records.is_hash_due(conn, path)
        return {"hash": md5, "pending": pending}

    found = await poll(query, lambda answer: not answer["pending"], wait)
    return respond(found, links.base_url(request), JSON)


async def _data(
    conn: asyncpg.Connection, storage_type: str, item_id: str, access: rules.Access
) -> dict[str, Any]:
    """Return the data asset of a blob, as stored.

    Raises
    ------
    NotFoundError
        If no such blob is visible to the caller.
    """
    collection = ids.blob_collection_id(storage_type)
    item = await item_queries.get_item(conn, collection, item_id, access)
    if item is None:
        raise NotFoundError(f"Blob {_display_id(collection, item_id)} does not exist.")
    asset: dict[str, Any] = item["assets"][blob.DATA_ASSET]
    return asset


def _user(request: Request) -> str | None:
    """Return the user whose records the caller may read; None, for all, for an operator or a signed URL."""
    principal = request_principal(request)
    return None if principal.operator else principal.name


def _display_id(collection: str, item_id: str) -> str:
    try:
        return blob_items.blob_id({"collection": collection, "id": item_id})
    except ValueError:
        return item_id
