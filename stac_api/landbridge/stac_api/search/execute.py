"""Execution of searches for items and for collections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import collection_queries, item_queries
from landbridge.stac_api.pgstac.sql_builder import Parameters
from landbridge.stac_api.pgstac.tolerance import tolerant
from landbridge.stac_api.search import many_collections, matches
from landbridge.stac_api.search.conditions import of_collections, of_items
from landbridge.stac_api.search.order import Order, Token
from landbridge.stac_api.search.request import Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search

__all__ = ["Page", "search_collections", "search_items"]

# Matches of a place that are read at once with the page: reading this many in vain takes 3 ms.
_FEW = 500
_FEW_CONDITIONS = 2


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search: whole items, and tokens of the neighbouring pages.

    `matched` is the exact number of matches; None if counting them took too long.
    """

    items: list[dict[str, Any]]
    next: str | None
    prev: str | None
    matched: int | None


@tolerant
async def search_items(
    conn: asyncpg.Connection,
    asked: Search,
    limit: int,
    access: Access,
    *,
    most_sorted: int | None = None,
    count_seconds: float = 0.0,
) -> Page:
    """Run a search for at most `limit` of the items that the caller may see.

    Args:
        conn: of the read pool.
        asked: the search.
        limit: number of items.
        access: of the caller.
        most_sorted: number of items that may be sorted without an index; None for no limit.
        count_seconds: time to count the matches, if no maintained counters tell their number.

    Raises:
        BadRequestError: if the search is invalid, or sorts more than `most_sorted` items without an index.
    """
    counted = asked
    asked = await many_collections.name_collections(conn, asked, access)
    asked, newest = await many_collections.newest_first(conn, asked, access)
    order = Order(asked.sortby)
    token = Token.decode(asked.token) if asked.token else None
    backwards = token is not None and token.backwards
    parameters = Parameters(
        subjects=None if access.unrestricted else access.subject_list,
        instants=await many_collections.are_instants(conn, asked.collections, asked.datetime),
    )
    matching = of_items(asked, parameters, access)
    matched: int | None = None
    if order.unindexed is not None and most_sorted is not None:
        matched = await item_queries.count_items(conn, matching, parameters)
        if matched > most_sorted:
            raise BadRequestError(
                f"{matched} items would have to be sorted by {order.unindexed}, which has no index; at most "
                f"{most_sorted} are. Ask for fewer, or sort by datetime, id, collection or eo:cloud_cover."
            )
    restricted = matching
    if token:
        after = order.after(token, parameters)
        restricted = [f"({one}) AND {after}" for one in matching]
    by, key = order.by(backwards=backwards), order.key()
    few = None
    if token is None and matched is None and _may_match_few(asked, matching):
        few = await item_queries.fetch_few(
            conn, matching, parameters, order=by, key=key, limit=limit + 1, most=max(_FEW, limit)
        )
    if few is not None:
        rows, matched = few
    else:
        rows = await item_queries.fetch_rows(
            conn, restricted, parameters, order=by, key=key, limit=limit + 1, newest=newest
        )
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()

    # A first page that isn't full is the whole answer: no second query needed to count it.
    if matched is None:
        whole = token is None and not more
        matched = (
            len(rows)
            if whole
            else await matches.count(conn, counted, access, count_seconds, (matching, parameters))
        )
    has_next, has_prev = (True, more) if backwards else (more, token is not None)
    items = await item_queries.hydrate_rows(conn, rows)
    return Page(
        items=items if access.unrestricted else [item_queries.visible_to(access, item) for item in items],
        next=Token(False, rows[-1]["key"], order.name).encode() if has_next and rows else None,
        prev=Token(True, rows[0]["key"], order.name).encode() if has_prev and rows else None,
        matched=matched,
    )


def _may_match_few(asked: Search, conditions: Sequence[str]) -> bool:
    # Without a place, the first page is read in the order of an index, and matches are many or counted.
    return bool(asked.bbox or asked.intersects) and len(conditions) <= _FEW_CONDITIONS


@tolerant
async def search_collections(
    conn: asyncpg.Connection, asked: Search, limit: int, access: Access
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of the matching collections, as the caller sees them, and the number of all matches."""
    order = Order(asked.sortby or (Sort("id"),), last=("id",), dehydrated=False)
    parameters = Parameters(subjects=None if access.unrestricted else access.subject_list)
    parameters.dehydrated = False
    condition = of_collections(asked, parameters, access)
    found = await collection_queries.fetch_collections(
        conn, condition, parameters, access, order=order.by(), limit=limit, offset=asked.offset
    )
    if asked.offset == 0 and len(found) < limit:
        return found, len(found)
    return found, await collection_queries.count_collections(conn, condition, parameters, access)
