"""Records of uploads and deletions of blobs: their tables, and their JSON in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

_CREATE = """
INSERT INTO landbridge.blob_uploads (id, item, username, overwrite, subjects) VALUES ($1, $2, $3, $4, $5)
"""
_UPLOAD = "SELECT * FROM landbridge.blob_uploads WHERE id = $1"
_BEGIN = """
UPDATE landbridge.blob_uploads SET paths = paths || $2::text, modified = now() WHERE id = $1 RETURNING id
"""
_COMMIT = """
UPDATE landbridge.blob_uploads SET committed = $2, hash_due = $3, modified = now()
WHERE id = $1 AND committed IS NULL RETURNING id
"""
_FORGET = """
DELETE FROM landbridge.blob_uploads
WHERE modified < now() - CASE WHEN committed IS NULL THEN interval '1 day' ELSE interval '1 hour' END
  AND NOT hash_due
RETURNING paths, committed
"""
_HASH_DUE = "SELECT EXISTS (SELECT FROM landbridge.blob_uploads WHERE committed = $1 AND hash_due)"
_HASHES_DUE = """
SELECT id FROM landbridge.blob_uploads WHERE hash_due AND modified <= now() - make_interval(secs => $1)
"""
_HASHED = "UPDATE landbridge.blob_uploads SET hash_due = false, modified = now() WHERE id = $1"
_FORGET_DELETIONS = """
DELETE FROM landbridge.blob_deletions WHERE end_datetime < now() - interval '30 days'
"""
# Without data there is nothing left to do.
_START = """
INSERT INTO landbridge.blob_deletions (ids, paths, username, status, end_datetime)
SELECT $1::text[], $2::text[], $3,
       CASE WHEN cardinality($2::text[]) = 0 THEN 'SUCCESS' ELSE 'RUNNING' END,
       CASE WHEN cardinality($2::text[]) = 0 THEN now() END
RETURNING *
"""
_DELETION = "SELECT * FROM landbridge.blob_deletions WHERE id = $1"
_END = """
UPDATE landbridge.blob_deletions SET status = $2, errors = $3, end_datetime = clock_timestamp()
WHERE id = $1 AND status = 'RUNNING'
"""
_RUNNING = """
SELECT id FROM landbridge.blob_deletions
WHERE status = 'RUNNING' AND start_datetime <= now() - make_interval(secs => $1)
"""


async def create_upload(
    db: Executor,
    upload: UUID,
    item: dict[str, Any],
    username: str,
    *,
    overwrite: bool = False,
    subjects: Sequence[str] | None = None,
) -> None:
    """Make the record of a blob's upload.

    `overwrite` lets it replace a blob that one of the `subjects` owns; None stands for an operator.
    """
    owners = None if subjects is None else list(subjects)
    await db.execute(_CREATE, upload, item, username, overwrite, owners)


async def upload(db: Executor, upload_id: UUID, username: str | None = None) -> asyncpg.Record:
    """Return one upload; with `username`, only if it is that user's.

    Raises
    ------
    NotFoundError
        If it does not exist.
    """
    row = await db.fetchrow(_UPLOAD, upload_id)
    if row is None or username not in (None, row["username"]):
        raise NotFoundError(f"Blob upload {upload_id} does not exist.")
    return row


async def begin(db: Executor, upload_id: UUID, path: str) -> None:
    """Record the path to which data is about to be stored, so that the cleanup finds it after a crash.

    Raises
    ------
    NotFoundError
        If the upload does not exist any more.
    """
    if await db.fetchval(_BEGIN, upload_id, path) is None:
        raise NotFoundError(f"Blob upload {upload_id} does not exist.")


async def commit(db: Executor, upload_id: UUID, path: str, *, hash_due: bool) -> None:
    """Record the path of the blob's data, and whether its MD5 is still to be computed.

    Raises
    ------
    ConflictError
        If the upload has data already, or its record was deleted.
    """
    if await db.fetchval(_COMMIT, upload_id, path, hash_due) is None:
        raise ConflictError(f"Blob upload {upload_id} has ended already.")


async def is_hash_due(db: Executor, path: str) -> bool:
    """Return whether the MD5 of a blob's data is still to be computed."""
    due: bool = await db.fetchval(_HASH_DUE, path)
    return due


async def hashes_due(db: Executor, older_than: float) -> list[UUID]:
    """Return uploads with an MD5 to be computed, committed at least `older_than` seconds ago."""
    return [row["id"] for row in await db.fetch(_HASHES_DUE, older_than)]


async def mark_hashed(db: Executor, upload_id: UUID) -> None:
    """Record that the MD5 is computed, or not needed any more."""
    await db.execute(_HASHED, upload_id)


async def delete_old_uploads(db: Executor) -> list[str]:
    """Delete old records of uploads; return the paths of their data that belongs to no blob."""
    rows = await db.fetch(_FORGET)
    return [path for row in rows for path in row["paths"] if path != row["committed"]]


async def delete_old_deletions(db: Executor) -> None:
    """Delete the records of deletions that ended 30 days ago."""
    await db.execute(_FORGET_DELETIONS)


async def start_deletion(
    db: Executor, ids: Sequence[str], paths: Sequence[str], username: str | None
) -> asyncpg.Record:
    """Make the record of a deletion of blobs' data; without a user it is the service's own."""
    row = await db.fetchrow(_START, list(ids), list(paths), username)
    assert row is not None  # INSERT ... RETURNING gives a row or raises
    return row


async def deletion(db: Executor, deletion_id: int, username: str | None = None) -> asyncpg.Record:
    """Return one deletion; with `username`, only if it is that user's.

    Raises
    ------
    NotFoundError
        If it does not exist.
    """
    row = await db.fetchrow(_DELETION, deletion_id)
    if row is None or username not in (None, row["username"]):
        raise NotFoundError(f"Blob deletion {deletion_id} does not exist.")
    return row


async def end_deletion(db: Executor, deletion_id: int, error: str | None = None) -> None:
    """End a deletion, successfully or with an error."""
    await db.execute(_END, deletion_id, "FAILURE" if error else "SUCCESS", [error] if error else [])


async def running_deletions(db: Executor, older_than: float) -> list[int]:
    """Return unfinished deletions that started at least `older_than` seconds ago."""
    return [row["id"] for row in await db.fetch(_RUNNING, older_than)]


def to_json(record: asyncpg.Record) -> dict[str, Any]:
    """Return a deletion as the API shows it."""
    start, end = record["start_datetime"], record["end_datetime"]
    return {
        "id": str(record["id"]),
        "status": record["status"],
        "start_datetime": start.isoformat(),
        "duration_in_seconds": (end - start).total_seconds() if end else None,
        "objects_deleted": len(record["ids"]),
        "errors": list(record["errors"]) or None,
        "ids": list(record["ids"]),
    }
