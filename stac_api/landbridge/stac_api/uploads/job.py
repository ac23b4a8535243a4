"""The ingest job: from submitted files to an item, or to a failure that says why.

Every step can be repeated, by several workers at once. Each attempt puts its files under a place of its own,
noted beforehand as superfluous; the transaction that makes the item and ends the record keeps the place. So
an attempt that dies leaves a record to run again, and files that the sweeper finds.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

import asyncpg
import obstore.exceptions

from landbridge.mappings import InvalidDocument, band, image
from landbridge.mappings.assets import FILE_INDEX, preview_key
from landbridge.stac_api.access.rules import EVERYTHING
from landbridge.stac_api.assets import deletion_queue, quota
from landbridge.stac_api.assets.store import (
    COG,
    FAILURES,
    href,
    image_path,
    own_paths,
    reason,
    upload_folder,
    upload_path,
)
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.errors import BadRequestError, ConflictError, UnavailableError
from landbridge.stac_api.jobs import failpoints
from landbridge.stac_api.pgstac import item_queries, writes
from landbridge.stac_api.uploads import messages, physical_ranges, records, staging
from landbridge.stac_api.uploads.worker_pool import ChildDiedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from landbridge.stac_api.core.services import Services
    from landbridge.stac_api.uploads.records import Upload
    from landbridge.stac_api.uploads.worker_pool import Processes, Session

logger = logging.getLogger(__name__)

# What the user has to change something about.
_USER_ERRORS = (messages.IngestError, InvalidDocument, BadRequestError, ConflictError, quota.QuotaError)

# What may pass when tried again: the database, the store or the child process went away.
TRANSIENT = (
    OSError,
    UnavailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    obstore.exceptions.BaseError,
    ChildDiedError,
)

PNG = "image/png"
_THUMBNAIL = "thumbnail.png"


async def run(services: Services, processes: Processes, upload_id: int, *, last_try: bool) -> None:
    """Carry out one upload.

    Args:
        services: of this process.
        processes: the children that do the raster work.
        upload_id: the record.
        last_try: whether a transient error ends the upload (else it is raised, to be tried again).
    """
    pool = services.writepool
    try:
        upload = await records.advance(pool, upload_id, "running", allowed=("pending", "running"))
    except ConflictError:
        return  # canceled, or done by a job that died before it could say so
    await records.add_event(pool, upload_id, "run", "Running")
    try:
        await _ingest(services, processes, upload)
    except _USER_ERRORS as error:
        await _fail(services, upload, str(error))
    except Exception as error:
        if isinstance(error, TRANSIENT):
            if not last_try:
                await _note_attempt(services, upload, error)
                raise
            why = f"{told(error)} Nothing is wrong with your files: upload them again later."
        else:
            why = told(error)
        logger.exception("Upload %s failed", upload_id)
        await _fail(services, upload, why)


def told(error: Exception) -> str:
    """What went wrong on our side, for users: no path or address of ours."""
    if isinstance(error, messages.NoSpaceError):
        return "The server has no space left for the image."
    if isinstance(error, ChildDiedError):
        return "The process that reads the files was ended, again and again."
    if isinstance(error, asyncpg.DiskFullError):
        return "The database has no space left."
    if isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError, UnavailableError)):
        return f"The database could not be reached ({type(error).__name__})."
    if isinstance(error, FAILURES):
        return f"The object store could not be read or written ({reason(error)})."
    return f"The server failed ({type(error).__name__}); its log has the details."


async def _note_attempt(services: Services, upload: Upload, error: Exception) -> None:
    """Tell that there was an attempt, if the database can be told."""
    logger.warning("Upload %s will be tried again: %s", upload.id, error)
    try:
        message = f"{told(error)} It will be tried again."
        await records.add_event(services.writepool, upload.id, "log", message, severity="WARNING")
    except TRANSIENT:
        logger.warning("The database does not answer either", exc_info=True)


async def _fail(services: Services, upload: Upload, message: str) -> None:
    try:
        async with services.writepool.acquire() as conn, conn.transaction():
            await records.advance(conn, upload.id, "failure", allowed=("running",))
            await records.add_event(conn, upload.id, "complete", message, severity="ERROR")
            await deletion_queue.discard(conn, [upload_folder(upload.id)])
            await deletion_queue.discard_upload(conn, upload.id)
    except ConflictError:
        logger.warning("Upload %s was ended by another worker", upload.id)
        await deletion_queue.discard_upload(services.writepool, upload.id)  # what this one has put
    await deletion_queue.try_to_empty(services)


async def _ingest(services: Services, processes: Processes, upload: Upload) -> None:
    store, pool = services.store, services.writepool
    parent = await item_queries.find_collection(pool, upload.product_id, EVERYTHING)
    if parent is None:
        raise BadRequestError(f"Product {upload.product_id} was deleted in the meantime.")
    given = {key: value for key, value in image.from_stac(upload.item).items() if value is not None}
    place = image_path(upload.product_id, upload.item["id"], f"{upload.id}-{uuid.uuid4().hex[:12]}", "")
    with staging.folder(services.settings.staging) as folder:
        files = [await store.fetch(upload_path(upload.id, n), folder) for n in range(len(upload.files))]
        job = messages.Job(
            files=files,
            names=[file["name"] for file in upload.files],
            folder=folder,
            bands=band.list_from_collection(parent),
            attributes=given,
            options=upload.options,
        )
        async with processes.session() as session:
            result = await _processed(session, job, upload)
        await deletion_queue.expect(pool, place, upload.id)
        hrefs = [href(place + file.name) for file in result.files]
        thumbnail = href(place + _THUMBNAIL) if result.thumbnail else None
        sizes: dict[str, int] = {}
        for file in (*result.files, *([result.thumbnail] if result.thumbnail else ())):
            sizes[place + file.name] = file.stat().st_size
            await store.take(place + file.name, file)
    if result.scales:
        done, notes = await physical_ranges.fill(pool, upload.product_id, job.bands, result.scales)
        for message in done:
            await records.add_event(pool, upload.id, "log", message)
    else:
        notes = []
    for message in (*result.notes, *notes):
        await records.add_event(pool, upload.id, "log", message, severity="WARNING")
    await _insert(services, upload, _attributes(result, given, hrefs, thumbnail), result, place, sizes)
    await failpoints.reached(failpoints.COMMITTED, upload.image_id)
    await deletion_queue.try_to_empty(services)


async def _processed(session: Session, job: messages.Job, upload: Upload) -> messages.Result:
    await session.check(job)
    await failpoints.reached(failpoints.VALIDATED, upload.image_id)
    result = await session.convert(job)
    await failpoints.reached(failpoints.CONVERTED, upload.image_id)
    return result


def _attributes(
    result: messages.Result, given: dict[str, Any], hrefs: Sequence[str], thumbnail: str | None
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
    result: messages.Result,
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
            await deletion_queue.discard(conn, own_paths(previous), after=services.settings.signed_seconds)

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
        await deletion_queue.keep(conn, place)
        await quota.keep(conn, upload.item, sizes)
        await deletion_queue.discard(conn, [upload_folder(upload.id)])
        await deletion_queue.discard_upload(conn, upload.id)
        await failpoints.reached(failpoints.INSERTED, upload.image_id)

    await writes.create_items(
        services.writepool,
        upload.product_id,
        prepare,
        replace=upload.overwrite,
        before=before,
        also=succeed,
    )


def _describe(document: dict[str, Any], result: messages.Result) -> None:
    """Put into the assets what no attribute of an image holds: statistics, and what the preview is."""
    assets: dict[str, dict[str, Any]] = document["assets"]
    for asset in assets.values():
        if (index := asset.get(FILE_INDEX)) is not None:
            found = [{"statistics": one} if one else {} for one in result.statistics[index]]
            asset["bands"], asset["raster:bands"] = found, found
    if result.thumbnail and (key := preview_key(assets)):
        assets[key]["type"] = PNG
