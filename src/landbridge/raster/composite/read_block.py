"""Reading one file's bands onto a block of the output grid."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.raster.composite.compositor import Canvas, Layer, lay, put, shown
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import within
from landbridge.raster.io.file_windows import OpenFile, Pixels, effective_nodata, has_mask, read_by_gdal
from landbridge.raster.kernels import VALID
from landbridge.raster.plan.arguments import INTERPOLATING
from landbridge.raster.plan.plan import FileRead
from landbridge.raster.resample.block import Block, Samples
from landbridge.raster.resample.block_resampling import (
    Alpha,
    at_turns,
    counted_block,
    sampled_block,
    warped_block,
)

# A block whose source window is larger is read in parts.
_MAX_WINDOW = 32 * 2**20
# A block of more samples is not made of them at once.
_MAX_FINE = 2**22


def read_block(
    opened: OpenFile,
    file: FileRead,
    resampler: str,
    samples: Samples,
    wanted: BoolArray,
    alpha: Alpha | None = None,
) -> Iterator[Pixels]:
    """Yield the bands of a file on a block of the output grid, in parts; none if the block misses the file.

    Only the `wanted` pixels (y, x) of the block need be in a part. Pixels that `alpha` hides take no part in
    other pixels.

    Raises:
        RasterioError: the file cannot be read.
        OSError: the file cannot be read, or is not the one any more that was opened.
    """
    header, block = opened.header, samples.block
    if resampler == "near" and opened.tiles is not None and not has_mask(header, file):
        yield from _tiled(opened, file, samples, wanted)
        return
    sampled = [
        (there, sample)
        for there in at_turns(opened, samples)
        if (sample := samples.get(there.view.grid).whole()) is not None
    ]
    fine = block.grid.shape.y * block.grid.shape.x * opened.view.times**2
    too_large = sum(sample.pixels for _, sample in sampled) > _MAX_WINDOW or (
        resampler not in ("near", *INTERPOLATING) and fine > _MAX_FINE
    )
    if too_large and max(block.grid.shape.yx) > 1:
        yield from _in_parts(opened, file, block, resampler, wanted, alpha)
        return
    if opened.view.times and resampler not in ("near", *INTERPOLATING):
        if sampled and (pixels := counted_block(opened, file, block, resampler, alpha)) is not None:
            yield pixels
        return
    for there, sample in sampled:
        if resampler == "near":
            yield sampled_block(there, file, sample)
        else:
            yield warped_block(there, file, samples, resampler, sample, alpha)


def lays_tiles(opened: OpenFile, file: FileRead, resampler: str, dtype: np.dtype[Any]) -> bool:
    """Return whether a file's tiles can be laid straight under pixels of a type."""
    tiles = opened.tiles
    return (
        tiles is not None
        and resampler == "near"
        and tiles.level.dtype == dtype
        and not file.calibrated
        and not has_mask(opened.header, file)
    )


def lay_tiles(opened: OpenFile, samples: Samples, layer: Layer, canvas: Canvas) -> None:
    """Lay a file's tiles under the canvas of a block.

    Raises:
        RasterioError: a tile cannot be decoded.
        OSError: the file cannot be read, or is not the one any more that was opened.
    """
    for there in at_turns(opened, samples):
        _lay_tiles(there, samples, layer, canvas)


def _lay_tiles(opened: OpenFile, samples: Samples, layer: Layer, canvas: Canvas) -> None:
    tiles = opened.tiles
    assert tiles is not None
    sampling = samples.get(opened.view.grid)
    (rows, columns), (height, width) = tiles.level.size, tiles.level.tile
    for place in lay(tiles, sampling, layer, canvas, samples.block.sides):
        # Damaged or of an unknown kind: GDAL reads what can be read, and says what is wrong with the rest.
        top, left = place[0] * height, place[1] * width
        window = (slice(top, min(rows, top + height)), slice(left, min(columns, left + width)))
        tile = np.zeros((height, width, len(layer.indexes)), tiles.level.dtype)
        pixels = read_by_gdal(opened, layer.indexes, window)
        tile[: window[0].stop - top, : window[1].stop - left] = np.moveaxis(pixels, 0, 2)
        put(tile, place, tiles, sampling, layer, canvas)


def _tiled(opened: OpenFile, file: FileRead, samples: Samples, wanted: BoolArray) -> Iterator[Pixels]:
    """Yield a block's pixels by the tile path, with those that are not valid as they are."""
    assert opened.tiles is not None
    bands = tuple(range(len(file.indexes)))
    values = np.zeros((len(bands), *wanted.shape), opened.tiles.level.dtype)
    state = np.empty(values.shape, np.uint8)
    state[:] = wanted
    canvas = Canvas(values, state, begun=True)
    nodata = tuple(effective_nodata(opened.header, file))
    lay_tiles(opened, samples, Layer(file.indexes, bands, bands, nodata, raw=True), canvas)
    state |= ~wanted
    if (covered := shown(state)).any():
        whole = (slice(0, wanted.shape[0]), slice(0, wanted.shape[1]))
        yield Pixels(whole, values, state == VALID, covered)


def _in_parts(
    opened: OpenFile,
    file: FileRead,
    block: Block,
    resampler: str,
    wanted: BoolArray,
    alpha: Alpha | None,
) -> Iterator[Pixels]:
    """Read a block by halves, so that what is in memory at once stays bounded."""
    height, width = block.grid.shape.yx
    y, x = slice(0, height), slice(0, width)
    halves = (
        [(slice(0, height // 2), x), (slice(height // 2, height), x)]
        if height >= width
        else [(y, slice(0, width // 2)), (y, slice(width // 2, width))]
    )
    for half in halves:
        if wanted[half].any():
            for part in read_block(opened, file, resampler, Samples(block.part(half)), wanted[half], alpha):
                yield replace(part, roi=within(half, part.roi))
