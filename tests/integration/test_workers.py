"""Separate workers: each continues the job of a killed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from faults import failpoints, site, table, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture(scope="module")
def service(cluster_template: Path) -> Iterator[site.Site]:
    """Server without a worker in its process."""
    environment = {"LANDBRIDGE_WORKER": "false", "LANDBRIDGE_WORKER_TIMEOUT": "2"}
    with site.running("local", cluster_template, **environment) as running:
        table.prepare(running)
        yield running


@pytest.fixture
def workers(service: site.Site) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = {
        **os.environ,
        **service.environment,
        "LANDBRIDGE_HOME": str(service.home),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with ExitStack() as stack:
        log = stack.enter_context((service.home / "workers.log").open("ab"))
        made = []
        for _ in range(2):
            command = [sys.executable, work.__file__, str(service.home)]
            made.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            stack.callback(made[-1].wait)
            stack.callback(made[-1].kill)
        yield made


def test_another_worker_continues_the_job_of_a_killed_one(
    service: site.Site, workers: list[subprocess.Popen[bytes]]
) -> None:
    fault = table.Fault("worker killed", "kill server")
    assert table.run_case(service, fault, failpoints.CONVERTED) == ""
    assert sorted(worker.poll() for worker in workers if worker.poll() is not None) == [-signal.SIGKILL]


def test_a_worker_ends_on_sigterm(service: site.Site, workers: list[subprocess.Popen[bytes]]) -> None:
    assert table.run_case(service, table.Fault("nothing", ""), "") == ""
    for worker in workers:
        worker.terminate()
    assert [worker.wait(timeout=30) for worker in workers] == [0, 0]
