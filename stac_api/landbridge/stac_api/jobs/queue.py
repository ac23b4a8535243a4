"""The job queue: procrastinate on the same PostgreSQL, run inside the API process or by workers.

The kinds of jobs are a table that `runtime` registers. The job of a worker without heartbeat is queued again,
so every job must be repeatable.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import procrastinate
from procrastinate import JobContext, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Status

from landbridge.stac_api.core.database_listener import listen
from landbridge.stac_api.core.metrics import LOST_DATABASE
from landbridge.stac_api.jobs.failures import RETRYABLE
from landbridge.stac_api.jobs.observed_jobs import observe_job
from landbridge.stac_api.pgstac.job_queries import CONNECTION_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import asyncpg

    from landbridge.stac_api.core.settings import Settings
    from landbridge.stac_api.jobs.observed_jobs import JobTracing

logger = logging.getLogger(__name__)

_HEARTBEATS = 4  # heartbeats of a worker within the time after which it counts as dead
_RESTART_SECONDS = 0.5  # pause before a worker that lost its database starts again
_LISTEN_PAUSE = 1.0  # seconds before a lost listener connects again
_SHUTDOWN_SECONDS = 10  # for running jobs to end; another worker runs the rest again
# Seconds that a request may take from its record to the job that it queues.
_QUEUED_WITHIN = 10.0

DEFAULT_QUEUE: Final = "default"
Arguments = dict[str, Any]
"""Arguments of a job, as JSON."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of background job.

    Attributes
    ----------
    name : str
        Name of the task in the queue's table.
    lock : str
        Format string of the arguments: one job of a lock waits, and one runs, at a time.
    run : callable
        Runs one job: takes its arguments, and `last_try`: whether an error of `RETRYABLE` must not be raised.
    unqueued : callable
        Returns the arguments of jobs whose records wait since some seconds; those queued already do no harm.
    prepare : callable
        Called before a worker of this process starts.
    queue : str
        Queue of the jobs, one of `settings.QUEUES`. Each queue has slots of its own: slow jobs of one do not
        delay another's.
    concurrency : int
        Number of jobs of the queue that a process runs at once.
    channel : str
        Channel of the database on which it tells of new records; those are then queued at once.
    priority : callable, optional
        Returns the priority of a new job from its arguments. Jobs of higher priority run first; 0 by default.
    """

    name: str
    lock: str
    run: Callable[..., Awaitable[None]]
    unqueued: Callable[[asyncpg.Pool, float], Awaitable[Sequence[Arguments]]]
    prepare: Callable[[], None] = lambda: None
    queue: str = DEFAULT_QUEUE
    concurrency: int = 1
    channel: str = ""
    priority: Callable[..., Awaitable[int]] | None = None


class JobQueue:
    """The queue as one process sees it: defers jobs, and runs them if asked to."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool, tracing: JobTracing | None = None) -> None:
        self._settings = settings
        self.tracing = tracing
        self._pool = pool
        self._kinds: dict[str, JobKind] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=settings.database_url,
                kwargs={
                    "options": CONNECTION_OPTIONS,
                    "application_name": "landbridge-jobs",
                },
                min_size=1,
                max_size=5,
            )
        )

    def register(
        self,
        kinds: Sequence[JobKind],
        clean_up: Callable[[], Awaitable[None]],
        upkeep: Callable[[], Awaitable[object]],
    ) -> None:
        """Register the kinds of jobs of this process, and a cleanup that runs every five minutes.

        `upkeep` runs every ten seconds.
        """
        retry = RetryStrategy(
            max_attempts=self._settings.job_tries, exponential_wait=2, retry_exceptions=RETRYABLE
        )
        for kind in kinds:
            self._kinds[kind.name] = kind
            task = self.app.task(name=kind.name, queue=kind.queue, pass_context=True, retry=retry)
            task(self._runner(kind))

        # The name is in the tables of running servers.
        @self.app.periodic(cron="*/5 * * * *")
        @self.app.task(name="sweep", queueing_lock="sweep", pass_context=False)
        async def sweep(timestamp: int) -> None:  # noqa: ARG001  # procrastinate passes it
            await clean_up()

        @self.app.periodic(cron="* * * * * */10")
        @self.app.task(name="resume", queueing_lock="resume", pass_context=False)
        async def resume(timestamp: int) -> None:  # noqa: ARG001  # procrastinate passes it
            await self.resume()
            await upkeep()

    def _runner(self, kind: JobKind) -> Callable[..., Awaitable[None]]:
        async def run(context: JobContext, **arguments: Any) -> None:
            number = context.job.id if context.job is not None else None
            with observe_job(kind.name, number, arguments, self.tracing):
                await kind.run(**arguments, last_try=self._is_last_try(context))

        return run

    async def defer(self, name: str, **arguments: Any) -> None:
        """Queue a job, unless one of the same lock waits already."""
        kind = self._kinds[name]
        lock = kind.lock.format(**arguments)
        priority = await kind.priority(self._pool, **arguments) if kind.priority else 0
        task = self.app.tasks[name].configure(queueing_lock=lock, lock=lock, priority=priority)
        with contextlib.suppress(AlreadyEnqueued):
            await task.defer_async(**arguments)

    async def open(self) -> None:
        """Connect to the queue."""
        await self.app.open_async()

    def start_worker(self) -> None:
        """Run jobs of the configured queues in this process until `close`."""
        for kind in self._kinds.values():
            if kind.queue not in self._queues():
                continue
            kind.prepare()
            if kind.channel:
                self._tasks.append(asyncio.create_task(self._follow(kind)))
        self._tasks.append(asyncio.create_task(self._work(alone=self._settings.alone)))

    async def _work(self, *, alone: bool) -> None:
        """Run the workers, and start them again whenever they lose the database."""
        timeout = self._settings.worker_timeout
        while True:
            try:
                await self.resume(0.0 if alone else timeout)
                async with asyncio.TaskGroup() as workers:
                    for queue, concurrency in self._queues().items():
                        workers.create_task(self._run_worker(queue, concurrency))
            except Exception:
                LOST_DATABASE.inc()
                logger.warning("The worker lost its database; it starts again.", exc_info=True)
            await asyncio.sleep(_RESTART_SECONDS)

    def _queues(self) -> dict[str, int]:
        """Return the number of jobs that this process runs at once, by queue."""
        queues = {DEFAULT_QUEUE: 1} | {kind.queue: kind.concurrency for kind in self._kinds.values()}
        chosen = self._settings.worker_queues
        return {name: number for name, number in queues.items() if not chosen or name in chosen}

    async def _run_worker(self, queue: str, concurrency: int) -> None:
        timeout = self._settings.worker_timeout
        await self.app.run_worker_async(
            queues=[queue],
            concurrency=concurrency,
            install_signal_handlers=False,
            update_heartbeat_interval=timeout / _HEARTBEATS,
            stalled_worker_timeout=timeout,
            delete_jobs="successful",
            shutdown_graceful_timeout=_SHUTDOWN_SECONDS,
        )

    async def _follow(self, kind: JobKind) -> None:
        """Queue the jobs of new records whenever the database tells of some."""
        told = asyncio.Event()

        async def queue_jobs() -> None:
            while True:
                await told.wait()
                told.clear()
                try:
                    await self._queue_jobs(kind, 0.0)
                except Exception:
                    # `resume` queues them some seconds later.
                    logger.warning("Jobs of %s could not be queued at once", kind.name, exc_info=True)

        async with asyncio.TaskGroup() as both:
            both.create_task(queue_jobs())
            both.create_task(listen(self._settings.database_url, kind.channel, told.set, _LISTEN_PAUSE))

    async def _queue_jobs(self, kind: JobKind, older_than: float) -> None:
        for arguments in await kind.unqueued(self._pool, older_than):
            await self.defer(kind.name, **arguments)

    async def resume(self, silent_for: float | None = None) -> None:
        """Queue again the jobs of dead workers, and the jobs of records that were never queued.

        Parameters
        ----------
        silent_for : float, optional
            Seconds without a heartbeat after which a worker counts as dead; by default as configured.
        """
        if silent_for is None:
            silent_for = self._settings.worker_timeout
        manager = self.app.job_manager
        for stalled in await manager.get_stalled_jobs(seconds_since_heartbeat=silent_for):
            logger.warning("Job %s was left by a worker that died; queued again.", stalled.id)
            try:
                await manager.retry_job(stalled)
            except (AlreadyEnqueued, UniqueViolation):
                # Another job of its lock waits, and cannot begin before this one has ended.
                await manager.finish_job(stalled, Status.FAILED, delete_job=True)
        for kind in self._kinds.values():
            await self._queue_jobs(kind, min(silent_for, _QUEUED_WITHIN))

    async def close(self) -> None:
        """Stop the worker and disconnect from the queue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.app.close_async()

    def _is_last_try(self, context: JobContext) -> bool:
        return context.job is None or context.job.attempts >= self._settings.job_tries - 1
