"""State that the reads of one load by odc-stac share: tiles, headers and coordinate grids."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from odc.geo.geobox import GeoBox

from landbridge.raster.io import header_index
from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.expiring_url import ExpiringUrl
from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.headers import Header
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.odc.signed_href import signed

if TYPE_CHECKING:
    from landbridge.raster.grids.coordinate_grid import CoordinateGrids

__all__ = ["Load", "new_load"]

# Largest size of the tiles that a load keeps for its other bands, as a share of the free memory and in bytes.
_MEMORY_SHARE, _MAX_TILE_BYTES, _MIN_TILE_BYTES = 4, 2 * 2**30, 128 * 2**20
# The same for a load by dask, whose tasks come in any order and which never says that it has ended.
_DASK_TILE_BYTES, _DASK_LOADS, _DASK_SECONDS = 256 * 2**20, 2, 300
# Largest number of headers that a load keeps.
_MAX_HEADERS = 4096


class LoadState:
    """Tiles, headers and coordinate grids that the reads of one load share."""

    def __init__(self, tiles: TileCache) -> None:
        self.tiles = tiles
        self.coordinate_grids: CoordinateGrids = {}
        self._headers: OrderedDict[str, Future[Header | None]] = OrderedDict()
        self._files: OrderedDict[str, File | None] = OrderedDict()
        self._replaced: set[str] = set()
        self._lock = threading.Lock()

    def header(self, uri: str) -> Header | None:
        """Return a file's header; None if only GDAL can read the file."""
        header, is_owner = self._claim(uri)
        if is_owner:
            self._read(header, uri)
        return header.result()

    def claim_unread(self, uri: str) -> Callable[[], None] | None:
        """Return a function that reads a header ahead of its use; None if it is read already."""
        header, is_owner = self._claim(uri)
        return partial(self._read, header, uri) if is_owner else None

    def file(self, uri: str) -> File | None:
        """Return the version of a file that the load reads by GDAL; None if only GDAL can open the file.

        Raises:
            OSError: if the server lacks the file, denies access or does not answer.
        """
        try:
            header = self.header(uri)
            if header is not None:
                return header.file
            with self._lock:
                file = self._files.get(uri)
            opened = open_file(signed(uri)) if file is None else file
        except OSError:
            # GDAL may know credentials of S3 that odc-loader was configured with.
            if not uri.startswith("s3://"):
                raise
            return None
        if file is None:
            with self._lock:
                # All threads take the version that the first one has found.
                file = self._files.setdefault(uri, opened)
                while len(self._files) > _MAX_HEADERS:
                    self._files.popitem(last=False)
        return file

    def forget_changed(self, uri: str) -> None:
        """Make the next use of a file take the version that it has then."""
        with self._lock:
            self._files.pop(uri, None)
            self._headers.pop(uri, None)

    def forget_replaced(self, uri: str) -> None:
        """Make the next use of a file read its header again, since the kept one is of an older file."""
        with self._lock:
            self._replaced.add(uri)
            self._headers.pop(uri, None)

    def _claim(self, uri: str) -> tuple["Future[Header | None]", bool]:
        with self._lock:
            header = self._headers.get(uri)
            if header is not None and not _has_expired(header):
                return header, False
            header = self._headers[uri] = Future()
            while len(self._headers) > _MAX_HEADERS:
                self._headers.popitem(last=False)
            return header, True

    def _read(self, header: "Future[Header | None]", uri: str) -> None:
        try:
            address = signed(uri)
            if uri in self._replaced:
                header_index.forget(address)
            header.set_result(header_index.read_native_header(address))
        except BaseException as error:  # noqa: BLE001 - all threads that wait for the header raise it
            with self._lock:
                self._headers.pop(uri, None)
            header.set_exception(error)


def _has_expired(header: "Future[Header | None]") -> bool:
    """Return whether a header was read by a URL that has expired."""
    if not header.done() or header.exception() is not None:
        return False
    found = header.result()
    return found is not None and isinstance(found.address, ExpiringUrl) and found.address.has_expired


_dask_states: "OrderedDict[str, tuple[float, LoadState]]" = OrderedDict()
_lock = threading.Lock()


def _dask_state(key: str) -> LoadState:
    """Return this process's state of a load by dask."""
    with _lock:
        found = _dask_states.get(key)
        if found is None or time.monotonic() > found[0]:
            found = (time.monotonic() + _DASK_SECONDS, LoadState(TileCache(_DASK_TILE_BYTES)))
            _dask_states[key] = found
        _dask_states.move_to_end(key)
        while len(_dask_states) > _DASK_LOADS:
            _dask_states.popitem(last=False)
        return found[1]


def _reset_after_fork() -> None:
    global _lock  # noqa: PLW0603 - the lock of another thread would never be released
    _lock = threading.Lock()
    _dask_states.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


def _tile_bytes() -> int:
    """Return the size of the tiles that a load may keep."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _MIN_TILE_BYTES
    return max(_MIN_TILE_BYTES, min(_MAX_TILE_BYTES, free // _MEMORY_SHARE))


@dataclass(frozen=True)
class Load:
    """One load: its whole grid, from which the overview of each file is chosen.

    odc-loader pickles it into every task of dask; a pickle contains neither locks nor tiles.
    """

    geobox: GeoBox
    key: str | None
    own_state: LoadState | None = field(default=None, repr=False, compare=False)

    @property
    def state(self) -> LoadState:
        if self.own_state is not None:
            return self.own_state
        return _dask_state(str(self.key))

    def __reduce__(self) -> tuple[Any, ...]:
        return Load, (self.geobox, self.key or uuid4().hex)


def new_load(geobox: GeoBox, *, by_dask: bool) -> Load:
    """Return a load of a grid."""
    if by_dask:
        return Load(geobox, uuid4().hex)
    # Bands are read one after the other: tiles that were decoded first are needed again first.
    return Load(geobox, None, LoadState(TileCache(_tile_bytes(), evicts=False)))
