"""Bulk load of items by COPY: dozens of times as fast as INSERT.

The rows are made by `item_rows`. pgstac's Loader is not used: it compares dates as text, narrows the
partition to the dates that it holds, under a lock that stops all readers, and retries for minutes if a later
date lies outside.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg

from landbridge.stac_api.core.database_errors import is_transient
from landbridge.stac_api.errors import ConflictError
from landbridge.stac_api.pgstac import dehydration, item_rows
from landbridge.stac_api.pgstac.item_rows import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["COLUMNS", "COPY", "created", "load_items"]

COPY = f"COPY {{table}} ({', '.join(COLUMNS)}) FROM STDIN"
# The lock that a collection's deletion waits for; see `writes`.
_LOCK = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"
# Triggers record the items together and not one by one; see `sql/functions/item_stats.sql`.
_BY_STATEMENT = "SET LOCAL landbridge.item_stats = 'by statement'"
_STAGE = "CREATE TEMP TABLE landbridge_load (LIKE pgstac.items) ON COMMIT DROP"
# Ordered by id, so that two loads of the same items wait for each other and do not deadlock.
_CLEAR = """
WITH replaced AS (
    SELECT i.collection, i.id FROM pgstac.items i JOIN landbridge_load l USING (collection, id)
    ORDER BY i.collection, i.id FOR UPDATE OF i
)
DELETE FROM pgstac.items i USING replaced r WHERE i.collection = r.collection AND i.id = r.id
"""
_MOVE = "INSERT INTO pgstac.items SELECT * FROM landbridge_load"
# Loads of the same items that have met once are stored one after another.
_LOCK_ITEMS = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))"
_TRIES, _PAUSE = 5, 0.2


def load_items(
    database_url: str, collection: str, items: Iterable[dict[str, Any]], *, replace: bool = False
) -> None:
    """Store validated, complete items of a collection, all or none. Blocking.

    The items are taken one by one: the database stores one while the next is made. An exception of the
    iterable leaves nothing stored.

    Raises:
        ConflictError: if an id is taken and `replace` is not set, or if others store the same items again and
            again.
    """
    has_met_others = False
    with psycopg.connect(database_url, autocommit=True) as conn:
        rest = _rows(conn, database_url, collection, items)
        made: list[item_rows.Row] = []

        def rows() -> Iterator[item_rows.Row]:
            yield from tuple(made)
            for row in rest:
                made.append(row)
                yield row

        for last in (*[False] * (_TRIES - 1), True):
            try:
                _store(conn, collection, rows(), replace=replace, alone=has_met_others)
                break
            except psycopg.errors.CheckViolation:
                if last:
                    raise
                # The first items of a year or month; or pgstac's Loader, run by another program, has narrowed
                # the partition.
                made += rest
                _create_partitions(conn, collection, {row.datetime for row in made})
            except psycopg.Error as error:
                if isinstance(error, psycopg.errors.CardinalityViolation):
                    raise ConflictError(
                        "Two of the items have the same id, so none was stored. Store each item once."
                    ) from error
                is_taken = isinstance(error, psycopg.errors.UniqueViolation)
                if is_taken and (last or not replace):
                    raise _conflict(error, replace=replace) from error
                if last or not (is_taken or is_transient(error)):
                    raise
                # Another load has stored the same items since this one looked for what it replaces.
                has_met_others |= is_taken
                time.sleep(_PAUSE)


def _create_partitions(conn: psycopg.Connection, collection: str, times: set[str]) -> None:
    for last in (*[False] * (_TRIES - 1), True):
        try:
            conn.execute(item_rows.CREATE_PARTITIONS.format("%s", "%s"), (collection, sorted(times)))
            return
        except psycopg.Error as error:
            if last or not is_transient(error):
                raise
            time.sleep(_PAUSE)


def _conflict(error: psycopg.Error, *, replace: bool) -> ConflictError:
    detail = error.diag.message_detail or str(error)
    if replace:
        return ConflictError(f"Others store the same items again and again ({detail}). Repeat the request.")
    return ConflictError(f"An item exists already, so none was stored: {detail}")


def _rows(
    conn: psycopg.Connection, database_url: str, collection: str, items: Iterable[dict[str, Any]]
) -> Iterator[item_rows.Row]:
    # Queried before the COPY: during one the connection cannot run another statement.
    found = conn.execute(item_rows.BASE_ITEM.format("%s"), (collection,)).fetchone()
    base = dehydration.Base(*found) if found else dehydration.Base({})
    return _dehydrated(base, database_url, collection, items)


def _dehydrated(
    base: dehydration.Base, database_url: str, collection: str, items: Iterable[dict[str, Any]]
) -> Iterator[item_rows.Row]:
    empty: int | None = None
    for item in items:
        row = item_rows.Row.of(item, base)
        if row.content is None:
            empty = empty or _empty_base_item(database_url, collection)
            row = row.whole(item, empty)
        yield row


def _empty_base_item(database_url: str, collection: str) -> int:
    with psycopg.connect(database_url, autocommit=True) as conn:
        found = conn.execute(item_rows.EMPTY_BASE_ITEM.format("%s"), (collection,)).fetchone()
    assert found  # a function has one row
    number: int = found[0]
    return number


def _store(
    conn: psycopg.Connection, collection: str, rows: Iterable[item_rows.Row], *, replace: bool, alone: bool
) -> None:
    table = "landbridge_load" if replace else "pgstac.items"
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(_LOCK, (collection,))
        cursor.execute(_BY_STATEMENT)
        if replace:
            cursor.execute(_STAGE)
        with cursor.copy(COPY.format(table=table)) as copy:  # two constants
            for row in rows:
                copy.write_row(row)
        if alone:
            cursor.execute(_LOCK_ITEMS, (collection,))
        if replace:
            cursor.execute(_CLEAR)
            cursor.execute(_MOVE)


def created(database_url: str, collection: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the creation times of existing items by id. Blocking."""
    query = (
        "SELECT id, content->'properties'->>'created' FROM pgstac.items "
        "WHERE collection = %s AND id = ANY(%s) AND content->'properties' ? 'created'"
    )
    with psycopg.connect(database_url) as conn:
        return dict(conn.execute(query, (collection, list(ids))).fetchall())
