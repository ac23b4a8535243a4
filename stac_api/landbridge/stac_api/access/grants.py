"""What grants give to callers: one query of the side table, kept for seconds, dropped when lists change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import asyncpg
from cachetools import TTLCache

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, Access

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from landbridge.stac_api.core.settings import Settings

__all__ = ["GrantCache"]

logger = logging.getLogger(__name__)

_CHANNEL = "landbridge_grants"
_MAX_AGE = (
    5.0  # how old an answer may get where no notice arrives: behind a pooler, while the database is away
)
_MAX_COLLECTIONS = (
    1_000_000  # collections in all that are kept; a caller who may see more than that is asked for anew
)
_RECONNECT_PAUSE = 1.0  # seconds before a lost connection is made anew
_FIND = """
SELECT role::text AS role, array_agg(DISTINCT collection) AS collections
FROM landbridge.grants WHERE subject = ANY ($1) GROUP BY role
"""


class GrantCache:
    """The access of callers, by what they answer to.

    A change of lists is told by the database to every process that keeps answers; the one that made it drops
    its own at once (`drop`), before it answers the writer.
    """

    def __init__(self, settings: Settings, pool: asyncpg.Pool) -> None:
        self._url = settings.database_url
        self._pool = pool
        self._kept: TTLCache[frozenset[str], Access] = TTLCache(_MAX_COLLECTIONS, _MAX_AGE, getsizeof=_size)
        self._drops = 0
        self._listener: asyncio.Task[None] | None = None

    async def access(self, subjects: frozenset[str]) -> Access:
        """What who answers to these subjects may see and change, as it was a few seconds ago at most."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        kept = self._kept.get(subjects)
        if kept is not None:
            return kept
        drops = self._drops
        rows = await self._pool.fetch(_FIND, sorted(subjects))
        found = _access_of_roles(subjects, {row["role"]: row["collections"] for row in rows})
        # What changed while the query ran may not be in its answer.
        if drops == self._drops:
            with contextlib.suppress(ValueError):  # too large to be kept
                self._kept[subjects] = found
        return found

    def drop(self) -> None:
        """Forget all that is kept: lists have changed."""
        self._drops += 1
        self._kept.clear()

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        """Drop what is kept whenever the database tells of a change, or may have told of one."""
        while True:
            try:
                await self._follow()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                logger.warning("The database tells of no changes of access, which is tried again: %r", error)
            self.drop()
            await asyncio.sleep(_RECONNECT_PAUSE)

    async def _follow(self) -> None:
        conn = await asyncpg.connect(self._url, server_settings={"application_name": "landbridge"})
        try:
            lost = asyncio.Event()
            conn.add_termination_listener(lambda _: lost.set())
            await conn.add_listener(_CHANNEL, lambda *_: self.drop())
            self.drop()
            await lost.wait()
        finally:
            conn.terminate()


def _size(access: Access) -> int:
    return 1 + len(access.read)


def _access_of_roles(subjects: frozenset[str], found: Mapping[str, Sequence[str]]) -> Access:
    """The access that grants give, by role; each role has what the weaker ones have.

    Lists of a collection of blobs let nobody in: the blobs have their own.
    """
    write = frozenset((*found.get("owner", ()), *found.get("writer", ()))) - BLOB_COLLECTIONS
    read = write.union(found.get("reader", ())) - BLOB_COLLECTIONS
    return Access(subjects=subjects, read=read, write=write)
