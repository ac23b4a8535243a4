"""Collections of images, rastered together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self, TypeVar

from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.collection_index import CollectionIndex
from landbridge.catalog.pixels.default_geocontext import DefaultGeoContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    import typing_extensions

    from landbridge.geo import GeoContext

__all__ = ["ImageCollection"]

if TYPE_CHECKING:
    # For type checkers, `ImageCollection` without an argument has images of any class.
    T = typing_extensions.TypeVar("T", bound=ImageMetadata, default=Any)
else:
    T = TypeVar("T", bound=ImageMetadata)


class ImageCollection(CollectionIndex[T]):
    """List of images that can be read as one raster.

    Parameters
    ----------
    iterable : iterable of Image, optional
        Images.
    geocontext : GeoContext, shapely geometry or dict, optional
        Default area of the collection's rasters. If an AOI or geometry lacks a coordinate reference system,
        it gets the most common one of the images. If it lacks both resolution and shape, it gets the finest
        resolution of the products' bands and the images' grid.

    Raises
    ------
    ValueError
        If an item is not an image.

    Examples
    --------
    >>> search = product.images().intersects(area).sort("acquired")
    >>> images = search.collect()
    >>> images
    ImageCollection of 3 images
      * Dates: Jan 15, 2024 to Jul 15, 2024
      * Products: local:docs-fields: 3
    >>> images.mosaic("red green blue").shape
    (3, 20, 30)
    """

    def __init__(self, iterable: Iterable[T] | None = None, geocontext: Any = None) -> None:
        super().__init__(iterable)
        self._context = DefaultGeoContext(list(self._list), geocontext)

    @property
    def geocontext(self) -> GeoContext | None:
        """Default area and grid of the collection's rasters; None if none was given or searched."""
        return self._context.get()

    def filter_coverage(self, geom: Any, minimum_coverage: float = 1) -> Self:
        """Return the images whose footprint covers enough of a geometry.

        Parameters
        ----------
        geom : dict, shapely geometry or GeoContext
            Geometry in longitude and latitude, also as GeoJSON or with `__geo_interface__`.
        minimum_coverage : float, default 1
            Fraction of the geometry that an image must cover, from 0 to 1.

        Returns
        -------
        ImageCollection
            Images in their order, with the same geocontext.

        Raises
        ------
        TypeError, ValueError
            If `geom` is not a geometry.

        Examples
        --------
        >>> len(images.filter_coverage(area, minimum_coverage=0.9))
        2

        See Also
        --------
        Image.coverage : Covered fraction of one image.
        """
        return self.filter(lambda image: image.coverage(geom) >= minimum_coverage)

    def __repr__(self) -> str:
        count = len(self)
        lines = [f"ImageCollection of {count} image{'' if count == 1 else 's'}"]
        dates = [image.acquired for image in self if image.acquired is not None]
        if dates:
            lines.append(f"  * Dates: {min(dates):%b %d, %Y} to {max(dates):%b %d, %Y}")
        if count:
            products = Counter(image.product_id for image in self)
            lines.append(
                "  * Products: " + ", ".join(f"{name}: {number}" for name, number in products.items())
            )
        return "\n".join(lines)
