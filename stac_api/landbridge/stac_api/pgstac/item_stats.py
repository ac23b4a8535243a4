"""Reads of `item_stats`: one narrow row for each item, of all collections in one table.

Sums and counts over it are much cheaper than over pgstac's `items`, which has a partition for each
collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.pgstac.visibility import some_at_a_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.pgstac.sql_builder import Kind, Parameters

__all__ = [
    "COLUMNS",
    "DATES",
    "Source",
    "collection_keys",
    "of_items",
    "of_stats",
]

# The dates that the table holds, by their names in items.
DATES = ("datetime", "created", "updated", "published")
# The properties that a filter can find in the table.
COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "id": ("s.id", "string"),
    **{name: (f"s.{name}", "timestamp") for name in DATES},
}
_ITEMS = "SELECT collection, id FROM items WHERE {condition}"
_JOINED = """
({items}) AS i
JOIN collections AS c ON c.id = i.collection
JOIN landbridge.item_stats AS s ON s.collection_key = c.key AND s.id = i.id
"""
_KEYS = "SELECT key, id FROM collections WHERE $1::text[] IS NULL OR id = ANY ($1::text[])"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of `item_stats`, named `s`: FROMs of different rows, a WHERE, and the parameters that they name.

    Each FROM is a statement of its own. `rows_only` are FROMs of as many rows without their columns, if those
    are cheaper to count.
    """

    texts: tuple[str, ...]
    condition: str
    parameters: Parameters
    rows_only: tuple[str, ...] = ()

    async def fetch(self, conn: asyncpg.Connection, columns: str, rest: str = "") -> list[Any]:
        """Return the given columns of all statements; `rest` may group and limit those of each."""
        rows: list[Any] = []
        for text in self.texts:
            query = f"SELECT {columns} FROM {text} WHERE {self.condition} {rest}"  # noqa: S608 - holds no values
            statement, values = self.parameters.bound(query)
            rows += await conn.fetch(statement, *values)
        return rows


def of_items(conditions: Sequence[str], parameters: Parameters) -> Source:
    """Return the rows of the items that meet one of the conditions; no item may meet two of them."""
    items = [
        " UNION ALL ".join(_ITEMS.format(condition=one) for one in some)
        for some in some_at_a_time(conditions)
    ]
    joined = tuple(_JOINED.format(items=one) for one in items)
    return Source(joined, "TRUE", parameters, rows_only=tuple(f"({one}) AS i" for one in items))


def of_stats(conditions: Sequence[str], parameters: Parameters) -> Source:
    """Return the rows that meet all of the conditions on `item_stats` itself."""
    return Source(("landbridge.item_stats AS s",), " AND ".join(conditions), parameters)


async def collection_keys(conn: asyncpg.Connection, ids: Sequence[str] | None) -> dict[int, str]:
    """Return the ids of collections by their keys in `item_stats`; None stands for all collections."""
    return {row["key"]: row["id"] for row in await conn.fetch(_KEYS, ids)}
