"""The MD5 of large blobs, by a job after their data was taken: no upload waits for it. It can be repeated.

That it is due is noted in the transaction that makes the blob; until then its item has no checksum.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stac_fastapi.types.errors import NotFoundError

from landbridge.mappings import assets, blob
from landbridge.stac_api.access.rules import missing_item
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

    return JobKind(NAME, "blob-hash-{upload}", run_job, unqueued)


async def run(services: Services, upload_id: UUID, *, last_try: bool) -> None:
    """The job: put the MD5 of an upload's data into the blob's item, unless the blob has other data by now.

    A transient error is raised unless this is the last try; then it stays due, and is queued anew.
    """
    pool = services.writepool
    try:
        upload = await records.upload(pool, upload_id)
        if not upload["hash_due"]:
            return  # done by a job that was queued beside this one
        md5 = await digest(
            services.store, upload["committed"], data_upload.expected(upload["item"]).size or 0
        )
        if md5 is None:
            logger.warning("%s is not in the store as it was put there", upload["committed"])
            await records.hashed(pool, upload_id)
        else:
            await _note(pool, upload, md5)
    except NotFoundError:
        await records.hashed(pool, upload_id)
    except RETRYABLE:
        if not last_try:
            raise
        logger.warning("The MD5 of blob upload %s could not be worked out yet", upload_id, exc_info=True)


async def digest(store: AssetStore, path: str, size: int) -> str | None:
    """The MD5 of an object; None where it is gone, or has another size."""
    digest = hashlib.md5(usedforsecurity=False)
    seen = 0
    try:
        async with OrderedExecutor() as hashing:
            async for chunk in await store.read_once(path):
                seen += len(chunk)
                await hashing.submit(digest.update, chunk)
            await hashing.finish()
    except FileNotFoundError:
        return None
    return digest.hexdigest() if seen == size else None


async def _note(pool: asyncpg.Pool, upload: asyncpg.Record, md5: str) -> None:
    """Put the MD5 into the item, as it is now.

    Raises:
        NotFoundError: the blob is gone, or was made anew with other data.
    """
    collection, item = upload["item"]["collection"], upload["item"]["id"]

    def hashed(stored: dict[str, Any], _parent: dict[str, Any]) -> dict[str, Any]:
        changed = incoming.copied(stored)
        data = changed["assets"].get(blob.DATA_ASSET) or {}
        if data.get("href") != href(upload["committed"]):
            raise missing_item(collection, item)
        assets.set_checksum(data, md5)
        return blob_items.to_stored(changed)

    async def note(conn: asyncpg.Connection) -> None:
        await records.hashed(conn, upload["id"])

    await writes.change_item(pool, collection, item, hashed, also=note)
