"""Records of deletions of a product's images and bands: their table, and their JSON in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from landbridge.stac_api.errors import ConflictError

if TYPE_CHECKING:
    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

_START = "INSERT INTO landbridge.deletions (product_id) VALUES ($1) RETURNING *"
_LATEST = "SELECT * FROM landbridge.deletions WHERE product_id = $1 ORDER BY id DESC LIMIT 1"
_COUNT = "UPDATE landbridge.deletions SET objects_deleted = objects_deleted + $2 WHERE id = $1"
_END = """
UPDATE landbridge.deletions SET status = $2, errors = $3, end_datetime = clock_timestamp()
WHERE id = $1 AND status = 'RUNNING'
"""
_RUNNING = """
SELECT id, product_id FROM landbridge.deletions
WHERE status = 'RUNNING' AND start_datetime <= now() - make_interval(secs => $1)
"""
_RUNS = "SELECT EXISTS (SELECT FROM landbridge.deletions WHERE id = $1 AND status = 'RUNNING')"


async def start(db: Executor, product_id: str) -> asyncpg.Record:
    """Make a record in state `RUNNING`.

    Raises
    ------
    ConflictError
        If a deletion of the product is running already.
    """
    try:
        return await db.fetchrow(_START, product_id)
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(
            f"A deletion of the images and bands of {product_id} is running already."
        ) from error


async def latest(db: Executor, product_id: str) -> asyncpg.Record | None:
    """Return the last deletion of a product; None if there was none."""
    return await db.fetchrow(_LATEST, product_id)


async def running(db: Executor, older_than: float) -> list[asyncpg.Record]:
    """Return unfinished deletions that started at least `older_than` seconds ago."""
    found: list[asyncpg.Record] = await db.fetch(_RUNNING, older_than)
    return found


async def is_running(db: Executor, deletion: int) -> bool:
    """Return whether a deletion has not ended."""
    return bool(await db.fetchval(_RUNS, deletion))


async def count(db: Executor, deletion: int, deleted: int) -> None:
    """Add to the number of objects deleted."""
    await db.execute(_COUNT, deletion, deleted)


async def end(db: Executor, deletion: int, error: str | None = None) -> None:
    """End a deletion, successfully or with an error."""
    await db.execute(_END, deletion, "FAILURE" if error else "SUCCESS", [error] if error else [])


def to_json(product_id: str, record: asyncpg.Record | None) -> dict[str, Any]:
    """Return the record as the API shows it; status `NONE` if there was no deletion."""
    if record is None:
        return {"id": product_id, "status": "NONE", "objects_deleted": None, "errors": None}
    start_datetime, end_datetime = record["start_datetime"], record["end_datetime"]
    return {
        "id": product_id,
        "status": record["status"],
        "start_datetime": start_datetime.isoformat(),
        "duration_in_seconds": (end_datetime - start_datetime).total_seconds() if end_datetime else None,
        "objects_deleted": record["objects_deleted"],
        "errors": record["errors"] or None,
    }
