"""Connection pools for reads and for writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from landbridge.stac_api.errors import UnavailableError
from landbridge.stac_api.pgstac.connection_budget import application_name

if TYPE_CHECKING:
    from landbridge.stac_api.core.settings import Settings


async def _connect(*args: Any, **kwargs: Any) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(*args, **kwargs)
    except OSError as error:  # no socket, refused, unreachable
        raise UnavailableError(
            "The database does not answer; it may be starting. Try again.", part="database"
        ) from error


async def _use_orjson(conn: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await conn.set_type_codec(
            name,
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
            schema="pg_catalog",
        )


async def _keep_session(_: asyncpg.Connection) -> None:
    """Leave a connection for reads as it is: no read changes its session, and asyncpg ends its transaction.

    asyncpg's own reset is a statement after each request: a tenth of the time to read an item.
    """


async def open_pools(settings: Settings) -> tuple[asyncpg.Pool, asyncpg.Pool]:
    """Open the pool for reads and the pool for writes."""
    url = settings.database_url
    return await _open(settings, url, reads=True), await _open(settings, url, reads=False)


async def open_replica(settings: Settings) -> asyncpg.Pool | None:
    """Open the pool for reads of the replica; None if there is no replica.

    No connection is made yet, so that the service starts while the replica is away.
    """
    url = settings.read_database_url
    if url is None:
        return None
    return await _open(settings, url, reads=True, smallest=0)


def _reading(settings: Settings) -> dict[str, str]:
    """Return the settings of connections for reads.

    Reads run in read-only transactions under `statement_timeout`, with `pgstac.readonly`: searches then
    leave no trace in pgstac's `searches` table (it only grows), so they also run on a replica.
    """
    return {
        "pgstac.readonly": "true",
        "default_transaction_read_only": "on",
        "statement_timeout": f"{int(settings.statement_timeout * 1000)}ms",
        # A plan for any parameters knows neither the collection nor how many items a filter leaves.
        "plan_cache_mode": "force_custom_plan",
    }


async def _open(settings: Settings, url: str, *, reads: bool, smallest: int | None = None) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        url,
        min_size=settings.db_min_connections if smallest is None else smallest,
        max_size=settings.db_max_connections,
        statement_cache_size=settings.db_statement_cache,
        init=_use_orjson,
        connect=_connect,
        reset=_keep_session if reads else None,
        server_settings={
            "search_path": "pgstac,public",
            "application_name": application_name(),
            **(_reading(settings) if reads else {}),
        },
    )
