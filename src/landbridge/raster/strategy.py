"""Strategies of laying images over each other: fed one image after the other, they say when they are done."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from landbridge.raster.grid import BoolArray
from landbridge.raster.sample import Window

Array = np.ndarray[Any, Any]


class WiderTypeError(Exception):
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

    It writes straight into `values` and `missing` (both (band, y, x); all is missing at first). With
    `keep_raw` a pixel that is valid in no image takes what the newest image that is shown there has.
    """

    def __init__(
        self, values: Array, missing: BoolArray, *, outside: BoolArray | None = None, keep_raw: bool = False
    ) -> None:
        """Take the block to fill and which of its pixels (y, x) are not wanted."""
        self._values = values
        self._missing = missing
        self._outside = outside
        self._raw = np.ones(missing.shape, bool) if keep_raw else None
        missing.fill(True)
        if outside is not None:
            missing[:, outside] = False
            if self._raw is not None:
                self._raw[:, outside] = False

    @property
    def is_done(self) -> bool:
        """Whether every wanted pixel of every band is filled."""
        return not self._missing.any()

    def wanted(self, bands: Sequence[int]) -> BoolArray:
        """Where one of these bands is missing."""
        first, *others = bands
        wanted: BoolArray = self._missing[first]
        if others:
            wanted = wanted | self._missing[others[0]]
        for band in others[1:]:
            wanted |= self._missing[band]
        return wanted

    def feed(
        self, window: Window, bands: Sequence[int], values: Array, valid: BoolArray, shown: BoolArray | None
    ) -> None:
        """Put valid pixels where a band still misses them."""
        for band, new, good in zip(bands, values, valid, strict=True):
            missing = self._missing[(band, *window)]
            target = self._values[(band, *window)]
            take = missing & good
            if shown is not None:
                take &= shown
            if take.all():
                np.copyto(target, new, casting="same_kind")
            else:
                np.copyto(target, new, where=take, casting="same_kind")
            # What is taken was missing.
            np.logical_xor(missing, take, out=missing)
            if self._raw is not None:
                raw = self._raw[(band, *window)]
                seen = raw if shown is None else raw & shown
                np.copyto(target, new, where=seen & missing, casting="same_kind")
                np.greater(raw, seen, out=raw)

    def finish(self) -> None:
        """Say of the pixels that were not wanted that they are missing."""
        if self._outside is not None:
            self._missing[:, self._outside] = True
