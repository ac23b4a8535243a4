"""Check of the connections that all processes of a service may open together."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

    from landbridge.stac_api.core.settings import Settings

__all__ = ["application_name", "check_connections", "most_connections"]

logger = logging.getLogger(__name__)

_POOLS: Final = 2  # for reads and for writes
# The pool of the job queue (5), its listener, and those of access lists and notifications.
_OTHERS: Final = 8
_PREFIX: Final = "landbridge "
_LONGEST_NAME: Final = 63  # bytes; PostgreSQL cuts the rest off

_COUNT: Final = """
WITH sessions AS (
    SELECT application_name, datname = current_database() AND usename = current_user AS own
    FROM pg_stat_activity WHERE backend_type = 'client backend'
)
SELECT
    count(DISTINCT application_name) FILTER (WHERE own AND starts_with(application_name, $1)) AS processes,
    least(
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0)
            - count(*) FILTER (WHERE own IS NOT TRUE),
        nullif((SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user), -1),
        nullif((SELECT datconnlimit FROM pg_database WHERE datname = current_database()), -1)
    ) AS available
FROM sessions
"""


def application_name() -> str:
    """Return the name of this process's connections in `pg_stat_activity`: host and process id."""
    process = f" {os.getpid()}"
    host = socket.gethostname().encode("ascii", "replace")[: _LONGEST_NAME - len(_PREFIX) - len(process)]
    return f"{_PREFIX}{host.decode()}{process}"


def most_connections(settings: Settings) -> int:
    """Return the largest number of connections that one process opens."""
    return _POOLS * settings.db_max_connections + _OTHERS


async def check_connections(settings: Settings, pool: asyncpg.Pool) -> bool:
    """Return whether the database has connections for all processes that run now; log a warning if not.

    A process that finds no connection answers 503, and only under load, so the operator learns it at the
    start.
    """
    row = await pool.fetchrow(_COUNT, _PREFIX)
    each, running, available = most_connections(settings), row["processes"], row["available"]
    if each * running <= available:
        return True
    logger.warning(
        "The database has %d connections for this service, and its %d processes may open %d each, %d in all. "
        "Raise max_connections of PostgreSQL, or lower LANDBRIDGE_DB_MAX_CONNECTIONS (now %d).",
        available,
        running,
        each,
        each * running,
        settings.db_max_connections,
    )
    return False
