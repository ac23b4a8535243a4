"""Limits of worker processes, and the end of a job whose process dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import rasterio
from rasterio.transform import from_origin

from integration import hostile
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.uploads.messages import ConversionRequest, ConversionResult, IngestError
from landbridge.stac_api.uploads.worker_pool import WorkerDiskFullError, WorkerPool, WorkerProcessDiedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from landbridge.stac_api.uploads.worker_pool import WorkerProcess

BANDS = [
    {"name": name, "band_index": place, "data_type": "UInt16"} for place, name in enumerate(("red", "nir"))
]


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., ConversionRequest]:
    def make(content: bytes | None = None, folder: Path | None = None, side: int = 64) -> ConversionRequest:
        path = tmp_path / "scene.tif"
        if content is not None:
            path.write_bytes(content)
        else:
            array = np.random.default_rng(1).integers(1, 60000, (2, side, side)).astype("uint16")
            with rasterio.open(
                path, "w", driver="GTiff", count=2, height=side, width=side, dtype="uint16", crs="EPSG:32621",
                transform=from_origin(600000, 4200000, 30, 30),
            ) as file:  # fmt: skip
                file.write(array)
        made = folder or tmp_path / "made"
        made.mkdir(exist_ok=True)
        return ConversionRequest([path], ["scene.tif"], made, BANDS, {})

    return make


def served(work: Callable[[WorkerPool], Awaitable[Any]], **settings: Any) -> Any:
    async def run() -> Any:
        workers = WorkerPool(Settings(database_url="postgresql://", store_url="memory://", **settings))
        try:
            return await work(workers)
        finally:
            await workers.close()

    return asyncio.run(run())


def wait_for_end(pid: int | None) -> None:
    """Wait for the end of a process; raise psutil.TimeoutExpired if it does not end."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=10)


async def converted(workers: WorkerPool, job: ConversionRequest) -> ConversionResult:
    async with workers.process() as process:
        await process.check(job)
        return await process.convert(job)


def test_each_job_has_its_own_process(make_job: Callable[..., ConversionRequest]) -> None:
    pids: list[int | None] = []

    async def work(workers: WorkerPool) -> ConversionResult:
        async with workers.process() as first:
            await first.check(make_job())
            pids.append(first.pid)
            await first.convert(make_job())
            assert first.pid == pids[0]
        async with workers.process() as second:
            result = await second.convert(make_job())
            pids.append(second.pid)
            assert first is second, "the fork server is reused"
            return result

    result = served(work)
    assert len({*pids, None}) == 3
    for pid in pids:
        wait_for_end(pid)
    assert [file.name for file in result.files] == ["0.tif"]
    assert result.thumbnail is not None
    assert {"minimum", "maximum", "mean", "stddev", "count", "valid_percent"} == set(result.statistics[0][1])


def test_a_file_that_needs_too_much_memory_is_refused(
    make_job: Callable[..., ConversionRequest],
) -> None:
    with pytest.raises(IngestError, match="more than 256 MiB of memory"):
        served(
            lambda workers: converted(workers, make_job(hostile.strip_bomb(300))),
            ingest_memory_bytes=2**28,
        )


def test_a_conversion_that_takes_too_long_is_ended(make_job: Callable[..., ConversionRequest]) -> None:
    seen: list[int] = []

    async def work(workers: WorkerPool) -> None:
        async with workers.process() as process:
            await process.check(make_job())
            assert process.pid
            seen.append(process.pid)
            await process.convert(make_job(hostile.bomb(32768)))

    with pytest.raises(IngestError, match="took longer than"):
        served(work, ingest_seconds=2)
    wait_for_end(seen[0])


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (signal.SIGKILL, WorkerProcessDiedError),
        (signal.SIGTERM, WorkerProcessDiedError),
        (signal.SIGSEGV, IngestError),
    ],
)
def test_a_crash_of_a_process_ends_its_job_alone(
    make_job: Callable[..., ConversionRequest], number: int, error: type[Exception]
) -> None:
    async def work(workers: WorkerPool) -> ConversionResult:
        async def hit(process: WorkerProcess) -> None:
            await process.check(make_job())
            assert process.pid
            os.kill(process.pid, number)
            await process.convert(make_job())

        with pytest.raises(error):
            async with workers.process() as process:
                await hit(process)
        return await converted(workers, make_job())

    assert served(work).files


def test_a_full_disk_is_not_the_fault_of_the_file(
    make_job: Callable[..., ConversionRequest], small_disk: Path
) -> None:
    with pytest.raises(WorkerDiskFullError):
        served(lambda workers: converted(workers, make_job(folder=small_disk / "made", side=1500)))


def test_a_worker_process_knows_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LANDBRIDGE_TOKEN", "secret")

    async def work(workers: WorkerPool) -> dict[str, str]:
        async with workers.process() as process:
            return psutil.Process(process.forkserver.pid).environ()

    assert "secret" not in " ".join(served(work).values())


def test_worker_processes_end_with_their_parent(make_job: Callable[..., ConversionRequest]) -> None:
    """Worker processes end even if their parent is killed."""
    code = (
        "import asyncio, contextlib, os, pathlib, signal\n"
        "from landbridge.stac_api.uploads import messages\n"
        "from landbridge.stac_api.core.settings import Settings\n"
        "from landbridge.stac_api.uploads.worker_pool import WorkerPool\n"
        "async def main():\n"
        "    workers = WorkerPool(Settings(database_url='postgresql://', store_url='memory://'))\n"
        "    async with workers.process() as process:\n"
        "        job = messages.ConversionRequest([], [], pathlib.Path('/'), [], {})\n"
        "        with contextlib.suppress(messages.IngestError):\n"
        "            await process.check(job)\n"
        "        print(process.pid, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_for_end(int(done.stdout))
