"""Methods of mosaics that need every image: what each makes of a block's pixels, fed one image at a time."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from landbridge.raster.grids.geobox import BoolArray

Array = np.ndarray[Any, Any]
Shape = tuple[int, int, int]

# So many pixels are sorted at a time, which fit a processor's cache; of so many images by a network.
_RUN = 16384
_NETWORK = 16
_MOST = np.iinfo(np.uint16).max


class Reduction(Protocol):
    """One block of pixels (band, y, x) made of those of several images, which come in any order."""

    @property
    def is_done(self) -> bool:
        """Whether no further image can change a pixel."""
        ...

    def feed(self, values: Array, valid: BoolArray) -> None:
        """Take an image's pixels; `valid` are those that count."""
        ...

    def result(self) -> tuple[Array, BoolArray]:
        """The pixels, 0 where no image is valid, and where that is; what was fed is used up."""
        ...


class Mean:
    """The arithmetic mean, in 64 bit floating point."""

    is_done = False

    def __init__(self, shape: Shape, _dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape."""
        self._sum = np.zeros(shape)
        self._count = np.zeros(shape, np.uint32)

    def feed(self, values: Array, valid: BoolArray) -> None:
        """Add valid pixels."""
        with np.errstate(all="ignore"):
            np.add(self._sum, values, out=self._sum, where=valid)
        self._count += valid

    def result(self) -> tuple[Array, BoolArray]:
        """The sums by their counts."""
        missing = self._count == 0
        with np.errstate(all="ignore"):
            np.divide(self._sum, self._count, out=self._sum, where=~missing)
        return self._sum, missing


class Median:
    """The median, of an even number of values the mean of the middle two, in 64 bit floating point."""

    is_done = False

    def __init__(self, shape: Shape, dtype: np.dtype[Any], images: int) -> None:
        """Take the block's shape, the pixels' type and how many images there are at most."""
        self._values = np.empty((images, *shape), dtype)
        self._count = np.zeros(shape, np.intp)
        self._fed = 0
        self._highest = _highest(dtype)

    def feed(self, values: Array, valid: BoolArray) -> None:
        """Keep an image's pixels; what does not count becomes the highest, which sorts behind the rest."""
        layer = self._values[self._fed]
        layer.fill(self._highest)
        np.copyto(layer, values, where=valid)
        self._count += valid
        self._fed += 1

    def result(self) -> tuple[Array, BoolArray]:
        """The middle of each pixel's values."""
        missing = self._count == 0
        if not self._fed:
            return np.zeros(missing.shape), missing
        median = np.empty(missing.size)
        values = self._values[: self._fed].reshape(self._fed, -1)
        for start in range(0, median.size, _RUN):
            run = slice(start, start + _RUN)
            ordered = _sorted(values[:, run])
            count = self._count.reshape(-1)[run]
            lower = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, 0)[0]
            upper = np.take_along_axis(ordered, np.minimum(count // 2, self._fed - 1)[None], 0)[0]
            with np.errstate(all="ignore"):
                median[run] = (lower.astype(np.float64) + upper) / 2
        median = median.reshape(missing.shape)
        median[missing] = 0
        return median, missing


class _Extreme:
    """The least or greatest value, in the pixels' own type."""

    def __init__(
        self, choose: np.ufunc, worst: float, best: float, shape: Shape, dtype: np.dtype[Any]
    ) -> None:
        self._choose = choose
        self._values = np.full(shape, worst, dtype)
        self._missing = np.ones(shape, bool)
        self._best = best

    @property
    def is_done(self) -> bool:
        """Whether every pixel has the utmost of its type."""
        return bool((self._values == self._best).all())

    def feed(self, values: Array, valid: BoolArray) -> None:
        """Compare valid pixels with what there is."""
        self._choose(self._values, values, out=self._values, where=valid)
        self._missing &= ~valid

    def result(self) -> tuple[Array, BoolArray]:
        """The utmost of each pixel."""
        self._values[self._missing] = 0
        return self._values, self._missing


class Min(_Extreme):
    """The least value, in the pixels' own type."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        super().__init__(np.minimum, _highest(dtype), _lowest(dtype), shape, dtype)


class Max(_Extreme):
    """The greatest value, in the pixels' own type."""

    def __init__(self, shape: Shape, dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape and the pixels' type."""
        super().__init__(np.maximum, _lowest(dtype), _highest(dtype), shape, dtype)


class Count:
    """How many images are valid, at most 65535, in 16 bit."""

    is_done = False

    def __init__(self, shape: Shape, _dtype: np.dtype[Any], _images: int) -> None:
        """Take the block's shape."""
        self._count = np.zeros(shape, np.uint32)

    def feed(self, _values: Array, valid: BoolArray) -> None:
        """Count valid pixels."""
        self._count += valid

    def result(self) -> tuple[Array, BoolArray]:
        """The counts."""
        return np.minimum(self._count, _MOST).astype(np.uint16), self._count == 0


REDUCTIONS: Mapping[str, Callable[[Shape, np.dtype[Any], int], Reduction]] = MappingProxyType(
    {"mean": Mean, "median": Median, "min": Min, "max": Max, "count": Count}
)


def worked_type(method: str, data_type: str) -> str:
    """The data type that a method computes pixels of a data type in."""
    if method == "count":
        return "UInt16"
    return "Float64" if method in ("mean", "median") else data_type


def pixel_bytes(method: str, dtype: np.dtype[Any], images: int) -> int:
    """How much memory a method needs for each pixel and band, with what it takes to read an image."""
    # The image's values and validity; sums, counts and the result, of which the largest are 64 bit.
    working = dtype.itemsize + 3 + 4 * 8
    return working + (images * dtype.itemsize if method == "median" else 0)


def _sorted(values: Array) -> Array:
    """Values (image, pixel) in order along the images; they are used up."""
    if len(values) > _NETWORK:
        # NumPy sorts what lies together several times faster.
        return np.sort(np.ascontiguousarray(values.T)).T
    # A few images are compared pairwise, all pixels at once.
    spare = np.empty_like(values[0])
    for low, high in _network(len(values)):
        np.minimum(values[low], values[high], out=spare)
        np.maximum(values[low], values[high], out=values[high])
        values[low] = spare
    return values


@cache
def _network(size: int) -> tuple[tuple[int, int], ...]:
    """The comparisons by which Batcher's odd-even merge sort puts so many values in order."""
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
