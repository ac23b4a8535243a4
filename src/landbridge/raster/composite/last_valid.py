"""Strategies of laying images over each other: fed one image after the other, they say when they are done."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from landbridge.errors import LandbridgeError
from landbridge.raster.composite.compositor import Canvas
from landbridge.raster.composite.compositor import shown as shown_in
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import Window
from landbridge.raster.kernels import MISSING, VALID

Array = np.ndarray[Any, Any]


class WiderTypeError(LandbridgeError):
    """A file holds values that the mosaic's type does not."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        """Take the file's type."""
        super().__init__(dtype)
        self.dtype = dtype


class Strategy(Protocol):
    """A way to make one block of pixels (band, y, x) out of images that come newest first."""

    @property
    def is_done(self) -> bool:
        """Whether no further image can change a pixel."""
        ...

    def wanted(self, bands: Sequence[int]) -> BoolArray:
        """Where in the block (y, x) one of these bands can still change."""
        ...

    def feed(
        self, window: Window, bands: Sequence[int], values: Array, valid: BoolArray, shown: BoolArray | None
    ) -> None:
        """Take pixels (band, y, x) of an image for a part of the block.

        `valid` tells which of them count by their band, `shown` (y, x) where the image has anything to show,
        None: everywhere.
        """
        ...


class LastValid:
    """Of each pixel and band the newest valid value stays.

    It writes straight into `values` and `missing`, both (band, y, x), all of them. With `keep_raw` a pixel
    that is valid in no image takes what the newest image that is shown there has, and otherwise the `ground`
    (band; None: zeros).
    """

    def __init__(
        self,
        values: Array,
        missing: BoolArray,
        *,
        ground: Array | None = None,
        outside: BoolArray | None = None,
        keep_raw: bool = False,
    ) -> None:
        """Take the block to fill and which of its pixels (y, x) are not wanted."""
        self.keep_raw = keep_raw
        self._values = values
        self._state = missing.view(np.uint8)
        self._outside = outside
        if outside is not None:
            values[:] = 0 if ground is None else ground[:, None, None]
            self._state[:] = ~outside
        self.canvas = Canvas(values, self._state, ground=ground, begun=outside is not None)

    @property
    def is_done(self) -> bool:
        """Whether every wanted pixel of every band is filled."""
        return self.canvas.is_full

    def wanted(self, bands: Sequence[int]) -> BoolArray:
        """Where one of these bands is missing."""
        self.canvas.begin()
        first, *others = bands
        wanted: BoolArray = self._state[first] != VALID
        for band in others:
            wanted |= self._state[band] != VALID
        return wanted

    def feed(
        self, window: Window, bands: Sequence[int], values: Array, valid: BoolArray, shown: BoolArray | None
    ) -> None:
        """Put valid pixels where a band still misses them."""
        self.canvas.begin()
        for band, new, good in zip(bands, values, valid, strict=True):
            state = self._state[(band, *window)]
            target = self._values[(band, *window)]
            free = state != VALID
            if shown is not None:
                free &= shown
            take = free & good
            np.copyto(target, new, where=take, casting="same_kind")
            # By arithmetic on VALID, MISSING and RAW: picking pixels by a mask takes many times as long.
            state *= ~take
            if self.keep_raw:
                take = free & ~good & (state == MISSING)
                np.copyto(target, new, where=take, casting="same_kind")
                state += take
        y, x = window
        self.canvas.recount(bands, (y.start, y.stop, x.start, x.stop))

    def finish(self) -> BoolArray | None:
        """Make `missing` say what is missing, pixels that were not wanted too; where (y, x) anything is
        shown.

        The latter only with `keep_raw`.
        """
        self.canvas.begin()
        seen = None
        if self.keep_raw:
            seen = shown_in(self._state)
            np.minimum(self._state, MISSING, out=self._state)
        if self._outside is not None:
            self._state |= self._outside
            if seen is not None:
                seen &= ~self._outside
        return seen
