"""The job that computes the MD5 of large blobs after their upload; it can be repeated.

The transaction that makes the blob records that the MD5 is due; the item has no checksum until then.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stac_fastapi.types.errors import NotFoundError

from landbridge.mappings import assets, blob
from landbridge.stac_api.access.rules import item_not_found
from landbridge.stac_api.assets.ordered_executor import OrderedExecutor
from landbridge.stac_api.assets.store import href
from landbridge.stac_api.blobs import data_upload, records
from landbridge.stac_api.core import blob_items
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.jobs.failures import RETRYABLE
from landbridge.stac_api.jobs.queue import JobKind
from landbridge.stac_api.pgstac import writes

if TYPE_CHECKING:
    import asyncpg

    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.services import Services

logger = logging.getLogger(__name__)

NAME = "blob_hash"


def kind(services: Services) -> JobKind:
    """Return the kind of jobs that compute the MD5 of large blobs."""

    async def run_job(upload: str, *, last_try: bool) -> None:
        await run(services, UUID(upload), last_try=last_try)

    async def unqueued(pool: asyncpg.Pool, older_than: float) -> list[dict[str, str]]:
        return [{"upload": str(upload)} for upload in await records.hashes_due(pool, older_than)]

    concurrency = services.settings.hash_concurrency
    return JobKind(NAME, "blob-hash-{upload}", run_job, unqueued, queue="hash", concurrency=concurrency)


async def run(services: Services, upload_id: UUID, *, last_try: bool) -> None:
    """Add the MD5 of an upload's data to the blob's item, unless the blob has other data by now.

    A retryable error is raised unless this is the last try; then the MD5 stays due and is queued again.
    """
    pool = services.writepool
    try:
        upload = await records.upload(pool, upload_id)
        if not upload["hash_due"]:
            return  # done by another job of the same lock
        md5 = await digest(
            services.store, upload["committed"], data_upload.expected(upload["item"]).size or 0
        )
        if md5 is None:
            logger.warning(
                "%s is missing in the store, or has another size than was stored", upload["committed"]
            )
            await records.mark_hashed(pool, upload_id)
        else:
            await _add_md5(pool, upload, md5)
    except NotFoundError:
        await records.mark_hashed(pool, upload_id)
    except RETRYABLE:
        if not last_try:
            raise
        logger.warning("The MD5 of blob upload %s could not be computed yet", upload_id, exc_info=True)


async def digest(store: AssetStore, path: str, size: int) -> str | None:
    """Return the MD5 of an object; None if it does not exist, or has another size."""
    digest = hashlib.md5(usedforsecurity=False)
    read = 0
    try:
        async with OrderedExecutor() as hashing:
            async for chunk in await store.read_once(path):
                read += len(chunk)
                await hashing.submit(digest.update, chunk)
            await hashing.finish()
    except FileNotFoundError:
        return None
    return digest.hexdigest() if read == size else None


async def _add_md5(pool: asyncpg.Pool, upload: asyncpg.Record, md5: str) -> None:
    """Add the MD5 to the current item.

    Raises
    ------
    NotFoundError
        If the blob was deleted, or made again with other data.
    """
    collection, item = upload["item"]["collection"], upload["item"]["id"]

    def hashed(stored: dict[str, Any], _parent: dict[str, Any]) -> dict[str, Any]:
        changed = incoming.copied(stored)
        data = changed["assets"].get(blob.DATA_ASSET) or {}
        if data.get("href") != href(upload["committed"]):
            raise item_not_found(collection, item)
        assets.set_checksum(data, md5)
        return blob_items.to_stored(changed)

    async def note(conn: asyncpg.Connection) -> None:
        await records.mark_hashed(conn, upload["id"])

    await writes.change_item(pool, collection, item, hashed, also=note)
