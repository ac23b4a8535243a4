"""Scales: how many of a source's pixels a target's pixel spans, and how much that differs by place."""

import math
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.grids.coordinate_grid import pixels_at, places_in
from landbridge.raster.grids.crs import crs_on, same_crs
from landbridge.raster.grids.geobox import remembered
from landbridge.raster.grids.longitudes import turn_of

# At how many places along an edge scales are looked at, by steps of so many pixels; by how much they may
# differ, and pixels be turned (sine).
_PLACES, _STEP = 6, 0.1
_STRETCHED, _TURNED = 1.1, 0.15
# The scale that this part of the places does not exceed is the usual one.
_USUAL = 0.75


@remembered
def scale_of(source: GeoBox, target: GeoBox) -> tuple[float, float]:
    """Return how many source pixels (x, y) an output pixel spans, in the middle of what the grids share; 1 if
    systems differ and the grids don't meet.
    """
    if same_crs(crs_on(source), crs_on(target)):
        affine = ~source.transform @ target.transform
        return _span_of(affine.a, affine.b, affine.d, affine.e)
    rows, columns = source.shape.yx
    ys, xs = np.arange(3) * rows / 2, np.arange(3) * columns / 2
    # The source at the turn of longitudes at which the target is.
    middle = None
    if turn_of(crs_on(target)) is not None:
        middle, _ = target.transform @ (target.shape.x / 2, target.shape.y / 2)
    down, across = pixels_at(target, *places_in(target, source, ys, xs, middle))
    found = np.isfinite(down) & np.isfinite(across)
    if not found.any():
        return (1.0, 1.0)
    (top, bottom), (left, right) = (
        (max(0.0, place[found].min()), min(float(size), place[found].max()))
        for place, size in zip((down, across), target.shape.yx, strict=True)
    )
    if top >= bottom or left >= right:
        return (1.0, 1.0)
    around = np.arange(-1, 2)
    at = ((top + bottom) / 2 + around, (left + right) / 2 + around)
    x, _ = places_in(source, target, *at)
    row, column = pixels_at(source, *places_in(source, target, *at, float(x[1, 1])))
    with np.errstate(invalid="ignore"):
        a, d = (column[1, 2] - column[1, 0]) / 2, (row[1, 2] - row[1, 0]) / 2
        b, e = (column[2, 1] - column[0, 1]) / 2, (row[2, 1] - row[0, 1]) / 2
    return _span_of(a, b, d, e)


@dataclass(frozen=True, slots=True)
class Curvature:
    """Range of a target's scales in a source.

    `least` is the least number of source pixels, along x or y, that a pixel spans anywhere, `usual` the usual
    one. It is `strong` if pixels are stretched too differently, or turned too much, for one scale to do.
    """

    least: float
    usual: float
    strong: bool


@remembered
def curvature_of(source: GeoBox, target: GeoBox) -> Curvature | None:
    """Return the curvature of a target on a source; None if it is parallel, or does not meet it."""
    if same_crs(crs_on(source), crs_on(target)):
        affine = ~source.transform @ target.transform
        if affine.b == 0 and affine.d == 0:
            return None
    rows, columns = target.shape.yx
    ys, xs = (
        np.ravel(np.linspace(0.5, size - 0.5, min(_PLACES, size))[:, None] + [-_STEP, 0, _STEP])
        for size in (rows, columns)
    )
    # At the turn of longitudes at which the source is.
    middle, _ = source.transform @ (source.shape.x / 2, source.shape.y / 2)
    down, across = pixels_at(source, *places_in(source, target, ys, xs, middle))
    # Each place has one to its left, right, top and bottom.
    at = (slice(1, None, 3), slice(1, None, 3))
    inside = (down[at] >= 0) & (down[at] < source.shape.y) & (across[at] >= 0) & (across[at] < source.shape.x)
    with np.errstate(invalid="ignore"):
        a, d = ((place[1::3, 2::3] - place[1::3, ::3]) / (2 * _STEP) for place in (across, down))
        b, e = ((place[2::3, 1::3] - place[::3, 1::3]) / (2 * _STEP) for place in (across, down))
        x, y = np.hypot(a, b), np.hypot(d, e)
    found = inside & np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    if not found.any():
        return None
    turned = np.abs(b / x)[found].max() > _TURNED or np.abs(d / y)[found].max() > _TURNED
    spans = [np.maximum(1.0, span[found]) for span in (x, y)]
    stretched = any(span.max() > _STRETCHED * span.min() for span in spans)
    ordered = np.sort(np.maximum(x, y)[found])
    usual = float(np.interp(_USUAL * (len(ordered) - 1), np.arange(len(ordered)), ordered))
    return Curvature(float(min(x[found].min(), y[found].min())), usual, bool(turned or stretched))


def _span_of(a: float, b: float, d: float, e: float) -> tuple[float, float]:
    """Return how many source columns and rows an output pixel with edges (a, d) and (b, e) spans."""
    x, y = math.hypot(a, b), math.hypot(d, e)
    return (x if math.isfinite(x) and x else 1.0, y if math.isfinite(y) and y else 1.0)
