"""Pixel scales: the number of source pixels per target pixel, and its variation over the target."""

import math
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs, same_crs
from landbridge.geo.grids.geobox import cached_per_grid_pair
from landbridge.geo.grids.longitudes import x_period
from landbridge.raster.grids.coordinate_grid import target_in_source_crs, to_pixel_coordinates

# Samples along an edge of the target, and the step of the finite differences in pixels; then the largest
# ratio of scales and the largest rotation (sine) for which one scale fits all pixels.
_SAMPLES, _STEP = 6, 0.1
_MAX_STRETCH, _MAX_ROTATION = 1.1, 0.15
# Quantile of the sampled scales that is the typical one.
_TYPICAL_QUANTILE = 0.75


@cached_per_grid_pair
def scale_of(source: GeoBox, target: GeoBox) -> tuple[float, float]:
    """Return the number of source pixels (x, y) per output pixel, in the middle of the common area.

    The scale is 1 if the reference systems differ and the grids do not overlap.
    """
    if same_crs(grid_crs(source), grid_crs(target)):
        affine = ~source.transform @ target.transform
        return _span_of(affine.a, affine.b, affine.d, affine.e)
    rows, columns = source.shape.yx
    ys, xs = np.arange(3) * rows / 2, np.arange(3) * columns / 2
    # Longitudes of the source continue in the period in which the target lies.
    middle = None
    if x_period(grid_crs(target)) is not None:
        middle, _ = target.transform @ (target.shape.x / 2, target.shape.y / 2)
    down, across = to_pixel_coordinates(target, *target_in_source_crs(target, source, ys, xs, middle))
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
    x, _ = target_in_source_crs(source, target, *at)
    row, column = to_pixel_coordinates(source, *target_in_source_crs(source, target, *at, float(x[1, 1])))
    with np.errstate(invalid="ignore"):
        a, d = (column[1, 2] - column[1, 0]) / 2, (row[1, 2] - row[1, 0]) / 2
        b, e = (column[2, 1] - column[0, 1]) / 2, (row[2, 1] - row[0, 1]) / 2
    return _span_of(a, b, d, e)


@dataclass(frozen=True, slots=True)
class Curvature:
    """Range of a target's scales in a source.

    `least` is the smallest number of source pixels, along x or y, per target pixel; `typical` is the typical
    one. The curvature is `strong` if stretch or rotation vary too much for a single scale.
    """

    least: float
    typical: float
    strong: bool


@cached_per_grid_pair
def curvature_of(source: GeoBox, target: GeoBox) -> Curvature | None:
    """Return the curvature of a target on a source; None if the grids are aligned or do not overlap."""
    if same_crs(grid_crs(source), grid_crs(target)):
        affine = ~source.transform @ target.transform
        if affine.b == 0 and affine.d == 0:
            return None
    rows, columns = target.shape.yx
    ys, xs = (
        np.ravel(np.linspace(0.5, size - 0.5, min(_SAMPLES, size))[:, None] + [-_STEP, 0, _STEP])
        for size in (rows, columns)
    )
    # Longitudes of the target continue in the period in which the source lies.
    middle, _ = source.transform @ (source.shape.x / 2, source.shape.y / 2)
    down, across = to_pixel_coordinates(source, *target_in_source_crs(source, target, ys, xs, middle))
    # Each sample has neighbors at its left, right, top and bottom.
    at = (slice(1, None, 3), slice(1, None, 3))
    inside = (down[at] >= 0) & (down[at] < source.shape.y) & (across[at] >= 0) & (across[at] < source.shape.x)
    with np.errstate(invalid="ignore"):
        a, d = ((place[1::3, 2::3] - place[1::3, ::3]) / (2 * _STEP) for place in (across, down))
        b, e = ((place[2::3, 1::3] - place[::3, 1::3]) / (2 * _STEP) for place in (across, down))
        x, y = np.hypot(a, b), np.hypot(d, e)
    found = inside & np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    if not found.any():
        return None
    turned = np.abs(b / x)[found].max() > _MAX_ROTATION or np.abs(d / y)[found].max() > _MAX_ROTATION
    spans = [np.maximum(1.0, span[found]) for span in (x, y)]
    stretched = any(span.max() > _MAX_STRETCH * span.min() for span in spans)
    ordered = np.sort(np.maximum(x, y)[found])
    typical = float(np.interp(_TYPICAL_QUANTILE * (len(ordered) - 1), np.arange(len(ordered)), ordered))
    return Curvature(float(min(x[found].min(), y[found].min())), typical, bool(turned or stretched))


def _span_of(a: float, b: float, d: float, e: float) -> tuple[float, float]:
    """Return the number of source columns and rows of an output pixel with edges (a, d) and (b, e)."""
    x, y = math.hypot(a, b), math.hypot(d, e)
    return (x if math.isfinite(x) and x else 1.0, y if math.isfinite(y) and y else 1.0)
