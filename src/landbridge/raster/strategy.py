"""Strategies of laying images over each other: fed one image after the other, they say when they are done."""

from typing import Any, Protocol

import numpy as np

from landbridge.raster.grid import BoolArray
from landbridge.raster.sample import Window, any_along

Array = np.ndarray[Any, Any]


class WiderTypeError(Exception):
    """A file holds values that the mosaic's type does not."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        """Take the file's type."""
        super().__init__(str(dtype))
        self.dtype = dtype


class Strategy(Protocol):
    """A way to make one block of pixels (band, y, x) out of images that come newest first."""

    @property
    def is_done(self) -> bool:
        """Whether no further image can change a pixel."""
        ...

    def window(self, bands: list[int]) -> Window | None:
        """The smallest part of the block where some of these bands can still change; None if they cannot."""
        ...

    def feed(
        self, window: Window, bands: list[int], values: Array, valid: BoolArray, shown: BoolArray
    ) -> None:
        """Take pixels (band, y, x) of an image for a part of the block.

        `valid` tells which of them count by their band, `shown` (y, x) where the image has anything to show.
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
        self._done = not missing.any()

    @property
    def is_done(self) -> bool:
        """Whether every wanted pixel of every band is filled."""
        return self._done

    def window(self, bands: list[int]) -> Window | None:
        """The bounding box of what is missing in these bands."""
        missing = self._missing[bands[0]] if len(bands) == 1 else any_along(self._missing[bands], 0)
        rows = np.flatnonzero(any_along(missing, 1))
        if not rows.size:
            return None
        columns = np.flatnonzero(any_along(missing[rows[0] : rows[-1] + 1], 0))
        return (
            slice(int(rows[0]), int(rows[-1]) + 1),
            slice(int(columns[0]), int(columns[-1]) + 1),
        )

    def feed(
        self, window: Window, bands: list[int], values: Array, valid: BoolArray, shown: BoolArray
    ) -> None:
        """Put valid pixels where a band still misses them."""
        for band, new, good in zip(bands, values, valid, strict=True):
            missing = self._missing[(band, *window)]
            take = missing & good & shown
            target = self._values[(band, *window)]
            np.copyto(target, new, where=take, casting="same_kind")
            missing &= ~take
            if self._raw is not None:
                raw = self._raw[(band, *window)]
                np.copyto(target, new, where=raw & shown & missing, casting="same_kind")
                raw &= ~shown
        self._done = not self._missing.any()

    def finish(self) -> None:
        """Say of the pixels that were not wanted that they are missing."""
        if self._outside is not None:
            self._missing[:, self._outside] = True
