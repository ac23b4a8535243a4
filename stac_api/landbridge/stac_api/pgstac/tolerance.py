"""Searches that survive stored geometries that PostGIS cannot write as GeoJSON or compare.

One item must not end all searches. The fast functions are tried first. After an error the search runs
again with SQL functions that catch errors item by item. It then shows an item with a repaired geometry, or
with null, and does not find it by a predicate that fails on its geometry. `doctor` lists such items.
"""

from __future__ import annotations

import functools
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["TOLERANT", "tolerant"]

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

# True while a statement is built that must survive unreadable geometries.
TOLERANT: ContextVar[bool] = ContextVar("tolerant", default=False)
_UNREADABLE = (asyncpg.InternalServerError, asyncpg.DataError)


def tolerant(
    read: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]],
) -> Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]]:
    """Decorate a search to run again after an error that a stored geometry may have caused."""

    @functools.wraps(read)
    async def run(conn: asyncpg.Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        # In a transaction, nothing can follow an error.
        if not conn.is_in_transaction():
            try:
                return await read(conn, *args, **kwargs)
            except _UNREADABLE as error:
                logger.warning(
                    "A geometry cannot be read (%s); `landbridge-server doctor` lists its item.", error
                )
        token = TOLERANT.set(True)
        try:
            return await read(conn, *args, **kwargs)
        finally:
            TOLERANT.reset(token)

    return run
