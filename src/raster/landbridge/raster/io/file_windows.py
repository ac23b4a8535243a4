"""Windows of a file's pixels, and the conditions under which they are valid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Array, Window
from landbridge.raster.io.gdal import dataset_of
from landbridge.raster.io.headers import Header
from landbridge.raster.io.tile_reader import TileReader
from landbridge.raster.plan.reads import FileRead


@dataclass(frozen=True, slots=True)
class ReadLevel:
    """Level from which a file is read for an output grid.

    `level` is 0 for the full resolution and from 1 on for overviews; `grid` is its grid, and `scale` the
    number of its pixels (x, y) per output pixel. A non-zero `samples_per_edge` means that the scale varies
    too much for a single value: each output pixel uses its local scale, or that many samples along either
    edge.
    """

    level: int
    grid: GeoBox
    scale: tuple[float, float]
    samples_per_edge: int = 0


@dataclass(frozen=True, slots=True)
class OpenFile:
    """File opened for an output grid; read through `tiles` if the native reader supports it, else by GDAL."""

    header: Header
    read_level: ReadLevel
    tiles: TileReader | None = None


def check_bands(header: Header, file: FileRead) -> None:
    """Raise RasterioError if a file lacks a band."""
    if max(file.indexes) > header.count:
        if header.tiff is not None:
            header.tiff.file.confirm()
        from rasterio.errors import RasterioError

        raise RasterioError(f"band_index {max(file.indexes) - 1} of a file with {header.count} bands")


def read_window(opened: OpenFile, indexes: Sequence[int], window: Window) -> Array:
    """Return pixels (band, y, x) of a window at the file's read level; the array is read-only."""
    if opened.tiles is not None:
        pixels = opened.tiles.read(indexes, window)
        if pixels is not None:
            return pixels
    return read_by_gdal(opened, indexes, window)


def read_by_gdal(opened: OpenFile, indexes: Sequence[int], window: Window) -> Array:
    """Read pixels (band, y, x) of a window at the file's read level by GDAL, all bands in one read."""
    from rasterio.windows import Window as RasterioWindow

    # The bands of a file may have several types.
    dtype = np.result_type(*(opened.header.dtypes[index - 1] for index in indexes))
    with dataset_of(opened.header.address, opened.read_level.level, opened.header.file) as dataset:
        return np.asarray(
            dataset.read(list(indexes), window=RasterioWindow.from_slices(*window), out_dtype=dtype)
        )


def effective_nodata(header: Header, file: FileRead) -> list[float | None]:
    """Return the nodata value of each band of a read: the file's, or the Band's if the file has none.

    The Band's takes precedence if it is certain.
    """
    certain = file.certain or (False,) * len(file.indexes)
    return [
        own if (own := header.nodata[index - 1]) is not None and not is_certain else declared
        for index, declared, is_certain in zip(file.indexes, file.nodata, certain, strict=True)
    ]


def has_mask(header: Header, file: FileRead) -> bool:
    """Return whether a file hides pixels by a mask or by an alpha band that the product does not declare."""
    return header.mask or undeclared_alpha(header, file) > 0


def undeclared_alpha(header: Header, file: FileRead) -> int:
    """Return the number of a file's alpha band that the product does not declare; 0 if there is none."""
    return header.alpha if header.alpha not in file.declared else 0
