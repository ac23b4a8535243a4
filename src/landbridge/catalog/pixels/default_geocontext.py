"""The default GeoContext of a collection of images: the area of their search on the grid of their pixels."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.catalog.pixels.file_grids import file_system
from landbridge.geo.units import METERS_PER_DEGREE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.geo import AOI, GeoContext

__all__ = ["DefaultGeoContext", "completed"]

# Tolerances: of grid lines, in pixels; of a resolution, relative to a multiple or fraction of the pixel size.
_LINE_TOLERANCE = 1e-3
_SIZE_TOLERANCE = 1e-2
# Maximum number of different grids that are counted.
_MAX_GRIDS = 16


class DefaultGeoContext:
    """The default GeoContext of a collection and its slices, completed from the images on first access."""

    def __init__(self, images: list[ImageMetadata], area: Any) -> None:
        self._images = images
        self._area = area
        self._complete = False

    def get(self) -> GeoContext | None:
        """Return the GeoContext; None if no area was given."""
        if not self._complete:
            self._area = completed(self._area, self._images)
            self._complete, self._images = True, []
        return self._area  # type: ignore[no-any-return] # a GeoContext once it is complete


@dataclass(frozen=True, slots=True)
class _PixelGrid:
    """The size of an image's pixels and a corner of one of them, in the image's own reference system."""

    size: float
    corner: tuple[float, float]


def completed(area: Any, images: Sequence[ImageMetadata]) -> Any:
    """Return an area as a GeoContext; the missing parts of an AOI are taken from the images."""
    from landbridge.geo import AOI, GeoContext

    if area is None:
        return None
    if not isinstance(area, GeoContext):
        area = AOI(geometry=area)
    if not isinstance(area, AOI) or not images:
        return area
    given = (area.crs, area.resolution)
    codes = [image.cs_code or image.projection for image in images]
    if area.crs is None and not any(codes):
        # No document states a reference system, but the files do.
        codes[0] = file_system(images[0])
    if area.crs is None and (known := Counter(filter(None, codes))):
        area = area.assign(crs=known.most_common(1)[0][0])
    if area.shape is not None:
        return area
    grids = [_pixel_grid(image) for image, code in zip(images, codes, strict=True) if code == area.crs]
    resolutions = _resolutions(images)
    changes: dict[str, Any] = {}
    resolution = area.resolution
    if resolution is None and resolutions:
        changes["resolution"] = resolution = _exact_resolution(_finest(resolutions, area.crs), grids)
    if resolution is not None and area.crs is not None and None in given and area._align_pixels is not False:
        changes["grid_origin"] = _origin(area, resolution, grids, len(images), set(resolutions))
    # In one step, since an area smaller than a pixel is valid only with both.
    return area.assign(**changes) if changes else area


def _pixel_grid(image: ImageMetadata) -> _PixelGrid | None:
    """Return the pixel grid of an image; None if it is unknown, rotated or not square."""
    if image.geotrans is None:
        return None
    x, width, row_rotation, y, column_rotation, height = image.geotrans
    square = math.isclose(abs(width), abs(height), rel_tol=1e-9)
    return _PixelGrid(abs(width), (x, y)) if square and not (row_rotation or column_rotation) else None


def _resolutions(images: Sequence[ImageMetadata]) -> list[tuple[float, str]]:
    """Return the resolutions of all bands of the images' products, with their units."""
    from landbridge.catalog.pixels.engine_inputs import bands_of

    products = {(id(image._client), image.product_id): image for image in images}
    return [
        (float(resolution["value"]), str(resolution["unit"]))
        for image in products.values()
        for record in bands_of(image._client, image.product_id)
        if (resolution := record.attributes.get("resolution"))
    ]


def _finest(resolutions: Sequence[tuple[float, str]], crs: str | None) -> float:
    """Return the finest resolution, in the unit of a reference system, or else in the most common unit."""
    from landbridge.geo.crs import is_geographic

    unit = Counter(unit for _, unit in resolutions).most_common(1)[0][0]
    if crs is not None and is_geographic(crs):
        unit = "degrees"
    factors = {"meters": 1.0, "degrees": METERS_PER_DEGREE}
    return min(value * factors[kind] / factors[unit] for value, kind in resolutions)


def _exact_resolution(resolution: float, grids: Sequence[_PixelGrid | None]) -> float:
    """Return the exact pixel size, or its multiple or fraction, if the resolution is a rounded form of it."""
    known = Counter(grid.size for grid in grids if grid is not None)
    if not known:
        return resolution
    size = known.most_common(1)[0][0]
    divisor, factor = max(1, round(size / resolution)), max(1, round(resolution / size))
    exact = size * factor / divisor
    return exact if math.isclose(exact, resolution, rel_tol=_SIZE_TOLERANCE) else resolution


def _origin(
    area: AOI, resolution: float, grids: Sequence[_PixelGrid | None], images: int, resolutions: set[Any]
) -> tuple[float, float] | None:
    """Return a corner of the area's grid; None for the grid through (0, 0).

    It is a corner of the images' pixels, or of the most common grid if the images have different grids. An
    area that is smaller than a pixel then lies in the middle of one, so that every image gives the pixel at
    the area's middle.
    """
    known = [grid for grid in grids if grid is not None]
    corner, count = _most_common_corner([grid.corner for grid in known], resolution)
    shared = (
        count == images
        and len(resolutions) <= 1
        and all(_is_multiple(grid.size / resolution) for grid in known)
    )
    middle = _middle(area, resolution)
    if middle is not None and not shared:
        return middle
    if corner is None:
        return None
    corner = _shifted_by_turns(corner, area)
    # None for the grid through (0, 0), except that an area smaller than a pixel needs its grid to be set.
    return None if middle is None and _on_same_grid(corner, (0.0, 0.0), resolution) else corner


def _most_common_corner(
    corners: Sequence[tuple[float, float]], resolution: float
) -> tuple[tuple[float, float] | None, int]:
    """Return the first corner on the most common grid, and the number of corners on that grid."""
    counts: dict[tuple[float, float], int] = {}
    for corner in corners:
        first = next((known for known in counts if _on_same_grid(corner, known, resolution)), None)
        if first is None and len(counts) < _MAX_GRIDS:
            first = corner
        if first is not None:
            counts[first] = counts.get(first, 0) + 1
    return max(counts.items(), key=lambda item: item[1]) if counts else (None, 0)


def _on_same_grid(one: tuple[float, float], other: tuple[float, float], resolution: float) -> bool:
    steps = [(a - b) / resolution for a, b in zip(one, other, strict=True)]
    return all(abs(step - round(step)) < _LINE_TOLERANCE for step in steps)


def _is_multiple(ratio: float) -> bool:
    """Return whether a ratio of pixel sizes is a whole number."""
    return round(ratio) >= 1 and abs(ratio - round(ratio)) < _LINE_TOLERANCE


def _middle(area: AOI, resolution: float) -> tuple[float, float] | None:
    """Return the corner of the pixel around the middle of an area; None if the area is larger."""
    from landbridge.geo.grids.geobox import bounds_of

    if area.bounds is None or area.bounds_crs is None:
        return None
    left, bottom, right, top = bounds_of(area)
    if right - left > resolution or top - bottom > resolution:
        return None
    return ((left + right - resolution) / 2, (bottom + top - resolution) / 2)


def _shifted_by_turns(corner: tuple[float, float], area: AOI) -> tuple[float, float]:
    """Return a corner shifted by whole turns to the area's range of longitudes (such as 0 to 360)."""
    from landbridge.geo.grids.crs import parse_crs
    from landbridge.geo.grids.geobox import bounds_of
    from landbridge.geo.grids.longitudes import x_period

    if area.bounds is None or area.bounds_crs is None or area.crs is None:
        return corner
    turn = x_period(parse_crs(area.crs))
    if turn is None:
        return corner
    left, _, right, _ = bounds_of(area)
    return (corner[0] + turn * math.floor(((left + right) / 2 - corner[0]) / turn), corner[1])
