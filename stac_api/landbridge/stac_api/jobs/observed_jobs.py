"""Metrics, log lines and traces of jobs."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from landbridge.stac_api.core.logs import CONTEXT
from landbridge.stac_api.core.metrics import JOB_SECONDS, JOBS
from landbridge.stac_api.jobs.failures import RETRYABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

__all__ = ["JobTracing", "observe_job"]

logger = logging.getLogger("landbridge.jobs")


class JobTracing(Protocol):
    """Maker of the spans of jobs."""

    def job(self, task: str, job: int | None) -> AbstractContextManager[None]:
        """Trace a job."""


@contextmanager
def observe_job(
    task: str, number: int | None, arguments: Mapping[str, Any], tracing: JobTracing | None
) -> Iterator[None]:
    """Count a job, measure it, write a line about its end, and trace it.

    The outcome is `done`, `retried` if the queue tries again, or `failed`. A job of an upload that ends with
    an error of the user is done; `landbridge_uploads_total` counts how uploads end.
    """
    context = CONTEXT.set({"job": number, "task": task})
    begin = time.perf_counter()
    outcome = "failed"
    try:
        with tracing.job(task, number) if tracing is not None else nullcontext():
            yield
        outcome = "done"
    except RETRYABLE:
        outcome = "retried"
        raise
    finally:
        seconds = time.perf_counter() - begin
        JOBS.labels(task, outcome).inc()
        JOB_SECONDS.labels(task).observe(seconds)
        members = {"outcome": outcome, "duration_ms": round(seconds * 1000, 1), "arguments": dict(arguments)}
        text = "Job %s (%s %s) %s after %.1f s"
        logger.info(text, number, task, dict(arguments), outcome, seconds, extra={"members": members})
        CONTEXT.reset(context)
