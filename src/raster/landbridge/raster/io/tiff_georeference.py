"""Georeference of a TIFF: its grid, if that follows from an EPSG code and an affine transform."""

import math

from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import parse_crs
from landbridge.raster.io.tiff_tags import Directory

__all__ = ["GEOREFERENCE_TAGS", "read_grid"]

_PIXEL_SCALE, _INTERGRAPH_MATRIX, _TIE_POINT, _TRANSFORMATION, _GEO_KEYS = 33550, 33920, 33922, 34264, 34735
GEOREFERENCE_TAGS = (_PIXEL_SCALE, _TIE_POINT, _TRANSFORMATION, _GEO_KEYS)
"""Tags whose values `read_grid` needs."""
# Keys of a georeference, by their numbers.
_MODEL_TYPE, _RASTER_TYPE = 1024, 1025
_GEOGRAPHIC, _ANGULAR_UNITS, _PROJECTED, _LINEAR_UNITS = 2048, 2054, 3072, 3076
_CITATIONS, _SEMI_MAJOR_AXIS, _INVERSE_FLATTENING = (1026, 2049, 3073), 2057, 2059
# Keys that may accompany an EPSG code; any other key modifies the reference system.
_CODE_KEYS = frozenset(
    {
        *(_MODEL_TYPE, _RASTER_TYPE, _GEOGRAPHIC, _ANGULAR_UNITS, _PROJECTED, _LINEAR_UNITS),
        *(*_CITATIONS, _SEMI_MAJOR_AXIS, _INVERSE_FLATTENING),
    }
)
_EPSG_CODES = range(1024, 32767)
_DEGREE, _METER = 9102, 9001


def read_grid(directory: Directory, size: tuple[int, int]) -> GeoBox | None:
    """Return the grid of a georeference with an EPSG code and an affine transform; None for any other."""
    keys = _geo_keys(directory)
    if keys is None or not keys.keys() <= _CODE_KEYS or _INTERGRAPH_MATRIX in directory:
        return None
    code = keys.get({1: _PROJECTED, 2: _GEOGRAPHIC}.get(keys.get(_MODEL_TYPE) or 0, 0))
    plain_units = keys.get(_ANGULAR_UNITS, _DEGREE) == _DEGREE and keys.get(_LINEAR_UNITS, _METER) == _METER
    if code not in _EPSG_CODES or not plain_units:
        return None
    transform = _transform(directory)
    if transform is None:
        return None
    if keys.get(_RASTER_TYPE) == 2:
        # The origin is the center of the first pixel.
        transform = transform @ Affine.translation(-0.5, -0.5)
    elif keys.get(_RASTER_TYPE) != 1:
        return None
    try:
        return GeoBox(size, transform, parse_crs(f"EPSG:{code}"))
    except ValueError:
        return None


def _geo_keys(directory: Directory) -> dict[int, int | None] | None:
    """Return the keys of a georeference; None for those that are no codes, or if there are no valid keys."""
    numbers = directory.integers(_GEO_KEYS).tolist()
    if len(numbers) < 4 or numbers[:2] != [1, 1] or len(numbers) < 4 + 4 * numbers[3]:
        return None
    keys: dict[int, int | None] = {}
    for start in range(4, 4 + 4 * numbers[3], 4):
        key, place, count, value = numbers[start : start + 4]
        if key in keys:
            return None
        keys[key] = value if place == 0 and count == 1 else None
    return keys


def _transform(directory: Directory) -> Affine | None:
    scale, tie, matrix = map(directory.doubles, (_PIXEL_SCALE, _TIE_POINT, _TRANSFORMATION))
    found: tuple[float, ...] | None = None
    if matrix is not None and scale is None and len(matrix) == 16:
        found = (matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7])
    elif (
        matrix is None
        and scale is not None
        and tie is not None
        and len(tie) == 6
        and len(scale) >= 2
        and scale[0]
        and scale[1]
        and not (tie[0] or tie[1])
    ):
        found = (scale[0], 0.0, tie[3], 0.0, -abs(scale[1]), tie[4])
    return None if found is None or not all(map(math.isfinite, found)) else Affine(*found)
