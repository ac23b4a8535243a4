"""The structure of tiled TIFF files, parsed by tifffile: how their tiles lie and what georeference they
state.

What is not understood here to the letter is left to GDAL.
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

from landbridge.raster.grids.crs import crs_of
from landbridge.raster.io.byte_ranges import File
from landbridge.raster.io.overviews import Overviews, items_of, read_items

HORIZONTAL, FLOATING = 2, 3
# TIFF's numbers of the compressions that tiles are unpacked from: none, LZW, deflate (new and old), zstd.
STORED, LZW, DEFLATE, OLD_DEFLATE, ZSTD = 1, 5, 8, 32946, 50000
_COMPRESSIONS = (STORED, LZW, DEFLATE, OLD_DEFLATE, ZSTD)
# A larger tile, unpacked, is left to GDAL.
MOST_BYTES = 128 * 2**20
_DTYPES = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float32", "float64"),
)
_REDUCED, _MASK = 1, 4
_ALPHA = (1, 2)
# Keys of a georeference that its EPSG code stands for; any other makes it one of its own.
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
_CODED = range(1024, 32767)
_DEGREE, _METER = 9102, 9001
_GDAL_METADATA, _MASKING_ITEM = 42112, '"NODATA_VALUES"'
_REMEMBERED = 512
_WHOLE = re.compile(r"[+-]?\d+\Z").match


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One resolution of a tiled TIFF: a page.

    `size` and `tile` are (rows, columns), `across` and `down` how many tiles lie in a row and a column,
    `samples` the bands in each tile: with `planar` only one, and the bands' tiles lie one after the other.
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
        """How many tiles lie in a row."""
        return -(-self.size[1] // self.tile[1])

    @property
    def down(self) -> int:
        """How many tiles lie in a column."""
        return -(-self.size[0] // self.tile[0])


@dataclass(frozen=True, slots=True, eq=False)
class Tiff:
    """A file all of whose pages are understood: the levels, finest first, and what the first page states.

    `grid` is None if only GDAL can tell it, as for systems without a code; `has_alpha` tells of a band
    that is one; `overviews_by` how the overviews of each band were made.
    """

    file: File
    levels: tuple[Level, ...]
    nodata: float | None
    grid: GeoBox | None
    has_alpha: bool
    overviews_by: tuple[Overviews, ...] = ()

    @property
    def count(self) -> int:
        """How many bands there are."""
        return self.levels[0].samples

    @property
    def overviews(self) -> tuple[int, ...]:
        """How many times coarser than the first level the others are."""
        columns = self.levels[0].size[1]
        return tuple(math.floor(columns / level.size[1] + 0.5) for level in self.levels[1:])


_known: OrderedDict[tuple[object, ...], Tiff | None] = OrderedDict()
_lock = Lock()


def structure(file: File) -> Tiff | None:
    """The structure of a file, remembered as long as it is the same version; None if it is not of this
    kind.
    """
    key = file.key
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    parsed = _parse(file)
    if not file.remote:
        with _lock:
            _known[key] = parsed
            if len(_known) > _REMEMBERED:
                _known.popitem(last=False)
    return parsed


class _Foreign(logging.Filter):
    """Keeps out of tifffile's log what it says of files that are parsed here: GDAL tells what is wrong."""

    def filter(self, _record: logging.LogRecord) -> bool:
        return not getattr(_parsing, "is_ours", False)


_parsing = threading.local()


@cache
def _filter_log() -> None:
    logging.getLogger("tifffile").addFilter(_Foreign())


@contextmanager
def quiet() -> Iterator[None]:
    """Have tifffile log nothing, on this thread: what others parse by it is logged as they like."""
    _filter_log()
    _parsing.is_ours = True
    try:
        yield
    finally:
        _parsing.is_ours = False


def end_of_data(path: str | Path) -> int:
    """Return the end of the last byte of pixels of a TIFF, by its own offsets; 0 if it can't be parsed."""
    import tifffile

    try:
        with quiet(), tifffile.TiffFile(path) as tiff:
            ends = [
                offset + count
                for page in tiff.pages
                for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
            return max(ends, default=0)
    except Exception:  # noqa: BLE001 - whatever a file cut short makes of the parser
        return 0


def _parse(file: File) -> Tiff | None:
    import tifffile

    try:
        with quiet(), tifffile.TiffFile(file.open()) as tiff:
            return _understood(tiff, file)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - whatever a strange file makes of the parser: GDAL will tell
        return None


def _understood(tiff: Any, file: File) -> Tiff | None:
    if tiff.byteorder != ("<" if sys.byteorder == "little" else ">"):
        return None
    first, *others = tiff.pages
    # Pixels that have these values in all bands are masked.
    if (items := first.tags.get(_GDAL_METADATA)) is not None and _MASKING_ITEM in str(items.value):
        return None
    kinds = [int(page.subfiletype) for page in others]
    # A mask, or a page of its own: GDAL knows what becomes of it.
    if any(kind & (_REDUCED | _MASK) != _REDUCED for kind in kinds):
        return None
    levels = [_level(page) for page in (first, *others)]
    if any(
        level is None or (level.samples, level.dtype) != (levels[0].samples, levels[0].dtype)  # type: ignore[union-attr]
        for level in levels
    ):
        return None
    finest: Level = levels[0]  # type: ignore[assignment]
    return Tiff(
        file=file,
        levels=tuple(level for level in levels if level is not None),
        nodata=_nodata(first, finest.dtype),
        grid=_grid(first.geotiff_tags or {}, finest.size),
        has_alpha=any(int(kind) in _ALPHA for kind in first.extrasamples),
        overviews_by=read_items(finest.samples, _items(first), _items(others[0]) if others else ()),
    )


def _level(page: Any) -> Level | None:
    dtype = page.dtype
    understood = (
        page.is_tiled
        and page.imagedepth == 1
        and dtype is not None
        and dtype.name in _DTYPES
        and page.bitspersample == 8 * dtype.itemsize
        and page.photometric in (1, 2, 3)  # of a palette, the indices
        and page.tilelength * page.tilewidth * page.samplesperpixel * dtype.itemsize <= MOST_BYTES
        and page.fillorder == 1
        and page.compression in _COMPRESSIONS
        and page.predictor in (1, HORIZONTAL, *([FLOATING] if dtype.kind == "f" else []))
    )
    if not understood:
        return None
    planar = page.planarconfig == 2 and page.samplesperpixel > 1
    level = Level(
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
    tiles = level.across * level.down * (level.samples if planar else 1)
    return level if len(level.offsets) == len(level.counts) == tiles else None


def _items(page: Any) -> list[tuple[str, int, str]]:
    """Return the items of a page's GDAL metadata."""
    tag = page.tags.get(42112)
    return [] if tag is None else items_of(str(tag.value))


def _nodata(page: Any, dtype: np.dtype[Any]) -> float | None:
    """The nodata value that a page states, if it is one of the type's range, as rasterio has it."""
    tag = page.tags.get(42113)
    if tag is None:
        return None
    text = str(tag.value).strip(" \0")
    # No float holds all integers of 64 bits.
    value = int(text) if dtype.kind != "f" and _WHOLE(text) else float(text)
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if dtype.kind == "f" and not math.isfinite(value):
        return value
    return value if limits.min <= value <= limits.max else None


def _grid(keys: dict[str, Any], size: tuple[int, int]) -> GeoBox | None:
    """The grid of a georeference that is a code and an affine transform; None for any other."""
    if not keys.keys() <= _CODE_KEYS or "GTRasterTypeGeoKey" not in keys:
        return None
    kind = int(keys.get("GTModelTypeGeoKey", 0))
    code = int(keys.get({1: "ProjectedCSTypeGeoKey", 2: "GeographicTypeGeoKey"}.get(kind, ""), 0))
    plain_units = (
        int(keys.get("GeogAngularUnitsGeoKey", _DEGREE)) == _DEGREE
        and int(keys.get("ProjLinearUnitsGeoKey", _METER)) == _METER
    )
    if code not in _CODED or not plain_units:
        return None
    transform = _transform(keys)
    if transform is None:
        return None
    if int(keys["GTRasterTypeGeoKey"]) == 2:
        # The georeference is that of the first pixel's center.
        transform = transform @ Affine.translation(-0.5, -0.5)
    elif int(keys["GTRasterTypeGeoKey"]) != 1:
        return None
    try:
        return GeoBox(size, transform, crs_of(f"EPSG:{code}"))
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
