"""Middleware that counts and times requests, logs them, and starts their traces."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.access.authentication import served_path
from landbridge.stac_api.access.principal import ANONYMOUS
from landbridge.stac_api.core import metrics
from landbridge.stac_api.core.logs import CONTEXT
from landbridge.stac_api.monitoring.operations import operation_of

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from landbridge.stac_api.monitoring.tracing import Tracing

__all__ = ["ObserveRequests"]

logger = logging.getLogger("landbridge.requests")


class ObserveRequests:
    """ASGI middleware that observes every request and changes none.

    Args:
        app: the application.
        log: write a line for each request.
    """

    def __init__(self, app: ASGIApp, *, log: bool) -> None:
        self.app = app
        self._log = log
        # `labels` locks and builds a key each time.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        token = CONTEXT.set(state)
        status = 500  # if the application raises before it answers
        begin = time.perf_counter()
        metrics.REQUESTS_IN_PROGRESS.inc()

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            tracing: Tracing | None = getattr(scope["app"].state, "tracing", None)
            if tracing is None:
                await self.app(scope, receive, send_observed)
            else:
                with tracing.request(scope) as span:
                    await self.app(scope, receive, send_observed)
                    span.finish(operation_of(scope), status)
        finally:
            metrics.REQUESTS_IN_PROGRESS.dec()
            self._record(scope, status, time.perf_counter() - begin)
            CONTEXT.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        operation, method = operation_of(scope), scope["method"]
        key = operation, method, status
        if (counter := self._counters.get(key)) is None:
            counter = self._counters[key] = metrics.REQUESTS.labels(operation, method, str(status))
        counter.inc()
        if (histogram := self._histograms.get(operation)) is None:
            histogram = self._histograms[operation] = metrics.REQUEST_SECONDS.labels(operation)
        histogram.observe(seconds)
        if self._log and logger.isEnabledFor(logging.INFO):
            caller = scope["state"].get("principal", ANONYMOUS)
            path, duration = served_path(scope), round(seconds * 1000, 1)
            members = {
                "method": method,
                "path": path,
                "operation": operation,
                "status": status,
                "duration_ms": duration,
            }
            logger.info(
                "%s %s %s %s ms %s", method, path, status, duration, caller.name, extra={"members": members}
            )
