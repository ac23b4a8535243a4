"""Extents of the items of collections, kept by the database as items come and go."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import asyncpg

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from landbridge.stac_api.access.rules import Access

__all__ = ["extents_of_items"]

_FIND = """
SELECT c.id, c.key, e.stale, e.west, e.south, e.east, e.north, e.start_datetime, e.end_datetime
FROM landbridge.extents e JOIN collections c ON c.key = e.collection_key
WHERE c.id = ANY ($1)
"""
_REFRESH = "SELECT landbridge.refresh_extent($1)"


async def extents_of_items(
    request: Request, collections: Sequence[str], access: Access
) -> dict[str, asyncpg.Record]:
    """Return the extents of the items of collections that the caller may see, by id.

    Collections without items are left out. So are those of blobs if the caller may not see all blobs in them.
    """
    if not access.unrestricted:
        collections = [name for name in collections if name not in BLOB_COLLECTIONS]
    async with request.app.state.get_connection(request, "r") as conn:
        found = await conn.fetch(_FIND, list(collections))
    stale = [row["key"] for row in found if row["stale"]]
    if stale:
        # An item at the edge was deleted: the first reader computes the extent again. A database that only
        # reads, as during a failover, shows the extent with that item.
        with contextlib.suppress(asyncpg.ReadOnlySQLTransactionError):
            async with request.app.state.writepool.acquire() as conn:
                for key in sorted(stale):
                    await conn.execute(_REFRESH, key)
                found = await conn.fetch(_FIND, list(collections))
    return {row["id"]: row for row in found}
