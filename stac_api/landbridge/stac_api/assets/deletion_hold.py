"""Hold on deletions from the object store, which a backup places while it reads the database.

A row of `landbridge.deletion_holds` forbids deletions until its time. A deletion takes a shared lock before
it looks for such a row, and keeps the lock until it ends. A new hold waits for that lock after its row is
committed: then no deletion that did not see the row is under way.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from landbridge.stac_api.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

__all__ = ["HOLD_SECONDS", "deleting", "may_delete", "place", "release", "renew"]

HOLD_SECONDS = 300.0
"""Seconds after which a hold ends unless it is renewed: its backup may have died."""

# Any constant will do, as long as every process of a service uses the same one.
_LOCK = 0x1A4DB41E
_SHARE = "SELECT pg_try_advisory_xact_lock_shared($1)"
_WAIT = "SELECT pg_advisory_xact_lock($1)"
_IS_HELD = "SELECT EXISTS (SELECT FROM landbridge.deletion_holds WHERE expires > clock_timestamp())"
_PLACE = """
INSERT INTO landbridge.deletion_holds (reason, expires)
VALUES ($1, clock_timestamp() + make_interval(secs => $2)) RETURNING id
"""
_RENEW = """
UPDATE landbridge.deletion_holds SET expires = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND expires > clock_timestamp() RETURNING id
"""
_RELEASE = """
DELETE FROM landbridge.deletion_holds WHERE id = $1 OR expires < clock_timestamp() - interval '1 day'
"""


async def may_delete(conn: asyncpg.Connection) -> bool:
    """Return whether objects may be deleted until the end of the connection's transaction.

    The transaction must be one of READ COMMITTED: the row of a hold may be newer than the transaction.
    """
    # While a hold waits for the lock, a shared one is refused.
    if not await conn.fetchval(_SHARE, _LOCK):
        return False
    return not await conn.fetchval(_IS_HELD)


@asynccontextmanager
async def deleting(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection | None]:
    """Yield a connection in a transaction during which objects may be deleted; None if they may not."""
    async with pool.acquire() as conn, conn.transaction():
        yield conn if await may_delete(conn) else None


async def place(pool: asyncpg.Pool, reason: str) -> UUID:
    """Forbid deletions, wait for those under way, and return the id of the hold."""
    hold: UUID = await pool.fetchval(_PLACE, reason, HOLD_SECONDS)
    try:
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SET LOCAL statement_timeout = 0")
            await conn.execute(_WAIT, _LOCK)
    except BaseException:
        await release(pool, hold)
        raise
    return hold


async def renew(pool: asyncpg.Pool, hold: UUID) -> None:
    """Extend a hold by `HOLD_SECONDS` from now.

    Raises
    ------
    UnavailableError
        If it has ended: objects may have been deleted since.
    """
    if await pool.fetchval(_RENEW, hold, HOLD_SECONDS) is None:
        raise UnavailableError(
            f"The hold on deletions has ended, because it was not renewed for {HOLD_SECONDS:.0f} s."
        )


async def release(pool: asyncpg.Pool, hold: UUID) -> None:
    """End a hold, and forget those of backups that died."""
    await pool.execute(_RELEASE, hold)
