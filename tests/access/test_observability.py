"""Access to metrics, contents of traces and JSON logs, and the part that an error names."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from access.service import OPERATOR
from landbridge.stac_api.api.error_responses import part_of
from landbridge.stac_api.core.logs import configure_logs
from landbridge.stac_api.core.settings.monitoring import MonitoringSettings
from landbridge.stac_api.errors import UnavailableError
from landbridge.stac_api.jobs.observed_jobs import observe_job
from landbridge.stac_api.monitoring.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from access.service import Service

METRICS_TOKEN = "only for Prometheus"


def test_metrics_are_for_operators_and_the_metrics_token(
    serve: Callable[..., Any], token: Callable[..., str]
) -> None:
    with serve(metrics_token=METRICS_TOKEN) as service:
        for allowed in (OPERATOR, METRICS_TOKEN):
            answer = service.request("GET", "/_mgmt/metrics", allowed)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/plain; version=")
            assert "landbridge_database_up 1.0" in answer.text
        assert service.request("GET", "/_mgmt/metrics").status_code == 401
        assert service.request("GET", "/_mgmt/metrics", token()).status_code == 403
        for path in ("/", "/collections", "/search", "/access/me"):
            refused = service.request("GET", path, METRICS_TOKEN)
            assert refused.status_code == 401
            assert "may only read /_mgmt/metrics" in refused.json()["description"]
        assert METRICS_TOKEN not in service.request("GET", "/_mgmt/metrics", METRICS_TOKEN).text


@pytest.fixture
def spans(serve: Callable[..., Any]) -> Iterator[tuple[Service, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with serve() as service:
        tracing = service.app.state.tracing = Tracing(provider)
        yield service, exporter
        tracing.close()


def test_a_trace_has_the_request_and_its_statements(spans: tuple[Service, InMemorySpanExporter]) -> None:
    service, exporter = spans
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = service.request("GET", "/search?limit=1&token=secret", OPERATOR, headers={"traceparent": parent})
    made = exporter.get_finished_spans()
    (request,) = [span for span in made if span.name == "search"]
    assert request.attributes == {
        "http.request.method": "GET",
        "url.path": "/search",
        "http.route": "/search",
        "http.response.status_code": answer.status_code,
        "enduser.id": "local",
        "landbridge.request_id": answer.headers["X-Request-Id"],
    }
    assert format(request.context.trace_id, "032x") == parent.split("-")[1]
    assert "secret" not in str([span.to_json() for span in made])
    exporter.clear()
    assert service.request("GET", "/collections/none", OPERATOR).status_code == 404
    statements = [span for span in exporter.get_finished_spans() if span.parent is not None]
    assert statements
    assert all(span.attributes["db.system"] == "postgresql" for span in statements)
    service.request("GET", "/nothing")
    assert exporter.get_finished_spans()[-1].name == "unknown"


def test_jobs_are_traced_counted_and_logged(
    spans: tuple[Service, InMemorySpanExporter], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    service, exporter = spans
    with (
        pytest.raises(ValueError, match="broken"),
        observe_job("deletion", 7, {"deletion": 3}, service.app.state.tracing),
    ):
        raise ValueError("broken")
    with pytest.raises(OSError, match="away"), observe_job("deletion", 8, {"deletion": 4}, None):
        raise OSError("away")
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.attributes["landbridge.job"], span.status.is_ok) == ("deletion", 7, False)
    ends = [
        (line["job"], line["task"], line["outcome"])
        for line in lines()
        if line["logger"] == "landbridge.jobs"
    ]
    assert ends == [(7, "deletion", "failed"), (8, "deletion", "retried")]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "procrastinate", "httpx", "httpcore")
    levels = {name: logging.getLogger(name).level for name in names}
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logs(MonitoringSettings(log_format="json", log_levels="landbridge.quiet=ERROR"))
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_json_lines_have_the_request_its_caller_and_its_duration(
    service: Service, token: Callable[..., str], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    secret = token()
    answer = service.request("GET", "/collections?q=hidden", secret)
    (line,) = [line for line in lines() if line["logger"] == "landbridge.requests"]
    assert line["duration_ms"] > 0
    assert {
        name: line[name] for name in ("level", "user", "method", "path", "operation", "status", "request_id")
    } == {
        "level": "INFO",
        "user": "ann",
        "method": "GET",
        "path": "/collections",
        "operation": "list_collections",
        "status": 200,
        "request_id": answer.headers["X-Request-Id"],
    }
    assert secret not in str(lines())
    assert "hidden" not in str(lines())


def test_levels_are_set_for_all_and_for_single_loggers(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("landbridge.quiet").warning("no")
    logging.getLogger("procrastinate.worker").info("no")
    logging.getLogger("landbridge.loud").info("yes", extra={"members": {"count": 1}})
    error = ValueError("broken")
    logging.getLogger("landbridge.loud").error("failed", exc_info=error)
    first, second = lines()
    assert (first["message"], first["count"]) == ("yes", 1)
    assert "ValueError: broken" in second["error"]
    for wrong in ({"log_level": "LOUD"}, {"log_levels": "httpx"}, {"log_levels": "httpx=LOUD"}):
        with pytest.raises(ValueError, match=r"LOUD|httpx"):
            MonitoringSettings(**wrong)


def test_an_error_names_the_part_that_failed(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncpg
    import obstore.exceptions
    import procrastinate.exceptions

    assert part_of(asyncpg.ConnectionDoesNotExistError("gone")) == "database"
    assert part_of(obstore.exceptions.GenericError("gone")) == "store"
    assert part_of(procrastinate.exceptions.ConnectorException()) == "queue"
    assert part_of(UnavailableError("gone", part="issuer")) == "issuer"
    assert part_of(ValueError("gone")) is None
    with serve() as service:

        def lost(*_arguments: Any, **_options: Any) -> Any:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

        monkeypatch.setattr(service.app.state.services.readpool.__class__, "acquire", lost)
        answer = service.request("GET", "/collections", OPERATOR)
    assert answer.status_code == 503
    assert answer.json()["part"] == "database"
    assert "database" in answer.json()["description"]
