"""Division of a collection's items into partitions by year or month.

pgstac's `repartition` deletes all items and stores them again: triggers would count and notify each of them
once more, and nobody could read meanwhile. Here the new partitions are made beside the old ones, and replace
them at the end: writers of the collection wait, readers only for the exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import psycopg
from psycopg import sql
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PERIODS", "Partition", "Period", "divide"]

Period: TypeAlias = Literal["year", "month"]
PERIODS: Final[tuple[Period, ...]] = ("year", "month")
# pgstac's names: the loader of another program writes to partitions by their names.
_SUFFIXES: Final[dict[str, str]] = {"year": "YYYY", "month": "YYYYMM"}

# The lock that all writers of a collection's items share; see `writes`.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_LOCK_PARTITIONS = "SELECT landbridge.lock_partitions()"
_COLLECTION = "SELECT key, partition_trunc FROM pgstac.collections WHERE id = %s"
_HAS_ITEMS = "SELECT EXISTS (SELECT FROM pgstac.items WHERE collection = %s)"
_SET_PERIOD = """
UPDATE pgstac.collections SET partition_trunc = %(period)s
WHERE id = %(collection)s AND partition_trunc IS DISTINCT FROM %(period)s
"""
_TABLE = """
SELECT to_regclass(%(table)s) IS NOT NULL AS exists, (
    SELECT c.relname FROM pg_partition_tree(to_regclass(%(table)s)) t JOIN pg_class c ON c.oid = t.relid
    WHERE t.isleaf ORDER BY 1 LIMIT 1
) AS leaf, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass(%(table)s)) AS owner
"""
# The next period that has items after a time: one look into each partition's index.
_NEXT_PERIOD = """
SELECT to_char(first, {suffix}), first::text, (first + {length}::interval)::text, upper(times)::text
FROM (SELECT date_trunc({period}, min(datetime)) AS first FROM {table} WHERE datetime >= {after}) AS found,
     landbridge.times_of_partition({period}, first) AS times
WHERE first IS NOT NULL
"""
_ALL_TIMES = "SELECT lower(t)::text, upper(t)::text FROM landbridge.all_times() AS t"
_COPY = """
CREATE TABLE {target} (LIKE {model} INCLUDING ALL EXCLUDING CONSTRAINTS);
ALTER TABLE {target} ADD CONSTRAINT {times} CHECK (
    datetime >= {first} AND datetime <= {last} AND end_datetime >= {always} AND end_datetime <= {never});
ALTER TABLE {target} ADD CONSTRAINT landbridge_staged CHECK (collection = {collection});
"""
_FILL = """
INSERT INTO {target} SELECT * FROM {source} WHERE datetime >= {first} AND datetime <= {last} ORDER BY datetime
"""
# With the constraints that `items` has, attaching a partition reads no row of it.
_FOREIGN_KEY = """
ALTER TABLE {target} ADD CONSTRAINT items_collections_fk FOREIGN KEY (collection)
REFERENCES pgstac.collections (id) ON DELETE CASCADE DEFERRABLE
"""
_ROOT = """
CREATE TABLE {root} (LIKE pgstac.items INCLUDING ALL EXCLUDING STATISTICS) PARTITION BY RANGE (datetime);
ALTER TABLE {root} ADD CONSTRAINT landbridge_staged CHECK (collection = {collection});
"""
_ATTACH_PERIOD = "ALTER TABLE {root} ATTACH PARTITION {target} FOR VALUES FROM ({first}) TO ({end})"
_UNIQUE_INDEX = """
SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = %s::regclass AND i.indisunique
"""
_FORGET = "DELETE FROM pgstac.partition_stats WHERE collection = %s"
_STATS = """
INSERT INTO pgstac.partition_stats (partition, collection, partition_dtrange)
SELECT partition, collection, partition_dtrange FROM pgstac.partition_sys_meta
WHERE collection = %s ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition with its times as PostgreSQL's text: `first` to `last`, and the excluded `end`."""

    name: str
    first: str
    end: str
    last: str


def divide(
    database_url: str,
    collection: str,
    period: Period | None,
    progress: Callable[[str, int], None] = lambda _name, _items: None,
) -> list[str]:
    """Divide a collection's items by years or months, or unite them; return the partitions. Blocking.

    Everything happens in one transaction: if it fails, nothing has changed. Writes to the collection wait
    until its end. It needs as much room in the database as the items take.

    Args:
        database_url: libpq URL.
        collection: id of the collection.
        period: `"year"`, `"month"`, or None for one partition.
        progress: called for each new partition, with its name and the number of its items.

    Raises:
        BadRequestError: if the period is another one.
        NotFoundError: if the collection does not exist.
    """
    if period is not None and period not in PERIODS:
        raise BadRequestError(f"Items are divided by {' or '.join(PERIODS)}, not by {period!r}.")
    with psycopg.connect(database_url, autocommit=True) as conn:
        with conn.transaction():
            conn.execute("SET LOCAL search_path TO pgstac, public; SET LOCAL timezone TO 'UTC'")
            conn.execute(_LOCK, (collection,))
            found = conn.execute(_COLLECTION, (collection,)).fetchone()
            if found is None:
                raise NotFoundError(f"Collection {collection} does not exist.")
            key, present = found
            source = f"_items_{key}"
            is_there, model, owner = conn.execute(_TABLE, {"table": f"pgstac.{source}"}).fetchone() or ()
            has_items = conn.execute(_HAS_ITEMS, (collection,)).fetchone() == (True,)
            if has_items and period != present:
                _exchange(conn, collection, period, source, model, owner, progress)
            elif period != present:
                conn.execute(_LOCK_PARTITIONS)
                if is_there:
                    conn.execute(sql.SQL("DROP TABLE {}").format(_table(source)))
                    conn.execute(_FORGET, (collection,))
                conn.execute(_SET_PERIOD, {"period": period, "collection": collection})
                conn.execute("SELECT landbridge.create_partitions(%s)", (collection,))
        if has_items:
            conn.execute(sql.SQL("ANALYZE {}").format(_table(source)))
        query = "SELECT partition FROM pgstac.partition_stats WHERE collection = %s ORDER BY 1"
        return [row[0] for row in conn.execute(query, (collection,))]


def _table(name: str) -> sql.Identifier:
    return sql.Identifier("pgstac", name)


def _periods(conn: psycopg.Connection, source: str, period: Period) -> list[Partition]:
    found: list[Partition] = []
    while True:
        after = found[-1].end if found else "-infinity"
        query = sql.SQL(_NEXT_PERIOD).format(
            suffix=_SUFFIXES[period], length=f"1 {period}", period=period, table=_table(source), after=after
        )
        row = conn.execute(query).fetchone()
        if row is None:
            return found
        suffix, first, end, last = row
        found.append(Partition(f"{source}_{suffix}", first, end, last))


def _exchange(
    conn: psycopg.Connection,
    collection: str,
    period: Period | None,
    source: str,
    model: str,
    owner: str,
    progress: Callable[[str, int], None],
) -> None:
    # Writers of other programs do not take the lock of `divide`.
    conn.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(_table(source)))
    staged = f"{source}_staged"
    always, never = conn.execute(_ALL_TIMES).fetchone() or ("", "")
    if period is None:
        partitions = [Partition(staged, "-infinity", "infinity", never)]
    else:
        partitions = _periods(conn, source, period)
    for one in partitions:
        names = {
            "target": _table(one.name),
            "source": _table(source),
            "model": _table(model),
            "times": sql.Identifier(f"{source if period is None else one.name}_dt"),
            "first": always if period is None else one.first,
            "last": one.last,
            "always": always,
            "never": never,
            "collection": collection,
        }
        conn.execute(sql.SQL(_COPY).format(**names))
        copied = conn.execute(sql.SQL(_FILL).format(**names))
        progress(one.name if period else source, copied.rowcount)
    if period is not None:
        conn.execute(sql.SQL(_ROOT).format(root=_table(staged), collection=collection))

    conn.execute(_LOCK_PARTITIONS)
    for one in partitions:
        conn.execute(sql.SQL(_FOREIGN_KEY).format(target=_table(one.name)))
    if period is not None:
        conn.execute(sql.SQL(_FOREIGN_KEY).format(target=_table(staged)))
        for one in partitions:
            names = {"root": _table(staged), "target": _table(one.name), "first": one.first, "end": one.end}
            conn.execute(sql.SQL(_ATTACH_PERIOD).format(**names))
    conn.execute(sql.SQL("ALTER TABLE pgstac.items DETACH PARTITION {}").format(_table(source)))
    # While the collection has no partition: pgstac's trigger would copy the items once more.
    conn.execute(_SET_PERIOD, {"period": period, "collection": collection})
    conn.execute(sql.SQL("DROP TABLE {}").format(_table(source)))
    conn.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(_table(staged), sql.Identifier(source)))
    conn.execute(
        sql.SQL("ALTER TABLE pgstac.items ATTACH PARTITION {} FOR VALUES IN ({})").format(
            _table(source), collection
        )
    )
    leaves = [source] if period is None else [one.name for one in partitions]
    _finish(conn, collection, source, leaves, owner)


def _finish(
    conn: psycopg.Connection, collection: str, source: str, leaves: Sequence[str], owner: str
) -> None:
    """Give the partitions the names, owner, rights and records that pgstac's `check_partition` gives."""
    for name in dict.fromkeys([source, *leaves]):
        table = _table(name)
        conn.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS landbridge_staged").format(table))
        conn.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(table, sql.Identifier(owner)))
        conn.execute(sql.SQL("GRANT ALL ON {} TO pgstac_ingest").format(table))
    for name in leaves:
        for (index,) in conn.execute(_UNIQUE_INDEX, (f"pgstac.{name}",)).fetchall():
            conn.execute(
                sql.SQL("ALTER INDEX {} RENAME TO {}").format(_table(index), sql.Identifier(f"{name}_pk"))
            )
    conn.execute(_FORGET, (collection,))
    conn.execute(_STATS, (collection,))
    for name in leaves:
        conn.execute("SELECT pgstac.update_partition_stats_q(%s, true)", (name,))
