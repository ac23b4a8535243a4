"""Reads of `item_stats`: one narrow row for each item, of all collections in one table.

Sums and counts over it are much cheaper than over pgstac's `items`, which has a partition for each
collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """Rows of `item_stats`, named `s`: a FROM, a WHERE, and the parameters that both name.

    `rows_only` is a FROM of as many rows without their columns, if that is cheaper to count.
    """

    text: str
    condition: str
    parameters: Parameters
    rows_only: str = ""

    async def fetch(self, conn: asyncpg.Connection, columns: str, rest: str = "") -> list[Any]:
        """Return the given columns; `rest` may group and limit them."""
        query = f"SELECT {columns} FROM {self.text} WHERE {self.condition} {rest}"  # noqa: S608 - holds no values
        statement, values = self.parameters.bound(query)
        rows: list[Any] = await conn.fetch(statement, *values)
        return rows


def of_items(conditions: Sequence[str], parameters: Parameters) -> Source:
    """Return the rows of the items that meet one of the conditions; no item may meet two of them."""
    items = " UNION ALL ".join(_ITEMS.format(condition=one) for one in conditions)
    return Source(_JOINED.format(items=items), "TRUE", parameters, rows_only=f"({items}) AS i")


def of_stats(conditions: Sequence[str], parameters: Parameters) -> Source:
    """Return the rows that meet all of the conditions on `item_stats` itself."""
    return Source("landbridge.item_stats AS s", " AND ".join(conditions), parameters)


async def collection_keys(conn: asyncpg.Connection, ids: Sequence[str] | None) -> dict[int, str]:
    """Return the ids of collections by their keys in `item_stats`; None stands for all collections."""
    return {row["key"]: row["id"] for row in await conn.fetch(_KEYS, ids)}
