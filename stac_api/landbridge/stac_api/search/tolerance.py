"""Searches that go on when a stored geometry can't be written as GeoJSON or compared.

One item must not end the searches of everybody. The quick way is tried first; after an error the search runs
again by SQL functions that catch it, item by item. An item is then shown with the nearest geometry that
GeoJSON has, or with null, and not found by a predicate that its geometry has no answer to. `doctor` names
such items.
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

# Whether the statement that is being written has to survive geometries that can't be read.
TOLERANT: ContextVar[bool] = ContextVar("tolerant", default=False)
_UNREADABLE = (asyncpg.InternalServerError, asyncpg.DataError)


def tolerant(
    read: Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]],
) -> Callable[Concatenate[asyncpg.Connection, P], Awaitable[T]]:
    """Decorate a search to run again after an error that a stored geometry may be the cause of."""

    @functools.wraps(read)
    async def run(conn: asyncpg.Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        # In a transaction, nothing follows an error.
        if not conn.is_in_transaction():
            try:
                return await read(conn, *args, **kwargs)
            except _UNREADABLE as error:
                logger.warning("A geometry can't be read (%s); `landbridge-server doctor` names it.", error)
        token = TOLERANT.set(True)
        try:
            return await read(conn, *args, **kwargs)
        finally:
            TOLERANT.reset(token)

    return run
