"""Windows (y, x) of arrays."""

import numpy as np

from landbridge.raster.array_types import BoolArray, Window


def any_along(flags: BoolArray, axis: int) -> BoolArray:
    """Return whether any flag is true along an axis."""
    result: BoolArray = np.any(flags, axis=axis)
    return result


def extent_along(flags: BoolArray) -> slice | None:
    """Return the smallest slice that holds all true flags; None if there are none."""
    indexes = np.flatnonzero(flags)
    return slice(int(indexes[0]), int(indexes[-1]) + 1) if indexes.size else None


def extent(flags: BoolArray) -> Window | None:
    """Return the smallest window that holds all true flags (y, x); None if there are none."""
    y = extent_along(any_along(flags, 1))
    if y is None:
        return None
    x = extent_along(any_along(flags[y], 0))
    assert x is not None
    return (y, x)


def within(outer: Window, inner: Window) -> Window:
    """Return `inner`, which counts from the corner of `outer`, in the coordinates of `outer`."""
    y, x = (slice(a.start + b.start, a.start + b.stop) for a, b in zip(outer, inner, strict=True))
    return (y, x)


def shape_of(window: Window) -> tuple[int, int]:
    """Return (rows, columns) of a window."""
    y, x = window
    return (y.stop - y.start, x.stop - x.start)
