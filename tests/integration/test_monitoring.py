"""Metrics over an hour's work, compressed: each part of it changes the metrics that are named for it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from conftest import REPOSITORY
from integration.conftest import stac_item
from integration.test_server_uploads import upload
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from landbridge.stac_api.embedded.stack import Stack

MONITORING = REPOSITORY / "monitoring"

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Values of one scrape, by name and labels."""

    def __init__(self, text: str) -> None:
        self.values: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                self.values.setdefault(sample.name, {})[labels] = sample.value

    def __call__(self, name: str, **labels: str) -> float:
        """Return the sum of the series of a name that have these labels."""
        wanted = set(labels.items())
        return sum(value for found, value in self.values.get(name, {}).items() if wanted <= set(found))


def scrape(http: httpx.Client) -> Metrics:
    return Metrics(http.get("/_mgmt/metrics").raise_for_status().text)


def test_an_hours_work_is_counted_and_measured(
    stack: Stack,
    http: httpx.Client,
    collection: str,
    geotiff: Callable[..., Path],
    add_items: Callable[..., Any],
    tmp_path: Path,
) -> None:
    before = scrape(http)
    add_items(*[{"eo:cloud_cover": number} for number in range(20)])
    for number in range(7):
        found = http.post("/search", json={"collections": [collection], "limit": 1 + number})
        assert found.status_code == 200
    http.get("/search", params={"collections": collection})
    for number in range(3):
        assert http.get(f"/collections/{collection}/items/item-000{number}").status_code == 200
    assert http.get(f"/collections/{collection}/items/none").status_code == 404
    assert (
        http.post(f"/collections/{collection}/items", json=stac_item(collection, "item-0001")).status_code
        == 409
    )
    for _ in range(4):
        assert httpx.get(f"{stack.url}/collections").status_code == 401
    for name in ("one", "two"):
        assert upload(http, collection, name, geotiff(f"{name}.tif"))["status"] == "success"
    text = tmp_path / "words.tif"
    text.write_text("no picture")
    assert upload(http, collection, "three", text)["status"] == "failure"
    href = http.get(f"/collections/{collection}/items/one").json()["assets"]["data"]["href"]
    assert len(http.get(href, headers={"Range": "bytes=0-999"}).content) == 1000
    # A job is counted when it has ended, after its upload.
    wait_until(
        lambda: (
            scrape(http)("landbridge_jobs_total", task="ingest")
            >= before("landbridge_jobs_total", task="ingest") + 3
        )
    )
    after = scrape(http)

    def grown(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert grown("http_requests_total", operation="search", method="POST", status="200") == 7
    assert grown("http_requests_total", operation="search", method="GET", status="200") == 1
    assert grown("http_request_duration_seconds_count", operation="search") == 8
    assert 0 < grown("http_request_duration_seconds_sum", operation="search") < 60
    assert grown("http_request_duration_seconds_bucket", operation="search", le="+Inf") == 8
    assert grown("http_requests_total", operation="get_item", status="200") == 4
    assert grown("http_requests_total", operation="get_item", status="404") == 1
    assert grown("http_requests_total", operation="create_item", status="409") == 1
    assert (
        grown("http_requests_total", operation="bulk", status="201")
        + grown("http_requests_total", operation="bulk", status="200")
        == 1
    )
    assert grown("http_requests_total", operation="unknown", status="401") == 4
    assert grown("http_requests_total", operation="create_upload", status="201") == 3
    assert grown("http_requests_total", operation="read_asset", status="206") == 1
    assert grown("landbridge_asset_sent_bytes_total") == 1000
    assert grown("landbridge_jobs_total", task="ingest", outcome="done") == 3
    assert grown("landbridge_job_duration_seconds_count", task="ingest") == 3
    assert grown("landbridge_uploads_total", status="success") == 2
    assert grown("landbridge_uploads_total", status="failure") == 1
    assert grown("landbridge_ingested_bytes_total") > 1000
    assert grown("landbridge_store_requests_total", operation="put", outcome="ok") >= 3
    assert grown("landbridge_store_request_duration_seconds_count", operation="head") >= 1
    assert after("http_requests_in_progress") == 1  # the scrape itself
    assert after("landbridge_database_up") == 1
    assert after("landbridge_workers") >= 1
    assert after("landbridge_pgstac_info") == 1
    assert after("landbridge_collections") >= 1
    assert after("landbridge_database_connections") >= 2
    assert after("landbridge_database_bytes") > 1e6
    assert after("process_resident_memory_bytes") > 1e7


def test_health_names_each_part(stack: Stack, http: httpx.Client) -> None:
    brief = httpx.get(f"{stack.url}/_mgmt/health")
    assert brief.status_code == 200
    states = brief.json()
    assert {states[part]["status"] for part in ("pgstac", "store", "queue")} == {"UP"}
    assert set(states["queue"]) == {"status"}
    detailed = http.get("/_mgmt/health").json()
    assert detailed["queue"]["workers"] >= 1
    assert set(http.get("/_mgmt/health?parts=store").json()) == {"status", "lifespan", "store"}
    assert http.get("/_mgmt/health?parts=moon").status_code == 400
    hidden = stack.store.with_name("away")
    stack.store.rename(hidden)
    try:
        wait_until(lambda: httpx.get(f"{stack.url}/_mgmt/health").status_code == 503)
        states = httpx.get(f"{stack.url}/_mgmt/health").json()
        assert (states["status"], states["store"]["status"], states["pgstac"]["status"]) == (
            "DOWN",
            "DOWN",
            "UP",
        )
        assert str(stack.home) not in json.dumps(states)
        assert httpx.get(f"{stack.url}/_mgmt/health?parts=pgstac").status_code == 200
    finally:
        hidden.rename(stack.store)
    wait_until(lambda: httpx.get(f"{stack.url}/_mgmt/health").status_code == 200)


def queries() -> Iterator[tuple[str, str]]:
    """Yield the name and the expression of each query of the dashboard and of the alerts."""
    for panel in json.loads((MONITORING / "dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def test_queries_of_dashboard_and_alerts_name_metrics_and_labels_that_are_exported(
    http: httpx.Client,
) -> None:
    known = scrape(http).values
    asked = list(queries())
    assert len(asked) > 40
    for title, expression in asked:
        promql_parser.parse(expression)
        for name in set(re.findall(r"\b(?:http|landbridge|process)_[a-z_]+\b", expression)):
            assert name in described(http) or name in known, (title, name)


def described(http: httpx.Client) -> set[str]:
    """Return the names of all series, also of those that have not been counted yet."""
    text = http.get("/_mgmt/metrics").text
    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        suffixes = {"histogram": ("_bucket", "_sum", "_count")}.get(kind, ("",))
        found |= {name + suffix for suffix in suffixes}
    return found


def test_an_idle_worker_writes_nothing(stack: Stack, http: httpx.Client) -> None:
    log = stack.home / "logs" / "api.log"
    lines = [line for line in log.read_text().splitlines() if "resume" in line or "procrastinate" in line]
    assert lines == []
    assert "landbridge.jobs: Job" in log.read_text() or "ingest" not in log.read_text()


@pytest.mark.parametrize("path", ["/_mgmt/metrics"])
def test_metrics_are_not_for_strangers(stack: Stack, path: str) -> None:
    assert httpx.get(stack.url + path).status_code == 401
