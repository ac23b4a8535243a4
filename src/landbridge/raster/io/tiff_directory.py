"""Directories of tiled TIFF files, parsed by tifffile: tile layout, georeference and metadata.

Files with any unsupported feature are left to GDAL.
"""

import logging
import math
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.raster.grids.crs import parse_crs
from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.overviews import OverviewOrigin, items_of, read_items

HORIZONTAL, FLOATING = 2, 3
# TIFF's numbers of the supported compressions: none, LZW, deflate (new and old), zstd.
UNCOMPRESSED, LZW, DEFLATE, OLD_DEFLATE, ZSTD = 1, 5, 8, 32946, 50000
_COMPRESSIONS = (UNCOMPRESSED, LZW, DEFLATE, OLD_DEFLATE, ZSTD)
# Largest decoded tile; GDAL reads files with larger ones.
MAX_TILE_BYTES = 128 * 2**20
_DTYPES = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float32", "float64"),
)
_REDUCED, _MASK = 1, 4
_ALPHA = (1, 2)
# Keys that may accompany an EPSG code; any other key modifies the reference system.
_CODE_KEYS = frozenset(
    {
        "KeyDirectoryVersion",
        "KeyRevision",
        "KeyRevisionMinor",
        "GTModelTypeGeoKey",
        "GTRasterTypeGeoKey",
        "GTCitationGeoKey",
        "GeogCitationGeoKey",
        "GeogAngularUnitsGeoKey",
        "GeogSemiMajorAxisGeoKey",
        "GeogInvFlatteningGeoKey",
        "GeographicTypeGeoKey",
        "ProjectedCSTypeGeoKey",
        "ProjLinearUnitsGeoKey",
        "PCSCitationGeoKey",
        "ModelPixelScale",
        "ModelTiepoint",
        "ModelTransformation",
    }
)
_EPSG_CODES = range(1024, 32767)
_DEGREE, _METER = 9102, 9001
_GDAL_METADATA, _MASKING_ITEM = 42112, '"NODATA_VALUES"'
_MAX_REMEMBERED = 512
_WHOLE_NUMBER = re.compile(r"[+-]?\d+\Z").match


@dataclass(frozen=True, slots=True, eq=False)
class TiffPage:
    """Page of a tiled TIFF: full resolution or an overview.

    `size` and `tile` are (rows, columns) of the page and of a tile; `samples` is the number of bands. With
    `planar`, each tile holds one band, and the tiles of the bands follow one another.
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

    @property
    def across(self) -> int:
        """Number of tiles per row."""
        return -(-self.size[1] // self.tile[1])

    @property
    def down(self) -> int:
        """Number of tiles per column."""
        return -(-self.size[0] // self.tile[0])


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


class _SilencingFilter(logging.Filter):
    """Log filter that silences tifffile while this module parses a file: GDAL reports what is wrong."""

    def filter(self, _record: logging.LogRecord) -> bool:
        return not getattr(_parsing, "is_silenced", False)


_parsing = threading.local()


@cache
def _install_log_filter() -> None:
    logging.getLogger("tifffile").addFilter(_SilencingFilter())


@contextmanager
def silence_tifffile() -> Iterator[None]:
    """Silence tifffile on this thread; parsers of other modules still log."""
    _install_log_filter()
    _parsing.is_silenced = True
    try:
        yield
    finally:
        _parsing.is_silenced = False


def end_of_data(path: str | Path) -> int:
    """Return the end of the last byte of pixels of a TIFF, by its own offsets; 0 if it can't be parsed."""
    import tifffile

    try:
        with silence_tifffile(), tifffile.TiffFile(path) as tiff:
            ends = [
                offset + count
                for page in tiff.pages
                for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
            return max(ends, default=0)
    except Exception:  # noqa: BLE001 - a truncated file can raise any error in the parser
        return 0


def _parse(file: File) -> Tiff | None:
    import tifffile

    try:
        with silence_tifffile(), tifffile.TiffFile(file.open()) as tiff:
            return _supported_tiff(tiff, file)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - a malformed file can raise any error in the parser; GDAL reports it
        return None


def _supported_tiff(tiff: Any, file: File) -> Tiff | None:
    if tiff.byteorder != ("<" if sys.byteorder == "little" else ">"):
        return None
    first, *others = tiff.pages
    # NODATA_VALUES masks pixels by the values of all bands together.
    if (items := first.tags.get(_GDAL_METADATA)) is not None and _MASKING_ITEM in str(items.value):
        return None
    kinds = [int(page.subfiletype) for page in others]
    # Only GDAL supports masks and further full-resolution pages.
    if any(kind & (_REDUCED | _MASK) != _REDUCED for kind in kinds):
        return None
    pages = [_parse_page(page) for page in (first, *others)]
    if any(
        page is None or (page.samples, page.dtype) != (pages[0].samples, pages[0].dtype)  # type: ignore[union-attr]
        for page in pages
    ):
        return None
    finest: TiffPage = pages[0]  # type: ignore[assignment]
    return Tiff(
        file=file,
        pages=tuple(page for page in pages if page is not None),
        nodata=_nodata(first, finest.dtype),
        grid=_grid(first.geotiff_tags or {}, finest.size),
        has_alpha=any(int(kind) in _ALPHA for kind in first.extrasamples),
        overview_origins=read_items(finest.samples, _items(first), _items(others[0]) if others else ()),
    )


def _parse_page(page: Any) -> TiffPage | None:
    dtype = page.dtype
    supported = (
        page.is_tiled
        and page.imagedepth == 1
        and dtype is not None
        and dtype.name in _DTYPES
        and page.bitspersample == 8 * dtype.itemsize
        and page.photometric in (1, 2, 3)  # a palette is read as its indexes
        and page.tilelength * page.tilewidth * page.samplesperpixel * dtype.itemsize <= MAX_TILE_BYTES
        and page.fillorder == 1
        and page.compression in _COMPRESSIONS
        and page.predictor in (1, HORIZONTAL, *([FLOATING] if dtype.kind == "f" else []))
    )
    if not supported:
        return None
    planar = page.planarconfig == 2 and page.samplesperpixel > 1
    page = TiffPage(
        size=(page.imagelength, page.imagewidth),
        tile=(page.tilelength, page.tilewidth),
        samples=page.samplesperpixel,
        planar=planar,
        dtype=np.dtype(dtype.name),
        compression=int(page.compression),
        predictor=int(page.predictor),
        offsets=np.asarray(page.dataoffsets, np.int64),
        counts=np.asarray(page.databytecounts, np.int64),
    )
    tiles = page.across * page.down * (page.samples if planar else 1)
    return page if len(page.offsets) == len(page.counts) == tiles else None


def _items(page: Any) -> list[tuple[str, int, str]]:
    """Return the items of a page's GDAL metadata."""
    tag = page.tags.get(42112)
    return [] if tag is None else items_of(str(tag.value))


def _nodata(page: Any, dtype: np.dtype[Any]) -> float | None:
    """Return the nodata value of a page if the data type can hold it, like rasterio."""
    tag = page.tags.get(42113)
    if tag is None:
        return None
    text = str(tag.value).strip(" \0")
    # Floats cannot represent all 64-bit integers.
    value = int(text) if dtype.kind != "f" and _WHOLE_NUMBER(text) else float(text)
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if dtype.kind == "f" and not math.isfinite(value):
        return value
    return value if limits.min <= value <= limits.max else None


def _grid(keys: dict[str, Any], size: tuple[int, int]) -> GeoBox | None:
    """Return the grid of a georeference with an EPSG code and an affine transform; None for any other."""
    if not keys.keys() <= _CODE_KEYS or "GTRasterTypeGeoKey" not in keys:
        return None
    kind = int(keys.get("GTModelTypeGeoKey", 0))
    code = int(keys.get({1: "ProjectedCSTypeGeoKey", 2: "GeographicTypeGeoKey"}.get(kind, ""), 0))
    plain_units = (
        int(keys.get("GeogAngularUnitsGeoKey", _DEGREE)) == _DEGREE
        and int(keys.get("ProjLinearUnitsGeoKey", _METER)) == _METER
    )
    if code not in _EPSG_CODES or not plain_units:
        return None
    transform = _transform(keys)
    if transform is None:
        return None
    if int(keys["GTRasterTypeGeoKey"]) == 2:
        # The origin is the center of the first pixel.
        transform = transform @ Affine.translation(-0.5, -0.5)
    elif int(keys["GTRasterTypeGeoKey"]) != 1:
        return None
    try:
        return GeoBox(size, transform, parse_crs(f"EPSG:{code}"))
    except ValueError:
        return None


def _transform(keys: dict[str, Any]) -> Affine | None:
    scale, tie = keys.get("ModelPixelScale"), keys.get("ModelTiepoint")
    if "ModelTransformation" in keys:
        matrix = np.asarray(keys["ModelTransformation"], float).reshape(4, 4)
        return Affine(matrix[0, 0], matrix[0, 1], matrix[0, 3], matrix[1, 0], matrix[1, 1], matrix[1, 3])
    if scale is None or tie is None or len(tie) != 6 or not scale[0] or not scale[1] or tie[0] or tie[1]:
        return None
    return Affine(scale[0], 0, tie[3], 0, -abs(scale[1]), tie[4])
