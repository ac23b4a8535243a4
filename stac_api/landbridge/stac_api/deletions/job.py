"""The job that deletes the images and bands of a product; it can be repeated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.access.rules import UNRESTRICTED
from landbridge.stac_api.assets import deletion_queue
from landbridge.stac_api.deletions import records
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.jobs.failures import RETRYABLE, user_message
from landbridge.stac_api.jobs.queue import JobKind
from landbridge.stac_api.pgstac import writes
from landbridge.stac_api.search import execute
from landbridge.stac_api.search.request import Search

if TYPE_CHECKING:
    import asyncpg

    from landbridge.stac_api.services import Services

logger = logging.getLogger(__name__)

NAME = "deletion"
_BATCH = 500


def kind(services: Services) -> JobKind:
    """Return the kind of jobs that delete the images and bands of products."""

    async def run_job(deletion: int, product: str, *, last_try: bool) -> None:
        await run(services, deletion, product, last_try=last_try)

    async def unqueued(pool: asyncpg.Pool, older_than: float) -> list[dict[str, Any]]:
        found = await records.running(pool, older_than)
        return [{"deletion": record["id"], "product": record["product_id"]} for record in found]

    concurrency = services.settings.deletion_concurrency
    return JobKind(NAME, "deletion-{deletion}", run_job, unqueued, queue="deletion", concurrency=concurrency)


async def run(services: Services, deletion: int, product_id: str, *, last_try: bool) -> None:
    """Run the job of one deletion; raise a retryable error unless this is the last try."""
    pool = services.writepool
    if not await records.is_running(pool, deletion):
        return  # done by another job of the same lock
    try:
        await _delete_images(services, deletion, product_id)
        await _delete_bands(services, deletion, product_id)
    except Exception as error:
        if isinstance(error, RETRYABLE) and not last_try:
            raise
        logger.exception("Deleting the images and bands of %s failed", product_id)
        await records.end(pool, deletion, user_message(error))
        return
    await records.end(pool, deletion)


async def _delete_images(services: Services, deletion: int, product_id: str) -> None:
    async def note(conn: asyncpg.Connection, deleted: list[dict[str, Any]]) -> None:
        await deletion_queue.schedule_items(conn, deleted)
        await records.count(conn, deletion, len(deleted))

    while True:
        async with services.readpool.acquire() as conn:
            page = await execute.search_items(conn, Search(collections=(product_id,)), _BATCH, UNRESTRICTED)
        if not page.items:
            return
        await writes.delete_across(
            services.writepool, [(product_id, item["id"]) for item in page.items], note, UNRESTRICTED
        )
        await deletion_queue.try_to_delete_due(services.writepool, services.store)


async def _delete_bands(services: Services, deletion: int, product_id: str) -> None:
    removed: list[Any] = []

    def without_bands(collection: dict[str, Any]) -> dict[str, Any]:
        removed[:] = collection.get("bands") or []
        return incoming.collection(
            {**collection, "bands": []}, "/", collection_id=product_id, previous=collection
        )

    try:
        await writes.change_collection(services.writepool, product_id, without_bands)
    except NotFoundError:
        return  # the product was deleted with its bands
    await records.count(services.writepool, deletion, len(removed))
