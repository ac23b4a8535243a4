"""The ingest job: converts submitted files and makes their item, or fails the upload with a reason.

Every step can be repeated, even by several workers at once. Each attempt stores its files under a path of its
own, which is scheduled for deletion before. The transaction that makes the item and ends the record cancels
that deletion. So an attempt that dies leaves a record to run again, and files that the cleanup deletes.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from landbridge.mappings import InvalidDocument, band, image
from landbridge.mappings.assets import FILE_INDEX, preview_key
from landbridge.stac_api.access.rules import UNRESTRICTED
from landbridge.stac_api.assets import deletion_queue, quota
from landbridge.stac_api.assets.store import (
    COG,
    href,
    image_path,
    own_paths,
    upload_folder,
    upload_path,
)
from landbridge.stac_api.core.metrics import INGESTED_BYTES, UPLOADS
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.errors import BadRequestError, ConflictError
from landbridge.stac_api.jobs.failures import RETRYABLE, user_message
from landbridge.stac_api.jobs.queue import JobKind
from landbridge.stac_api.pgstac import collection_queries, item_queries, job_queries, writes
from landbridge.stac_api.uploads import messages, physical_ranges, records, temporary_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.services import Services
    from landbridge.stac_api.uploads.records import Upload
    from landbridge.stac_api.uploads.worker_pool import WorkerPool

logger = logging.getLogger(__name__)

# Errors that the user has to correct.
_USER_ERRORS = (messages.IngestError, InvalidDocument, BadRequestError, ConflictError, quota.QuotaError)

NAME = "ingest"
# The priority of an upload falls with each other upload of its user that waits, down to this many.
_MOST_WAITING = 100
PNG = "image/png"
_THUMBNAIL = "thumbnail.png"


def kind(services: Services, workers: WorkerPool) -> JobKind:
    """Return the kind of jobs that turn uploads into items."""
    staging = services.settings.staging

    async def run_job(upload: int, *, last_try: bool) -> None:
        await run(services, workers, upload, last_try=last_try)

    async def unqueued(pool: asyncpg.Pool, older_than: float) -> list[dict[str, int]]:
        return [{"upload": upload} for upload in await job_queries.uploads_without_job(pool, older_than)]

    def prepare() -> None:
        if staging is not None:
            staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary_folders.remove_abandoned(staging)

    async def priority(pool: asyncpg.Pool, upload: int) -> int:
        # One user's thousands of uploads must not delay the first one of another user.
        return -await records.waiting_of_same_user(pool, upload, _MOST_WAITING)

    return JobKind(
        NAME,
        "upload-{upload}",
        run_job,
        unqueued,
        prepare,
        queue="ingest",
        concurrency=services.settings.worker_concurrency,
        priority=priority,
    )


async def run(services: Services, workers: WorkerPool, upload_id: int, *, last_try: bool) -> None:
    """Run the job of one upload.

    Parameters
    ----------
    services : Services
        Handles of this process.
    workers : WorkerPool
        Worker processes that read and convert the files.
    upload_id : int
        Id of the upload's record.
    last_try : bool
        End the upload on a retryable error; else the error is raised, so that the queue tries again.
    """
    pool = services.writepool
    try:
        upload = await records.advance(pool, upload_id, "running", allowed=("pending", "running"))
    except ConflictError:
        return  # canceled, or done by a job that died before it was marked as done
    await records.add_event(pool, upload_id, "run", "Running")
    try:
        await _ingest(services, workers, upload)
    except _USER_ERRORS as error:
        await _fail(services, upload, str(error))
    except Exception as error:
        if isinstance(error, RETRYABLE):
            if not last_try:
                await _note_attempt(services, upload, error)
                raise
            why = f"{user_message(error)} Nothing is wrong with your files: upload them again later."
        else:
            why = user_message(error)
        logger.exception("Upload %s failed", upload_id)
        await _fail(services, upload, why)


async def _note_attempt(services: Services, upload: Upload, error: Exception) -> None:
    """Add an event about a failed attempt, if the database answers."""
    logger.warning("Upload %s will be tried again: %s", upload.id, error)
    try:
        message = f"{user_message(error)} It will be tried again."
        await records.add_event(services.writepool, upload.id, "log", message, severity="WARNING")
    except RETRYABLE:
        logger.warning("The event could not be stored: the database does not answer", exc_info=True)


async def _fail(services: Services, upload: Upload, message: str) -> None:
    try:
        async with services.writepool.acquire() as conn, conn.transaction():
            await records.advance(conn, upload.id, "failure", allowed=("running",))
            await records.add_event(conn, upload.id, "complete", message, severity="ERROR")
            await deletion_queue.schedule(conn, [upload_folder(upload.id)])
            await deletion_queue.schedule_upload(conn, upload.id)
        UPLOADS.labels("failure").inc()
    except ConflictError:
        logger.warning("Upload %s was ended by another worker", upload.id)
        await deletion_queue.schedule_upload(services.writepool, upload.id)
    await deletion_queue.try_to_delete_due(services.writepool, services.store)


async def _ingest(services: Services, workers: WorkerPool, upload: Upload) -> None:
    store, pool = services.store, services.writepool
    parent = await collection_queries.find_collection(pool, upload.product_id, UNRESTRICTED)
    if parent is None:
        raise BadRequestError(f"Product {upload.product_id} was deleted before the upload ended.")
    user_attributes = {key: value for key, value in image.from_stac(upload.item).items() if value is not None}
    prefix = image_path(upload.product_id, upload.item["id"], f"{upload.id}-{uuid.uuid4().hex[:12]}", "")
    with temporary_folders.job_folder(services.settings.staging) as folder:
        files = [await store.local_file(upload_path(upload.id, n), folder) for n in range(len(upload.files))]
        request = messages.ConversionRequest(
            files=files,
            names=[file["name"] for file in upload.files],
            folder=folder,
            bands=band.list_from_collection(parent),
            attributes=user_attributes,
            options=upload.options,
        )
        async with workers.process() as process:
            await process.check(request)
            result = await process.convert(request)
        await deletion_queue.schedule_unless_kept(pool, prefix, upload.id)
        hrefs = [href(prefix + file.name) for file in result.files]
        thumbnail = href(prefix + _THUMBNAIL) if result.thumbnail else None
        sizes: dict[str, int] = {}
        for file in (*result.files, *([result.thumbnail] if result.thumbnail else ())):
            sizes[prefix + file.name] = file.stat().st_size
            await store.move_in(prefix + file.name, file)
    if result.scales:
        done, notes = await physical_ranges.fill(pool, upload.product_id, request.bands, result.scales)
        for message in done:
            await records.add_event(pool, upload.id, "log", message)
    else:
        notes = []
    for message in (*result.notes, *notes):
        await records.add_event(pool, upload.id, "log", message, severity="WARNING")
    await _insert(
        services, upload, _attributes(result, user_attributes, hrefs, thumbnail), result, prefix, sizes
    )
    await deletion_queue.try_to_delete_due(services.writepool, services.store)


def _attributes(
    result: messages.ConversionResult,
    user_attributes: dict[str, Any],
    hrefs: Sequence[str],
    thumbnail: str | None,
) -> dict[str, Any]:
    """Return the image's attributes: those set by the user, except for `corrected` and file attributes."""
    derived = dict(result.attributes)
    derived["files"] = [
        {**file, "href": href_, "media_type": COG}
        for file, href_ in zip(derived["files"], hrefs, strict=True)
    ]
    shown = {"preview_url": thumbnail} if thumbnail else {}
    wanted = {key: value for key, value in user_attributes.items() if key not in result.corrected}
    return {**derived, **shown, **wanted, **{key: derived[key] for key in ("files", "storage_state")}}


async def _insert(
    services: Services,
    upload: Upload,
    attributes: dict[str, Any],
    result: messages.ConversionResult,
    prefix: str,
    sizes: Mapping[str, int],
) -> None:
    """Make the item and end the record in one transaction."""

    def prepare(collection: dict[str, Any]) -> Sequence[dict[str, Any]]:
        document = image.to_stac(attributes, base=upload.item)
        _describe(document, result)
        return [incoming.item(document, collection, "/")]

    async def replace(conn: asyncpg.Connection) -> None:
        if previous := await item_queries.get_item(conn, upload.product_id, upload.item["id"], UNRESTRICTED):
            # A client with the old item may read its files for as long as a URL signed now is valid.
            await deletion_queue.schedule(conn, own_paths(previous), after=services.settings.signed_seconds)

    async def before(conn: asyncpg.Connection) -> None:
        # The COGs may be larger than the files that were sent.
        most, size = services.settings.quota_bytes, sum(sizes.values())
        await quota.check(conn, most, upload.item, size, instead_of=upload.id, replaces=upload.overwrite)
        if upload.overwrite:
            await replace(conn)

    async def succeed(conn: asyncpg.Connection) -> None:
        await records.advance(conn, upload.id, "success", allowed=("running",))
        files = attributes["files"]
        size = sum(file["size_bytes"] for file in files)
        await records.add_event(conn, upload.id, "usage", f"{len(files)} file(s), {size} bytes")
        await records.add_event(conn, upload.id, "complete", "Success")
        await deletion_queue.cancel(conn, prefix)
        await quota.add(conn, upload.item, sizes)
        await deletion_queue.schedule(conn, [upload_folder(upload.id)])
        await deletion_queue.schedule_upload(conn, upload.id)

    await writes.create_items(
        services.writepool,
        upload.product_id,
        prepare,
        replace=upload.overwrite,
        before=before,
        also=succeed,
    )
    UPLOADS.labels("success").inc()
    INGESTED_BYTES.inc(sum(sizes.values()))


def _describe(document: dict[str, Any], result: messages.ConversionResult) -> None:
    """Add metadata that are no attributes of an image: band statistics, and the thumbnail's media type."""
    assets: dict[str, dict[str, Any]] = document["assets"]
    for asset in assets.values():
        if (index := asset.get(FILE_INDEX)) is not None:
            found = [{"statistics": one} if one else {} for one in result.statistics[index]]
            asset["bands"], asset["raster:bands"] = found, found
    if result.thumbnail and (key := preview_key(assets)):
        assets[key]["type"] = PNG
