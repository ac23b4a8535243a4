"""Windows (y, x) of arrays."""

import numpy as np

from landbridge.raster.grids.geobox import BoolArray

Window = tuple[slice, slice]


def any_along(flags: BoolArray, axis: int) -> BoolArray:
    """Return whether anything is true along an axis."""
    result: BoolArray = np.any(flags, axis=axis)
    return result


def extent_along(flags: BoolArray) -> slice | None:
    """Return the smallest slice that holds all that is true."""
    where = np.flatnonzero(flags)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else None


def extent(flags: BoolArray) -> Window | None:
    """Return the smallest window that holds all of (y, x) that is true; None if nothing is."""
    y = extent_along(any_along(flags, 1))
    if y is None:
        return None
    x = extent_along(any_along(flags[y], 0))
    assert x is not None
    return (y, x)


def within(outer: Window, inner: Window) -> Window:
    """Return a window that is given relative to another one, in the frame of that one."""
    y, x = (slice(a.start + b.start, a.start + b.stop) for a, b in zip(outer, inner, strict=True))
    return (y, x)


def shape_of(window: Window) -> tuple[int, int]:
    """Return (rows, columns) of a window."""
    y, x = window
    return (y.stop - y.start, x.stop - x.start)
