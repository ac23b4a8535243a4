"""Maintained counts of items by collection and time, which cost the same for thousands and for millions.

`sql/functions/item_counts.sql` keeps the counters. A range of time is cut into whole months and days, which
are counters, and at most two parts of a day, whose items are counted in the index of `item_stats`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from landbridge.stac_api.pgstac.sql_builder import Parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

__all__ = [
    "EVERYTHING",
    "TimeRange",
    "WrongCounts",
    "buckets",
    "count_changes",
    "count_items",
    "first_and_last",
    "has_periods",
    "keys_of",
    "merge_changes",
    "parts",
    "repair",
    "rows",
    "totals",
    "wrong_counts",
]

Unit = Literal["all", "month", "day", "item"]

_COUNTERS = """
SELECT collection_key, start::timestamp AS start, items, bytes
FROM landbridge.item_counts WHERE period = '{unit}'{among}{since}{before}
UNION ALL
SELECT collection_key, day::timestamp, items, bytes
FROM landbridge.item_count_changes WHERE TRUE{among}{days_since}{days_before}
"""
_ITEMS = """
SELECT collection_key, datetime AT TIME ZONE 'UTC', 1, bytes
FROM landbridge.item_stats WHERE TRUE{since}{before}{among}
"""
_PERIODS = """
SELECT EXISTS (SELECT FROM landbridge.item_counts WHERE period = 'all' AND periods <> 0{among})
    OR EXISTS (SELECT FROM landbridge.item_count_changes WHERE periods <> 0{among})
"""
_TOTALS = """
SELECT coalesce(sum(items), 0)::bigint AS items, coalesce(sum(bytes), 0) AS bytes FROM ({rows}) AS counted
"""
_BUCKETS = """
SELECT {key} AS key, sum(items)::bigint AS frequency, sum(bytes) AS bytes FROM ({rows}) AS counted
GROUP BY 1 HAVING sum(items) > 0 LIMIT {limit}
"""
_DATES = """
SELECT min(first) AS datetime_min, max(last) AS datetime_max
FROM {keys} AS k (key), LATERAL (
    SELECT min(datetime) AS first, max(datetime) AS last FROM landbridge.item_stats
    WHERE collection_key = k.key{since}{before}
) AS dates
"""
_CHANGES = """
SELECT c.key, coalesce((
    SELECT sum(changes) FROM landbridge.item_counts WHERE period = 'all' AND collection_key = c.key
), 0)::bigint + coalesce((
    SELECT sum(changes) FROM landbridge.item_count_changes WHERE collection_key = c.key
), 0)::bigint AS changes
FROM collections c WHERE c.id = $1
"""
_KEYS = "SELECT key FROM collections WHERE id = ANY ($1)"
_MERGE = "SELECT landbridge.merge_item_counts($1)"
_MERGED_AT_ONCE: Final = 100_000
_WRONG = "SELECT collection, items, rows, counted FROM landbridge.wrong_item_counts()"
_REPAIR = "SELECT landbridge.repair_item_counts()"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Times from `since` on, and before `before`, in UTC; None for no bound."""

    since: datetime | None = None
    before: datetime | None = None

    def narrowed(self, other: TimeRange) -> TimeRange:
        """Return the times that lie in both ranges."""
        starts = [one for one in (self.since, other.since) if one is not None]
        ends = [one for one in (self.before, other.before) if one is not None]
        return TimeRange(max(starts, default=None), min(ends, default=None))

    @property
    def is_empty(self) -> bool:
        """True if no time lies in the range."""
        return self.since is not None and self.before is not None and self.since >= self.before


EVERYTHING: Final = TimeRange()


class Part(NamedTuple):
    """A part of a range of time, and the unit in which its items are counted."""

    unit: Unit
    range: TimeRange


class WrongCounts(NamedTuple):
    """A collection whose counters are wrong: its items, its rows of `item_stats`, and what is counted."""

    collection: str
    items: int
    rows: int
    counted: int


def parts(asked: TimeRange, largest: Unit = "all") -> list[Part]:
    """Return the parts of a range, none of which overlap, in the largest units that fit.

    Parameters
    ----------
    asked : TimeRange
        The range.
    largest : str
        The largest unit to use: `all` is for totals, `month` and `day` for counts by month and day.
    """
    if asked.is_empty:
        return []
    if asked == EVERYTHING and largest == "all":
        return [Part("all", asked)]
    if largest == "item":
        return [Part("item", asked)]
    finer: Unit = "item" if largest == "day" else "day"
    unit: Unit = "day" if largest == "day" else "month"
    try:
        since = None if asked.since is None else _first_start(asked.since, unit)
    except OverflowError:  # the year 9999 has no later one
        return parts(asked, finer)
    before = None if asked.before is None else _last_start(asked.before, unit)
    if since is not None and before is not None and since >= before:
        return parts(asked, finer)
    edges = []
    if since is not None and asked.since != since:
        edges += parts(TimeRange(asked.since, since), finer)
    if before is not None and asked.before != before:
        edges += parts(TimeRange(before, asked.before), finer)
    return [Part(unit, TimeRange(since, before)), *edges]


def _last_start(moment: datetime, unit: Unit) -> datetime:
    """Return the beginning of the day or month of a time."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return start if unit == "day" else start.replace(day=1)


def _first_start(moment: datetime, unit: Unit) -> datetime:
    """Return the first beginning of a day or month that is not before a time."""
    start = _last_start(moment, unit)
    if start == moment:
        return start
    return start + timedelta(days=1) if unit == "day" else _last_start(start + timedelta(days=31), unit)


def rows(asked: TimeRange, keys: Sequence[int] | None, parameters: Parameters, largest: Unit = "all") -> str:
    """Return SQL whose rows have `collection_key`, `start`, `items` and `bytes`, to be added up.

    Parameters
    ----------
    asked : TimeRange
        Times of the items.
    keys : sequence of int, optional
        Keys of the collections; None for all.
    parameters : Parameters
        Takes the values.
    largest : str
        The largest unit of time, as in `parts`.
    """
    among = _among(keys, parameters)
    found = []
    for unit, times in parts(asked, largest):
        if unit == "item":
            since = _time_bound("datetime >= ", times.since, parameters)
            before = _time_bound("datetime < ", times.before, parameters)
            found.append(_ITEMS.format(since=since, before=before, among=among))
            continue
        bounds = {
            "since": _bound("start >= ", times.since, parameters),
            "before": _bound("start < ", times.before, parameters),
            "days_since": _bound("day >= ", times.since, parameters),
            "days_before": _bound("day < ", times.before, parameters),
        }
        found.append(_COUNTERS.format(unit=unit, among=among, **bounds))
    nothing = (
        "SELECT NULL::bigint AS collection_key, NULL::timestamp AS start, 0 AS items, 0 AS bytes WHERE FALSE"
    )
    return " UNION ALL ".join([nothing, *found])


def _among(keys: Sequence[int] | None, parameters: Parameters) -> str:
    if keys is None:
        return ""
    return f" AND collection_key = ANY ({parameters.add(sorted(keys), 'bigint[]')})"


def _bound(comparison: str, moment: datetime | None, parameters: Parameters) -> str:
    return "" if moment is None else f" AND {comparison}{parameters.add(moment.date(), 'date')}"


def _time_bound(comparison: str, moment: datetime | None, parameters: Parameters) -> str:
    return "" if moment is None else f" AND {comparison}{parameters.add_timestamp(moment)}"


async def has_periods(conn: asyncpg.Connection, keys: Sequence[int] | None) -> bool:
    """Return whether items of some collections have a start and an end rather than a time.

    True also until the deletion of the last of them is merged into the counters.
    """
    parameters = Parameters()
    statement, values = parameters.bound(_PERIODS.format(among=_among(keys, parameters)))
    found: bool = await conn.fetchval(statement, *values)
    return found


async def keys_of(conn: asyncpg.Connection, collections: Sequence[str]) -> list[int]:
    """Return the keys of the existing collections among some ids."""
    return [row["key"] for row in await conn.fetch(_KEYS, list(collections))]


async def count_items(conn: asyncpg.Connection, keys: Sequence[int] | None, asked: TimeRange) -> int:
    """Return the number of items of some collections in a range of time; None for all collections."""
    total: int = (await totals(conn, keys, asked))[0]
    return total


async def totals(conn: asyncpg.Connection, keys: Sequence[int] | None, asked: TimeRange) -> tuple[int, int]:
    """Return the number of items, as `count_items`, and the size of their files."""
    parameters = Parameters()
    statement, values = parameters.bound(_TOTALS.format(rows=rows(asked, keys, parameters)))
    found = await conn.fetchrow(statement, *values)
    return found["items"], int(found["bytes"])


async def buckets(
    conn: asyncpg.Connection,
    keys: Sequence[int] | None,
    asked: TimeRange,
    *,
    interval: str | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Return number and bytes of the items by interval of their time; by collection if the interval is None.

    Intervals that are shorter than a day are not counted.
    """
    parameters = Parameters()
    largest: Unit = "all" if interval is None else "day" if interval in ("day", "week") else "month"
    key = "collection_key" if interval is None else f"date_trunc('{interval}', start)"
    text = _BUCKETS.format(key=key, rows=rows(asked, keys, parameters, largest), limit=limit)
    statement, values = parameters.bound(text)
    found: list[asyncpg.Record] = await conn.fetch(statement, *values)
    return found


async def first_and_last(
    conn: asyncpg.Connection, keys: Sequence[int] | None, asked: TimeRange
) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last `datetime` of items, as `count_items`."""
    parameters = Parameters()
    among = "(SELECT key FROM collections)"
    if keys is not None:
        among = f"unnest({parameters.add(list(keys), 'bigint[]')})"
    text = _DATES.format(
        keys=among,
        since=_time_bound("datetime >= ", asked.since, parameters),
        before=_time_bound("datetime < ", asked.before, parameters),
    )
    statement, values = parameters.bound(text)
    found = await conn.fetchrow(statement, *values)
    return found["datetime_min"], found["datetime_max"]


async def count_changes(conn: asyncpg.Connection, collection: str) -> tuple[int, int] | None:
    """Return the key of a collection and the number of changes of its items; None if it does not exist."""
    row = await conn.fetchrow(_CHANGES, collection)
    return None if row is None else (row["key"], row["changes"])


async def merge_changes(pool: asyncpg.Pool) -> int:
    """Merge the recorded changes into the counters, and return their number."""
    total = 0
    while number := await pool.fetchval(_MERGE, _MERGED_AT_ONCE):
        total += number
        if number < _MERGED_AT_ONCE:
            break
    return total


async def wrong_counts(pool: asyncpg.Pool) -> list[WrongCounts]:
    """Return the collections whose counters are not those of their items. Reads all items."""
    return [WrongCounts(*row) for row in await pool.fetch(_WRONG)]


async def repair(pool: asyncpg.Pool) -> None:
    """Count all items again. Writers wait meanwhile."""
    await pool.execute(_REPAIR)
