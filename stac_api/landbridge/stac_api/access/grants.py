"""Cache of callers' access: one query of the grants table, cached for seconds, cleared when lists change."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from cachetools import TTLCache

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, Access
from landbridge.stac_api.core.database_listener import listen
from landbridge.stac_api.core.metrics import CACHE_LOOKUPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from landbridge.stac_api.core.settings import Settings

__all__ = ["GrantCache"]

_CHANNEL = "landbridge_grants"
_MAX_AGE = 5.0  # seconds; limits staleness if no notification arrives (behind a pooler, database down)
_MAX_COLLECTIONS = 1_000_000  # in the whole cache; access to more is queried every time
_RECONNECT_PAUSE = 1.0  # seconds
_HITS = CACHE_LOOKUPS.labels("grants", "hit")
_MISSES = CACHE_LOOKUPS.labels("grants", "miss")
_FIND = """
SELECT role::text AS role, array_agg(DISTINCT collection) AS collections
FROM landbridge.grants WHERE subject = ANY ($1) GROUP BY role
"""


class GrantCache:
    """Access of callers by their subjects.

    The database notifies every process of changed access lists. The process that changed them clears its own
    cache (`clear`) before it answers the writer.
    """

    def __init__(
        self,
        settings: Settings,
        pool: asyncpg.Pool,
        *,
        max_age: float = _MAX_AGE,
        reconnect_pause: float = _RECONNECT_PAUSE,
    ) -> None:
        self._url = settings.database_url
        self._pool = pool
        self._reconnect_pause = reconnect_pause
        self._cache: TTLCache[frozenset[str], Access] = TTLCache(_MAX_COLLECTIONS, max_age, getsizeof=_size)
        self._clears = 0
        self._listener: asyncio.Task[None] | None = None

    async def access(self, subjects: frozenset[str]) -> Access:
        """Return what a caller with these subjects can see and change; it may be a few seconds old."""
        if self._listener is None:
            self._listener = asyncio.create_task(
                listen(self._url, _CHANNEL, self.clear, self._reconnect_pause)
            )
        cached = self._cache.get(subjects)
        if cached is not None:
            _HITS.inc()
            return cached
        _MISSES.inc()
        clears = self._clears
        rows = await self._pool.fetch(_FIND, sorted(subjects))
        found = _access_of_roles(subjects, {row["role"]: row["collections"] for row in rows})
        # A change during the query may be missing from its result.
        if clears == self._clears:
            with contextlib.suppress(ValueError):  # too large for the cache
                self._cache[subjects] = found
        return found

    def clear(self) -> None:
        """Clear the cache, because access lists have changed."""
        self._clears += 1
        self._cache.clear()

    async def close(self) -> None:
        """Stop listening for notifications."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener


def _size(access: Access) -> int:
    return 1 + len(access.read)


def _access_of_roles(subjects: frozenset[str], found: Mapping[str, Sequence[str]]) -> Access:
    """Return the access from the collections of each role; a role includes the weaker ones.

    Collections of blobs are left out, because blobs have access lists of their own.
    """
    write = frozenset((*found.get("owner", ()), *found.get("writer", ()))) - BLOB_COLLECTIONS
    read = write.union(found.get("reader", ())) - BLOB_COLLECTIONS
    return Access(subjects=subjects, read=read, write=write)
