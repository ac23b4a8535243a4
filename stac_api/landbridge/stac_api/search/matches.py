"""The number of items that match a search: `numberMatched` of its pages.

Maintained counters answer searches of whole collections and of ranges of time. Other searches are counted
for a limited time; after that their pages have no `numberMatched`. An `/aggregate` of `total_count` always
counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from landbridge.stac_api.pgstac import item_counts, item_queries
from landbridge.stac_api.pgstac.sql_builder import Parameters
from landbridge.stac_api.search.conditions import of_items
from landbridge.stac_api.search.time_ranges import asked_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search

__all__ = ["count"]


async def count(
    conn: asyncpg.Connection,
    asked: Search,
    access: Access,
    seconds: float,
    compiled: tuple[Sequence[str], Parameters] | None = None,
) -> int | None:
    """Return the number of matching items that the caller may see.

    Args:
        conn: of the read pool.
        asked: the search; its order and its token do not count.
        access: of the caller.
        seconds: time to count items that the counters do not tell. After it, the result is None.
        compiled: the conditions of the search and their parameters, if the caller has them.
    """
    products: list[str] | None = None
    containers: list[str] = []
    if not (access.unrestricted and asked.collections is None):
        products, containers = access.split_collections(asked.collections)
    counted = await _by_counters(conn, asked, products)
    if counted is not None and not containers:
        return counted
    # Access to blobs is a matter of each item, so counters cannot tell their number.
    if counted is not None:
        asked, compiled = replace(asked, collections=tuple(containers)), None
    if compiled is None:
        parameters = Parameters(subjects=None if access.unrestricted else access.subject_list)
        compiled = of_items(asked, parameters, access), parameters
    try:
        found = await item_queries.count_items(conn, *compiled, seconds)
    except TimeoutError:
        return None
    return found + (counted or 0)


async def _by_counters(conn: asyncpg.Connection, asked: Search, products: Sequence[str] | None) -> int | None:
    """Return the number of items of products, None standing for all; None if the counters do not tell it."""
    times = asked_times(asked)
    if times is None:
        return None
    keys = None if products is None else await item_counts.keys_of(conn, products)
    if times.overlapping and await item_counts.has_periods(conn, keys):
        return None
    return await item_counts.count_items(conn, keys, times.range)
