"""Runs jobs on pooled threads with the GDAL settings of the engine."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.gdal_settings import deferred_gdal_env
from landbridge.raster.plan.plan import Plan
from landbridge.raster.runtime.crews import Crew
from landbridge.raster.runtime.thread_pools import acquire, default_worker_count, release, trim

T = TypeVar("T")


# Requests that are under way at the same time.
_REMOTE_WORKERS = 16


def worker_count_for(plans: Sequence[Plan]) -> int:
    """Return the number of threads for plans: more than cores if they wait for a network."""
    remote = any(is_remote(href) for plan in plans for href in plan.hrefs)
    return max(_REMOTE_WORKERS, default_worker_count()) if remote else default_worker_count()


def run_jobs(jobs: Sequence[Callable[[], T]], max_workers: int | None = None) -> list[T]:
    """Run jobs on threads with GDAL's options, and return their results in order.

    After a failure no further job starts; the error is raised when the running jobs have ended.
    """
    failures: list[BaseException] = []
    results: dict[int, T] = {}
    queue = deque(enumerate(jobs))
    crew = Crew(max_workers or default_worker_count())

    def work() -> None:
        try:
            # Entered once for all jobs, if one uses GDAL: it takes as long as the plan of a small job.
            with deferred_gdal_env(), crew.working():
                while not failures and (taken := _take_first(queue)):
                    place, job = taken
                    results[place] = job()
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            failures.append(error)
        finally:
            trim()

    # Never on the caller's thread: on the main thread GDAL's options would apply to the whole process.
    workers = max(1, min(max_workers or default_worker_count(), len(jobs)))
    pool = acquire(workers)
    started: list[Future[None]] = []
    try:
        started += [pool.submit(work) for _ in range(workers)]
        wait(started)
    finally:
        # If the caller was interrupted, no further job starts.
        queue.clear()
        wait(started)
        release(workers, pool)
    if failures:
        raise failures[0]
    return [results[place] for place in range(len(jobs))]


def _take_first(queue: "deque[T]") -> T | None:
    """Remove and return the first item; None if another thread took the last one."""
    try:
        return queue.popleft()
    except IndexError:
        return None
