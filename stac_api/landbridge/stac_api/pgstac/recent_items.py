"""The first page of a search for all that may be seen, newest first, where that lies in many products.

Each product is a partition of pgstac's items, and to plan a query over a thousand takes longer than all the
rest. The facts are one table: they tell at once in which few products the page lies, and how many there are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search

__all__ = ["count", "everywhere", "products", "spread"]

_FEW = 50  # products, of which a query is planned in no time
_WIDE = 300  # collections, beyond which a search of all has to name them to be planned in time
_MOST = 200  # items of a page that is found like this: a page of thousands lies in most products anyway
# With all that are as old as the last: which of those come first is for the search to say.
_PRODUCTS = """
SELECT DISTINCT id FROM (
    SELECT c.id, f.datetime
    FROM collections c CROSS JOIN LATERAL (
        SELECT datetime FROM landbridge.item_stats WHERE collection_key = c.key ORDER BY datetime DESC LIMIT $2
    ) AS f
    WHERE c.id = ANY ($1) ORDER BY f.datetime DESC FETCH FIRST ($2) ROWS WITH TIES
) AS newest
"""
_COUNT = """
SELECT count(*) FROM landbridge.item_stats WHERE collection_key IN (SELECT key FROM collections WHERE id = ANY ($1))
"""

_ALL = "SELECT array_agg(id ORDER BY id) FROM collections HAVING count(*) > $1"


async def everywhere(conn: asyncpg.Connection, asked: Search, access: Access) -> Search:
    """The same search with its collections named, where it is one of all there are and they are many."""
    if not access.everything or asked.collections is not None:
        return asked
    named: list[str] | None = await conn.fetchval(_ALL, _WIDE)
    return asked if named is None else replace(asked, collections=tuple(named))


def spread(asked: Search, limit: int, access: Access) -> list[str] | None:
    """The many products of a first page, newest first, of all that may be seen; None of any other search."""
    conditions = (asked.ids, asked.bbox, asked.intersects, asked.datetime, asked.text, asked.filter)
    if asked.sortby or asked.token or limit > _MOST:
        return None
    if any(one is not None and one != () for one in conditions):
        return None
    found, _ = access.narrowed(asked.collections)
    return found if len(found) > _FEW else None


async def products(conn: asyncpg.Connection, among: Sequence[str], limit: int) -> list[str]:
    """Those of some products that hold the newest `limit` items of all."""
    return [row["id"] for row in await conn.fetch(_PRODUCTS, list(among), limit)]


async def count(conn: asyncpg.Connection, among: Sequence[str]) -> int:
    """How many items there are in some products."""
    found: int = await conn.fetchval(_COUNT, list(among))
    return found
