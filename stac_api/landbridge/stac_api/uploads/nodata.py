"""Exact nodata values of files: rasterio rounds them to floats, which are exact up to 2**53 only."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import rasterio.shutil
from rasterio.io import MemoryFile

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

Nodata = float | int | None

_WIDE = ("int64", "uint64")
_EXACT = 2**53
_ELEMENT = re.compile(rb"(<NoDataValue>)([^<]*)(</NoDataValue>)")


def exact_nodata(source: DatasetReader) -> Nodata:
    """Return the nodata value of a dataset's first band."""
    if source.dtypes[0] not in _WIDE:
        return None if source.nodata is None else float(source.nodata)
    # GDAL writes all digits of the number into a virtual file.
    with MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(source, memory.name, driver="VRT")
        found = _ELEMENT.search(memory.read())
    return None if found is None else int(found[2])


def is_beyond_floats(nodata: Nodata) -> bool:
    """Return whether a nodata value is a whole number that rasterio would round."""
    return isinstance(nodata, int) and abs(nodata) > _EXACT


def with_nodata(virtual: bytes, nodata: int) -> bytes:
    """Replace the nodata value of the bands of a virtual file (VRT)."""
    return _ELEMENT.sub(rb"\g<1>%d\g<3>" % nodata, virtual)


def nodata_as_type(dtype: str, nodata: Nodata) -> Nodata:
    """Return a nodata value as a data type holds it; None if the data type cannot hold it."""
    if nodata is None:
        return None
    kind = np.dtype(dtype)
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            value = float(kind.type(nodata))
        return None if math.isinf(value) and not math.isinf(nodata) else value
    if not math.isfinite(nodata) or nodata != int(nodata):
        return None
    limits = np.iinfo(kind)
    return int(nodata) if limits.min <= nodata <= limits.max else None
