"""Composition root of a process of the service, API or worker: opens its parts and closes them after it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from landbridge.stac_api.access.grants import GrantCache
from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.blobs import checksums
from landbridge.stac_api.blobs import deletion as blob_deletion
from landbridge.stac_api.deletions import job as deletion_job
from landbridge.stac_api.jobs.queue import JobQueue
from landbridge.stac_api.monitoring.tracing import open_tracing
from landbridge.stac_api.notifications import deliveries
from landbridge.stac_api.notifications import job as notification_job
from landbridge.stac_api.notifications.sender import Sender
from landbridge.stac_api.pgstac import item_counts, pools
from landbridge.stac_api.services import Services
from landbridge.stac_api.tiles.api import registered_searches
from landbridge.stac_api.uploads import cleanup
from landbridge.stac_api.uploads import job as ingest_job
from landbridge.stac_api.uploads.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from landbridge.stac_api.core.settings import Settings


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[tuple[Services, JobQueue]]:
    """Open the pools, the store and the job queue, which runs no job before `start_worker`."""
    async with AsyncExitStack() as stack:
        read, write = await pools.open_pools(settings)
        stack.push_async_callback(write.close)
        stack.push_async_callback(read.close)
        store = AssetStore(settings.store_url, settings.store_public_endpoint, settings.store_timeout)
        grants = GrantCache(settings, read)
        stack.push_async_callback(grants.close)
        replica = await pools.open_replica(settings)
        if replica is not None:
            stack.push_async_callback(replica.close)
        services = Services(settings, read, write, store, grants, replica)
        workers = WorkerPool(settings)
        sender = Sender(settings)
        stack.push_async_callback(sender.close)
        tracing = open_tracing(settings)
        if tracing is not None:
            stack.callback(tracing.close)
        jobs = JobQueue(settings, write, tracing)
        _register(jobs, services, workers, sender)
        await jobs.open()
        stack.push_async_callback(workers.close)
        stack.push_async_callback(jobs.close)
        yield services, jobs


def _register(jobs: JobQueue, services: Services, workers: WorkerPool, sender: Sender) -> None:
    """Give the queue the table of all kinds of jobs."""

    async def clean_up() -> None:
        for deletion in await blob_deletion.delete_expired(services.writepool):
            await jobs.defer(blob_deletion.NAME, deletion=deletion)
        await blob_deletion.clean_up(services.writepool, services.store)
        await cleanup.run(services)
        await deliveries.clean_up(services.writepool)
        await registered_searches.delete_unused(services.writepool, services.settings.registered_search_days)

    kinds = (
        ingest_job.kind(services, workers),
        blob_deletion.kind(services),
        checksums.kind(services),
        deletion_job.kind(services),
        notification_job.kind(services, sender),
    )
    jobs.register(kinds, clean_up, partial(item_counts.merge_changes, services.writepool))
