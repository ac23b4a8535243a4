"""Driver for `odc.stac.load` that reads pixels by the engine's tile reader."""

import logging
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, RasterSource, RioDriver, resolve_dst_nodata, resolve_src_nodata
from odc.loader import RioReader as GdalReader
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.compositor import Canvas, FileLayer
from landbridge.raster.composite.read_block import composite_file_tiles
from landbridge.raster.errors import RasterError, raise_without_context
from landbridge.raster.io.byte_ranges import is_remote, needs_gdal
from landbridge.raster.io.expiring_url import ExpiringUrl
from landbridge.raster.io.file_windows import OpenFile
from landbridge.raster.io.headers import Header, read_native_header, tile_reader_for
from landbridge.raster.io.overview_choice import choose_read_level
from landbridge.raster.io.redact import redact_error_text, redact_logs, redact_url
from landbridge.raster.io.tile_reader import Tile, TileCache, TileReader
from landbridge.raster.kernels import CELL, MISSING
from landbridge.raster.resample.block import Block, BlockMappings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.raster.grids.coordinate_grid import CoordinateGrids

__all__ = ["Driver", "SignedOnOpen", "odc_driver"]

_logger = logging.getLogger(__name__)

# Largest size of the tiles that a load keeps for its other bands, as a share of the free memory and in bytes.
_MEMORY_SHARE, _MAX_TILE_BYTES, _MIN_TILE_BYTES = 4, 2 * 2**30, 128 * 2**20
# The same for a load by dask, whose tasks come in any order and which never says that it has ended.
_DASK_TILE_BYTES, _DASK_LOADS, _DASK_SECONDS = 256 * 2**20, 2, 300
# Largest number of headers that a load keeps, and number of threads that read them ahead.
_MAX_HEADERS, _HEADER_THREADS = 4096, 16
# Member of the environment that makes dask's keys differ from those of odc-loader's own pixels.
_MARK = "_landbridge_driver"
_NOTHING = np.s_[0:0, 0:0]
_NO_CONTEXT: Any = None
_READ_ERRORS = (RasterioError, CPLE_BaseError, OSError, IndexError)


class SignedOnOpen(str):
    """Href whose signed URL is made when its file is opened.

    Neither a graph of dask nor its keys contain the signature, and a graph that is computed late is not
    computed with an expired URL.
    """

    __slots__ = ("sign",)
    sign: Callable[[str], str]

    def __new__(cls, href: str, sign: Callable[[str], str]) -> Self:
        """Store an href and its signer."""
        address = super().__new__(cls, href)
        address.sign = sign
        return address

    def __reduce__(self) -> tuple[Any, ...]:
        return SignedOnOpen, (str(self), self.sign)


class _LoadState:
    """Tiles, headers and coordinate grids that the reads of one load share."""

    def __init__(self, tiles: TileCache) -> None:
        self.tiles = tiles
        self.coordinate_grids: CoordinateGrids = {}
        self._headers: OrderedDict[str, Future[Header | None]] = OrderedDict()
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

    def forget(self, uri: str) -> None:
        """Make the next use of a file read its header again."""
        with self._lock:
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
            header.set_result(read_native_header(uri.sign(uri) if isinstance(uri, SignedOnOpen) else uri))
        except BaseException as error:  # noqa: BLE001 - all threads that wait for the header raise it
            self.forget(uri)
            header.set_exception(error)


def _has_expired(header: "Future[Header | None]") -> bool:
    """Return whether a header was read by a URL that has expired."""
    if not header.done() or header.exception() is not None:
        return False
    found = header.result()
    return found is not None and isinstance(found.address, ExpiringUrl) and found.address.has_expired


_dask_states: "OrderedDict[str, tuple[float, _LoadState]]" = OrderedDict()
_lock = threading.Lock()


def _dask_state(key: str) -> _LoadState:
    """Return this process's state of a load by dask."""
    with _lock:
        found = _dask_states.get(key)
        if found is None or time.monotonic() > found[0]:
            found = (time.monotonic() + _DASK_SECONDS, _LoadState(TileCache(_DASK_TILE_BYTES)))
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


@lru_cache(maxsize=1)
def _header_pool(_process: int) -> ThreadPoolExecutor:
    """Return the threads that read headers ahead; keyed by process id, as a forked child has no threads."""
    return ThreadPoolExecutor(_HEADER_THREADS, thread_name_prefix="landbridge-odc")


def _tile_bytes() -> int:
    """Return the size of the tiles that a load may keep."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _MIN_TILE_BYTES
    return max(_MIN_TILE_BYTES, min(_MAX_TILE_BYTES, free // _MEMORY_SHARE))


@dataclass(frozen=True)
class _Load:
    """One load: its whole grid, from which the overview of each file is chosen.

    odc-loader pickles it into every task of dask; a pickle contains neither locks nor tiles.
    """

    geobox: GeoBox
    key: str | None
    own_state: _LoadState | None = field(default=None, repr=False, compare=False)

    @property
    def state(self) -> _LoadState:
        if self.own_state is not None:
            return self.own_state
        return _dask_state(str(self.key))

    def __reduce__(self) -> tuple[Any, ...]:
        return _Load, (self.geobox, self.key or uuid4().hex)


class _SharedTiles(TileReader):
    """Tiles that are decoded once for all bands, which odc-loader reads one by one over the whole grid."""

    __slots__ = ()

    def decoded(
        self,
        indexes: "Sequence[int]",
        tile_indexes: "Sequence[tuple[int, int]]",
        is_unshared: Callable[[tuple[int, int]], bool],
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        if self.page.planar or self.page.samples == 1:
            return super().decoded(indexes, tile_indexes, is_unshared)
        # The key of a tile contains its bands: a decoded tile has all of them, whichever is asked for.
        return super().decoded((1,), tile_indexes, lambda _: False)


class _Reader:
    """Reader of one band of a file, for odc-loader."""

    def __init__(self, source: RasterSource, load: _Load) -> None:
        self._source, self._load = source, load

    def read(
        self,
        cfg: RasterLoadParams,
        dst_geobox: GeoBox,
        *,
        dst: Array | None = None,
        selection: Any = None,
    ) -> tuple[Window, Array]:
        """Return the window of a grid in which the file has pixels, and the pixels.

        Nearest pixels of tiled TIFFs are read by the tile reader, all others by odc-loader's own reader.
        """
        try:
            if dst is None and selection is None and cfg.nearest and not self._source.subdataset:
                found = self._read_tiles(cfg, dst_geobox)
                if found is not None:
                    return found
            return self._read_by_gdal(cfg, dst_geobox, dst, selection)
        except _READ_ERRORS as error:
            if cfg.fail_on_error:
                raise_without_context(self._error(error))
            _logger.warning("%s; the file is left out (fail_on_error=False)", self._error(error))
            return _NOTHING, np.empty((0, 0), cfg.dtype)

    def _error(self, error: BaseException) -> RasterError:
        href = redact_url(self._source.uri)
        address = self._source.uri
        cause = redact_error_text(str(error), address, address)
        return RasterError(f"cannot read band {self._source.band} of {href!r}: {cause}", file=href)

    def _read_by_gdal(
        self, cfg: RasterLoadParams, grid: GeoBox, dst: Array | None, selection: Any
    ) -> tuple[Window, Array]:
        source = self._source
        if isinstance(source.uri, SignedOnOpen):
            source = replace(source, uri=source.uri.sign(source.uri))
        if redact_url(source.uri) != source.uri:
            redact_logs()
        # The reader does not use its context.
        reader = GdalReader(source, _NO_CONTEXT)
        return reader.read(replace(cfg, fail_on_error=True), grid, dst=dst, selection=selection)

    def _read_tiles(self, cfg: RasterLoadParams, grid: GeoBox) -> tuple[Window, Array] | None:
        """Return the pixels of a grid; None if only GDAL can read them."""
        band, state = self._source.band, self._load.state
        try:
            header = state.header(self._source.uri)
        except OSError:
            # GDAL may know credentials of S3 that odc-loader was configured with.
            if self._source.uri.startswith("s3://"):
                return None
            raise
        if header is None or not 0 < band <= header.count:
            return None
        read_level = choose_read_level(
            header, self._load.geobox, "near", use_overviews=bool(cfg.use_overviews)
        )
        tiles = tile_reader_for(header, read_level.level, state.tiles)
        dtype = np.dtype(cfg.dtype or header.dtypes[band - 1])
        if tiles is None or not np.can_cast(tiles.page.dtype, dtype, "safe"):
            return None
        tiles = _SharedTiles(tiles.file, tiles.page, tiles.number, tiles.fill, tiles.cache)
        block = _block_of(grid, self._load.geobox)
        mappings = BlockMappings(block, state.coordinate_grids)
        return _composite(
            OpenFile(header, read_level, tiles), mappings, band, _Nodata.of(cfg, header, band, dtype), dtype
        )


@dataclass(frozen=True, slots=True)
class _Nodata:
    """Nodata value of a file, the value that replaces it, and the value of pixels outside the file."""

    source: float | None
    target: float | None
    outside: float

    @classmethod
    def of(cls, cfg: RasterLoadParams, header: Header, band: int, dtype: np.dtype[Any]) -> "_Nodata":
        """Return the values by odc-loader's rules."""
        source = resolve_src_nodata(header.nodata[band - 1], cfg)
        target = resolve_dst_nodata(dtype, cfg, source)
        # The value with which odc-loader fills its array before it adds the files.
        outside = resolve_dst_nodata(dtype, cfg, resolve_src_nodata(cfg.fill_value, cfg))
        return cls(source, target, dtype.type(0) if outside is None else outside)

    @property
    def is_replaced(self) -> bool:
        """True if the file's value is not the one that the result has."""
        if self.source is None or self.target is None:
            return False
        return self.source != self.target and not (math.isnan(self.source) and math.isnan(self.target))


def _block_of(grid: GeoBox, whole: GeoBox) -> Block:
    """Return a part of the whole grid of a load as a block."""
    corner = ~whole.transform @ grid.transform
    return Block(grid, (round(corner.f), round(corner.c)), whole.shape.yx)


def _composite(
    opened: OpenFile, mappings: BlockMappings, band: int, nodata: _Nodata, dtype: np.dtype[Any]
) -> tuple[Window, Array]:
    """Return the pixels of one band on a block."""
    assert opened.tiles is not None
    stored = opened.tiles.page.dtype
    shape = (1, *mappings.block.grid.shape.yx)
    values, state = np.empty(shape, stored), np.empty(shape, np.uint8)
    is_final = stored == dtype and not nodata.is_replaced
    canvas = Canvas(values, state, fill_values=np.array([nodata.outside], stored) if is_final else None)
    # Values that are nodata are kept, as odc-loader keeps them, and NaN as well.
    layer = FileLayer((band,), (0,), (0,), (None,), show_invalid=stored.kind == "f")
    composite_file_tiles(opened, mappings, layer, canvas)
    if (canvas.initialised_rows == np.arange(0, shape[1], CELL)[None, :, None]).all():
        return _NOTHING, np.empty((0, 0), dtype)
    canvas.initialise()
    pixels = values[0]
    if not is_final:
        pixels = pixels.astype(dtype)
        if nodata.source is not None and nodata.target is not None and nodata.is_replaced:
            np.copyto(pixels, dtype.type(nodata.target), where=_is_nodata(pixels, nodata.source))
        np.copyto(pixels, nodata.outside, where=state[0] == MISSING)
    return np.s_[0 : shape[1], 0 : shape[2]], pixels


def _is_nodata(pixels: Array, nodata: float) -> BoolArray:
    equal: BoolArray = pixels == nodata
    return equal | np.isnan(pixels) if pixels.dtype.kind == "f" else equal


class Driver:
    """Driver for `odc.stac.load(items, driver=…)` that reads tiled TIFFs by Landbridge's tile reader.

    A tile that holds several bands is decoded once, and remote tiles are read by few requests. All other
    files, and all resampling methods but "nearest", are read by odc-loader's own reader.
    """

    md_parser = None
    dask_reader = None
    aux_reader = None

    def new_load(self, geobox: GeoBox, *, chunks: dict[str, int] | None = None) -> _Load:
        """Return the state of a load of a grid."""
        if chunks is None:
            # Bands are read one after the other: tiles that were decoded first are needed again first.
            return _Load(geobox, None, _LoadState(TileCache(_tile_bytes(), evicts=False)))
        return _Load(geobox, uuid4().hex)

    def finalise_load(self, load_state: _Load) -> _Load:
        """Return the state of a load that has ended; its tiles are deleted with it."""
        return load_state

    def capture_env(self) -> dict[str, Any]:
        """Return GDAL's options for other threads and processes."""
        return {**RioDriver().capture_env(), _MARK: 1}

    @contextmanager
    def restore_env(self, env: Mapping[str, Any], load_state: _Load) -> Iterator[_Load]:
        """Set GDAL's options inside a `with` block."""
        options = {name: value for name, value in env.items() if name != _MARK}
        driver = RioDriver()
        with driver.restore_env(options, driver.new_load(load_state.geobox)):
            yield load_state

    def open(self, src: RasterSource, ctx: _Load) -> _Reader:
        """Return a reader of one band of a file; remote headers are read ahead."""
        # Other threads lack the GDAL options of this one.
        if ctx.own_state is not None and is_remote(src.uri) and not needs_gdal():
            read = ctx.own_state.claim_unread(src.uri)
            if read is not None:
                _header_pool(os.getpid()).submit(read)
        return _Reader(src, ctx)


def odc_driver() -> Driver:
    """Return a driver by which `odc.stac.load` reads pixels with Landbridge's tile reader.

    Nearest pixels of tiled TIFFs are then read by Landbridge: a tile that holds several bands is decoded
    once, and remote tiles are read by few requests. All other files and resampling methods are read as
    without the driver. Pixels are those nearest to the centers of the result's pixels, exactly; GDAL, which
    reads without this driver, takes a neighbor for about 1 % of the pixels of another reference system.

    `odc.stac.load` also accepts the driver as `driver="landbridge.raster.odc.Driver"`.

    Returns
    -------
    Driver
        Driver for threads, processes and clusters; it can be pickled, and used for any number of loads.

    Examples
    --------
    >>> import odc.stac
    >>> from landbridge.raster import odc_driver
    >>> driver = odc_driver()
    >>> # odc.stac.load(items, bands=["red", "nir"], driver=driver)

    See Also
    --------
    lazy_stack : lazy arrays by the engine itself, which stops reading when all pixels are valid.
    """
    return Driver()
