"""Reads of procrastinate's tables: jobs whose worker is dead, and records whose job is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import asyncpg

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

__all__ = ["CONNECTION_OPTIONS", "records_without_job", "stalled_jobs", "uploads_without_job"]

# Options of a connection by which procrastinate finds its tables.
CONNECTION_OPTIONS = "-c search_path=procrastinate,public"

# A living worker updates its heartbeat every few seconds.
_STALLED = """
SELECT job.id, job.task_name FROM procrastinate.procrastinate_jobs AS job
LEFT JOIN procrastinate.procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing'
  AND coalesce(worker.last_heartbeat, '-infinity') < now() - make_interval(secs => $1)
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
