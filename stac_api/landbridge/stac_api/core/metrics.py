"""Metrics of this process, which Prometheus reads; the names are those of docs/operations/monitoring.md.

They count from the start of the process. `monitoring.database` adds what the database knows: the queue, the
store, the connections.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
    start_http_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CACHE_LOOKUPS",
    "INGESTED_BYTES",
    "JOBS",
    "JOB_SECONDS",
    "LOST_DATABASE",
    "NOTIFICATIONS",
    "REGISTRY",
    "REQUESTS",
    "REQUESTS_IN_PROGRESS",
    "REQUEST_SECONDS",
    "SENT_BYTES",
    "UPLOADS",
    "exposition",
    "serve",
    "store_request",
]

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# Most requests take some milliseconds; the first bucket of stac-fastapi's own histogram is 50 ms.
_REQUEST_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
_JOB_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)

REQUESTS: Final = Counter(
    "http_requests", "Answered requests", ("operation", "method", "status"), registry=REGISTRY
)
REQUEST_SECONDS: Final = Histogram(
    "http_request_duration_seconds",
    "Seconds from a request to the end of its answer",
    ("operation",),
    buckets=_REQUEST_BUCKETS,
    registry=REGISTRY,
)
REQUESTS_IN_PROGRESS: Final = Gauge(
    "http_requests_in_progress",
    "Requests that are not answered yet",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
SENT_BYTES: Final = Counter(
    "landbridge_asset_sent_bytes", "Bytes of files that the API has sent itself", registry=REGISTRY
)
JOBS: Final = Counter(
    "landbridge_jobs", "Jobs that ended, by their outcome", ("task", "outcome"), registry=REGISTRY
)
JOB_SECONDS: Final = Histogram(
    "landbridge_job_duration_seconds", "Seconds of a job", ("task",), buckets=_JOB_BUCKETS, registry=REGISTRY
)
UPLOADS: Final = Counter(
    "landbridge_uploads", "Uploads of images that ended, by their status", ("status",), registry=REGISTRY
)
INGESTED_BYTES: Final = Counter(
    "landbridge_ingested_bytes", "Bytes of files of images that were stored", registry=REGISTRY
)
NOTIFICATIONS: Final = Counter(
    "landbridge_notifications", "Requests to receivers of notifications", ("outcome",), registry=REGISTRY
)
CACHE_LOOKUPS: Final = Counter(
    "landbridge_cache_lookups", "Lookups in caches of this process", ("cache", "result"), registry=REGISTRY
)
LOST_DATABASE: Final = Counter(
    "landbridge_database_losses", "Lost connections of listeners and workers", registry=REGISTRY
)
_STORE_REQUESTS = Counter(
    "landbridge_store_requests", "Requests to the object store", ("operation", "outcome"), registry=REGISTRY
)
_STORE_SECONDS = Histogram(
    "landbridge_store_request_duration_seconds",
    "Seconds of a request to the object store",
    ("operation",),
    buckets=_REQUEST_BUCKETS,
    registry=REGISTRY,
)


@contextmanager
def store_request(operation: str) -> Iterator[None]:
    """Count a request to the object store, and measure its seconds."""
    begin = time.perf_counter()
    outcome = "error"
    try:
        yield
        outcome = "ok"
    except FileNotFoundError:
        outcome = "missing"
        raise
    finally:
        _STORE_REQUESTS.labels(operation, outcome).inc()
        _STORE_SECONDS.labels(operation).observe(time.perf_counter() - begin)


def serve(host: str, port: int) -> None:
    """Serve the metrics in a thread, until the process ends. Raises OSError if the port is taken."""
    start_http_server(port, addr=host, registry=REGISTRY)


def exposition() -> bytes:
    """Return the metrics in Prometheus' text format.

    Several processes behind one port share the folder PROMETHEUS_MULTIPROC_DIR, and the sums are returned.
    """
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
