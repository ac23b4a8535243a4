"""Upload records and their events: their tables, and their JSON in the API."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

TERMINAL = frozenset({"success", "failure", "canceled"})
_INSERT = """
INSERT INTO landbridge.uploads (product_id, image_id, username, item, options, files, overwrite)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *
"""
_BY_ID = "SELECT * FROM landbridge.uploads WHERE id = $1"
_SEARCH = """
SELECT * FROM landbridge.uploads
WHERE ($1::text IS NULL OR product_id = $1) AND ($2::text IS NULL OR image_id = $2)
  AND ($3::text IS NULL OR status = $3) AND ($4::text[] IS NULL OR product_id = ANY ($4))
ORDER BY id LIMIT $5 OFFSET $6
"""
_COUNT = """
SELECT count(*) FROM landbridge.uploads
WHERE ($1::text IS NULL OR product_id = $1) AND ($2::text IS NULL OR image_id = $2)
  AND ($3::text IS NULL OR status = $3) AND ($4::text[] IS NULL OR product_id = ANY ($4))
"""
_WAITING = """
SELECT count(*) FROM (
    SELECT FROM landbridge.uploads
    WHERE status IN ('pending', 'running') AND id <> $1
        AND username = (SELECT username FROM landbridge.uploads WHERE id = $1)
    LIMIT $2
) AS waiting
"""
_ADVANCE = """
UPDATE landbridge.uploads SET status = $2, modified = now() WHERE id = $1 AND status = ANY($3) RETURNING *
"""
_ADD_EVENT = """
INSERT INTO landbridge.upload_events (upload_id, component, component_id, event_type, severity, message)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_EVENTS = """
SELECT upload_id, id, event_datetime, component, component_id, event_type, severity, message
FROM landbridge.upload_events WHERE upload_id = ANY($1) ORDER BY id
"""


_FAIL_ABANDONED = """
UPDATE landbridge.uploads SET status = 'failure', modified = now()
WHERE status = 'transferring' AND modified < now() - interval '1 day' RETURNING id
"""
_DELETE_OLD = """
DELETE FROM landbridge.uploads
WHERE status IN ('success', 'failure', 'canceled') AND modified < now() - interval '90 days'
"""
_UNFINISHED = """
SELECT id FROM landbridge.uploads
WHERE id = ANY($1) AND status IN ('transferring', 'pending', 'running')
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload as stored; `files` are `{"name", "size"}` in the order of their numbers."""

    id: int
    product_id: str
    image_id: str
    username: str
    status: str
    item: dict[str, Any]
    options: dict[str, Any]
    files: list[dict[str, Any]]
    overwrite: bool
    created: Any
    modified: Any


def _upload(row: asyncpg.Record) -> Upload:
    return Upload(**{field.name: row[field.name] for field in fields(Upload)})


async def create(
    db: Executor,
    *,
    item: Mapping[str, Any],
    image_id: str,
    username: str,
    options: Mapping[str, Any],
    files: list[dict[str, Any]],
    overwrite: bool,
) -> Upload:
    """Make a record in state `transferring`."""
    row = await db.fetchrow(
        _INSERT,
        item["collection"],
        image_id,
        username,
        dict(item),
        dict(options),
        files,
        overwrite,
    )
    return _upload(row)


async def get(db: Executor, upload: int) -> Upload:
    """Return one record.

    Raises
    ------
    NotFoundError
        If it does not exist.
    """
    row = await db.fetchrow(_BY_ID, upload)
    if row is None:
        raise not_found(upload)
    return _upload(row)


def not_found(upload: int) -> NotFoundError:
    """Return the 404 error, also for a record that the caller may not see."""
    return NotFoundError(f"Upload {upload} does not exist.")


async def search(
    db: Executor,
    *,
    product_id: str | None = None,
    image_id: str | None = None,
    status: str | None = None,
    products: Sequence[str] | None,
    limit: int,
    offset: int,
) -> tuple[list[Upload], int]:
    """Return records of some products (None: all) in order of creation, and the number of all matches."""
    filters = (product_id, image_id, status, None if products is None else list(products))
    rows = await db.fetch(_SEARCH, *filters, limit, offset)
    return [_upload(row) for row in rows], await db.fetchval(_COUNT, *filters)


async def waiting_of_same_user(db: Executor, upload: int, most: int) -> int:
    """Return the number of other uploads of an upload's user that wait for their end, up to `most`."""
    found: int = await db.fetchval(_WAITING, upload, most)
    return found


async def advance(db: Executor, upload: int, status: str, *, allowed: tuple[str, ...]) -> Upload:
    """Move a record to another state.

    Raises
    ------
    NotFoundError
        If the record does not exist.
    ConflictError
        If its state is not one of `allowed`.
    """
    row = await db.fetchrow(
        _ADVANCE,
        upload,
        status,
        list(allowed),
    )
    if row is None:
        current = await get(db, upload)
        raise ConflictError(f"Upload {upload} is {current.status}; it can't become {status}.")
    return _upload(row)


async def fail_abandoned(db: Executor) -> list[int]:
    """End the uploads whose files did not arrive within a day, and return their ids."""
    ended = [row["id"] for row in await db.fetch(_FAIL_ABANDONED)]
    for upload in ended:
        message = "The files were not sent and submitted within a day. Upload them again."
        await add_event(db, upload, "timeout", message, severity="ERROR")
    return ended


async def delete_old(db: Executor) -> None:
    """Delete the records of uploads that ended 90 days ago."""
    await db.execute(_DELETE_OLD)


async def unfinished(db: Executor, uploads: list[int]) -> set[int]:
    """Return those of some uploads that have not ended."""
    return {row["id"] for row in await db.fetch(_UNFINISHED, uploads)}


async def add_event(
    db: Executor,
    upload: int,
    event_type: str,
    message: str,
    *,
    severity: str = "INFO",
    component: str = "worker",
) -> None:
    """Append an event to an upload."""
    await db.execute(
        _ADD_EVENT,
        upload,
        component,
        f"{socket.gethostname()}-{os.getpid()}",
        event_type,
        severity,
        message,
    )


async def events(db: Executor, uploads: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the events of some uploads by upload id, each in order of time."""
    rows = await db.fetch(
        _EVENTS,
        uploads,
    )
    found: dict[int, list[dict[str, Any]]] = {upload: [] for upload in uploads}
    for row in rows:
        event = dict(row)
        found[event.pop("upload_id")].append(
            {**event, "id": str(event["id"]), "event_datetime": event["event_datetime"].isoformat()}
        )
    return found


def to_json(
    upload: Upload, events: list[dict[str, Any]] | None = None, urls: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the record as the API shows it; `urls` are the addresses for its files."""
    document = {
        "id": str(upload.id),
        "product_id": upload.product_id,
        "image_id": upload.image_id,
        "status": upload.status,
        "user": upload.username,
        "created": upload.created.isoformat(),
        "modified": upload.modified.isoformat(),
        "image_upload_options": upload.options,
        "resumable_urls": list(urls),
    }
    if events is not None:
        document["events"] = events
    return document
