"""Resampling of a file onto a block: by the nearest pixel, by interpolation, or from several pixels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.grids.coordinate_grid import moved
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.io.file_windows import OpenFile, Pixels, read_window, with_validity
from landbridge.raster.plan.arguments import INTERPOLATING
from landbridge.raster.plan.plan import FileRead
from landbridge.raster.resample.block import Block, Samples
from landbridge.raster.resample.gdal_warp import columns_of, warp, widened_window, window_grid
from landbridge.raster.resample.local_scales import counted, finer, interpolated, local_scales
from landbridge.raster.resample.nearest import Sample

Array = np.ndarray[Any, Any]
# Pixels span at most this part of a file along either edge.
_MOST_SPANNED = 8
Alpha = Callable[[GeoBox], BoolArray]
"""Function of a file's grid: the pixels (y, x) of it that the image's alpha, in another file, shows."""


def at_turns(opened: OpenFile, samples: Samples) -> list[OpenFile]:
    """Return a file moved to each of the turns of longitudes at which it touches a block."""
    view = opened.view
    return [
        replace(opened, view=replace(view, grid=moved(view.grid, x))) if x else opened
        for x in samples.turns(view.grid)
    ]


def sampled_block(opened: OpenFile, file: FileRead, sample: Sample) -> Pixels:
    """Return the pixels that a sample takes."""
    values = sample.take(read_window(opened, file.indexes, sample.window))
    return with_validity(opened, file, values, sample.window, sample)


def warped_block(
    opened: OpenFile, file: FileRead, samples: Samples, resampler: str, sample: Sample, alpha: Alpha | None
) -> Pixels:
    """Return a block by an interpolating or counting resampler, from the window that its kernel can reach.

    A pixel is covered if its center lies in the file: interpolation does not reach beyond. Hidden pixels are
    left out before, not after.
    """
    view, block = opened.view, samples.block
    grid = block.grid[sample.roi]
    scale, scales = view.scale, None
    if view.times:
        scales = _scales(view.grid, block.part(sample.roi))
        # They are (rows, columns), the other (x, y).
        scale = (float(scales[1].max()), float(scales[0].max()))
    window = widened_window(sample.window, scale, view.grid)
    there = window_grid(view.grid, window)
    # Beyond the edge of a file that goes around the Earth lies its other edge.
    parts = [(window[0], x) for x in columns_of(window[1], view.grid.shape.x)]
    raw = [with_validity(opened, file, read_window(opened, file.indexes, part), part, None) for part in parts]
    values, valid = raw[0].values, raw[0].valid
    if len(raw) > 1:
        values = np.concatenate([part.values for part in raw], axis=2)
        valid = np.concatenate([part.valid for part in raw], axis=2)
    if alpha is not None:
        valid &= alpha(there)
    values, valid = _with_seen(file, values, valid)
    hides = len(values) > len(file.indexes)
    before = valid
    if scales is None:
        values, good = warp(values, valid, there, grid, scale, resampler)
    else:
        lattice = samples.get(view.grid).lattice
        assert lattice is not None
        rows, columns = lattice.coordinates(sample.roi)
        places = (rows - window[0].start, columns - window[1].start)
        values, good = interpolated(values, valid, *places, scales, resampler)
    if resampler in INTERPOLATING and not before.all():
        # Not beyond the valid pixels either: GDAL sees to that only where there is one band.
        y, x = (
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(sample.window, window, strict=True)
        )
        good &= sample.take(before[:, y, x])
    if sample.inside is not None:
        good &= sample.inside
    count = len(file.indexes)
    return Pixels(sample.roi, values[:count], good[:count], sample.inside, good[-1] if hides else None)


def _with_seen(file: FileRead, values: Array, valid: BoolArray) -> tuple[Array, BoolArray]:
    """Return pixels of which those that the file's own alpha hides are not valid, with one more band.

    That band is valid for each pixel that is not hidden. Alpha's own values are all valid.
    """
    if file.alpha <= 0:
        return values, valid
    hiding = file.indexes.index(file.alpha)
    visible = values[hiding] != 0
    valid = np.concatenate([valid & visible, visible[None]])
    valid[hiding] = True
    return np.concatenate([values, visible[None].astype(values.dtype)]), valid


def _scales(source: GeoBox, block: Block) -> tuple[Array, Array]:
    """Return how many source rows and columns each pixel of a block spans."""
    rows, columns = block.grid.shape.yx
    wider = Block(
        window_grid(block.grid, (slice(-1, rows + 1), slice(-1, columns + 1))),
        (block.origin[0] - 1, block.origin[1] - 1),
        block.whole,
    )
    lattice = Samples(wider).get(source).lattice
    assert lattice is not None
    down, across = local_scales(*lattice.coordinates((slice(0, rows + 2), slice(0, columns + 2))))
    # At a pole a pixel spans all longitudes.
    most = [max(1.0, size / _MOST_SPANNED) for size in source.shape.yx]
    return np.minimum(down, most[0]), np.minimum(across, most[1])


def counted_block(
    opened: OpenFile, file: FileRead, block: Block, resampler: str, alpha: Alpha | None
) -> Pixels | None:
    """Return a block by a counting resampler, from several nearest pixels for each of its pixels."""
    times = opened.view.times
    origin, whole = ((y * times, x * times) for y, x in (block.origin, block.whole))
    samples = Samples(Block(finer(block.grid, times), origin, whole))
    values, valid, covered = None, None, np.zeros(samples.block.grid.shape.yx, bool)
    for there in at_turns(opened, samples):
        sample = samples.get(there.view.grid).whole()
        if sample is None:
            continue
        pixels = sampled_block(there, file, sample)
        good = pixels.valid
        if alpha is not None:
            good = good & sample.take(alpha(there.view.grid[sample.window]))
        found, good = _with_seen(file, pixels.values, good)
        if sample.inside is not None:
            good = good & sample.inside
        if values is None or valid is None:
            values = np.zeros((len(found), *covered.shape), found.dtype)
            valid = np.zeros(values.shape, bool)
        where = (slice(None), *sample.roi)
        np.copyto(values[where], found, where=good)
        valid[where] |= good
        covered[sample.roi] |= True if sample.inside is None else sample.inside
    if values is None or valid is None:
        return None
    rows, columns = block.grid.shape.yx
    out, good = counted(values, valid, times, resampler)
    count = len(file.indexes)
    covered = np.any(covered.reshape(rows, times, columns, times), axis=(1, 3))
    return Pixels(
        (slice(0, rows), slice(0, columns)),
        out[:count],
        good[:count],
        covered,
        None if len(out) == count else good[count],
    )
