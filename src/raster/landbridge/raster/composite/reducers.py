"""Reducers of mosaic methods that need every image: mean, median, min, max and count."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from landbridge.kernels import (
    add_to_sums,
    count_pixels,
    fill_missing,
    keep_extremes,
    take_means,
    take_medians,
)
from landbridge.raster.array_types import Array, BoolArray

Shape = tuple[int, int, int]

_MAX_COUNT = np.iinfo(np.uint16).max
_ADDED_AT_ONCE = 4  # images of a mean


class Reducer(Protocol):
    """Reduction of a block's pixels (band, y, x) over images, which are added in any order."""

    @property
    def is_done(self) -> bool:
        """True if no further image can change a pixel."""
        ...

    @property
    def image(self) -> Array:
        """Array that the pixels of the next image are written to."""
        ...

    @property
    def missing(self) -> BoolArray:
        """Array that the mask of the next image is written to: True for pixels that it lacks."""
        ...

    def add_image(self) -> None:
        """Add the pixels in `image` that are not `missing`."""
        ...

    def result(self) -> tuple[Array, BoolArray]:
        """Return the pixels, 0 if no image is valid there, and the mask of such pixels; call it once."""
        ...


class Mean:
    """Arithmetic mean, in 64-bit floating point."""

    is_done = False

    def __init__(self, shape: Shape, dtype: np.dtype[Any], images: int) -> None:
        """Take the block's shape, the pixels' type and the largest number of images."""
        # Images are added some at a time, so that the sums are read and written less often.
        self._images = np.empty((min(_ADDED_AT_ONCE, max(1, images)), *shape), dtype)
        self._lacks = np.empty(self._images.shape, bool)
        self._held = 0
        self._sum = np.zeros(shape, _sum_type(dtype, images))
        self._count = np.zeros(shape, np.uint32)

    @property
    def image(self) -> Array:
        """Array that the pixels of the next image are written to."""
        layer: Array = self._images[self._held]
        return layer

    @property
    def missing(self) -> BoolArray:
        """Array that the mask of the next image is written to."""
        layer: BoolArray = self._lacks[self._held]
        return layer

    def add_image(self) -> None:
        """Add pixels."""
        self._held += 1
        if self._held == len(self._images):
            self._add_held()

    def _add_held(self) -> None:
        shape = (self._held, self._sum.size)
        values = self._images[: self._held].reshape(shape)
        missing = self._lacks[: self._held].reshape(shape).view(np.uint8)
        add_to_sums(values, missing, _flat(self._sum), _flat(self._count))
        self._held = 0

    def result(self) -> tuple[Array, BoolArray]:
        """Return the sums divided by their counts."""
        self._add_held()
        mean = np.empty(self._sum.shape)
        take_means(_flat(self._sum), _flat(self._count), _flat(mean))
        return mean, self._count == 0


class Median:
    """Median, in 64-bit floating point; for an even number of values the mean of the middle two."""

    is_done = False

    def __init__(self, shape: Shape, dtype: np.dtype[Any], images: int) -> None:
        """Allocate values for a block's shape, data type and largest number of images."""
        self.missing: BoolArray = np.empty(shape, bool)
        self._values = np.empty((images, *shape), dtype)
        self._count = np.zeros(shape, np.uint32)
        self._added = 0
        self._highest = np.array([_highest(dtype)], dtype)

    @property
    def image(self) -> Array:
        """Array that the pixels of the next image are written to."""
        layer: Array = self._values[self._added]
        return layer

    def add_image(self) -> None:
        """Keep an image's pixels; missing ones become the highest value, which sorts last."""
        fill_missing(_flat(self.image), _flags(self.missing), self._highest, _flat(self._count))
        self._added += 1

    def result(self) -> tuple[Array, BoolArray]:
        """Return the middle of each pixel's values."""
        median = np.empty(self._count.shape)
        values = self._values[: self._added].reshape(self._added, median.size)
        take_medians(values, _flat(self._count), _flat(median))
        return median, self._count == 0


class _Extreme:
    """Smallest or greatest value, in the pixels' own type."""

    def __init__(
        self, shape: Shape, dtype: np.dtype[Any], *, worst: float, best: float, greatest: bool
    ) -> None:
        self.image: Array = np.empty(shape, dtype)
        self.missing: BoolArray = np.empty(shape, bool)
        self.is_done: bool = False
        self._values: Array = np.full(shape, worst, dtype)
        self._never: BoolArray = np.ones(shape, bool)
        self._best: Array = np.array([best], dtype)
        self._greatest: bool = greatest

    def add_image(self) -> None:
        """Update the extremes."""
        self.is_done = keep_extremes(
            _flat(self.image),
            _flags(self.missing),
            self._greatest,
            self._best,
            _flat(self._values),
            _flags(self._never),
        )

    def result(self) -> tuple[Array, BoolArray]:
        """Return the extreme value of each pixel."""
        self._values[self._never] = 0
        return self._values, self._never


class Min(_Extreme):
    """Smallest value, in the pixels' own type."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        super().__init__(shape, dtype, worst=_highest(dtype), best=_lowest(dtype), greatest=False)


class Max(_Extreme):
    """Greatest value, in the pixels' own type."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        super().__init__(shape, dtype, worst=_lowest(dtype), best=_highest(dtype), greatest=True)


class Count:
    """Number of valid images, at most 65535, in 16 bits."""

    is_done = False

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        self.image: Array = np.empty(shape, dtype)
        self.missing: BoolArray = np.empty(shape, bool)
        self._count = np.zeros(shape, np.uint32)

    def add_image(self) -> None:
        """Count pixels."""
        count_pixels(_flags(self.missing), _flat(self._count))

    def result(self) -> tuple[Array, BoolArray]:
        """Return the counts."""
        return np.minimum(self._count, _MAX_COUNT).astype(np.uint16), self._count == 0


REDUCERS: Mapping[str, Callable[[Shape, np.dtype[Any], int], Reducer]] = MappingProxyType(
    {"mean": Mean, "median": Median, "min": Min, "max": Max, "count": Count}
)


def pixel_bytes(method: str, dtype: np.dtype[Any], images: int) -> int:
    """Return the bytes that a method needs per pixel and band, including the read of an image."""
    # Values and validity of the image; sums, counts and the result, with 64 bits at most.
    working = dtype.itemsize + 3 + 4 * 8
    held = {"median": images, "mean": _ADDED_AT_ONCE}.get(method, 0)
    return working + held * (dtype.itemsize + (method == "mean"))


def _sum_type(dtype: np.dtype[Any], images: int) -> type[np.number[Any]]:
    """Return the type of sums: 32-bit integers if they hold every sum, which halves the memory to pass."""
    if dtype.kind == "f" or dtype.itemsize > 2 or images > _MAX_COUNT:
        return np.float64
    return np.int32 if dtype.kind == "i" else np.uint32


def _flat(pixels: Array) -> Array:
    """Return contiguous pixels as one row, without a copy."""
    return pixels.reshape(-1)


def _flags(missing: BoolArray) -> Array:
    return missing.reshape(-1).view(np.uint8)


def _highest(dtype: np.dtype[Any]) -> float:
    return np.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _lowest(dtype: np.dtype[Any]) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)
