"""The ingest job: from submitted files to an item, or to a failure that says why.

Every step can be repeated. The item and the record's success are written in one transaction, after the
files are in the store under a path of their own; a job that dies before it leaves a record to run again
and files nothing refers to.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from landbridge.mappings import InvalidDocument, band, image
from landbridge.stac_api import documents, writes
from landbridge.stac_api.assets.store import COG, AssetStore, href, image_path, upload_path
from landbridge.stac_api.errors import BadRequestError, ConflictError, UnavailableError
from landbridge.stac_api.search import rows
from landbridge.stac_api.uploads import records, work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from landbridge.stac_api.services import Services
    from landbridge.stac_api.uploads.records import Upload

logger = logging.getLogger(__name__)

# What the user has to change something about.
_USER_ERRORS = (work.IngestError, InvalidDocument, BadRequestError, ConflictError)

# What may pass when tried again: the database, the store or the child process went away.
TRANSIENT = (
    OSError,
    UnavailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    BrokenExecutor,
)


async def run(services: Services, executor: Executor, upload_id: int, *, last_try: bool) -> None:
    """Carry out one upload.

    Args:
        services: of this process.
        executor: runs the raster work in a child process.
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
        await _ingest(services, executor, upload)
    except _USER_ERRORS as error:
        await _fail(services, upload, f"{type(error).__name__}: {error}")
    except Exception as error:
        if isinstance(error, TRANSIENT) and not last_try:
            raise
        logger.exception("Upload %s failed", upload_id)
        await _fail(services, upload, f"The server could not process the files ({type(error).__name__}).")


async def _fail(services: Services, upload: Upload, message: str) -> None:
    async with services.writepool.acquire() as conn, conn.transaction():
        await records.advance(conn, upload.id, "failure", allowed=("running",))
        await records.add_event(conn, upload.id, "complete", message, severity="ERROR")
    await services.store.delete_under(f"uploads/{upload.id}/")
    await services.store.delete_under(_prefix(upload))


async def _ingest(services: Services, executor: Executor, upload: Upload) -> None:
    store, pool = services.store, services.writepool
    parent = await rows.find_collection(pool, upload.product_id)
    if parent is None:
        raise BadRequestError(f"Product {upload.product_id} was deleted in the meantime.")
    given = {key: value for key, value in image.from_stac(upload.item).items() if value is not None}
    settings = services.settings
    with tempfile.TemporaryDirectory(prefix="landbridge-", dir=settings.staging) as scratch:
        folder = Path(scratch)
        files = [await store.fetch(upload_path(upload.id, n), folder) for n in range(len(upload.files))]
        job = work.Job(
            files=files,
            names=[file["name"] for file in upload.files],
            folder=folder,
            bands=band.list_from_collection(parent),
            attributes=given,
            options=upload.options,
        )
        result = await asyncio.get_running_loop().run_in_executor(executor, work.run, job)
        hrefs = await _store(store, upload, result.files)
    derived = dict(result.attributes)
    derived["files"] = [
        {**file, "href": place, "media_type": COG}
        for file, place in zip(derived["files"], hrefs, strict=True)
    ]
    # What the user set wins, but for what only the files can say.
    attributes = {**derived, **given, **{key: derived[key] for key in ("files", "storage_state")}}
    replaced: list[dict[str, Any]] = []

    def prepare(collection: dict[str, Any]) -> Sequence[dict[str, Any]]:
        document = image.to_stac(attributes, base=upload.item)
        return [documents.item(document, collection, "/")]

    async def succeed(conn: asyncpg.Connection) -> None:
        await records.advance(conn, upload.id, "success", allowed=("running",))
        size = sum(file["size_bytes"] for file in derived["files"])
        await records.add_event(conn, upload.id, "usage", f"{len(hrefs)} file(s), {size} bytes")
        await records.add_event(conn, upload.id, "complete", "Success")

    if upload.overwrite and (previous := await rows.get_item(pool, upload.product_id, upload.item["id"])):
        replaced.append(previous)
    await writes.create_items(pool, upload.product_id, prepare, replace=upload.overwrite, also=succeed)
    await store.delete_under(f"uploads/{upload.id}/")
    for item in replaced:
        await store.delete_assets(item)


async def _store(store: AssetStore, upload: Upload, files: Sequence[Path]) -> list[str]:
    """Put the finished files where items look for them: under this upload's own version."""
    hrefs = []
    for number, file in enumerate(files):
        path = f"{_prefix(upload)}{number}.tif"
        await store.put(path, file)
        hrefs.append(href(path))
    return hrefs


def _prefix(upload: Upload) -> str:
    return image_path(upload.product_id, upload.item["id"], str(upload.id), "")
