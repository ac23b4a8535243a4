"""The job queue: procrastinate on the same PostgreSQL, run inside the API process or by workers.

A job that was running when its worker died is found by its worker's missing heartbeat and queued again;
jobs must therefore be repeatable.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import procrastinate
from procrastinate import JobContext, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation

from landbridge.stac_api.blobs import checksums
from landbridge.stac_api.blobs import deletion as blobs
from landbridge.stac_api.blobs import records as blob_records
from landbridge.stac_api.deletions import job as deletion_job
from landbridge.stac_api.deletions import records as deletions
from landbridge.stac_api.uploads import cleanup, staging
from landbridge.stac_api.uploads import job as ingest_job
from landbridge.stac_api.uploads import records as uploads
from landbridge.stac_api.uploads.worker_pool import Processes

if TYPE_CHECKING:
    from landbridge.stac_api.core.services import Services

logger = logging.getLogger(__name__)

INGEST = "ingest"
DELETION = "deletion"
BLOB_DELETION = "blob_deletion"
BLOB_HASH = "blob_hash"
_HEARTBEATS = 4  # signs of life of a worker within the time after which it counts as dead
_PAUSE = 0.5  # seconds before a worker that lost its database starts again

# Seconds that a request may take from its record to the job it queues.
_QUEUED_LATE = 10.0


class Jobs:
    """The queue as one process sees it: defers jobs, and runs them if asked to."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._processes = Processes(services.settings)
        self._worker: asyncio.Task[None] | None = None
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=services.settings.database_url,
                kwargs={
                    "options": "-c search_path=procrastinate,public",
                    "application_name": "landbridge-jobs",
                },
                min_size=1,
                max_size=4,
            )
        )
        self._register()

    def _register(self) -> None:
        retry = RetryStrategy(
            max_attempts=self._services.settings.job_tries,
            exponential_wait=2,
            retry_exceptions=ingest_job.TRANSIENT,
        )

        @self.app.task(name=INGEST, pass_context=True, retry=retry)
        async def ingest(context: JobContext, upload: int) -> None:
            await ingest_job.run(self._services, self._processes, upload, last_try=self._last_try(context))

        @self.app.task(name=DELETION, pass_context=True, retry=retry)
        async def delete(context: JobContext, deletion: int, product: str) -> None:
            await deletion_job.run(self._services, deletion, product, last_try=self._last_try(context))

        @self.app.task(name=BLOB_DELETION, pass_context=True, retry=retry)
        async def delete_blobs(context: JobContext, deletion: int) -> None:
            await blobs.run(self._services, deletion, last_try=self._last_try(context))

        @self.app.task(name=BLOB_HASH, pass_context=True, retry=retry)
        async def hash_blob(context: JobContext, upload: str) -> None:
            await checksums.run(self._services, UUID(upload), last_try=self._last_try(context))

        @self.app.periodic(cron="*/5 * * * *")
        @self.app.task(name="sweep", queueing_lock="sweep", pass_context=False)
        async def sweep(timestamp: int) -> None:  # noqa: ARG001  # procrastinate passes it
            for deletion in await blobs.expire(self._services):
                await self.defer_blob_deletion(deletion)
            await blobs.sweep(self._services)
            await cleanup.sweep(self._services)

        @self.app.periodic(cron="* * * * * */10")
        @self.app.task(name="resume", queueing_lock="resume", pass_context=False)
        async def resume(timestamp: int) -> None:  # noqa: ARG001  # procrastinate passes it
            await self.resume()

    async def defer_ingest(self, upload: int) -> None:
        """Queue the job of an upload."""
        await self._defer(INGEST, f"upload-{upload}", upload=upload)

    async def defer_deletion(self, deletion: int, product: str) -> None:
        """Queue the deletion of what belongs to a product."""
        await self._defer(DELETION, f"deletion-{deletion}", deletion=deletion, product=product)

    async def defer_blob_deletion(self, deletion: int) -> None:
        """Queue the deletion of blobs' data."""
        await self._defer(BLOB_DELETION, f"blob-deletion-{deletion}", deletion=deletion)

    async def defer_blob_hash(self, upload: UUID) -> None:
        """Queue the working out of the MD5 of what an upload of a blob has put into the store."""
        await self._defer(BLOB_HASH, f"blob-hash-{upload}", upload=str(upload))

    async def _defer(self, task: str, lock: str, **arguments: Any) -> None:
        """Queue a job once: not beside one of the same lock that waits, nor to run beside one that runs."""
        with contextlib.suppress(AlreadyEnqueued):
            await self.app.tasks[task].configure(queueing_lock=lock, lock=lock).defer_async(**arguments)

    async def open(self) -> None:
        """Connect to the queue."""
        await self.app.open_async()

    def start_worker(self) -> None:
        """Run jobs in this process until `close`, each with a child process for the raster work."""
        settings = self._services.settings
        if settings.staging is not None:
            settings.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging.clear(settings.staging)
        self._worker = asyncio.create_task(self._work(settings.worker_concurrency, alone=settings.alone))

    async def _work(self, concurrency: int, *, alone: bool) -> None:
        """Run the worker, and again whenever the database went away under it."""
        timeout = self._services.settings.worker_timeout
        while True:
            try:
                await self.resume(0.0 if alone else timeout)
                await self.app.run_worker_async(
                    concurrency=concurrency,
                    install_signal_handlers=False,
                    update_heartbeat_interval=timeout / _HEARTBEATS,
                    stalled_worker_timeout=timeout,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=10,
                )
            except Exception:
                logger.warning("The worker lost its database; it starts again.", exc_info=True)
            await asyncio.sleep(_PAUSE)

    async def resume(self, silent_for: float | None = None) -> None:
        """Queue again what a dead worker left: its jobs, and records whose job was never queued.

        Args:
            silent_for: seconds without a sign of life after which a worker is dead; as configured by default.
        """
        if silent_for is None:
            silent_for = self._services.settings.worker_timeout
        manager = self.app.job_manager
        for stalled in await manager.get_stalled_jobs(seconds_since_heartbeat=silent_for):
            logger.warning("Job %s was left by a worker that died; queued again.", stalled.id)
            with contextlib.suppress(AlreadyEnqueued, UniqueViolation):
                await manager.retry_job(stalled)
        pool, late = self._services.writepool, min(silent_for, _QUEUED_LATE)
        for upload in await uploads.stuck(pool, late):
            await self.defer_ingest(upload)
        # What has a job that waits is not queued twice; beside one that runs, it will find nothing to do.
        for deletion in await blob_records.running_deletions(pool, late):
            await self.defer_blob_deletion(deletion)
        for blob_upload in await blob_records.hashes_due(pool, late):
            await self.defer_blob_hash(blob_upload)
        for record in await deletions.running(pool, late):
            await self.defer_deletion(record["id"], record["product_id"])

    async def close(self) -> None:
        """Stop the worker, let go of the queue."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        await self._processes.close()
        await self.app.close_async()

    def _last_try(self, context: JobContext) -> bool:
        return context.job is None or context.job.attempts >= self._services.settings.job_tries - 1
