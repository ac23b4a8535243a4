"""Physical values of stored pixels: value * scale + offset, by the numbers of each image or its product."""

import math

from landbridge.raster.model import Band

Scaling = tuple[float, float]
"""Scale and offset."""

IDENTITY: Scaling = (1.0, 0.0)


def declared_scaling(band: Band) -> Scaling | None:
    """Return the scale and offset that a product declares for a band by its ranges; None if it does not."""
    if band.data_range is None or band.physical_range is None:
        return None
    (low, high), (first, last) = band.data_range, band.physical_range
    if high == low:
        return None
    scale = (last - first) / (high - low)
    return scale, first - low * scale


def agrees(first: Scaling, second: Scaling) -> bool:
    """Return whether two scalings give the same physical values, up to rounding of floats."""
    return math.isclose(first[0], second[0], rel_tol=1e-9) and math.isclose(
        first[1], second[1], rel_tol=1e-9, abs_tol=1e-9 * abs(first[0])
    )
