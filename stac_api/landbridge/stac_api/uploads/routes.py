"""Uploads over HTTP.

POST /uploads                  make a record; the answer has the addresses for the files
PUT  /uploads/{id}/files/{n}   send the bytes of one file, streamed
POST /uploads/{id}/submit      queue the job, after all files arrived
GET  /uploads, /uploads/{id}   read records and their events
POST /uploads/{id}/cancel      cancel an upload whose job has not started
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from stac_fastapi.types.errors import NotFoundError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from landbridge.mappings import ids
from landbridge.stac_api.access import audit
from landbridge.stac_api.access.principal import request_principal
from landbridge.stac_api.access.rules import Role, request_access
from landbridge.stac_api.access.signed_urls import lifetime
from landbridge.stac_api.assets import deletion_queue, href_policy, quota
from landbridge.stac_api.assets.store import STORE_ERRORS, upload_folder, upload_path, write_error
from landbridge.stac_api.core.polling import poll
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.errors import BadRequestError, ConflictError
from landbridge.stac_api.pgstac import collection_queries, item_queries
from landbridge.stac_api.search.client import JSON, respond
from landbridge.stac_api.uploads import job, records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = APIRouter(prefix="/uploads", tags=["Uploads"])

_MAX_FILES = 1000
_MAX_PUT_BYTES = 5 * 2**30  # limit of S3 for one PUT; larger files come through the API, in parts
_PUT_SECONDS = 6 * 3600  # lifetime of a signed URL; many files are sent one after the other


@router.post("", response_class=Response, status_code=201)
async def create(request: Request) -> Response:
    """Make an upload record: `{"item", "files": [{"name", "size"}], "options", "overwrite"}`."""
    body = incoming.parse(await request.body())
    item, files, options, overwrite = _parse_announcement(body, request.app.state.landbridge.max_upload_bytes)
    collection, name = item["collection"], item["id"]
    image_id = ids.image_id(collection, name)
    audit.add_targets(request, image_id)
    pool = request.app.state.writepool
    access = await request_access(request)
    parent = await collection_queries.find_collection(pool, collection, access)
    if parent is None:
        raise NotFoundError(f"Product {collection} does not exist; save it before uploading images to it.")
    access.require(parent, Role.WRITER)
    incoming.check_announced(item, parent)
    href_policy.check(item, request.app.state.landbridge.allowed_hrefs)
    if not overwrite and await item_queries.exists(pool, collection, name):
        raise ConflictError(f"Image {image_id} exists already; upload with overwrite=True to replace it.")
    quota_bytes: int = request.app.state.landbridge.quota_bytes
    async with pool.acquire() as conn, conn.transaction():
        await quota.check(conn, quota_bytes, item, sum(file["size"] for file in files), replaces=overwrite)
        upload = await records.create(
            conn,
            item=item,
            image_id=image_id,
            username=request_principal(request).name,
            options=options,
            files=files,
            overwrite=overwrite,
        )
    audit.add_targets(request, f"upload {upload.id}")
    return await _answer(upload, request, 201)


def _parse_announcement(
    body: Any, limit: int
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("item"), dict):
        raise BadRequestError("The body needs `item`: the STAC item of the image.")
    item = body["item"]
    for member in ("id", "collection"):
        if not isinstance(item.get(member), str) or not item[member]:
            raise BadRequestError(f"The item needs `{member}`: a non-empty string, not {item.get(member)!r}.")
    if not ids.is_valid_name(item["id"]):
        raise BadRequestError(
            f"The image name {item['id']!r} may only hold letters, digits, `_`, `.` and `-`."
        )
    files = body.get("files")
    if not isinstance(files, list) or not 0 < len(files) <= _MAX_FILES:
        raise BadRequestError(f'The body needs `files`: 1 to {_MAX_FILES} objects {{"name", "size"}}.')
    clean: list[dict[str, Any]] = []
    for file in files:
        size = file.get("size") if isinstance(file, dict) else None
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise BadRequestError(f"Each file needs `size` in bytes; {file!r} has none.")
        if size > limit:
            raise HTTPException(413, f"File {file.get('name')!r} has {size} bytes; {limit} is the most.")
        clean.append({"name": str(file.get("name") or f"file {len(clean)}"), "size": size})
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise BadRequestError(f"`options` is an object, not {options!r}.")
    return item, clean, options, bool(body.get("overwrite"))


@router.put("/{upload_id}/files/{number}", response_class=Response, status_code=204)
async def put_file(upload_id: int, number: int, request: Request) -> Response:
    """Store the bytes of one file."""
    pool, store = request.app.state.writepool, request.app.state.store
    upload = await _record(upload_id, request)
    audit.add_targets(request, upload.image_id)
    if upload.status != "transferring":
        raise ConflictError(f"Upload {upload_id} is {upload.status}; it takes no more files.")
    if not 0 <= number < len(upload.files):
        raise NotFoundError(f"Upload {upload_id} has the files 0 to {len(upload.files) - 1}, no {number}.")
    declared = upload.files[number]
    path = upload_path(upload_id, number)
    try:
        size = await store.put(path, _at_most(request, declared["size"]))
    except STORE_ERRORS as error:
        raise write_error("file", error) from error
    if size != declared["size"]:
        await deletion_queue.try_to_delete(pool, store, path)
        raise BadRequestError(
            f"File {declared['name']!r} was announced with {declared['size']} bytes, but {size} arrived."
        )
    if (await records.get(pool, upload_id)).status in ("failure", "canceled"):
        # It ended while the file arrived.
        await deletion_queue.try_to_delete(pool, store, upload_folder(upload_id))
        raise ConflictError(f"Upload {upload_id} was ended while the file arrived.")
    return Response(status_code=204)


async def _at_most(request: Request, size: int) -> AsyncIterator[bytes]:
    """Yield the body; raise an error if it is longer than announced."""
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > size:
            raise BadRequestError(f"The file was announced with {size} bytes, but more arrived.")
        if chunk:
            yield chunk


@router.post("/{upload_id}/submit", response_class=Response)
async def submit(upload_id: int, request: Request) -> Response:
    """Check that all files arrived, and queue the job. The call is idempotent."""
    pool, store = request.app.state.writepool, request.app.state.store
    upload = await _record(upload_id, request)
    audit.add_targets(request, upload.image_id)
    if upload.status == "transferring":
        arrived = await store.sizes(upload_folder(upload_id))
        expected = {upload_path(upload_id, n): file for n, file in enumerate(upload.files)}
        missing = [file["name"] for path, file in expected.items() if path not in arrived]
        if missing:
            raise ConflictError(f"Upload {upload_id} still lacks the files {', '.join(map(repr, missing))}.")
        for path, file in expected.items():
            if arrived[path] != file["size"]:  # sent to the store by a signed URL
                raise ConflictError(
                    f"File {file['name']!r} was announced with {file['size']} bytes, but {arrived[path]} "
                    f"arrived. Send it again."
                )
        async with pool.acquire() as conn, conn.transaction():
            upload = await records.advance(conn, upload_id, "pending", allowed=("transferring",))
            await records.add_event(
                conn, upload_id, "queue", "The files arrived; the job is queued.", component="api"
            )
    if upload.status == "pending":
        await request.app.state.jobs.defer(job.NAME, upload=upload_id)
    return await _answer(upload, request)


@router.post("/{upload_id}/cancel", response_class=Response)
async def cancel(upload_id: int, request: Request) -> Response:
    """Cancel an upload whose job has not started."""
    pool = request.app.state.writepool
    await _record(upload_id, request)
    async with pool.acquire() as conn, conn.transaction():
        upload = await records.advance(conn, upload_id, "canceled", allowed=("transferring", "pending"))
        audit.add_targets(request, upload.image_id)
        await records.add_event(conn, upload_id, "cancel", "Canceled on request.", component="api")
        await deletion_queue.schedule(conn, [upload_folder(upload_id)])
    await deletion_queue.try_to_delete_due(pool, request.app.state.store)
    return await _answer(upload, request)


@router.get("/{upload_id}", response_class=Response)
async def get(
    upload_id: int,
    request: Request,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
    *,
    events: bool = True,
) -> Response:
    """Return one record, with its events unless `events=false`, after up to `wait` seconds for its end."""
    query = partial(_record, upload_id, request)
    upload = await poll(query, lambda found: found.status in records.TERMINAL, wait)
    return await _answer(upload, request, events=events)


@router.get("", response_class=Response)
async def search(
    request: Request,
    product_id: str | None = None,
    image_id: str | None = None,
    status: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
    *,
    events: bool = True,
) -> Response:
    """Return records by product, image and status, of products that the caller may write to."""
    pool, access = request.app.state.readpool, await request_access(request)
    found, matched = await records.search(
        pool,
        product_id=product_id,
        image_id=image_id,
        status=status,
        products=None if access.unrestricted else sorted(access.write),
        limit=limit,
        offset=offset,
    )
    found_events = await records.events(pool, [upload.id for upload in found]) if events else {}
    base = links.base_url(request)
    shown = [records.to_json(upload, found_events.get(upload.id)) for upload in found]
    return respond({"uploads": shown, "numberMatched": matched}, base, JSON)


async def _record(upload_id: int, request: Request) -> records.Upload:
    """Return a record, if the caller may write to its product or has a URL signed for the record.

    Raises
    ------
    NotFoundError
        If no record is visible to the caller.
    """
    state = request.app.state
    upload = await records.get(state.readpool if request.method == "GET" else state.writepool, upload_id)
    if not (await request_access(request)).writes(upload.product_id):
        raise records.not_found(upload_id)
    return upload


async def _answer(
    upload: records.Upload, request: Request, status: int = 200, *, events: bool = True
) -> Response:
    pool = request.app.state.writepool
    found = (await records.events(pool, [upload.id]))[upload.id] if events else None
    urls = await _urls(upload, request) if upload.status == "transferring" else ()
    return respond(records.to_json(upload, found, urls), links.base_url(request), JSON, status)


async def _urls(upload: records.Upload, request: Request) -> list[str]:
    """Return the URLs to which the files are sent: of the store if it can sign them, else of this API."""
    settings, store = request.app.state.landbridge, request.app.state.store
    if request.method == "GET":
        return []  # the right to read a record does not include sending its files
    seconds = lifetime(request_principal(request), _PUT_SECONDS)
    if settings.presign and store.can_sign_uploads:
        return [
            await store.sign("PUT", upload_path(upload.id, number), seconds)
            if file["size"] <= _MAX_PUT_BYTES
            else _api_url(upload.id, number, request)
            for number, file in enumerate(upload.files)
        ]
    return [_api_url(upload.id, number, request) for number in range(len(upload.files))]


def _api_url(upload: int, number: int, request: Request) -> str:
    path = f"/uploads/{upload}/files/{number}"
    query: str = request.app.state.signer.put_query(path, request_principal(request), _PUT_SECONDS)
    return links.base_url(request) + path[1:] + query
