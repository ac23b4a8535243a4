"""Aggregations of searches.

Maintained counters answer those of whole collections and of ranges of time, `item_stats` those that need
its columns only, and `items` joined to it the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import item_counts, item_stats, visibility
from landbridge.stac_api.pgstac.item_stats import DATES, Source
from landbridge.stac_api.pgstac.sql_builder import NotAColumnError, Parameters
from landbridge.stac_api.pgstac.tolerance import tolerant
from landbridge.stac_api.search import many_collections
from landbridge.stac_api.search.conditions import of_items
from landbridge.stac_api.search.cql2 import condition
from landbridge.stac_api.search.time_ranges import asked_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.pgstac.item_counts import TimeRange
    from landbridge.stac_api.search.request import Search

__all__ = ["AGGREGATIONS", "DATES", "INTERVALS", "Wanted", "aggregate"]

_COUNTED_INTERVALS = ("year", "quarter", "month", "week", "day")
INTERVALS = (*_COUNTED_INTERVALS, "hour", "minute")
AGGREGATIONS: Mapping[str, str] = {
    "total_count": "integer",
    "total_bytes": "integer",
    "datetime_min": "datetime",
    "datetime_max": "datetime",
    "collection_frequency": "frequency_distribution",
    "namespace_frequency": "frequency_distribution",
    **{f"{date}_frequency": "frequency_distribution" for date in DATES},
}
DEFAULT = ("total_count",)
_MOST_BUCKETS = 100_000
# SQL of values, and the functions that make one of those of several statements.
_TOTALS: Mapping[str, tuple[str, Callable[[list[Any]], Any]]] = {
    "total_count": ("count(*)", sum),
    "total_bytes": ("coalesce(sum(s.bytes), 0)", sum),
    "datetime_min": ("min(s.datetime)", min),
    "datetime_max": ("max(s.datetime)", max),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An aggregation asked for, with the interval of a frequency by dates."""

    name: str
    interval: str = "month"


@dataclass(frozen=True, slots=True)
class _Counters:
    """Whole collections, by their keys or None for all, and a range of time: what the counters count."""

    keys: list[int] | None
    range: TimeRange


@tolerant
async def aggregate(
    conn: asyncpg.Connection, asked: Search, wanted: Sequence[Wanted], access: Access
) -> list[dict[str, Any]]:
    """Return the aggregations of the matching items that the caller may see, as the extension writes them."""
    keys = await item_stats.collection_keys(conn, _listed(asked, access))
    source = await _source(conn, asked, keys, access)
    counters = await _counters(conn, asked, keys, access)
    totals = await (_counted_totals(conn, counters, wanted) if counters else _totals(conn, source, wanted))
    return [
        await _frequency(conn, source, counters, one, keys, of_one=_of_one(asked))
        if AGGREGATIONS[one.name] == "frequency_distribution"
        else {"name": one.name, "data_type": AGGREGATIONS[one.name], "value": totals[one.name]}
        for one in wanted
    ]


def _listed(asked: Search, access: Access) -> list[str] | None:
    if access.unrestricted:
        return None if asked.collections is None else list(asked.collections)
    products, containers = access.split_collections(asked.collections)
    return [*products, *containers]


def _of_one(asked: Search) -> bool:
    return asked.collections is not None and len(asked.collections) == 1


async def _counters(
    conn: asyncpg.Connection, asked: Search, keys: Mapping[int, str], access: Access
) -> _Counters | None:
    """Return what the counters have to count for a search; None if they cannot answer it."""
    times = asked_times(asked)
    everything = access.unrestricted and asked.collections is None
    if times is None or (not everything and access.split_collections(asked.collections)[1]):
        return None
    among = None if everything else list(keys)
    if times.overlapping and await item_counts.has_periods(conn, among):
        return None
    return _Counters(among, times.range)


async def _counted_totals(
    conn: asyncpg.Connection, counters: _Counters, wanted: Sequence[Wanted]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = {one.name for one in wanted}
    if names & {"total_count", "total_bytes"}:
        sums = await item_counts.totals(conn, counters.keys, counters.range)
        found |= dict(zip(("total_count", "total_bytes"), sums, strict=True))
    if names & {"datetime_min", "datetime_max"}:
        dates = await item_counts.first_and_last(conn, counters.keys, counters.range)
        found |= dict(zip(("datetime_min", "datetime_max"), map(_value, dates), strict=True))
    return found


async def _source(conn: asyncpg.Connection, asked: Search, keys: Mapping[int, str], access: Access) -> Source:
    subjects = None if access.unrestricted else access.subject_list
    if not (asked.ids or asked.bbox or asked.intersects or asked.datetime or asked.text):
        parameters = Parameters(subjects=subjects)
        conditions = [visibility.of_stats(asked.collections, keys, access, parameters)]
        try:
            if asked.filter is not None:
                conditions.append(condition(asked.filter, parameters, item_stats.COLUMNS))
        except NotAColumnError:
            pass  # the filter needs the items themselves
        else:
            return item_stats.of_stats(conditions, parameters)
    parameters = Parameters(subjects=subjects)
    asked = await many_collections.name_collections(conn, asked, access)
    return item_stats.of_items(of_items(asked, parameters, access), parameters)


async def _totals(conn: asyncpg.Connection, source: Source, wanted: Sequence[Wanted]) -> dict[str, Any]:
    names = [one.name for one in wanted if one.name in _TOTALS]
    if not names:
        return {}
    columns = ", ".join(f"{_TOTALS[name][0]} AS {name}" for name in dict.fromkeys(names))
    if set(names) == {"total_count"} and source.rows_only:
        source = replace(source, texts=source.rows_only)
    rows = await source.fetch(conn, columns)
    found = {name: [row[name] for row in rows if row[name] is not None] for name in names}
    return {name: _value(_TOTALS[name][1](values)) if values else None for name, values in found.items()}


def _merged(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the sums of rows with the same key."""
    found: dict[Any, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["key"], {"key": row["key"], "frequency": 0, "bytes": 0})
        one["frequency"] += row["frequency"]
        one["bytes"] += row["bytes"]
    return list(found.values())


def _value(value: Any) -> Any:
    if value is None:
        return None
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else int(value)


async def _frequency(
    conn: asyncpg.Connection,
    source: Source,
    counters: _Counters | None,
    one: Wanted,
    keys: Mapping[int, str],
    *,
    of_one: bool,
) -> dict[str, Any]:
    column = one.name.removesuffix("_frequency")
    sums = "count(*) AS frequency, coalesce(sum(s.bytes), 0) AS bytes"
    by_time = column == "datetime" and one.interval in _COUNTED_INTERVALS
    if counters and (by_time or column == "collection"):
        rows = await item_counts.buckets(
            conn,
            counters.keys,
            counters.range,
            interval=one.interval if by_time else None,
            limit=_MOST_BUCKETS + 1,
        )
    elif column == "collection" and len(keys) == 1 and of_one:
        # All rows have the same key: grouping would take half as long again.
        rows = await source.fetch(conn, f"{next(iter(keys))} AS key, {sums}", "HAVING count(*) > 0")
    else:
        key = "s.collection_key" if column == "collection" else f"s.{column}"
        if column in DATES:
            # Truncated dates group faster than their text.
            key = f"date_trunc('{one.interval}', s.{column} AT TIME ZONE 'UTC')"
        if column not in ("datetime", "collection"):
            source = replace(source, condition=f"{source.condition} AND s.{column} IS NOT NULL")
        rows = _merged(
            await source.fetch(conn, f"{key} AS key, {sums}", f"GROUP BY 1 LIMIT {_MOST_BUCKETS + 1}")
        )
    if len(rows) > _MOST_BUCKETS:
        raise BadRequestError(
            f"{one.name} has more than {_MOST_BUCKETS} buckets; ask for longer intervals or fewer items."
        )
    buckets = [
        {
            "key": _bucket_key(row["key"], keys) if column == "collection" else _key(row["key"]),
            "data_type": "datetime" if column in DATES else "string",
            "frequency": row["frequency"],
            "catalog:bytes": int(row["bytes"]),
        }
        for row in rows
    ]
    return {
        "name": one.name,
        "data_type": AGGREGATIONS[one.name],
        "overflow": 0,
        "buckets": sorted(buckets, key=lambda bucket: str(bucket["key"])),
    }


def _bucket_key(key: int, keys: Mapping[int, str]) -> str:
    return keys.get(key, str(key))


def _key(key: Any) -> str:
    return f"{key.isoformat()}Z" if hasattr(key, "isoformat") else str(key)
