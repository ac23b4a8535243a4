"""Slow references of the compiled loops, in numpy: a pixel's state follows from its definition alone."""

import math

import numpy as np

from landbridge.kernels import INVALID, MISSING, VALID


def composite(values, states, pixels, shown, layer):
    """Composite pixels (y, x, sample) into a block's values and states (band, y, x).

    `shown` marks the pixels (y, x) that the tile has. `layer` is a dict with `samples`, `bands`, `nodata`,
    `has_nodata`, `alpha`, `visible` and `show_invalid`.
    """
    shown = shown.copy()
    if layer["alpha"] >= 0:
        shown &= pixels[:, :, layer["alpha"]] != 0
    if layer["visible"] is not None:
        shown &= layer["visible"] != 0
    for sample, band, nodata, has_nodata in zip(
        layer["samples"], layer["bands"], layer["nodata"], layer["has_nodata"], strict=True
    ):
        new, state = pixels[:, :, sample], states[band]
        valid = new == new  # noqa: PLR0124 - NaN is not itself
        if has_nodata:
            valid &= new != nodata
        take = shown & valid & (state != VALID)
        show = shown & ~valid & (state == MISSING) & layer["show_invalid"]
        values[band][take | show] = new[take | show]
        state[take], state[show] = VALID, INVALID


def remaining(states, cell):
    """Return the number of pixels that are not valid per cell (band, y, x)."""
    bands, height, width = states.shape
    return np.array(
        [
            [
                [
                    np.count_nonzero(states[band, y : y + cell, x : x + cell] != VALID)
                    for x in range(0, width, cell)
                ]
                for y in range(0, height, cell)
            ]
            for band in range(bands)
        ]
    )


def node_positions(size, step, first, taps):
    """Return the pixels (y or x) of a coordinate grid's nodes along one axis."""
    return np.arange(size) if taps == 1 else np.arange(first - step, size + 2 * step, step)


def interpolation_weights(step, taps):
    """Return the weights (tap, position between nodes) of linear and cubic interpolation."""
    if taps == 1:
        return np.ones((1, 1))
    t = np.arange(step) / step
    if taps == 2:
        return np.stack([1 - t, t])
    return np.stack(
        [
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6,
        ]
    )


def interpolate_nodes(nodes, size, step, first, taps):
    """Return the values at all pixels (y, x) of a block."""
    if taps == 1:
        return nodes
    weights, skipped = interpolation_weights(step, taps), 2 - taps // 2
    out = np.empty(size)
    for y in range(size[0]):
        j, phase = divmod(y - first[0], step)
        row = weights[:, phase] @ nodes[j + skipped : j + skipped + taps]
        for x in range(size[1]):
            i, phase = divmod(x - first[1], step)
            out[y, x] = weights[:, phase] @ row[i + skipped : i + skipped + taps]
    return out


def kernel_weight(kernel, distance):
    """Return the weight of a pixel at a distance from a resampler's center."""
    t = abs(distance)
    if kernel == "bilinear":
        return max(0.0, 1 - t)
    if kernel == "cubic":
        if t < 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0
    if kernel == "cubicspline":
        if t < 1:
            return t**3 / 2 - t**2 + 2 / 3
        return (2 - t) ** 3 / 6 if t < 2 else 0.0
    return float(np.sinc(t) * np.sinc(t / 3)) if t < 3 else 0.0


RADII = {"bilinear": 1, "cubic": 2, "cubicspline": 2, "lanczos": 3}


def interpolate_point(values, valid, place, scales, kernel):
    """Return the weighted mean of the valid pixels (y, x) around a place; NaN if there is none."""
    (height, width), total, weights, is_missing = values.shape, 0.0, 0.0, False
    centers, scales = [p - 0.5 for p in place], [max(1.0, scale) for scale in scales]
    spans = [
        range(math.floor(c - RADII[kernel] * s) + 1, math.ceil(c + RADII[kernel] * s))
        for c, s in zip(centers, scales, strict=True)
    ]
    for i in spans[0]:
        for j in spans[1]:
            if not (0 <= i < height and 0 <= j < width and valid[i, j]):
                is_missing = True
                continue
            weight = math.prod(
                kernel_weight(kernel, (n - c) / s) for n, c, s in zip((i, j), centers, scales, strict=True)
            )
            total, weights = total + weight * float(values[i, j]), weights + weight
    if kernel == "cubic" and is_missing:
        return interpolate_point(values, valid, place, scales, "bilinear")
    return total / weights if weights > 1e-6 else math.nan
