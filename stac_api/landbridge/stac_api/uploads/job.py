"""The ingest job: from submitted files to an item, or to a failure that says why.

Every step can be repeated, by several workers at once. Each attempt puts its files under a place of its own,
noted beforehand as superfluous; the transaction that makes the item and ends the record keeps the place. So
an attempt that dies leaves a record to run again, and files that the sweeper finds.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from landbridge.mappings import InvalidDocument, band, image
from landbridge.mappings.assets import FILE_INDEX, preview_key
from landbridge.stac_api.access.rules import EVERYTHING
from landbridge.stac_api.assets import deletion_queue, quota
from landbridge.stac_api.assets.store import (
    COG,
    href,
    image_path,
    own_paths,
    upload_folder,
    upload_path,
)
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.errors import BadRequestError, ConflictError
from landbridge.stac_api.jobs.failures import RETRYABLE, user_message
from landbridge.stac_api.jobs.queue import JobKind
from landbridge.stac_api.pgstac import item_queries, writes
from landbridge.stac_api.uploads import messages, physical_ranges, records, temporary_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.services import Services
    from landbridge.stac_api.uploads.records import Upload
    from landbridge.stac_api.uploads.worker_pool import WorkerPool

logger = logging.getLogger(__name__)

# What the user has to change something about.
_USER_ERRORS = (messages.IngestError, InvalidDocument, BadRequestError, ConflictError, quota.QuotaError)

NAME = "ingest"
PNG = "image/png"
_THUMBNAIL = "thumbnail.png"


def kind(services: Services, workers: WorkerPool) -> JobKind:
    """Return the kind of jobs that turn uploads into items."""
    staging = services.settings.staging

    async def run_job(upload: int, *, last_try: bool) -> None:
        await run(services, workers, upload, last_try=last_try)

    async def unqueued(pool: asyncpg.Pool, older_than: float) -> list[dict[str, int]]:
        return [{"upload": upload} for upload in await records.without_job(pool, older_than)]

    def prepare() -> None:
        if staging is not None:
            staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary_folders.remove_abandoned(staging)

    return JobKind(NAME, "upload-{upload}", run_job, unqueued, prepare)


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
        return  # canceled, or done by a job that died before it could say so
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
    """Tell that there was an attempt, if the database can be told."""
    logger.warning("Upload %s will be tried again: %s", upload.id, error)
    try:
        message = f"{user_message(error)} It will be tried again."
        await records.add_event(services.writepool, upload.id, "log", message, severity="WARNING")
    except RETRYABLE:
        logger.warning("The database does not answer either", exc_info=True)


async def _fail(services: Services, upload: Upload, message: str) -> None:
    try:
        async with services.writepool.acquire() as conn, conn.transaction():
            await records.advance(conn, upload.id, "failure", allowed=("running",))
            await records.add_event(conn, upload.id, "complete", message, severity="ERROR")
            await deletion_queue.schedule(conn, [upload_folder(upload.id)])
            await deletion_queue.schedule_upload(conn, upload.id)
    except ConflictError:
        logger.warning("Upload %s was ended by another worker", upload.id)
        await deletion_queue.schedule_upload(services.writepool, upload.id)  # what this one has put
    await deletion_queue.try_to_delete_due(services.writepool, services.store)


async def _ingest(services: Services, workers: WorkerPool, upload: Upload) -> None:
    store, pool = services.store, services.writepool
    parent = await item_queries.find_collection(pool, upload.product_id, EVERYTHING)
    if parent is None:
        raise BadRequestError(f"Product {upload.product_id} was deleted in the meantime.")
    given = {key: value for key, value in image.from_stac(upload.item).items() if value is not None}
    place = image_path(upload.product_id, upload.item["id"], f"{upload.id}-{uuid.uuid4().hex[:12]}", "")
    with temporary_folders.job_folder(services.settings.staging) as folder:
        files = [await store.fetch(upload_path(upload.id, n), folder) for n in range(len(upload.files))]
        request = messages.ConversionRequest(
            files=files,
            names=[file["name"] for file in upload.files],
            folder=folder,
            bands=band.list_from_collection(parent),
            attributes=given,
            options=upload.options,
        )
        async with workers.process() as process:
            await process.check(request)
            result = await process.convert(request)
        await deletion_queue.schedule_unless_kept(pool, place, upload.id)
        hrefs = [href(place + file.name) for file in result.files]
        thumbnail = href(place + _THUMBNAIL) if result.thumbnail else None
        sizes: dict[str, int] = {}
        for file in (*result.files, *([result.thumbnail] if result.thumbnail else ())):
            sizes[place + file.name] = file.stat().st_size
            await store.take(place + file.name, file)
    if result.scales:
        done, notes = await physical_ranges.fill(pool, upload.product_id, request.bands, result.scales)
        for message in done:
            await records.add_event(pool, upload.id, "log", message)
    else:
        notes = []
    for message in (*result.notes, *notes):
        await records.add_event(pool, upload.id, "log", message, severity="WARNING")
    await _insert(services, upload, _attributes(result, given, hrefs, thumbnail), result, place, sizes)
    await deletion_queue.try_to_delete_due(services.writepool, services.store)


def _attributes(
    result: messages.ConversionResult, given: dict[str, Any], hrefs: Sequence[str], thumbnail: str | None
) -> dict[str, Any]:
    """The image's attributes. What the user set wins, but for what only the files can say."""
    derived = dict(result.attributes)
    derived["files"] = [
        {**file, "href": place, "media_type": COG}
        for file, place in zip(derived["files"], hrefs, strict=True)
    ]
    shown = {"preview_url": thumbnail} if thumbnail else {}
    wanted = {key: value for key, value in given.items() if key not in result.corrected}
    return {**derived, **shown, **wanted, **{key: derived[key] for key in ("files", "storage_state")}}


async def _insert(
    services: Services,
    upload: Upload,
    attributes: dict[str, Any],
    result: messages.ConversionResult,
    place: str,
    sizes: Mapping[str, int],
) -> None:
    """Make the item and end the record, in one transaction."""

    def prepare(collection: dict[str, Any]) -> Sequence[dict[str, Any]]:
        document = image.to_stac(attributes, base=upload.item)
        _describe(document, result)
        return [incoming.item(document, collection, "/")]

    async def replace(conn: asyncpg.Connection) -> None:
        if previous := await item_queries.get_item(conn, upload.product_id, upload.item["id"], EVERYTHING):
            # A client that has just got the old item may read its files as long as by a URL signed just now.
            await deletion_queue.schedule(conn, own_paths(previous), after=services.settings.signed_seconds)

    async def before(conn: asyncpg.Connection) -> None:
        # What was made of the files may be larger than they were.
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
        await deletion_queue.cancel(conn, place)
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


def _describe(document: dict[str, Any], result: messages.ConversionResult) -> None:
    """Put into the assets what no attribute of an image holds: statistics, and what the preview is."""
    assets: dict[str, dict[str, Any]] = document["assets"]
    for asset in assets.values():
        if (index := asset.get(FILE_INDEX)) is not None:
            found = [{"statistics": one} if one else {} for one in result.statistics[index]]
            asset["bands"], asset["raster:bands"] = found, found
    if result.thumbnail and (key := preview_key(assets)):
        assets[key]["type"] = PNG
