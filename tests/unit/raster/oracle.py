"""Resampled rasters worked out pixel by pixel with NumPy: neither GDAL nor the engine is asked.

Only coordinates are transformed by PROJ, each exactly.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from affine import Affine
from pyproj import Transformer

REACHES = {"bilinear": 1, "cubic": 2, "cubicspline": 2, "lanczos": 3}
SAMPLES = 12
# Distance in pixels within which the engine may see a place on the other side of a border.
DOUBT = 2e-3


@dataclass(frozen=True)
class Oracle:
    """A source, its valid pixels, and a target grid: `around` if the source's columns go around the Earth."""

    values: np.ndarray
    valid: np.ndarray
    crs: str
    transform: Affine
    target: Any
    around: bool = False
    places: tuple = field(init=False)
    scales: tuple = field(init=False)

    def __post_init__(self):
        rows, columns = np.indices(self.target.shape) + 0.5
        object.__setattr__(self, "places", self.locate(rows, columns))
        step = 1e-3
        (top, left), (bottom, right) = (self.locate(rows + s, columns) for s in (-step, step))
        (above, before), (below, after) = (self.locate(rows, columns + s) for s in (-step, step))
        width = self.values.shape[1]

        def along(start, stop):
            difference = stop - start
            return difference - width * np.round(difference / width) if self.around else difference

        down = np.hypot(bottom - top, below - above) / (2 * step)
        across = np.hypot(along(left, right), along(before, after)) / (2 * step)
        # At a pole a pixel spans all longitudes: an eighth of a file is the most that counts.
        scales = (np.fmin(down, self.values.shape[0] / 8), np.fmin(across, width / 8))
        object.__setattr__(self, "scales", scales)

    def locate(self, rows, columns):
        """Return the source's rows and columns at places of the target."""
        x, y = self.target.transform @ (columns, rows)
        if str(self.target.crs) != self.crs:
            to_source = Transformer.from_crs(str(self.target.crs), self.crs, always_xy=True)
            x, y = map(np.asarray, to_source.transform(x, y))
        if self.crs == "EPSG:4326":
            # Longitudes repeat: those within half a turn of the source's middle.
            middle = self.transform.c + self.transform.a * self.values.shape[1] / 2
            x = x - 360 * np.round((x - middle) / 360)
        column, row = ~self.transform @ (x, y)
        return np.asarray(row), np.asarray(column)

    def at(self, rows, columns):
        """Return values and validity of pixels by whole numbers."""
        height, width = self.values.shape
        if self.around:
            columns = columns % width
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        r, c = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
        return self.values[r, c].astype(float), inside & self.valid[r, c]

    def nearest(self):
        """Return values, validity, and which of them are beyond doubt."""
        row, column = self.places
        values, valid = self.at(np.floor(row).astype(int), np.floor(column).astype(int))
        sure = (np.abs(row - np.round(row)) > DOUBT) & (np.abs(column - np.round(column)) > DOUBT)
        return values, valid, sure

    def interpolated(self, name, *, single):
        """Return values, and those for which all pixels under the kernel are valid.

        They are by a single scale, or each pixel's own. A single one is that in the middle; if it is near
        to a whole number it is that.
        """
        scales = tuple(np.maximum(1, scale) for scale in self.scales)
        if single:
            middle = [float(np.median(scale)) for scale in scales]
            scales = tuple(
                np.full(self.target.shape, round(m) if abs(m - round(m)) < 0.05 else m) for m in middle
            )
        # A kernel of one scale is GDAL's, which takes the pixels up to its reach, rounded up, on each side.
        spare = 0 if single else 1
        reaches = [int(np.ceil(REACHES[name] * scale.max() - 1e-6)) + spare for scale in scales]
        weights = gdal_kernel if single else kernel
        row, column = (place - 0.5 for place in self.places)
        # Centers that are on a source pixel's are on or after it, by any rounding.
        top, left = np.floor(row + 5e-8).astype(int), np.floor(column + 5e-8).astype(int)
        total, weighed, whole = np.zeros(row.shape), np.zeros(row.shape), np.ones(row.shape, bool)
        # One pixel more on each side: near the border of two pixels, the engine may take those of the next.
        for i in range(-reaches[0] - 1, reaches[0] + 2):
            rows_away = (top + i - row) / scales[0]
            down = weights(name, rows_away)
            for j in range(-reaches[1] - 1, reaches[1] + 2):
                columns_away = (left + j - column) / scales[1]
                weight = down * weights(name, columns_away)
                values, valid = self.at(top + i, left + j)
                # A pixel at the rim has no weight, but if it is missing, GDAL takes another kernel.
                outside = np.maximum(np.abs(rows_away), np.abs(columns_away)) > REACHES[name] + DOUBT
                inside = np.maximum(np.abs(rows_away), np.abs(columns_away)) < REACHES[name] - DOUBT
                whole &= valid | outside | (inside & (np.abs(weight) < 1e-12))
                if not all(-r - spare <= n <= r for n, r in zip((i, j), reaches, strict=True)):
                    continue
                weight = np.where(valid, weight, 0)
                total += weight
                weighed += weight * np.where(valid, values, 0)
        with np.errstate(all="ignore"):
            return weighed / total, whole

    def below(self):
        """Return values and validity (sample, y, x) of many places within each pixel of the target."""
        rows, columns = np.indices(self.target.shape)
        found = []
        for i in range(SAMPLES):
            for j in range(SAMPLES):
                row, column = self.locate(rows + (i + 0.5) / SAMPLES, columns + (j + 0.5) / SAMPLES)
                found.append(self.at(np.floor(row).astype(int), np.floor(column).astype(int)))
        values, valid = (np.stack(part) for part in zip(*found, strict=True))
        return values, valid

    def around_pixels(self):
        """Return least and greatest value, number of valid and of all pixels, near each target pixel."""
        row, column = self.places
        most = [int(np.ceil(scale.max() + 1.5)) for scale in self.scales]
        low, high = np.full(row.shape, np.inf), np.full(row.shape, -np.inf)
        good, all_of = np.zeros(row.shape, int), np.zeros(row.shape, int)
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)
        for i in range(-most[0], most[0] + 1):
            for j in range(-most[1], most[1] + 1):
                values, valid = self.at(top + i, left + j)
                low, high = (
                    np.where(valid, np.minimum(low, values), low),
                    np.where(valid, np.maximum(high, values), high),
                )
                good, all_of = good + valid, all_of + 1
        return low, high, good, all_of


def kernel(name, offset):
    """Return the weight of a pixel so many (scaled) pixels away."""
    t = np.abs(offset)
    if name == "bilinear":
        return np.maximum(0, 1 - t)
    if name == "cubic":
        near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        return np.where(t < 1, near, np.where(t < 2, far, 0))
    if name == "cubicspline":
        near, far = t**3 / 2 - t**2 + 2 / 3, (2 - t) ** 3 / 6
        return np.where(t < 1, near, np.where(t < 2, far, 0))
    return np.where(t < 3, np.sinc(t) * np.sinc(t / 3), 0)


def gdal_kernel(name, offset):
    """Return the weight that GDAL's warper gives a pixel so many (scaled) pixels to the right or below.

    GDAL's cubic spline lacks its last term: beyond two pixels on that side it is -(t - 2)^3 / 6, not zero
    (`GWKBSpline` in gdalwarpkernel.cpp). The other kernels are as defined.
    """
    if name != "cubicspline":
        return kernel(name, offset)
    terms = zip((1, -4, 6, -4), (2, 1, 0, -1), strict=True)
    return sum(factor * np.maximum(0, offset + shift) ** 3 for factor, shift in terms) / 6
