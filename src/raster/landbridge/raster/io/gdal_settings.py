"""GDAL's settings on the engine's threads, and the classes of its errors; rasterio is imported on first use.

Most files are read without GDAL, so a process that reads only those never imports rasterio.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from landbridge.raster.io.object_stores import RETRIES, s3_endpoint, timeout

__all__ = ["GDAL_OPTIONS", "deferred_gdal_env", "enter_deferred_env", "gdal_env", "gdal_errors"]

# Active during a call, on its threads only.
GDAL_OPTIONS: dict[str, Any] = {
    # No search for sidecar files: over HTTP each one is a request.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MAX_RETRY": RETRIES,
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
    "GDAL_INGESTED_BYTES_AT_OPEN": 32768,
    "VSI_CACHE": False,
}
# Size in MiB of GDAL's block cache, which the whole process shares and whose default is 5 % of the memory. It
# bounds the memory that the engine uses beyond its output.
_CACHE_MAX = {"GDAL_CACHEMAX": 512}

_thread = threading.local()


@contextmanager
def gdal_env() -> Iterator[None]:
    """Set GDAL's options for reads on this thread; on the main thread rasterio would set them globally."""
    import rasterio
    from rasterio.env import getenv, hasenv
    from rasterio.session import DummySession

    # A transfer slower than 1 byte per second for that time has stalled.
    options = {**GDAL_OPTIONS, **_s3_options(), "GDAL_HTTP_LOW_SPEED_TIME": max(1, round(timeout()))}
    if "GDAL_CACHEMAX" not in os.environ and not (hasenv() and "GDAL_CACHEMAX" in getenv()):
        options |= _CACHE_MAX
    # An environment inside this one must not be left after it.
    deferred, _thread.deferred = getattr(_thread, "deferred", None), None
    try:
        # GDAL finds credentials by itself; a session of rasterio would search for them on each entry.
        with rasterio.Env(DummySession(), **options):
            yield
    finally:
        _thread.deferred = deferred


@contextmanager
def deferred_gdal_env() -> Iterator[None]:
    """Set GDAL's options on this thread as soon as `enter_deferred_env` is called, until the end."""
    before = getattr(_thread, "deferred", None)
    with ExitStack() as stack:
        stack.callback(setattr, _thread, "deferred", before)
        _thread.deferred = stack
        yield


def enter_deferred_env() -> None:
    """Set GDAL's options on a thread of the engine, once; call it before GDAL is used there."""
    stack: ExitStack | None = getattr(_thread, "deferred", None)
    if stack is not None:
        _thread.deferred = None
        stack.enter_context(gdal_env())


def gdal_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return the classes of GDAL's and rasterio's errors, and others; none if rasterio is not imported yet.

    An `except` clause calls it after an error only, and GDAL has raised none before the import.
    """
    if "rasterio.errors" not in sys.modules:
        return others
    # The base of GDAL's errors has no public name (see tests/unit/raster/test_library_internals.py).
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    return (RasterioError, CPLE_BaseError, *others)


def _s3_options() -> dict[str, Any]:
    """Return GDAL's options for an S3-compatible service that the variables of AWS's tools name."""
    endpoint = s3_endpoint()
    if endpoint is None or os.environ.get("AWS_S3_ENDPOINT"):
        return {}
    parts = urlsplit(endpoint)
    options: dict[str, Any] = {"AWS_S3_ENDPOINT": f"{parts.netloc}{parts.path.rstrip('/')}"}
    if "AWS_HTTPS" not in os.environ:
        options["AWS_HTTPS"] = parts.scheme == "https"
    if "AWS_VIRTUAL_HOSTING" not in os.environ:
        virtual = os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "")
        options["AWS_VIRTUAL_HOSTING"] = virtual.lower() == "true"
    return options
