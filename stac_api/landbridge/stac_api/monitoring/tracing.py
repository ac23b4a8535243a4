"""Traces of requests and jobs by OpenTelemetry: an extra, off by default, sampled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.access.authentication import served_path
from landbridge.stac_api.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from starlette.types import Scope

    from landbridge.stac_api.core.settings.monitoring import MonitoringSettings

__all__ = ["RequestSpan", "Tracing", "open_tracing"]


class RequestSpan:
    """Span of one request."""

    def __init__(self, span: Span, scope: Scope) -> None:
        self._span = span
        self._scope = scope

    def finish(self, operation: str, status: int) -> None:
        """Add what is known once the request is answered."""
        from opentelemetry.trace import StatusCode

        route = getattr(self._scope.get("route"), "path", None)
        state: dict[str, Any] = self._scope["state"]
        self._span.update_name(operation)
        self._span.set_attribute("http.response.status_code", status)
        if route is not None:
            self._span.set_attribute("http.route", route)
        if (principal := state.get("principal")) is not None:
            self._span.set_attribute("enduser.id", principal.name)
        if (request_id := state.get("request_id")) is not None:
            self._span.set_attribute("landbridge.request_id", request_id)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


class Tracing:
    """Maker of the spans of requests and jobs; those of database queries are within them."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

        self._provider = provider
        self._tracer = provider.get_tracer("landbridge.stac_api")
        self._asyncpg = AsyncPGInstrumentor()  # type: ignore[no-untyped-call]
        self._asyncpg.instrument(tracer_provider=provider)

    @contextmanager
    def request(self, scope: Scope) -> Iterator[RequestSpan]:
        """Trace a request, as part of the caller's trace if it sends one."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # The path without the key of a private address, and without the query, which may hold a signature.
        attributes = {"http.request.method": scope["method"], "url.path": served_path(scope)}
        with self._tracer.start_as_current_span(
            scope["method"], context=extract(headers), kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            context = span.get_span_context()
            if context.trace_flags.sampled:
                scope["state"]["trace_id"] = format(context.trace_id, "032x")
            yield RequestSpan(span, scope)

    @contextmanager
    def job(self, task: str, job: int | None) -> Iterator[None]:
        """Trace a job."""
        from opentelemetry.trace import SpanKind

        attributes = {"landbridge.job": job} if job is not None else {}
        with self._tracer.start_as_current_span(task, kind=SpanKind.CONSUMER, attributes=attributes):
            yield

    def close(self) -> None:
        """Send the spans that wait."""
        self._asyncpg.uninstrument()
        self._provider.shutdown()


def open_tracing(settings: MonitoringSettings) -> Tracing | None:
    """Return what sends traces as configured; None if they are off.

    Raises:
        StackError: if the extra is not installed.
    """
    if not settings.traces:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        raise StackError(
            "LANDBRIDGE_TRACES needs OpenTelemetry: pip install 'landbridge-stac-api[traces]'"
        ) from error
    share = TraceIdRatioBased(settings.trace_sample)
    # A caller's decision to sample does not count: any caller could have all its requests traced.
    provider = TracerProvider(
        sampler=ParentBased(share, remote_parent_sampled=share, remote_parent_not_sampled=share),
        resource=Resource.create({"service.name": "landbridge"}),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
