"""Pixels that name their asset and their item, and the files that hold them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile
from rasterio.transform import Affine

if TYPE_CHECKING:
    from support.replay.products import Pixels

SIDE = 288
"""Pixels of an item along one side at its finest resolution: 60 m go into 10 m six times."""
_EMPTY = 48
"""Pixels without data in a corner, at the finest resolution."""
_PATTERN = 8


def size(pixels: Pixels, finest: float) -> int:
    """Return the number of rows and columns of a file."""
    return round(SIDE * finest / pixels.resolution)


def base(item: str, asset: str, index: int, pixels: Pixels) -> int:
    """Return the number that names a band of a file: the lowest value of its pixels."""
    name = zlib.crc32(f"{item}/{asset}/{index}".encode())
    return pixels.lowest + 16 * (name % (13 if pixels.dtype == "uint8" else 500))


def values(item: str, asset: str, pixels: Pixels, finest: float) -> np.ndarray:
    """Return (band, row, column) of a file, in its own data type.

    Blocks of eight pixels differ, so that a wrong shift is seen; the north-western corner has no data, if
    there is a value for it.
    """
    side = size(pixels, finest)
    # Blocks of a coarse band are as large in pixels, not on the ground.
    row, column = np.indices((side, side)) // _PATTERN
    layers = []
    for index in range(pixels.count):
        number = base(item, asset, index, pixels)
        if pixels.kind == "value":
            layer = number + (row * 3 + column) % 16
        else:
            layer = np.array(pixels.values)[(row + column + number // 16) % len(pixels.values)]
        layers.append(layer.astype(pixels.dtype))
    out = np.stack(layers)
    if pixels.nodata is not None:
        empty = max(1, round(_EMPTY * finest / pixels.resolution))
        out[:, :empty, :empty] = pixels.nodata
    return out


def file(item: str, asset: str, pixels: Pixels, finest: float, grid: tuple[str, tuple], driver: str) -> bytes:
    """Return a file with these pixels, a COG or a JPEG 2000 without loss; `grid` is its CRS and transform."""
    content = values(item, asset, pixels, finest)
    crs, transform = grid
    profile = {
        "driver": "GTiff",
        "dtype": content.dtype,
        "count": content.shape[0],
        "height": content.shape[1],
        "width": content.shape[2],
        "crs": crs,
        "transform": Affine(*transform),
        "tiled": True,
        "blockxsize": 128,
        "blockysize": 128,
    }
    if pixels.nodata is not None:
        profile["nodata"] = pixels.nodata
    with MemoryFile() as memory, MemoryFile(ext=_ENDINGS[driver]) as copy:
        with memory.open(**profile) as dataset:
            dataset.write(content)
        rasterio.shutil.copy(memory.name, copy.name, driver=driver, **_OPTIONS[driver])
        return copy.read()


# A file without an ending would be a bare codestream, without a place.
_ENDINGS = {"COG": ".tif", "JP2OpenJPEG": ".jp2"}
_OPTIONS = {
    "COG": {"blocksize": 128, "compress": "deflate", "overview_resampling": "nearest"},
    # Without loss
    "JP2OpenJPEG": {"quality": "100", "reversible": "YES", "blockxsize": 128, "blockysize": 128},
}
