"""Mosaic of a block in which the newest valid pixel wins."""

from collections.abc import Sequence

import numpy as np

from landbridge.kernels import MISSING, VALID, Canvas
from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.compositor import any_visible


class LastValid:
    """Mosaic that keeps the newest valid value of each pixel and band; images are added newest first.

    It writes all of `values` and `missing`, both (band, y, x). With `show_invalid`, a pixel that is valid in
    no image takes the value of the newest visible image. Pixels without any image take `fill_values` (band;
    None: zeros).
    """

    def __init__(
        self,
        values: Array,
        missing: BoolArray,
        *,
        fill_values: Array | None = None,
        excluded: BoolArray | None = None,
        show_invalid: bool = False,
    ) -> None:
        """Wrap the arrays of a block; `excluded` marks pixels (y, x) that are not requested."""
        self.show_invalid = show_invalid
        self._values = values
        self._state = missing.view(np.uint8)
        self._excluded = excluded
        if excluded is not None:
            values[:] = 0 if fill_values is None else fill_values[:, None, None]
            self._state[:] = ~excluded
        initialised = excluded is not None
        self.canvas: Canvas = Canvas(values, self._state, fill_values=fill_values, initialised=initialised)

    @property
    def is_done(self) -> bool:
        """True if every requested pixel of every band is valid."""
        return self.canvas.is_full

    def wanted(self, bands: Sequence[int]) -> BoolArray:
        """Return flags (y, x) of pixels that are not valid yet in one of these bands."""
        self.canvas.initialise()
        first, *others = bands
        wanted: BoolArray = self._state[first] != VALID
        for band in others:
            wanted |= self._state[band] != VALID
        return wanted

    def add_image(
        self, window: Window, bands: Sequence[int], values: Array, valid: BoolArray, visible: BoolArray | None
    ) -> None:
        """Write an image's pixels (band, y, x) of a window where a band is not valid yet.

        `valid` marks valid pixels per band, `visible` (y, x) the pixels that the image shows (None: all).
        """
        self.canvas.initialise()
        for band, new, good in zip(bands, values, valid, strict=True):
            state = self._state[(band, *window)]
            target = self._values[(band, *window)]
            replaceable = state != VALID
            if visible is not None:
                replaceable &= visible
            take = replaceable & good
            np.copyto(target, new, where=take, casting="same_kind")
            # Arithmetic on VALID, MISSING and INVALID is many times faster than boolean indexing.
            state *= ~take
            if self.show_invalid:
                take = replaceable & ~good & (state == MISSING)
                np.copyto(target, new, where=take, casting="same_kind")
                state += take
        y, x = window
        self.canvas.update_remaining(bands, (y.start, y.stop, x.start, x.stop))

    def finish(self) -> BoolArray | None:
        """Complete `missing` with excluded pixels; return flags of non-empty pixels if `show_invalid`."""
        self.canvas.initialise()
        visible_pixels = None
        if self.show_invalid:
            visible_pixels = any_visible(self._state)
            np.minimum(self._state, MISSING, out=self._state)
        if self._excluded is not None:
            self._state |= self._excluded
            if visible_pixels is not None:
                visible_pixels &= ~self._excluded
        return visible_pixels
