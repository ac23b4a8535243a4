"""Collections of images, rastered together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self, TypeVar

from landbridge.catalog.exchange.collection_items import CollectionItems
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.default_geocontext import DefaultGeoContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    import typing_extensions

    from landbridge.catalog.enums import ResampleAlgorithm
    from landbridge.catalog.image_copies import CopyResults
    from landbridge.catalog.type_hints.classes import Image, Product
    from landbridge.catalog.type_hints.values import GeometryLike
    from landbridge.geo import GeoContext

    # For type checkers, `ImageCollection` without an argument has images of the class Image.
    T = typing_extensions.TypeVar("T", bound=ImageMetadata, default=Image)
else:
    T = TypeVar("T", bound=ImageMetadata)

__all__ = ["ImageCollection"]


class ImageCollection(CollectionItems[T]):
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

    def __init__(self, iterable: Iterable[T] | None = None, geocontext: GeometryLike | None = None) -> None:
        super().__init__(iterable)
        self._context = DefaultGeoContext(list(self._list), geocontext)

    @property
    def geocontext(self) -> GeoContext | None:
        """Default area and grid of the collection's rasters; None if none was given or searched."""
        return self._context.get()

    def filter_coverage(self, geom: GeometryLike, minimum_coverage: float = 1) -> Self:
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

    def copy_to(
        self,
        product: Product | str,
        bands: str | list[str] | tuple[str, ...] | None = None,
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        resampler: ResampleAlgorithm | str = "near",
        *,
        overwrite: bool = False,
        progress: bool | None = None,
        max_workers: int | None = None,
    ) -> CopyResults:
        """Copy pixels and attributes of each image into an image of the same name in a product of your own.

        The stored values are kept as by `Image.copy_to`. Several images are copied at a time. The call can be
        interrupted and repeated: copies that are complete are skipped, and the others are made.

        Parameters
        ----------
        product : Product or str
            Saved product that gets the copies, or its id. If it has no bands, it gets copies of the bands of
            the first image.
        bands : str, list of str or tuple of str, optional
            Names of the bands. By default all bands of `product`, or all of the first image if it has none.
        geocontext : GeoContext, optional
            Area and grid of all copies. By default each copy has its image's own grid, whole; the
            collection's geocontext is not used.
        crs : str, optional
            Coordinate reference system of the copies, in place of the geocontext's.
        resolution : float, optional
            Side of a pixel in units of the crs, in place of the geocontext's.
        resampler : ResampleAlgorithm or str, default "near"
            Resampling algorithm for pixels that do not lie on the grid of the copy.
        overwrite : bool, default False
            Replace complete copies.
        progress : bool, optional
            Show a progress bar. By default a bar is shown on a terminal.
        max_workers : int, optional
            Number of images that are copied at the same time; 4 by default.

        Returns
        -------
        CopyResults
            A result for each image, in their order. `copied`, `skipped` and `failed` select; each failed
            result has its `error`.

        Raises
        ------
        ValueError
            If the collection is empty or has two images of the same name, or if `product` does not exist or
            lacks a band.

        Examples
        --------
        >>> mine = Product(id="docs-copies", name="Copies")
        >>> mine.save()
        >>> images.copy_to(mine, "red nir", progress=False)
        3 copied, 0 skipped, 0 failed
        >>> images.copy_to(mine, "red nir", progress=False)
        0 copied, 3 skipped, 0 failed
        >>> status = mine.delete_related_objects()
        >>> status.wait_for_completion()
        >>> mine.delete()

        See Also
        --------
        Image.copy_to : Copy one image.
        """
        from landbridge.catalog.image_copies import Grid, copy_images

        self._check_not_empty()
        twice = [name for name, number in Counter(image.name for image in self).items() if number > 1]
        if twice:
            raise ValueError(
                f"The collection has several images of the name {twice[0]!r}: copy them to several products."
            )
        return copy_images(
            self._list,
            product,
            bands,
            Grid(geocontext, crs, resolution, str(resampler)),
            overwrite=overwrite,
            progress=progress,
            max_workers=max_workers,
        )

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
