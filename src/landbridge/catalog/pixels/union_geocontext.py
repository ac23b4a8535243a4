"""Area of a collection that has no geocontext: the union of its images at their finest resolution."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from typing import TYPE_CHECKING

from landbridge.catalog.pixels.default_geocontext import completed
from landbridge.catalog.pixels.file_grids import file_system
from landbridge.utils.user_frame import levels_to_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.geo import AOI

__all__ = ["union_geocontext"]

# Pixels of a default area: 512 MB of a band of 16 bits. A larger area must be asked for.
_MOST_PIXELS = 2**28
_HALF_TURN, _FULL_TURN = 180, 360

Bounds = tuple[float, float, float, float]


def union_geocontext(
    images: Sequence[ImageMetadata], crs: str | None = None, resolution: float | None = None
) -> AOI:
    """Return the area that all images together cover, and warn with its numbers.

    Parameters
    ----------
    images
        Images, at least one.
    crs
        Coordinate reference system of the area; by default the most common one of the images.
    resolution
        Side of a pixel in units of the crs; by default the finest one of the products' bands.

    Raises
    ------
    ValueError
        If an image states no place or no reference system, or if the area is too large to be a default.
    """
    from landbridge.geo import AOI

    codes = [image.cs_code or image.projection for image in images]
    if not any(codes):
        codes[0] = file_system(images[0])
    system = crs or Counter(filter(None, codes)).most_common(1)[0][0] if any((crs, *codes)) else None
    if system is None:
        raise ValueError(f"Image {images[0].id} states no reference system. Give a geocontext, or a crs.")
    bounds = _union([_bounds_in(image, system) for image in images], system)
    area: AOI = completed(AOI(bounds=bounds, bounds_crs=system, crs=system, resolution=resolution), images)
    if area.resolution is None:
        raise ValueError(f"The bands of {images[0].product_id} have no resolution. Give a resolution.")
    rows, columns = area.geobox.shape
    count = f"{len(images):,} image{'' if len(images) == 1 else 's'}"
    numbers = f"{rows:,} by {columns:,} pixels of {area.resolution:g} in {system}"
    if rows * columns > _MOST_PIXELS:
        coarser = area.resolution * math.sqrt(rows * columns / _MOST_PIXELS)
        raise ValueError(
            f"The {count} together cover {numbers}, which is too many for a default. Give a geocontext, such "
            f"as AOI(geometry), or a coarser resolution, from {coarser:.3g}."
        )
    warnings.warn(
        f"No geocontext was given, so the area is that of the {count}: {numbers}. Give a geocontext to "
        "choose another, or search by intersects().",
        stacklevel=levels_to_user(),
    )
    return area


def _bounds_in(image: ImageMetadata, system: str) -> Bounds:
    """Return the bounds of an image in a reference system: those of its pixels if it is their own."""
    from landbridge.geo.grids.geobox import bounds_of

    own = image.geocontext if image.geotrans is not None else None
    if own is not None and own.crs == system and own.bounds is not None and own.bounds_crs == system:
        west, south, east, north = own.bounds
        return (west, south, east, north)
    if image.geometry is None or image.geometry.is_empty:
        raise ValueError(f"Image {image.id} has no geometry. Give a geocontext.")
    from landbridge.geo import AOI

    found = bounds_of(AOI(geometry=image.geometry, crs=system))
    if not all(math.isfinite(each) for each in found):
        raise ValueError(f"Image {image.id} has no place in {system}. Give a geocontext or another crs.")
    west, south, east, north = found
    return (west, south, east, north)


def _union(found: Sequence[Bounds], system: str) -> Bounds:
    """Return the bounds of all; of longitudes those that go across the antimeridian if they are narrower."""
    from landbridge.geo.crs import is_geographic

    whole = _enclosing(found)
    if not is_geographic(system) or whole[2] - whole[0] <= _HALF_TURN:
        return whole
    moved = [
        (west + _FULL_TURN, south, east + _FULL_TURN, north) if east <= 0 else (west, south, east, north)
        for west, south, east, north in found
    ]
    across = _enclosing(moved)
    return min(whole, across, key=lambda bounds: bounds[2] - bounds[0])


def _enclosing(found: Sequence[Bounds]) -> Bounds:
    wests, souths, easts, norths = zip(*found, strict=True)
    return (min(wests), min(souths), max(easts), max(norths))
