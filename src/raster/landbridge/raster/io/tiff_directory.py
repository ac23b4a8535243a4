"""Directories of tiled TIFF files: tile layout, georeference and metadata.

Files with any unsupported feature are left to GDAL.
"""

import math
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.local_file import LocalFile, file_stamp
from landbridge.raster.io.overviews import OverviewOrigin, items_of, read_items
from landbridge.raster.io.tiff_georeference import GEOREFERENCE_TAGS, read_grid
from landbridge.raster.io.tiff_tags import (
    Directory,
    FileBytes,
    Integers,
    UnsupportedTiffError,
    read_directories,
)

NO_PREDICTOR, HORIZONTAL, FLOATING = 1, 2, 3
# TIFF's numbers of the supported compressions: none, LZW, deflate (new and old), zstd.
UNCOMPRESSED, LZW, DEFLATE, OLD_DEFLATE, ZSTD = 1, 5, 8, 32946, 50000
_COMPRESSIONS = (UNCOMPRESSED, LZW, DEFLATE, OLD_DEFLATE, ZSTD)
# Largest decoded tile; GDAL reads files with larger ones.
MAX_TILE_BYTES = 128 * 2**20
_DTYPES = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float32", "float64"),
)
_SAMPLE_FORMATS: Mapping[int, str] = {1: "uint", 2: "int", 3: "float"}
_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"
_REDUCED, _MASK = 1, 4
_ALPHA = (1, 2)
# Tags, by their numbers.
_KIND, _OLD_KIND, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIP_OFFSETS, _SAMPLES, _STRIP_COUNTS, _PLANAR, _PREDICTOR = 266, 273, 277, 279, 284, 317
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_SUB_DIRECTORIES, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _DEPTH, _TILE_DEPTH = 330, 338, 339, 32997, 32998
_GDAL_METADATA, _GDAL_NODATA = 42112, 42113
_TAGS = (
    *(_BITS, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _GDAL_METADATA, _GDAL_NODATA),
    *GEOREFERENCE_TAGS,
)
_MASKING_ITEM = '"NODATA_VALUES"'
_MAX_REMEMBERED = 512
_WHOLE_NUMBER = re.compile(r"[+-]?\d+\Z").match


@dataclass(frozen=True, slots=True, eq=False)
class TiffPage:
    """Page of a tiled TIFF: full resolution or an overview.

    `size` and `tile` are (rows, columns) of the page and of a tile; `samples` is the number of bands. With
    `planar`, each tile holds one band, and the tiles of the bands follow one another. With `swapped`, samples
    have the other byte order than this machine.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    samples: int
    planar: bool
    dtype: np.dtype[Any]
    compression: int
    predictor: int
    offsets: np.ndarray[Any, np.dtype[np.int64]]
    counts: np.ndarray[Any, np.dtype[np.int64]]
    swapped: bool = False

    @property
    def across(self) -> int:
        """Number of tiles per row."""
        return -(-self.size[1] // self.tile[1])

    @property
    def down(self) -> int:
        """Number of tiles per column."""
        return -(-self.size[0] // self.tile[0])

    @property
    def stored_tiles(self) -> int:
        """Number of tiles in the file, of all bands."""
        return self.across * self.down * (self.samples if self.planar else 1)


@dataclass(frozen=True, slots=True, eq=False)
class Tiff:
    """Supported TIFF file: its pages, finest first, and the metadata of the first page.

    `grid` is None if only GDAL can determine it, as for reference systems without an EPSG code. `has_alpha`
    is True if a band is an alpha band. `overview_origins` are the origins of each band's overviews.
    """

    file: File
    pages: tuple[TiffPage, ...]
    nodata: float | None
    grid: GeoBox | None
    has_alpha: bool
    overview_origins: tuple[OverviewOrigin, ...] = ()

    @property
    def count(self) -> int:
        """Number of bands."""
        return self.pages[0].samples

    @property
    def overviews(self) -> tuple[int, ...]:
        """Decimation factors of the overviews."""
        columns = self.pages[0].size[1]
        return tuple(math.floor(columns / page.size[1] + 0.5) for page in self.pages[1:])


_parsed_files: OrderedDict[tuple[object, ...], Tiff | None] = OrderedDict()
_lock = Lock()


def read_tiff(file: File) -> Tiff | None:
    """Return a file's directory, cached per version of the file; None if the file is not supported."""
    key = file.key
    with _lock:
        if key in _parsed_files:
            _parsed_files.move_to_end(key)
            return _parsed_files[key]
    parsed = _parse(file)
    if not file.remote:
        with _lock:
            _parsed_files[key] = parsed
            if len(_parsed_files) > _MAX_REMEMBERED:
                _parsed_files.popitem(last=False)
    return parsed


def end_of_data(path: str | Path) -> int:
    """Return the end of the last byte of pixels of a TIFF, by its own offsets; 0 if it can't be parsed."""
    try:
        file = LocalFile(str(path), file_stamp(Path(path).stat()))
        with file.reader() as read:
            ends = [
                int((offsets + counts).max())
                for directory in read_directories(FileBytes(read, file.size))
                for offsets, counts in _data_ranges(directory)
            ]
        return max(ends, default=0)
    except (OSError, UnsupportedTiffError):
        return 0


def _data_ranges(directory: Directory) -> Iterator[tuple[Integers, Integers]]:
    """Yield the offsets and counts of a directory's tiles, or of its strips."""
    for tags in ((_TILE_OFFSETS, _TILE_COUNTS), (_STRIP_OFFSETS, _STRIP_COUNTS)):
        offsets, counts = map(directory.integers, tags)
        if len(offsets) != len(counts):
            raise UnsupportedTiffError("the tiles have another number of offsets than of counts")
        if len(offsets):
            yield offsets, counts


def _parse(file: File) -> Tiff | None:
    try:
        with file.reader() as read:
            source = FileBytes(read, file.size, file.head)
            return _supported_tiff(source, read_directories(source), file)
    except UnsupportedTiffError:
        # GDAL reads the file, or reports what is wrong with it.
        return None


def _supported_tiff(source: FileBytes, directories: Sequence[Directory], file: File) -> Tiff | None:
    if not directories:
        return None
    first, *others = directories
    kinds = [directory.number(_KIND, 0) for directory in others]
    # Only GDAL supports masks, further full-resolution pages, and pages by the obsolete tag.
    if any(kind & (_REDUCED | _MASK) != _REDUCED for kind in kinds) or any(map(_is_odd, directories)):
        return None
    source.fetch(byte_range for directory in directories for byte_range in directory.ranges(_TAGS))
    # NODATA_VALUES masks pixels by the values of all bands together.
    if _MASKING_ITEM in (first.text(_GDAL_METADATA) or ""):
        return None
    finest = _parse_page(first)
    pages = (finest, *map(_parse_page, others))
    if any((page.samples, page.dtype) != (finest.samples, finest.dtype) for page in pages):
        return None
    return Tiff(
        file=file,
        pages=pages,
        nodata=_nodata(first, finest.dtype),
        grid=read_grid(first, finest.size),
        has_alpha=any(kind in _ALPHA for kind in first.integers(_EXTRA_SAMPLES)),
        overview_origins=read_items(finest.samples, _items(first), _items(others[0]) if others else ()),
    )


def _is_odd(directory: Directory) -> bool:
    """Return whether a page has tags whose meaning only GDAL knows."""
    return not {_OLD_KIND, _SUB_DIRECTORIES, _STRIP_OFFSETS}.isdisjoint(directory.entries)


def _parse_page(directory: Directory) -> TiffPage:
    """Return a page.

    Raises:
        UnsupportedTiffError: if it has a feature that only GDAL reads, or is malformed.
    """
    samples = directory.number(_SAMPLES, 1)
    dtype = _dtype(directory)
    size = (directory.number(_LENGTH), directory.number(_WIDTH))
    tile = (directory.number(_TILE_LENGTH), directory.number(_TILE_WIDTH))
    compression, predictor = (
        directory.number(_COMPRESSION, UNCOMPRESSED),
        directory.number(_PREDICTOR, NO_PREDICTOR),
    )
    supported = (
        min(*size, *tile, samples) > 0
        and tile[0] * tile[1] * samples * dtype.itemsize <= MAX_TILE_BYTES
        and directory.number(_DEPTH, 1) == directory.number(_TILE_DEPTH, 1) == 1
        and directory.number(_PHOTOMETRIC) in (1, 2, 3)  # a palette is read as its indexes
        and directory.number(_PLANAR, 1) in (1, 2)
        and directory.number(_FILL_ORDER, 1) == 1
        and compression in _COMPRESSIONS
        and predictor in (NO_PREDICTOR, HORIZONTAL, *([FLOATING] if dtype.kind == "f" else []))
    )
    if not supported:
        raise UnsupportedTiffError("the page has a feature that only GDAL reads")
    page = TiffPage(
        size=size,
        tile=tile,
        samples=samples,
        planar=directory.number(_PLANAR, 1) == 2 and samples > 1,
        dtype=dtype,
        compression=compression,
        # The differences of uncompressed tiles are not stored.
        predictor=NO_PREDICTOR if compression == UNCOMPRESSED else predictor,
        offsets=directory.integers(_TILE_OFFSETS),
        counts=directory.integers(_TILE_COUNTS),
        swapped=dtype.itemsize > 1 and directory.byte_order != _NATIVE_ORDER,
    )
    if not len(page.offsets) == len(page.counts) == page.stored_tiles:
        raise UnsupportedTiffError("the page has another number of tiles than its size asks for")
    return page


def _dtype(directory: Directory) -> np.dtype[Any]:
    kind = _SAMPLE_FORMATS.get(directory.number(_SAMPLE_FORMAT, 1))
    bits = directory.number(_BITS, 1)
    name = f"{kind}{bits}"
    if name not in _DTYPES:
        raise UnsupportedTiffError(f"the page has samples of the type {name}")
    return np.dtype(name)


def _items(directory: Directory) -> list[tuple[str, int, str]]:
    """Return the items of a page's GDAL metadata."""
    return items_of(directory.text(_GDAL_METADATA))


def _nodata(directory: Directory, dtype: np.dtype[Any]) -> float | None:
    """Return the nodata value of a page if the data type can hold it, like rasterio."""
    text = (directory.text(_GDAL_NODATA) or "").strip()
    if not text:
        return None
    try:
        # Floats cannot represent all 64-bit integers.
        value = int(text) if dtype.kind != "f" and _WHOLE_NUMBER(text) else float(text)
    except ValueError:
        raise UnsupportedTiffError("the nodata value is no number") from None
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if dtype.kind == "f" and not math.isfinite(value):
        return value
    return value if limits.min <= value <= limits.max else None
