"""Reads of procrastinate's tables: jobs whose worker is dead, and records whose job is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import asyncpg

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

__all__ = [
    "CONNECTION_OPTIONS",
    "living_workers",
    "queue_state",
    "records_without_job",
    "stalled_jobs",
    "uploads_without_job",
]

# Options of a connection by which procrastinate finds its tables.
CONNECTION_OPTIONS = "-c search_path=procrastinate,public"

# A living worker updates its heartbeat every few seconds.
_STALLED = """
SELECT job.id, job.task_name FROM procrastinate.procrastinate_jobs AS job
LEFT JOIN procrastinate.procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing'
  AND coalesce(worker.last_heartbeat, '-infinity') < now() - make_interval(secs => $1)
"""
# The age counts from when a job could begin: that of a retry from the end of its pause.
_STATE = """
SELECT job.queue_name AS queue, job.status::text AS status, count(*) AS count,
    max(extract(epoch FROM now() - coalesce(job.scheduled_at, event.at)))::float AS oldest
FROM procrastinate.procrastinate_jobs AS job
LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM procrastinate.procrastinate_events WHERE job_id = job.id
) AS event ON true
WHERE job.status = 'doing'
    OR (job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now()))
GROUP BY 1, 2 ORDER BY 1, 2
"""
_WORKERS = """
SELECT count(*) AS count FROM procrastinate.procrastinate_workers
WHERE last_heartbeat > now() - interval '1 minute'
"""
_UPLOADS = """
SELECT id FROM landbridge.uploads AS upload
WHERE status IN ('pending', 'running') AND modified <= now() - make_interval(secs => $1)
  AND NOT EXISTS (
      SELECT FROM procrastinate.procrastinate_jobs
      WHERE lock = 'upload-' || upload.id AND status IN ('todo', 'doing')
  )
"""
_RECORDS = """
SELECT 'deletion' AS kind, id::text FROM landbridge.deletions AS record
WHERE status = 'RUNNING' AND start_datetime < now() - make_interval(secs => $1)
  AND NOT EXISTS (
      SELECT FROM procrastinate.procrastinate_jobs
      WHERE lock = 'deletion-' || record.id AND status IN ('todo', 'doing')
  )
UNION ALL
SELECT 'blob deletion', id::text FROM landbridge.blob_deletions AS record
WHERE status = 'RUNNING' AND start_datetime < now() - make_interval(secs => $1)
  AND NOT EXISTS (
      SELECT FROM procrastinate.procrastinate_jobs
      WHERE lock = 'blob-deletion-' || record.id AND status IN ('todo', 'doing')
  )
UNION ALL
SELECT 'hash of', (item->>'collection') || '/' || (item->>'id') FROM landbridge.blob_uploads AS record
WHERE hash_due AND modified < now() - make_interval(secs => $1)
  AND NOT EXISTS (
      SELECT FROM procrastinate.procrastinate_jobs
      WHERE lock = 'blob-hash-' || record.id AND status IN ('todo', 'doing')
  )
"""


async def queue_state(db: Executor) -> list[dict[str, Any]]:
    """Return number and age in seconds (`oldest`) of waiting and running jobs, by `queue` and `status`."""
    return [dict(row) for row in await db.fetch(_STATE)]


async def living_workers(db: Executor) -> list[dict[str, Any]]:
    """Return one row with the number of workers (`count`) that gave a heartbeat in the last minute."""
    return [dict(row) for row in await db.fetch(_WORKERS)]


async def stalled_jobs(db: Executor, silent_for: float) -> list[tuple[int, str]]:
    """Return id and task of running jobs whose worker gave no heartbeat for some seconds."""
    return [(row["id"], row["task_name"]) for row in await db.fetch(_STALLED, silent_for)]


async def uploads_without_job(db: Executor, older_than: float) -> list[int]:
    """Return the unfinished uploads, unchanged for some seconds, that no job works on.

    A request died before it queued the job, or the job failed while the database did not answer.
    """
    return [row["id"] for row in await db.fetch(_UPLOADS, older_than)]


async def records_without_job(db: Executor, older_than: float) -> list[tuple[str, Any]]:
    """Return kind and id of other unfinished records, some seconds old, that no job works on."""
    return [(row["kind"], row["id"]) for row in await db.fetch(_RECORDS, older_than)]
