"""Plans for searches over very many collections.

Each collection is a partition of pgstac's `items`, and planning a query over a thousand partitions takes
longer than the rest of the search. `item_stats` is one table: it tells which few products hold the first page
of the newest items, and how many items there are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from landbridge.stac_api.pgstac import item_stats

if TYPE_CHECKING:
    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search

__all__ = ["name_collections", "products_of_first_page"]

_FEW_PRODUCTS = 50  # are planned in no time
_MANY_COLLECTIONS = 300  # beyond this, a search of all of them has to name them to be planned in time
_LARGEST_PAGE = 200  # a page of thousands of items lies in most products anyway


async def name_collections(conn: asyncpg.Connection, asked: Search, access: Access) -> Search:
    """Return the search with all collections named if it asks for everything and there are many."""
    if not access.unrestricted or asked.collections is not None:
        return asked
    ids = await item_stats.ids_if_many(conn, _MANY_COLLECTIONS)
    return asked if ids is None else replace(asked, collections=tuple(ids))


def products_of_first_page(asked: Search, limit: int, access: Access) -> list[str] | None:
    """Return the products if this is the first page, newest first, of all items of many products."""
    conditions = (asked.ids, asked.bbox, asked.intersects, asked.datetime, asked.text, asked.filter)
    if asked.sortby or asked.token or limit > _LARGEST_PAGE:
        return None
    if any(one is not None and one != () for one in conditions):
        return None
    found, _ = access.split_collections(asked.collections)
    return found if len(found) > _FEW_PRODUCTS else None
