"""Reads the bands of one file on a block of the output grid."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from landbridge.kernels import VALID, Canvas
from landbridge.raster.array_types import BoolArray
from landbridge.raster.composite.compositor import (
    FileLayer,
    any_visible,
    composite_tile,
    composite_tiles,
)
from landbridge.raster.grids.windows import within
from landbridge.raster.io.file_windows import OpenFile, effective_nodata, has_mask, read_by_gdal
from landbridge.raster.plan.arguments import INTERPOLATING
from landbridge.raster.plan.reads import FileRead
from landbridge.raster.resample.block import Block, BlockMappings
from landbridge.raster.resample.block_resampling import (
    AlphaReader,
    at_period_shifts,
    nearest_block,
    resampled_block,
    supersampled_block,
)
from landbridge.raster.resample.validity import Pixels

# Largest source window in pixels; larger ones are read in parts.
_MAX_WINDOW_PIXELS = 32 * 2**20
# Largest number of samples that are aggregated at once.
_MAX_SAMPLES = 2**22


def read_block(
    opened: OpenFile,
    file: FileRead,
    resampler: str,
    mappings: BlockMappings,
    wanted: BoolArray,
    alpha: AlphaReader | None = None,
) -> Iterator[Pixels]:
    """Yield the bands of a file on a block in parts; no part if the block does not overlap the file.

    Only the `wanted` pixels (y, x) have to be in a part. Pixels that `alpha` hides do not contribute to
    others.

    Raises:
        RasterioError: if the file cannot be read.
        OSError: if the file cannot be read, or has changed since it was opened.
    """
    header, block = opened.header, mappings.block
    if resampler == "near" and opened.tiles is not None and not has_mask(header, file):
        yield from _read_by_tiles(opened, file, mappings, wanted)
        return
    mapped = [
        (there, mapping)
        for there in at_period_shifts(opened, mappings)
        if (mapping := mappings.get(there.read_level.grid).full()) is not None
    ]
    if not mapped:
        _confirm_header(opened)
    sample_count = block.grid.shape.y * block.grid.shape.x * opened.read_level.samples_per_edge**2
    too_large = sum(mapping.pixels for _, mapping in mapped) > _MAX_WINDOW_PIXELS or (
        resampler not in ("near", *INTERPOLATING) and sample_count > _MAX_SAMPLES
    )
    if too_large and max(block.grid.shape.yx) > 1:
        yield from _in_parts(opened, file, block, resampler, wanted, alpha)
        return
    if opened.read_level.samples_per_edge and resampler not in ("near", *INTERPOLATING):
        if mapped and (pixels := supersampled_block(opened, file, block, resampler, alpha)) is not None:
            yield pixels
        return
    for there, mapping in mapped:
        if resampler == "near":
            yield nearest_block(there, file, mapping)
        else:
            yield resampled_block(there, file, mappings, resampler, mapping, alpha)


def can_composite_tiles(opened: OpenFile, file: FileRead, resampler: str, dtype: np.dtype[Any]) -> bool:
    """Return whether a file's tiles can be composited directly into pixels of a type."""
    tiles = opened.tiles
    return (
        tiles is not None
        and resampler == "near"
        and tiles.page.dtype == dtype
        and not file.calibrated
        and not has_mask(opened.header, file)
    )


def composite_file_tiles(opened: OpenFile, mappings: BlockMappings, layer: FileLayer, canvas: Canvas) -> None:
    """Composite a file's tiles into the canvas of a block.

    Raises:
        RasterError: if a tile cannot be decoded.
        OSError: if the file cannot be read, or has changed since it was opened.
    """
    shifted = at_period_shifts(opened, mappings)
    if not shifted:
        _confirm_header(opened)
    for there in shifted:
        _composite_tiles_at(there, mappings, layer, canvas)


def _confirm_header(opened: OpenFile) -> None:
    """Raise StaleHeaderError if a file that does not touch a block was opened by an old header."""
    if opened.tiles is not None:
        opened.tiles.file.confirm()


def _composite_tiles_at(opened: OpenFile, mappings: BlockMappings, layer: FileLayer, canvas: Canvas) -> None:
    tiles = opened.tiles
    assert tiles is not None
    mapping = mappings.get(opened.read_level.grid)
    (rows, columns), (height, width) = tiles.page.size, tiles.page.tile
    for tile_index in composite_tiles(tiles, mapping, layer, canvas, mappings.block.open_sides):
        # The tile is damaged or unsupported: GDAL reads it or reports what is wrong.
        top, left = tile_index[0] * height, tile_index[1] * width
        window = (slice(top, min(rows, top + height)), slice(left, min(columns, left + width)))
        tile = np.zeros((height, width, len(layer.indexes)), tiles.page.dtype)
        pixels = read_by_gdal(opened, layer.indexes, window)
        tile[: window[0].stop - top, : window[1].stop - left] = np.moveaxis(pixels, 0, 2)
        composite_tile(tile, tile_index, tiles, mapping, layer, canvas)


def _read_by_tiles(
    opened: OpenFile, file: FileRead, mappings: BlockMappings, wanted: BoolArray
) -> Iterator[Pixels]:
    """Yield a block's pixels from decoded tiles, with invalid values unchanged."""
    assert opened.tiles is not None
    bands = tuple(range(len(file.indexes)))
    values = np.zeros((len(bands), *wanted.shape), opened.tiles.page.dtype)
    state = np.empty(values.shape, np.uint8)
    state[:] = wanted
    canvas = Canvas(values, state, initialised=True)
    nodata = tuple(effective_nodata(opened.header, file))
    composite_file_tiles(
        opened, mappings, FileLayer(file.indexes, bands, bands, nodata, show_invalid=True), canvas
    )
    state |= ~wanted
    if (covered := any_visible(state)).any():
        full = (slice(0, wanted.shape[0]), slice(0, wanted.shape[1]))
        yield Pixels(full, values, state == VALID, covered)


def _in_parts(
    opened: OpenFile,
    file: FileRead,
    block: Block,
    resampler: str,
    wanted: BoolArray,
    alpha: AlphaReader | None,
) -> Iterator[Pixels]:
    """Read a block by halves, which bounds the memory in use."""
    height, width = block.grid.shape.yx
    y, x = slice(0, height), slice(0, width)
    halves = (
        [(slice(0, height // 2), x), (slice(height // 2, height), x)]
        if height >= width
        else [(y, slice(0, width // 2)), (y, slice(width // 2, width))]
    )
    for half in halves:
        if wanted[half].any():
            for part in read_block(
                opened, file, resampler, BlockMappings(block.part(half)), wanted[half], alpha
            ):
                yield replace(part, roi=within(half, part.roi))
