"""Prometheus itself reads the metrics of a stack, and runs each query of the dashboard and of the alerts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from conftest import LONG
from integration.test_monitoring import MONITORING, queries
from support import s3_server
from support.wait import wait_until

if TYPE_CHECKING:
    from landbridge.stac_api.embedded.stack import Stack

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "landbridge/prometheus/usr/bin"


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(CACHE))
    if found is None:
        pytest.skip(f"{name} is missing; `make monitoring-test` fetches it")
    return found


def test_each_alert_fires_for_its_fault_and_for_no_other() -> None:
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            [program("promtool"), *command], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_metrics_are_well_formed(http: httpx.Client) -> None:
    text = http.get("/_mgmt/metrics").content
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not LONG, reason="starts Prometheus for some seconds: make monitoring-test")
def test_prometheus_answers_each_query(stack: Stack, http: httpx.Client, tmp_path: Path) -> None:
    port = s3_server.free_port()
    (tmp_path / "token").write_text(stack.token)
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}
rule_files: ["{MONITORING}/alerts.yml"]
scrape_configs:
  - job_name: landbridge-api
    metrics_path: /_mgmt/metrics
    authorization: {{ credentials_file: {tmp_path}/token }}
    static_configs: [{{ targets: ["{stack.url.removeprefix("http://")}"] }}]
""")
    command = [
        program("prometheus"),
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
    ]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    api = f"http://127.0.0.1:{port}/api/v1"

    def ask(expression: str) -> list[Any]:
        answer = httpx.get(f"{api}/query", params={"query": expression}, timeout=30).json()
        assert answer["status"] == "success", (expression, answer)
        result: list[Any] = answer["data"]["result"]
        return result

    def scraped() -> bool:
        try:
            return (
                len(ask("landbridge_database_up[5m]")) > 0
                and len(ask("landbridge_database_up[5m]")[0]["values"]) > 3
            )
        except httpx.TransportError:
            return False

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: (http.post("/search", json={"limit": 1}), scraped())[1])
            empty = [
                title
                for title, expression in queries()
                if not title.startswith("Landbridge") and not ask(expression)
            ]
            for _, expression in queries():
                ask(expression)
            rules = httpx.get(f"{api}/rules").json()["data"]["groups"][0]["rules"]
        finally:
            server.terminate()
            server.wait(timeout=30)
    assert {rule["health"] for rule in rules} == {"ok"}
    # Only what did not happen in these seconds has no series.
    assert set(empty) <= {
        "Oldest waiting job",
        "Ended jobs",
        "95 % of the durations of jobs",
        "Ended uploads",
        "Notifications",
        "Uploads that have not ended",
        "Waiting and running jobs",
        "Requests to the store",
        "95 % of the durations of the store",
        "Failed on the side of the service",
        "Bytes of organizations",
        "Hits in caches",
    }
