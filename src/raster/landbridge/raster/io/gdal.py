"""Opening of datasets by GDAL."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self, TypeVar

from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.expiring_url import ExpiringUrl, credential_of, renewed
from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.gdal_access import gdal_access
from landbridge.raster.io.gdal_cache import single_version
from landbridge.raster.io.gdal_settings import enter_deferred_env, gdal_errors

T = TypeVar("T")


@contextmanager
def dataset_of(address: str, level: int = 0, file: File | None = None) -> Iterator[Any]:
    """Open a file by GDAL, or one of its overviews (`level` from 1), with the mask file of a local file.

    `file` is the version that the file must have, from the open until the end of the `with` block; None if it
    is unknown.

    Credentials that the server refuses are renewed once, as the file is opened and in each read of pixels.
    """
    enter_deferred_env()
    options = {} if level == 0 else {"overview_level": level - 1}
    if not isinstance(address, ExpiringUrl):
        with _opened(address, options, file) as dataset:
            yield dataset
        return
    with _RenewingDataset(address, options, file) as renewing:
        yield renewing


@contextmanager
def _opened(address: str, options: dict[str, Any], file: File | None) -> Iterator[Any]:
    import rasterio
    from rasterio.session import DummySession

    beside = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"} if has_mask_beside(address) else {}
    with (
        rasterio.Env(DummySession(), **beside),
        single_version(address, file) as name,
        rasterio.open(name, sharing=False, **options) as dataset,
    ):
        yield dataset


class _RenewingDataset:
    """Dataset of an address whose signature or credentials may be refused, also while it is open.

    GDAL does not say reliably why a read fails, so each failure renews what can be renewed.
    """

    def __init__(self, address: ExpiringUrl, options: dict[str, Any], file: File | None) -> None:
        self._address: str = address.latest
        self._options = options
        self._file = file
        self._stack = ExitStack()
        self._dataset: Any = None
        self._credential = credential_of(self._address)

    def __enter__(self) -> Self:
        try:
            self._open()
        except gdal_errors() as error:
            self._renew(error)
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: PYI036 - passed on
        self._stack.__exit__(*error)

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
            self._dataset = stack.enter_context(_opened(name, self._options, self._file))
            self._stack = stack.pop_all()

    def _repeated_once(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except gdal_errors() as error:
            self._renew(error)
        return read()

    def _renew(self, error: Exception) -> None:
        """Open the file with fresh credentials; raise the error if there are no others."""
        fresh = renewed(self._address, self._credential)
        if fresh is None:
            raise error
        self._stack.__exit__(type(error), error, error.__traceback__)
        self._address = fresh
        self._open()


def has_mask_beside(address: str) -> bool:
    """Return whether a local file has a mask file (`.msk`); over a network the check would be a request."""
    return not is_remote(address) and os.path.exists(f"{address}.msk")  # noqa: PTH110 - one string, many times
