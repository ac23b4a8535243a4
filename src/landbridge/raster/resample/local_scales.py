"""Resampling on strongly curved grids, with a scale per pixel.

GDAL's warper uses one scale for all pixels of a call, and two corners of a pixel's outline. On polar grids,
whose rotation and scale vary from pixel to pixel, both are wrong nearly everywhere.
"""

import math
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Array, BoolArray
from landbridge.raster.kernels import compiled
from landbridge.raster.plan.arguments import BLENDING

# Numbers of the kernels, and their radius in pixels.
_KERNELS = {"bilinear": 0, "cubic": 1, "cubicspline": 2, "lanczos": 3}
_REACHES = (1.0, 2.0, 2.0, 3.0)
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
    kernel = _KERNELS[resampler]
    _interpolate(
        np.ascontiguousarray(values, work),
        np.ascontiguousarray(valid).view(np.uint8),
        *(np.ascontiguousarray(each, float) for each in (rows, columns, *scales)),
        kernel,
        _REACHES[kernel],
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


@compiled
def _write_kernel_weights(  # noqa: C901 - four kernels
    weights: Any, first: int, last: int, center: float, scale: float, kernel: int
) -> None:
    """Write the kernel's weights of the pixels from the first to the last."""
    for n in range(first, last + 1):
        t = abs(n - center) / scale
        w = 0.0
        if kernel == 0:
            w = max(0.0, 1.0 - t)
        elif kernel == 1:
            if t < 1.0:
                w = (1.5 * t - 2.5) * t * t + 1.0
            elif t < 2.0:
                w = ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
        elif kernel == 2:
            if t < 1.0:
                w = (0.5 * t - 1.0) * t * t + 2.0 / 3.0
            elif t < 2.0:
                w = (2.0 - t) ** 3 / 6.0
        elif t < 1e-9:
            w = 1.0
        elif t < 3.0:
            w = 3.0 * math.sin(math.pi * t) * math.sin(math.pi * t / 3.0) / (math.pi * t) ** 2
        weights[n - first] = w


@compiled
def _interpolate(  # noqa: C901 - a loop for each axis
    values: Any,
    valid: Any,
    rows: Any,
    columns: Any,
    down: Any,
    across: Any,
    kernel: int,
    reach: float,
    out: Any,
    good: Any,
) -> None:
    bands, height, width = values.shape
    vertical, horizontal = np.empty(height), np.empty(width)
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            r, c = rows[y, x] - 0.5, columns[y, x] - 0.5
            # The comparison is also false for NaN.
            if not (-1.0 < r < height and -1.0 < c < width):
                continue
            tall, wide = max(1.0, down[y, x]), max(1.0, across[y, x])
            for band in range(bands):
                used, extent = kernel, reach
                while True:
                    # Pixels at the end of a kernel have the weight 0.
                    top, bottom = math.floor(r - extent * tall) + 1, math.ceil(r + extent * tall) - 1
                    left, right = math.floor(c - extent * wide) + 1, math.ceil(c + extent * wide) - 1
                    missing = top < 0 or bottom >= height or left < 0 or right >= width
                    top, bottom = max(0, top), min(height - 1, bottom)
                    left, right = max(0, left), min(width - 1, right)
                    _write_kernel_weights(vertical, top, bottom, r, tall, used)
                    _write_kernel_weights(horizontal, left, right, c, wide, used)
                    total = sum_ = 0.0
                    for i in range(top, bottom + 1):
                        for j in range(left, right + 1):
                            if valid[band, i, j]:
                                w = vertical[i - top] * horizontal[j - left]
                                total += w
                                sum_ += w * values[band, i, j]
                            else:
                                missing = True
                    if used == 1 and missing:
                        used, extent = 0, 1.0
                        continue
                    break
                if total > 1e-6:
                    out[band, y, x] = sum_ / total
                    good[band, y, x] = 1
