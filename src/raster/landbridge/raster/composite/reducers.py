"""Reducers of mosaic methods that need every image: mean, median, min, max and count."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from landbridge.raster.array_types import Array, BoolArray

Shape = tuple[int, int, int]

# Number of pixels that are sorted at a time, which fit into the processor's cache, and largest number of
# images that are sorted by a network.
_PIXELS_PER_SORT = 16384
_MAX_NETWORK_SIZE = 16
_MAX_COUNT = np.iinfo(np.uint16).max


class Reducer(Protocol):
    """Reduction of a block's pixels (band, y, x) over images, which are added in any order."""

    @property
    def is_done(self) -> bool:
        """True if no further image can change a pixel."""
        ...

    def add_image(self, values: Array, valid: BoolArray) -> None:
        """Add an image's pixels; only `valid` ones contribute."""
        ...

    def result(self) -> tuple[Array, BoolArray]:
        """Return the pixels, 0 if no image is valid there, and the mask of such pixels; call it once."""
        ...


class Mean:
    """Arithmetic mean, in 64-bit floating point."""

    is_done = False

    def __init__(self, shape: Shape, _dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape."""
        self._sum = np.zeros(shape)
        self._count = np.zeros(shape, np.uint32)

    def add_image(self, values: Array, valid: BoolArray) -> None:
        """Add valid pixels."""
        with np.errstate(all="ignore"):
            np.add(self._sum, values, out=self._sum, where=valid)
        self._count += valid

    def result(self) -> tuple[Array, BoolArray]:
        """Return the sums divided by their counts."""
        missing = self._count == 0
        with np.errstate(all="ignore"):
            np.divide(self._sum, self._count, out=self._sum, where=~missing)
        return self._sum, missing


class Median:
    """Median, in 64-bit floating point; for an even number of values the mean of the middle two."""

    is_done = False

    def __init__(self, shape: Shape, dtype: np.dtype[Any], images: int) -> None:
        """Allocate values for a block's shape, data type and largest number of images."""
        self._values = np.empty((images, *shape), dtype)
        self._count = np.zeros(shape, np.intp)
        self._added = 0
        self._highest = _highest(dtype)

    def add_image(self, values: Array, valid: BoolArray) -> None:
        """Store an image's pixels; invalid ones become the highest value, which sorts last."""
        layer = self._values[self._added]
        layer.fill(self._highest)
        np.copyto(layer, values, where=valid)
        self._count += valid
        self._added += 1

    def result(self) -> tuple[Array, BoolArray]:
        """Return the middle of each pixel's values."""
        missing = self._count == 0
        if not self._added:
            return np.zeros(missing.shape), missing
        median = np.empty(missing.size)
        values = self._values[: self._added].reshape(self._added, -1)
        for start in range(0, median.size, _PIXELS_PER_SORT):
            run = slice(start, start + _PIXELS_PER_SORT)
            ordered = _sorted(values[:, run])
            count = self._count.reshape(-1)[run]
            lower = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, 0)[0]
            upper = np.take_along_axis(ordered, np.minimum(count // 2, self._added - 1)[None], 0)[0]
            with np.errstate(all="ignore"):
                median[run] = (lower.astype(np.float64) + upper) / 2
        median = median.reshape(missing.shape)
        median[missing] = 0
        return median, missing


class _Extreme:
    """Smallest or greatest value, in the pixels' own type."""

    def __init__(
        self, choose: np.ufunc, worst: float, best: float, shape: Shape, dtype: np.dtype[Any]
    ) -> None:
        self._choose = choose
        self._values = np.full(shape, worst, dtype)
        self._missing = np.ones(shape, bool)
        self._best = best

    @property
    def is_done(self) -> bool:
        """True if every pixel has the extreme value of its type."""
        return bool((self._values == self._best).all())

    def add_image(self, values: Array, valid: BoolArray) -> None:
        """Update the extremes with valid pixels."""
        self._choose(self._values, values, out=self._values, where=valid)
        self._missing &= ~valid

    def result(self) -> tuple[Array, BoolArray]:
        """Return the extreme value of each pixel."""
        self._values[self._missing] = 0
        return self._values, self._missing


class Min(_Extreme):
    """Smallest value, in the pixels' own type."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        super().__init__(np.minimum, _highest(dtype), _lowest(dtype), shape, dtype)


class Max(_Extreme):
    """Greatest value, in the pixels' own type."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        super().__init__(np.maximum, _lowest(dtype), _highest(dtype), shape, dtype)


class Count:
    """Number of valid images, at most 65535, in 16 bits."""

    is_done = False

    def __init__(self, shape: Shape, _dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape."""
        self._count = np.zeros(shape, np.uint32)

    def add_image(self, _values: Array, valid: BoolArray) -> None:
        """Count valid pixels."""
        self._count += valid

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
    return working + (images * dtype.itemsize if method == "median" else 0)


def _sorted(values: Array) -> Array:
    """Return values (image, pixel) sorted along the images; the input is overwritten."""
    if len(values) > _MAX_NETWORK_SIZE:
        # NumPy sorts contiguous values several times faster.
        return np.sort(np.ascontiguousarray(values.T)).T
    # For few images a sorting network compares all pixels of two images at once.
    spare = np.empty_like(values[0])
    for low, high in _network(len(values)):
        np.minimum(values[low], values[high], out=spare)
        np.maximum(values[low], values[high], out=values[high])
        values[low] = spare
    return values


@cache
def _network(size: int) -> tuple[tuple[int, int], ...]:
    """Return the comparisons of Batcher's odd-even merge sort for `size` values."""
    pairs = []
    block = 1
    while block < size:
        step = block
        while step:
            for first in range(step % block, size - step, 2 * step):
                pairs += [
                    (low, low + step)
                    for low in range(first, first + min(step, size - first - step))
                    if low // (2 * block) == (low + step) // (2 * block)
                ]
            step //= 2
        block *= 2
    return tuple(pairs)


def _highest(dtype: np.dtype[Any]) -> float:
    return np.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _lowest(dtype: np.dtype[Any]) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)
