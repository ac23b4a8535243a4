"""Metrics that the database knows: the queue, bytes in the store, connections, pgstac."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from landbridge.stac_api.pgstac import inspection, job_queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import asyncpg
    from prometheus_client.metrics_core import Metric

    from landbridge.stac_api.services import Services

__all__ = ["DatabaseMetrics"]

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 10.0  # seconds of all queries of a scrape
_FRESH: Final = 5.0  # seconds that a result is reused: any number of scrapers costs one query
_SLOW_FRESH: Final = 60.0  # seconds of results that need a scan of a table
_MOST_ORGANIZATIONS: Final = 100  # by their bytes; the others are one series

_UPLOADS = """
SELECT status, count(*) AS count, extract(epoch FROM now() - min(modified))::float AS oldest
FROM landbridge.uploads WHERE status IN ('transferring', 'pending', 'running') GROUP BY status
"""
_DELETIONS = "SELECT count(*) AS count FROM landbridge.deletion_queue WHERE due < now()"
_NOTIFICATIONS = """
SELECT count(*) AS suspended FROM landbridge.notification_subscriptions WHERE suspended IS NOT NULL
"""
_ACTIVITY = """
SELECT count(*) FILTER (WHERE datname = current_database()) AS connections,
    current_setting('max_connections')::int AS most,
    coalesce(max(extract(epoch FROM now() - xact_start))
             FILTER (WHERE datname = current_database() AND state <> 'idle'), 0)::float AS oldest
FROM pg_stat_activity
"""
_STATISTICS = """
SELECT xact_commit, xact_rollback, deadlocks, blks_read, blks_hit FROM pg_stat_database
WHERE datname = current_database()
"""
_SIZE = "SELECT pg_database_size(current_database()) AS bytes"
_STORED = """
SELECT org, sum(bytes)::float AS bytes, count(*) AS objects FROM landbridge.stored_objects
GROUP BY org ORDER BY bytes DESC
"""


class DatabaseMetrics:
    """Reads the metrics of the database, at most every few seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._text = b""
        self._until = self._slow_until = 0.0
        self._slow: list[Metric] = []

    async def exposition(self) -> bytes:
        """Return the metrics as text; only `landbridge_database_up` if the database does not answer."""
        async with self._lock:
            if time.monotonic() >= self._until:
                self._text = _rendered(await self._read())
                self._until = time.monotonic() + _FRESH
            return self._text

    async def _read(self) -> list[Metric]:
        try:
            async with asyncio.timeout(_TIMEOUT), self._services.readpool.acquire() as conn:
                found = [*await _quick(conn)]
                if time.monotonic() >= self._slow_until:
                    self._slow = [*await _slow(conn), *self._limits()]
                    self._slow_until = time.monotonic() + _SLOW_FRESH
        except Exception as error:  # noqa: BLE001 - that it fails is the result
            logger.warning("The database does not answer for metrics: %r", error)
            return [_gauge("landbridge_database_up", "1 if the database answers", 0)]
        return [
            _gauge("landbridge_database_up", "1 if the database answers", 1),
            *found,
            *self._slow,
            *self._pools(),
        ]

    def _limits(self) -> Iterator[Metric]:
        quota = self._services.settings.quota_bytes
        yield _gauge("landbridge_quota_bytes", "Most bytes of each organization; 0 for no limit", quota)

    def _pools(self) -> Iterator[Metric]:
        pools = {"read": self._services.readpool, "write": self._services.writepool}
        found = GaugeMetricFamily(
            "landbridge_pool_connections", "Connections of this process", labels=("pool", "state")
        )
        for name, pool in pools.items():
            idle = pool.get_idle_size()
            found.add_metric((name, "idle"), idle)
            found.add_metric((name, "busy"), pool.get_size() - idle)
        yield found


async def _quick(conn: asyncpg.Connection) -> list[Metric]:
    jobs = await job_queries.queue_state(conn)
    (workers,) = await job_queries.living_workers(conn)
    activity = await conn.fetchrow(_ACTIVITY)
    uploads = await conn.fetch(_UPLOADS)
    (deletions,) = await conn.fetch(_DELETIONS)
    (notifications,) = await conn.fetch(_NOTIFICATIONS)
    return [
        _table("landbridge_queue_jobs", "Jobs that wait or run", ("queue", "status"), jobs, "count"),
        _table(
            "landbridge_queue_oldest_seconds",
            "Seconds since the oldest job could have begun, or began",
            ("queue", "status"),
            jobs,
            "oldest",
        ),
        _gauge("landbridge_workers", "Workers with a recent heartbeat, for each queue", workers["count"]),
        _table("landbridge_uploads_unfinished", "Uploads that have not ended", ("status",), uploads, "count"),
        _table(
            "landbridge_uploads_oldest_seconds",
            "Seconds since the least recent change of an upload that has not ended",
            ("status",),
            uploads,
            "oldest",
        ),
        _gauge("landbridge_deletions_due", "Objects that should have been deleted", deletions["count"]),
        _gauge(
            "landbridge_subscriptions_suspended",
            "Subscriptions that get no notifications",
            notifications["suspended"],
        ),
        _gauge("landbridge_database_connections", "Connections to the database", activity["connections"]),
        _gauge("landbridge_database_connections_max", "Most connections of the cluster", activity["most"]),
        _gauge(
            "landbridge_database_oldest_transaction_seconds",
            "Seconds of the longest running transaction",
            activity["oldest"],
        ),
        *_counters(await conn.fetchrow(_STATISTICS)),
    ]


async def _slow(conn: asyncpg.Connection) -> list[Metric]:
    state = await inspection.catalog_state(conn)
    stored = _largest([dict(row) for row in await conn.fetch(_STORED)])
    info = GaugeMetricFamily("landbridge_pgstac_info", "Version of pgstac", labels=("version",))
    info.add_metric((state["version"],), 1)
    return [
        info,
        _gauge("landbridge_collections", "Collections, those of blobs included", state["collections"]),
        _gauge("landbridge_items", "Items, as the planner estimates", state["items"]),
        _gauge("landbridge_partitions", "Partitions of the table of items", state["partitions"]),
        _gauge("landbridge_database_bytes", "Size of the database", (await conn.fetchrow(_SIZE))["bytes"]),
        _table("landbridge_stored_bytes", "Bytes of files of an organization", ("org",), stored, "bytes"),
        _table("landbridge_stored_objects", "Files of an organization", ("org",), stored, "objects"),
    ]


def _largest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the largest organizations, and the sum of all others as `(others)`."""
    most, others = rows[:_MOST_ORGANIZATIONS], rows[_MOST_ORGANIZATIONS:]
    if others:
        sums = {name: sum(row[name] for row in others) for name in ("bytes", "objects")}
        most.append({"org": "(others)", **sums})
    return most


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(name, description, value=value)


def _table(
    name: str, description: str, labels: tuple[str, ...], rows: Sequence[Mapping[str, Any]], value: str
) -> Metric:
    found = GaugeMetricFamily(name, description, labels=labels)
    for row in rows:
        found.add_metric([str(row[label]) for label in labels], float(row[value] or 0))
    return found


def _counters(row: Mapping[str, Any]) -> Iterator[Metric]:
    descriptions = {
        "xact_commit": ("commits", "Committed transactions"),
        "xact_rollback": ("rollbacks", "Transactions that were rolled back"),
        "deadlocks": ("deadlocks", "Deadlocks"),
        "blks_read": ("blocks_read", "Blocks that were read from the disk"),
        "blks_hit": ("blocks_hit", "Blocks that were found in PostgreSQL's cache"),
    }
    for column, (name, description) in descriptions.items():
        yield CounterMetricFamily(f"landbridge_database_{name}", description, value=row[column])


class _Found:
    """Collector of metrics that have been read."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def _rendered(metrics: Sequence[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Found(metrics))
    return generate_latest(registry)
