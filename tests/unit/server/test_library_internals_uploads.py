"""Undocumented behaviour of libraries that uploads, blobs and jobs rely on: each test fails if it changes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np
import obstore
import procrastinate
import psutil
import pytest
import rasterio
import rasterio.warp
from obstore.store import LocalStore
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.worker import Worker
from rasterio.crs import CRS
from rasterio.transform import from_origin

from landbridge.stac_api.assets.folder_store import temporary_path
from landbridge.stac_api.uploads.gdal_errors import GDAL_ERRORS, GDAL_OUT_OF_MEMORY

if TYPE_CHECKING:
    from pathlib import Path


def test_rasterio_raises_errors_of_gdal_without_a_public_base() -> None:
    with pytest.raises(GDAL_ERRORS) as caught:
        rasterio.warp.transform(CRS.from_string("+proj=geos +h=35785831"), "EPSG:4326", [2e7], [2e7])
    assert type(caught.value).__module__.startswith("rasterio")
    assert issubclass(GDAL_OUT_OF_MEMORY, GDAL_ERRORS)


def test_rasterio_names_a_broken_file_in_an_error_with_a_chain_of_causes(tmp_path: Path) -> None:
    path = tmp_path / "broken.tif"
    shape = {"width": 64, "height": 64, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(0, 9, 1, 1), **shape) as file:
        file.write(np.ones((1, 64, 64), "uint8"))
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(GDAL_ERRORS) as caught, rasterio.open(path) as file:
        file.read()
    cause = caught.value.__cause__
    assert isinstance(cause, GDAL_ERRORS)
    assert path.name in str(cause)


def test_obstore_does_not_list_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    temporary_path(tmp_path / "data").write_bytes(b"half")
    listed = [entry["path"] for chunk in obstore.list(LocalStore(tmp_path)) for entry in chunk]
    assert listed == ["data"]


def test_procrastinate_has_the_options_of_the_worker() -> None:
    options = inspect.signature(Worker).parameters
    assert {
        "concurrency",
        "install_signal_handlers",
        "update_heartbeat_interval",
        "stalled_worker_timeout",
        "delete_jobs",
        "shutdown_graceful_timeout",
    } <= options.keys()
    manager = procrastinate.manager.JobManager
    assert "seconds_since_heartbeat" in inspect.signature(manager.get_stalled_jobs).parameters
    assert inspect.iscoroutinefunction(manager.retry_job)
    assert issubclass(AlreadyEnqueued, procrastinate.exceptions.ProcrastinateException)
    assert issubclass(UniqueViolation, procrastinate.exceptions.ProcrastinateException)


def test_psutil_tells_the_resident_memory_of_a_process() -> None:
    assert psutil.Process().memory_info().rss > 2**20
