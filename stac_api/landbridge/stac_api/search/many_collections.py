"""Plans for searches over very many collections, and over very large ones.

Each collection is a partition of pgstac's `items`, and planning a query over a thousand partitions takes
longer than the rest of the search. Other tables tell which few of them a search has to read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from landbridge.stac_api.pgstac import candidates, item_counts, visibility
from landbridge.stac_api.search.conditions import interval
from landbridge.stac_api.search.cql2.literals import boxes
from landbridge.stac_api.search.order import Order, Token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search

__all__ = ["are_instants", "name_collections", "newest_first"]

_FEW_PRODUCTS = 50  # are planned in no time
_MANY_COLLECTIONS = 300  # beyond this, a search of all of them has to name them to be planned in time


async def name_collections(conn: asyncpg.Connection, asked: Search, access: Access) -> Search:
    """Return the search with the collections named that can hold matches, if it asks for many.

    Raises
    ------
    BadRequestError
        If the time or the bbox of the search is invalid.
    """
    if access.unrestricted and asked.collections is None:
        all_ids = await candidates.ids_if_many(conn, _MANY_COLLECTIONS)
        if all_ids is None:
            return asked
        asked = replace(asked, collections=tuple(all_ids))
    products, containers = access.split_collections(asked.collections)
    if len(products) <= _FEW_PRODUCTS:
        return asked
    start, end = interval(asked.datetime) if asked.datetime else (None, None)
    bbox = [orjson.dumps(box).decode() for box in boxes(list(asked.bbox))] if asked.bbox else []
    shape = [orjson.dumps(asked.intersects).decode()] if asked.intersects is not None else []
    found = await candidates.may_match(
        conn, products, geometries=bbox or shape, start=start, end=end, ids=asked.ids
    )
    return replace(asked, collections=(*found, *containers))


async def newest_first(
    conn: asyncpg.Connection, asked: Search, access: Access
) -> tuple[Search, tuple[datetime, ...]]:
    """Return the search with its products in the order of their newest items, if it has that order.

    The second value has the time of the newest item of each condition on products, as `fetch_rows` needs it.
    """
    if asked.collections is None or not _is_newest_first(asked):
        return asked, ()
    products, containers = access.split_collections(asked.collections)
    if len(products) <= _FEW_PRODUCTS:
        return asked, ()
    times = await candidates.newest_first(conn, products)
    of_conditions = tuple(times.values())[:: visibility.PRODUCTS_OF_CONDITION]
    return replace(asked, collections=(*times, *containers)), of_conditions


async def are_instants(
    conn: asyncpg.Connection, collections: Sequence[str] | None, *times: str | None
) -> bool:
    """Return whether items of collections, None standing for all, have no periods, if that helps a search.

    It does if one of the times has a start.
    """
    if not any(one and interval(one)[0] is not None for one in times):
        return False
    keys = None if collections is None else await item_counts.keys_of(conn, collections)
    return not await item_counts.has_periods(conn, keys)


def _is_newest_first(asked: Search) -> bool:
    token = Token.decode(asked.token) if asked.token else None
    return Order(asked.sortby).name == Order(()).name and not (token and token.backwards)
