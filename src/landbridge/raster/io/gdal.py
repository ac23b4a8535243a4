"""GDAL settings, and opening of datasets by GDAL."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import rasterio
import rasterio.shutil

# The base of GDAL's errors has no public name (see tests/unit/raster/test_library_internals.py).
from rasterio._err import CPLE_BaseError
from rasterio.env import getenv, hasenv
from rasterio.errors import RasterioError
from rasterio.session import DummySession

from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.expiring_url import ExpiringUrl, credential_of, renewed
from landbridge.raster.io.gdal_access import gdal_access
from landbridge.raster.io.object_stores import RETRIES, s3_endpoint, timeout

T = TypeVar("T")

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


@contextmanager
def gdal_env() -> Iterator[None]:
    """Set GDAL's options for reads on this thread; on the main thread rasterio would set them globally."""
    # A transfer slower than 1 byte per second for that time has stalled.
    options = {**GDAL_OPTIONS, **_s3_options(), "GDAL_HTTP_LOW_SPEED_TIME": max(1, round(timeout()))}
    if "GDAL_CACHEMAX" not in os.environ and not (hasenv() and "GDAL_CACHEMAX" in getenv()):
        options |= _CACHE_MAX
    # GDAL finds credentials by itself; a session of rasterio would search for them on each entry.
    with rasterio.Env(DummySession(), **options):
        yield


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


@contextmanager
def dataset_of(address: str, level: int = 0) -> Iterator[Any]:
    """Open a file by GDAL, or one of its overviews (`level` from 1), with the mask file of a local file.

    Credentials that the server refuses are renewed once, as the file is opened and in each read of pixels.
    """
    options = {} if level == 0 else {"overview_level": level - 1}
    if not isinstance(address, ExpiringUrl):
        with _opened(address, options) as dataset:
            yield dataset
        return
    with _RenewingDataset(address, options) as renewing:
        yield renewing


@contextmanager
def _opened(address: str, options: dict[str, Any]) -> Iterator[Any]:
    beside = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"} if has_mask_beside(address) else {}
    with rasterio.Env(DummySession(), **beside), rasterio.open(address, sharing=False, **options) as dataset:
        yield dataset


class _RenewingDataset:
    """Dataset of an address whose signature or credentials may be refused, also while it is open.

    GDAL does not say reliably why a read fails, so each failure renews what can be renewed.
    """

    def __init__(self, address: ExpiringUrl, options: dict[str, Any]) -> None:
        self._address: str = address.latest
        self._options = options
        self._stack = ExitStack()
        self._dataset: Any = None
        self._credential = credential_of(self._address)

    def __enter__(self) -> Self:
        try:
            self._open()
        except (RasterioError, CPLE_BaseError) as error:
            self._renew(error)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def read(self, *arguments: Any, **options: Any) -> Any:
        """Return `dataset.read`."""
        return self._repeated_once(lambda: self._dataset.read(*arguments, **options))

    def dataset_mask(self, *arguments: Any, **options: Any) -> Any:
        """Return `dataset.dataset_mask`."""
        return self._repeated_once(lambda: self._dataset.dataset_mask(*arguments, **options))

    def _open(self) -> None:
        self._credential = credential_of(self._address)
        with ExitStack() as stack:
            name = stack.enter_context(gdal_access(self._address, self._credential))
            self._dataset = stack.enter_context(_opened(name, self._options))
            self._stack = stack.pop_all()

    def _repeated_once(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (RasterioError, CPLE_BaseError) as error:
            self._renew(error)
        return read()

    def _renew(self, error: Exception) -> None:
        """Open the file with fresh credentials; raise the error if there are no others."""
        fresh = renewed(self._address, self._credential)
        if fresh is None:
            raise error
        self._stack.close()
        self._address = fresh
        self._open()


def has_mask_beside(address: str) -> bool:
    """Return whether a local file has a mask file (`.msk`); over a network the check would be a request."""
    return not is_remote(address) and os.path.exists(f"{address}.msk")  # noqa: PTH110 - one string, many times
