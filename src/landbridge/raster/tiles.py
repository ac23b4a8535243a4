"""The tiles of local TIFF files: found by tifffile, decoded by imagecodecs, each once for all bands."""

import math
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.errors import RasterioError

from landbridge.raster.dtypes import held_nodata
from landbridge.raster.sample import Window, shape_of

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from tifffile import TiffFile

    from landbridge.raster.files import Header

Array = np.ndarray[Any, Any]

_CACHED = 128 * 2**20
_HORIZONTAL, _FLOATING = 2, 3
_REDUCED, _MASK = 1, 4


def _inflate(data: bytes, out: memoryview) -> Any:
    from imagecodecs import deflate_decode

    return deflate_decode(data, out=out)


def _lzw(data: bytes, out: memoryview) -> Any:
    from imagecodecs import lzw_decode

    return lzw_decode(data, out=out)


def _zstd(data: bytes, out: memoryview) -> Any:
    from imagecodecs import zstd_decode

    return zstd_decode(data, out=out)


def _stored(data: bytes, _out: memoryview) -> Any:
    return data


# By the number that TIFF gives a compression: what unpacks bytes, into a buffer of the size they must have.
_CODECS: Mapping[int, Callable[[bytes, memoryview], Any]] = MappingProxyType(
    {1: _stored, 5: _lzw, 8: _inflate, 32946: _inflate, 50000: _zstd}
)

_buffers = threading.local()


def _buffer(size: int) -> memoryview:
    """Memory of this thread, to be used until it next asks."""
    buffer = getattr(_buffers, "buffer", None)
    if buffer is None or len(buffer) < size:
        buffer = _buffers.buffer = bytearray(size)
    return memoryview(buffer)[:size]


class TileCache:
    """Decoded tiles that will be asked for again, the longest unused dropped first."""

    def __init__(self, size: int = _CACHED) -> None:
        """Take the size in bytes."""
        self._size = size
        self._used = 0
        self._tiles: OrderedDict[tuple[object, ...], Array] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...]) -> Array | None:
        """A tile, if it is there."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: tuple[object, ...], tile: Array) -> None:
        """Keep a tile."""
        with self._lock:
            if key in self._tiles:
                return
            self._tiles[key] = tile
            self._used += tile.nbytes
            while self._used > self._size and len(self._tiles) > 1:
                self._used -= self._tiles.popitem(last=False)[1].nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """One level of a tiled TIFF: where its tiles are and how they are packed.

    `tile` is their size (y, x), `across` how many lie in a row, `samples` the bands in each: with `planar`
    only one, and the bands' tiles lie one after the other. `fill` is the value of tiles that are not stored.
    """

    href: str
    level: int
    stamp: tuple[int, ...]
    tile: tuple[int, int]
    across: int
    down: int
    samples: int
    planar: bool
    dtype: np.dtype[Any]
    compression: int
    predictor: int
    fill: float | None
    offsets: Sequence[int]
    counts: Sequence[int]
    cache: TileCache

    def read(self, indexes: Sequence[int], window: Window) -> Array | None:
        """Pixels (band, y, x) of a window, not to be written to; None if a tile cannot be decoded here.

        `indexes` count the bands from one.

        Raises:
            RasterioError: the file is not the one any more that was opened.
        """
        (y, x), (height, width) = window, self.tile
        rows = range(y.start // height, (y.stop - 1) // height + 1)
        columns = range(x.start // width, (x.stop - 1) // width + 1)
        out: Array | None = None
        for row in rows:
            for column in columns:
                top, left = row * height, column * width
                # Counted from the tile's corner.
                ys = slice(max(0, y.start - top), min(height, y.stop - top))
                xs = slice(max(0, x.start - left), min(width, x.stop - left))
                part = shape_of((ys, xs))
                tile = self._tile(row * self.across + column, indexes, keep=part != self.tile)
                if tile is None:
                    return None
                if len(rows) == len(columns) == 1:
                    return tile[:, ys, xs]
                if out is None:
                    out = np.empty((len(indexes), *shape_of(window)), self.dtype)
                top, left = top + ys.start - y.start, left + xs.start - x.start
                out[:, top : top + part[0], left : left + part[1]] = tile[:, ys, xs]
        return out

    def _tile(self, number: int, indexes: Sequence[int], *, keep: bool) -> Array | None:
        """Bands of a tile (band, y, x)."""
        key = (self.href, self.level, number, *indexes)
        tile = self.cache.get(key)
        if tile is None:
            tile = self._decoded(number, indexes)
            # What was wanted whole will not be wanted again.
            if keep and tile is not None:
                self.cache.put(key, tile)
        return tile

    def _decoded(self, number: int, indexes: Sequence[int]) -> Array | None:
        out = np.empty((len(indexes), *self.tile), self.dtype)
        if not self.planar:
            return out if self._decode(number, [index - 1 for index in indexes], out) else None
        for index, band in zip(indexes, out, strict=True):
            if not self._decode((index - 1) * self.down * self.across + number, [0], band[None]):
                return None
        return out

    def _decode(self, number: int, samples: Sequence[int], out: Array) -> bool:
        """Put samples of a stored tile into `out` (band, y, x); False if that cannot be done here."""
        offset, count = self.offsets[number], self.counts[number]
        if not count or not offset:
            if self.fill is not None:
                out.fill(self.fill)
            return self.fill is not None
        shape = (*self.tile, 1 if self.planar else self.samples)
        data = self._stored(offset, count)
        try:
            unpacked = _CODECS[self.compression](data, _buffer(self.dtype.itemsize * math.prod(shape)))
            tile = np.frombuffer(unpacked, self.dtype).reshape(shape)
        except (RuntimeError, ValueError):
            # Damaged or of an unknown kind: GDAL reads what can be read, and says what is wrong with the
            # rest.
            return False
        _unpredict(tile, self.predictor, samples, out)
        return True

    def _stored(self, offset: int, count: int) -> bytes:
        file = os.open(self.href, os.O_RDONLY)
        try:
            if _stamp(os.fstat(file)) != self.stamp:
                raise RasterioError("the file was changed while it was being read")
            return os.pread(file, count, offset)
        finally:
            os.close(file)


def _unpredict(tile: Array, predictor: int, samples: Sequence[int], out: Array) -> None:
    """Put samples of a tile (y, x, sample) into `out` (band, y, x), without the predictor that made it
    smaller.
    """
    if predictor == _HORIZONTAL:
        from imagecodecs import delta_decode

        bits = np.dtype(f"u{tile.dtype.itemsize}")
        for sample, band in zip(samples, out.view(bits), strict=True):
            delta_decode(tile.view(bits)[:, :, sample], axis=-1, out=band)
        return
    if predictor == _FLOATING:
        from imagecodecs import floatpred_decode

        tile = np.asarray(floatpred_decode(tile, axis=-2))
    for sample, band in zip(samples, out, strict=True):
        band[:] = tile[:, :, sample]


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def find_tiles(header: "Header", level: int, grid: "GeoBox", cache: TileCache) -> Tiles | None:
    """The tiles of a level of a file; None if it is not a local TIFF of a kind that is read by tiles."""
    if header.driver != "GTiff" or header.mask or not os.path.isfile(header.href):  # noqa: PTH113 - an address
        return None
    import tifffile

    try:
        with tifffile.TiffFile(header.href) as tiff:
            return _tiles_of(tiff, header, level, grid, cache)
    except Exception:  # noqa: BLE001 - GDAL has read the header: it is left what only it understands
        return None


def _tiles_of(
    tiff: "TiffFile", header: "Header", level: int, grid: "GeoBox", cache: TileCache
) -> Tiles | None:
    size = grid.shape.yx
    pages: list[Any] = [tiff.pages[0]]
    if level:
        others: list[Any] = tiff.pages[1:]
        pages = [
            page
            for page in others
            if int(page.subfiletype) & (_REDUCED | _MASK) == _REDUCED
            and (page.imagelength, page.imagewidth) == size
        ]
    if len(pages) != 1:
        return None
    page = pages[0]
    dtype = np.dtype(header.dtypes[0])
    understood = (
        tiff.byteorder == ("<" if sys.byteorder == "little" else ">") == "<"
        and page.is_tiled
        and (page.imagelength, page.imagewidth) == size
        and page.imagedepth == 1
        and page.samplesperpixel == header.count
        and set(header.dtypes) == {dtype.name}
        and page.dtype == dtype
        and dtype.kind in "iuf"
        and page.bitspersample == 8 * dtype.itemsize
        and page.photometric in (1, 2)
        and page.tilelength * page.tilewidth * page.samplesperpixel * dtype.itemsize <= _CACHED
        and page.fillorder == 1
        and page.compression in _CODECS
        and page.predictor in (1, _HORIZONTAL, *([_FLOATING] if dtype.kind == "f" else []))
    )
    if not understood:
        return None
    height, width = page.tilelength, page.tilewidth
    nodata = header.nodata[0]
    status = os.fstat(tiff.filehandle.fileno())
    return Tiles(
        href=header.href,
        level=level,
        stamp=_stamp(status),
        tile=(height, width),
        across=-(-page.imagewidth // width),
        down=-(-page.imagelength // height),
        samples=header.count,
        planar=page.planarconfig == 2 and header.count > 1,
        dtype=dtype,
        compression=int(page.compression),
        predictor=int(page.predictor),
        fill=0 if nodata is None else held_nodata(dtype, nodata),
        offsets=page.dataoffsets,
        counts=page.databytecounts,
        cache=cache,
    )
