"""Aggregations of searches: from the narrow table of facts alone where it can say all, else joined to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.access import visibility
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search.conditions import of_items
from landbridge.stac_api.search.cql2 import condition
from landbridge.stac_api.search.sql import NotAColumnError, Parameters
from landbridge.stac_api.search.tolerance import tolerant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search
    from landbridge.stac_api.search.sql import Kind

__all__ = ["AGGREGATIONS", "DATES", "INTERVALS", "Wanted", "aggregate"]

INTERVALS = ("year", "quarter", "month", "week", "day", "hour", "minute")
# The dates that may be asked for the frequencies of, and what they are called in items.
DATES = ("datetime", "created", "updated", "published")
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

_COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "id": ("s.id", "string"),
    **{name: (f"s.{name}", "instant") for name in DATES},
}
_FOUND = "SELECT collection, id FROM items WHERE {where}"
_JOINED = """
({found}) AS i
JOIN collections AS c ON c.id = i.collection
JOIN landbridge.item_stats AS s ON s.collection_key = c.key AND s.id = i.id
"""
_KEYS = "SELECT key, id FROM collections WHERE $1::text[] IS NULL OR id = ANY ($1::text[])"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One aggregation; of a frequency by dates, the interval too."""

    name: str
    interval: str = "month"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the facts of a search are: FROM and WHERE, with the parameters that they name."""

    text: str
    condition: str
    parameters: Parameters
    of_one: bool  # whether all facts are of the one collection asked for

    async def fetch(self, conn: asyncpg.Connection, columns: str, rest: str = "") -> list[Any]:
        query = f"SELECT {columns} FROM {self.text} WHERE {self.condition} {rest}"  # noqa: S608 - no value is in it
        statement, values = self.parameters.bound(query)
        rows: list[Any] = await conn.fetch(statement, *values)
        return rows


@tolerant
async def aggregate(
    conn: asyncpg.Connection, asked: Search, wanted: Sequence[Wanted], access: Access
) -> list[dict[str, Any]]:
    """The aggregations of the items that match and that the caller may see, each as the extension has it."""
    keys = {row["key"]: row["id"] for row in await conn.fetch(_KEYS, _listed(asked, access))}
    source = _source(asked, keys, access)
    totals = await _totals(conn, source, wanted)
    return [
        await _frequency(conn, source, one, keys)
        if AGGREGATIONS[one.name] == "frequency_distribution"
        else {"name": one.name, "data_type": AGGREGATIONS[one.name], "value": totals[one.name]}
        for one in wanted
    ]


def _listed(asked: Search, access: Access) -> list[str] | None:
    if access.everything:
        return None if asked.collections is None else list(asked.collections)
    products, containers = access.narrowed(asked.collections)
    return [*products, *containers]


def _of_one(asked: Search) -> bool:
    return asked.collections is not None and len(asked.collections) == 1


def _source(asked: Search, keys: Mapping[int, str], access: Access) -> _Source:
    subjects = None if access.everything else access.listed
    parameters = Parameters(subjects=subjects)
    if not (asked.ids or asked.bbox or asked.intersects or asked.datetime or asked.text):
        try:
            return _alone(asked, keys, parameters, access)
        except NotAColumnError:
            parameters = Parameters(subjects=subjects)
    found = " UNION ALL ".join(_FOUND.format(where=one) for one in of_items(asked, parameters, access))
    return _Source(_JOINED.format(found=found), "TRUE", parameters, _of_one(asked))


def _alone(asked: Search, keys: Mapping[int, str], parameters: Parameters, access: Access) -> _Source:
    parts = [visibility.of_facts(asked.collections, keys, access, parameters)]
    if asked.filter is not None:
        parts.append(condition(asked.filter, parameters, _COLUMNS))
    return _Source("landbridge.item_stats AS s", " AND ".join(parts), parameters, _of_one(asked))


async def _totals(conn: asyncpg.Connection, source: _Source, wanted: Sequence[Wanted]) -> dict[str, Any]:
    expressions = {
        "total_count": "count(*)",
        "total_bytes": "coalesce(sum(s.bytes), 0)",
        "datetime_min": "min(s.datetime)",
        "datetime_max": "max(s.datetime)",
    }
    names = [one.name for one in wanted if one.name in expressions]
    if not names:
        return {}
    columns = ", ".join(f"{expressions[name]} AS {name}" for name in dict.fromkeys(names))
    (row,) = await source.fetch(conn, columns)
    return {name: _value(row[name]) for name in names}


def _value(value: Any) -> Any:
    if value is None:
        return None
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else int(value)


async def _frequency(
    conn: asyncpg.Connection, source: _Source, one: Wanted, keys: Mapping[int, str]
) -> dict[str, Any]:
    column = one.name.removesuffix("_frequency")
    sums = "count(*) AS frequency, coalesce(sum(s.bytes), 0) AS bytes"
    if column == "collection" and len(keys) == 1 and source.of_one:
        # Grouping by what is the same for all takes half as long again.
        rows = await source.fetch(conn, f"{next(iter(keys))} AS key, {sums}", "HAVING count(*) > 0")
    else:
        key = "s.collection_key" if column == "collection" else f"s.{column}"
        if column in DATES:
            # A truncated date groups faster than its text.
            key = f"date_trunc('{one.interval}', s.{column} AT TIME ZONE 'UTC')"
        if column not in ("datetime", "collection"):
            source = replace(source, condition=f"{source.condition} AND s.{column} IS NOT NULL")
        rows = await source.fetch(conn, f"{key} AS key, {sums}", f"GROUP BY 1 LIMIT {_MOST_BUCKETS + 1}")
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
