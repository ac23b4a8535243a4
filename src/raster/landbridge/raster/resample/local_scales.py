"""Resampling on strongly curved grids, with a scale per pixel.

GDAL's warper uses one scale for all pixels of a call, and two corners of a pixel's outline. On polar grids,
whose rotation and scale vary from pixel to pixel, both are wrong nearly everywhere.
"""

from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge import kernels
from landbridge.raster.array_types import Array, BoolArray
from landbridge.raster.plan.arguments import BLENDING

# Numbers of the kernels.
_KERNELS = {"bilinear": 0, "cubic": 1, "cubicspline": 2, "lanczos": 3}
_QUANTILES = {"q1": 0.25, "med": 0.5, "q3": 0.75}


def refine_grid(grid: GeoBox, samples_per_edge: int) -> GeoBox:
    """Return a grid with `samples_per_edge` pixels along either edge of each pixel."""
    rows, columns = grid.shape.yx
    return GeoBox(
        (rows * samples_per_edge, columns * samples_per_edge),
        grid.transform @ Affine.scale(1 / samples_per_edge),
        grid.crs,
    )


def local_scales(rows: Array, columns: Array) -> tuple[Array, Array]:
    """Return the number of source rows and columns per pixel, except for pixels at the edges.

    `rows` and `columns` are the source coordinates of the pixel centers.
    """
    return _span(rows), _span(columns)


def _span(places: Array) -> Array:
    # The smaller step of both sides, as the other may cross the edge of the source's map.
    with np.errstate(invalid="ignore"):
        down, across = np.abs(np.diff(places[:, 1:-1], axis=0)), np.abs(np.diff(places[1:-1], axis=1))
        span: Array = np.hypot(np.fmin(down[:-1], down[1:]), np.fmin(across[:, :-1], across[:, 1:]))
    return np.where(np.isfinite(span), span, 1.0)


def interpolate_locally(
    values: Array, valid: BoolArray, rows: Array, columns: Array, scales: tuple[Array, Array], resampler: str
) -> tuple[Array, BoolArray]:
    """Return pixels (band, y, x) by an interpolating resampler, and their validity.

    Each pixel is the weighted mean of the valid source pixels under the resampler's kernel. If a pixel is
    missing, a cubic kernel is replaced by a bilinear one, as in GDAL.
    """
    work = values.dtype if values.dtype.kind == "f" else np.dtype("f4" if values.itemsize <= 2 else "f8")
    out = np.zeros((len(values), *rows.shape), work)
    good = np.zeros(out.shape, np.uint8)
    row_scales, column_scales = scales
    kernels.interpolate_locally(
        np.ascontiguousarray(values, work),
        np.ascontiguousarray(valid).view(np.uint8),
        np.ascontiguousarray(rows, float),
        np.ascontiguousarray(columns, float),
        np.ascontiguousarray(row_scales, float),
        np.ascontiguousarray(column_scales, float),
        _KERNELS[resampler],
        out,
        good,
    )
    return out, good.view(bool)


def aggregate_samples(
    values: Array, valid: BoolArray, samples_per_edge: int, resampler: str
) -> tuple[Array, BoolArray]:
    """Return pixels (band, y, x) made of `samples_per_edge` by `samples_per_edge` samples each, and their
    validity: a pixel with any valid sample is valid.
    """
    bands, rows, columns = (
        values.shape[0],
        values.shape[1] // samples_per_edge,
        values.shape[2] // samples_per_edge,
    )
    shape = (bands, rows, samples_per_edge, columns, samples_per_edge)
    samples, counts = values.reshape(shape), valid.reshape(shape)
    count = counts.sum((2, 4))
    good = count > 0
    if resampler in BLENDING:
        work = values.dtype if values.dtype.kind == "f" else np.dtype("f4" if values.itemsize <= 2 else "f8")
        total = np.where(counts, samples, 0).sum((2, 4), dtype=np.float64)
        return (total / np.maximum(count, 1)).astype(work), good
    highest: Any = np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    lowest: Any = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    if resampler == "max":
        out = np.where(counts, samples, lowest).max((2, 4))
    elif resampler == "min":
        out = np.where(counts, samples, highest).min((2, 4))
    else:
        ordered = np.moveaxis(np.where(counts, samples, highest), 3, 2).reshape(bands, rows, columns, -1)
        ordered.sort(axis=-1)
        if resampler == "mode":
            out = _most_frequent(ordered, count)
        else:
            place = np.floor((np.maximum(count, 1) - 1) * _QUANTILES[resampler] + 0.5).astype(np.intp)
            out = np.take_along_axis(ordered, place[..., None], -1)[..., 0]
    out[~good] = 0
    return out, good


def _most_frequent(ordered: Array, count: Array) -> Array:
    """Return the most frequent of the first `count` ordered values (..., n); the smallest if several are."""
    best, most = ordered[..., 0].copy(), np.ones(count.shape, np.intp)
    run = most.copy()
    for place in range(1, ordered.shape[-1]):
        value = ordered[..., place]
        run = np.where(value == ordered[..., place - 1], run + 1, 1)
        better = (run > most) & (place < count)
        most[better], best[better] = run[better], value[better]
    return best
