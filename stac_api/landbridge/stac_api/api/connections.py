"""Connections of requests: reads may run on a replica of the database."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import asyncpg
from stac_fastapi.pgstac.db import translate_pgstac_errors

from landbridge.stac_api.access.authentication import is_read
from landbridge.stac_api.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from landbridge.stac_api.services import Services

__all__ = ["get_connection"]

logger = logging.getLogger(__name__)

_AWAY = (OSError, UnavailableError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


@asynccontextmanager
async def get_connection(
    request: Request, readwrite: Literal["r", "w"] = "r"
) -> AsyncIterator[asyncpg.Connection]:
    """Lend a connection for a request: `r` of the replica if there is one, `w` of the database.

    What a write has to read is read from the database, and so are requests with `Cache-Control: no-cache`: a
    replica may be some milliseconds late.
    """
    services: Services = request.app.state.services
    with translate_pgstac_errors():
        if readwrite == "r" and services.replica is not None and _may_be_late(request):
            conn = await _of_replica(services.replica)
            if conn is not None:
                try:
                    yield conn
                finally:
                    await services.replica.release(conn)
                return
        async with (services.readpool if readwrite == "r" else services.writepool).acquire() as conn:
            yield conn


def _may_be_late(request: Request) -> bool:
    return is_read(request.scope) and "no-cache" not in request.headers.get("cache-control", "").lower()


async def _of_replica(pool: asyncpg.Pool) -> asyncpg.Connection | None:
    """Return a connection of the replica; None if it does not answer."""
    try:
        return await pool.acquire()
    except _AWAY as error:
        logger.warning("The replica does not answer; the database itself is read: %r", error)
        return None
