"""Resampling of a file to a block: nearest neighbor, interpolation, or aggregation of several pixels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Array, BoolArray
from landbridge.raster.grids.wrapped_grids import shift_x, window_grid, wrapped_columns
from landbridge.raster.io.file_windows import OpenFile, read_window
from landbridge.raster.plan.arguments import INTERPOLATING
from landbridge.raster.plan.reads import FileRead
from landbridge.raster.resample.block import Block, BlockMappings
from landbridge.raster.resample.gdal_warp import warp_by_gdal, widened_window
from landbridge.raster.resample.local_scales import (
    aggregate_samples,
    interpolate_locally,
    local_scales,
    refine_grid,
)
from landbridge.raster.resample.nearest import PixelMapping
from landbridge.raster.resample.validity import Pixels, with_validity

# Smallest number of output pixels that a file spans along either edge.
_MIN_PIXELS_ACROSS = 8
AlphaReader = Callable[[GeoBox], BoolArray]
"""Function from a file's grid to flags (y, x) of the pixels that the alpha band of another file shows."""


def at_period_shifts(opened: OpenFile, mappings: BlockMappings) -> list[OpenFile]:
    """Return a file shifted to each period of x in which it touches a block."""
    read_level = opened.read_level
    return [
        replace(opened, read_level=replace(read_level, grid=shift_x(read_level.grid, x))) if x else opened
        for x in mappings.x_shifts(read_level.grid)
    ]


def nearest_block(opened: OpenFile, file: FileRead, mapping: PixelMapping) -> Pixels:
    """Return the pixels of a nearest-neighbor mapping."""
    values = mapping.take(read_window(opened, file.indexes, mapping.window))
    return with_validity(opened, file, values, mapping.window, mapping)


def resampled_block(
    opened: OpenFile,
    file: FileRead,
    mappings: BlockMappings,
    resampler: str,
    mapping: PixelMapping,
    alpha: AlphaReader | None,
) -> Pixels:
    """Return a block by an interpolating or aggregating resampler, from the window that its kernel reaches.

    A pixel is covered if its center lies in the file. Hidden pixels are excluded before resampling.
    """
    read_level, block = opened.read_level, mappings.block
    grid = block.grid[mapping.roi]
    scale, scales = read_level.scale, None
    if read_level.samples_per_edge:
        scales = _local_scales(read_level.grid, block.part(mapping.roi))
        # Local scales are (rows, columns); the plan's scale is (x, y).
        scale = (float(scales[1].max()), float(scales[0].max()))
    window = widened_window(mapping.window, scale, read_level.grid)
    there = window_grid(read_level.grid, window)
    # A window of a file around the globe continues at its opposite edge.
    parts = [(window[0], x) for x in wrapped_columns(window[1], read_level.grid.shape.x)]
    raw = [with_validity(opened, file, read_window(opened, file.indexes, part), part, None) for part in parts]
    values, valid = raw[0].values, raw[0].valid
    if len(raw) > 1:
        values = np.concatenate([part.values for part in raw], axis=2)
        valid = np.concatenate([part.valid for part in raw], axis=2)
    if alpha is not None:
        valid &= alpha(there)
    values, valid = _apply_own_alpha(file, values, valid)
    hides = len(values) > len(file.indexes)
    before = valid
    if scales is None:
        values, good = warp_by_gdal(values, valid, there, grid, scale, resampler)
    else:
        source_coordinates = mappings.get(read_level.grid).source_coordinates
        assert source_coordinates is not None
        rows, columns = source_coordinates.coordinates(mapping.roi)
        places = (rows - window[0].start, columns - window[1].start)
        values, good = interpolate_locally(values, valid, *places, scales, resampler)
    if resampler in INTERPOLATING and not before.all():
        # Nor does interpolation extend beyond valid pixels; GDAL ensures that only for single bands.
        y, x = (
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(mapping.window, window, strict=True)
        )
        good &= mapping.take(before[:, y, x])
    if mapping.inside is not None:
        good &= mapping.inside
    count = len(file.indexes)
    return Pixels(mapping.roi, values[:count], good[:count], mapping.inside, good[-1] if hides else None)


def _apply_own_alpha(file: FileRead, values: Array, valid: BoolArray) -> tuple[Array, BoolArray]:
    """Return pixels and validity after the file's own alpha band, with a further band.

    The further band is valid for pixels that are not hidden. The values of the alpha band are all valid.
    """
    if file.alpha <= 0:
        return values, valid
    hiding = file.indexes.index(file.alpha)
    visible = values[hiding] != 0
    valid = np.concatenate([valid & visible, visible[None]])
    valid[hiding] = True
    return np.concatenate([values, visible[None].astype(values.dtype)]), valid


def _local_scales(source: GeoBox, block: Block) -> tuple[Array, Array]:
    """Return the number of source rows and columns per pixel of a block, for each pixel."""
    rows, columns = block.grid.shape.yx
    wider = Block(
        window_grid(block.grid, (slice(-1, rows + 1), slice(-1, columns + 1))),
        (block.origin[0] - 1, block.origin[1] - 1),
        block.whole,
    )
    source_coordinates = BlockMappings(wider).get(source).source_coordinates
    assert source_coordinates is not None
    down, across = local_scales(*source_coordinates.coordinates((slice(0, rows + 2), slice(0, columns + 2))))
    # At a pole a pixel spans all longitudes.
    most = [max(1.0, size / _MIN_PIXELS_ACROSS) for size in source.shape.yx]
    return np.minimum(down, most[0]), np.minimum(across, most[1])


def supersampled_block(
    opened: OpenFile, file: FileRead, block: Block, resampler: str, alpha: AlphaReader | None
) -> Pixels | None:
    """Return a block by an aggregating resampler, from several nearest neighbors per pixel."""
    samples_per_edge = opened.read_level.samples_per_edge
    origin, full = ((y * samples_per_edge, x * samples_per_edge) for y, x in (block.origin, block.whole))
    mappings = BlockMappings(Block(refine_grid(block.grid, samples_per_edge), origin, full))
    values, valid, covered = None, None, np.zeros(mappings.block.grid.shape.yx, bool)
    for there in at_period_shifts(opened, mappings):
        mapping = mappings.get(there.read_level.grid).full()
        if mapping is None:
            continue
        pixels = nearest_block(there, file, mapping)
        good = pixels.valid
        if alpha is not None:
            good = good & mapping.take(alpha(there.read_level.grid[mapping.window]))
        found, good = _apply_own_alpha(file, pixels.values, good)
        if mapping.inside is not None:
            good = good & mapping.inside
        if values is None or valid is None:
            values = np.zeros((len(found), *covered.shape), found.dtype)
            valid = np.zeros(values.shape, bool)
        where = (slice(None), *mapping.roi)
        np.copyto(values[where], found, where=good)
        valid[where] |= good
        covered[mapping.roi] |= True if mapping.inside is None else mapping.inside
    if values is None or valid is None:
        return None
    rows, columns = block.grid.shape.yx
    out, good = aggregate_samples(values, valid, samples_per_edge, resampler)
    count = len(file.indexes)
    covered = np.any(covered.reshape(rows, samples_per_edge, columns, samples_per_edge), axis=(1, 3))
    return Pixels(
        (slice(0, rows), slice(0, columns)),
        out[:count],
        good[:count],
        covered,
        None if len(out) == count else good[count],
    )
