"""Searches for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from landbridge.catalog.enums import AggregateDateField
from landbridge.catalog.exchange.search_items import SearchItems
from landbridge.catalog.image_collection import ImageCollection
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.search.summaries import ImageSummaryResult
from landbridge.catalog.search.summary_search import SummarySearchMixin

if TYPE_CHECKING:
    import typing_extensions

    from landbridge.catalog.type_hints.classes import Image
    from landbridge.catalog.type_hints.values import GeometryLike

    # For type checkers, `ImageSearch` without an argument finds images of the class Image.
    T_co = typing_extensions.TypeVar("T_co", bound=ImageMetadata, covariant=True, default=Image)
else:
    T_co = TypeVar("T_co", bound=ImageMetadata, covariant=True)

__all__ = ["ImageSearch"]


class ImageSearch(SummarySearchMixin[T_co, ImageSummaryResult], SearchItems[T_co]):
    """Search for images, which must be filtered by `product_id`.

    Parameters
    ----------
    model : type
        Class of the objects.
    client : CatalogClient, optional
        Client to use. By default the default client.
    url : str, optional
        Address of the API, if there is no `client`.
    includes : bool, default True
        Include the events of uploads.
    request_params : dict, optional
        Further query parameters of the requests.
    headers : dict, optional
        Further HTTP headers of the requests.

    Examples
    --------
    >>> search = Image.search().filter(p.product_id == "local:docs-fields")
    >>> search.filter(p.cloud_fraction < 0.3).intersects(area).count()
    2
    """

    DEFAULT_AGGREGATE_DATE_FIELD: ClassVar[AggregateDateField | None] = AggregateDateField.ACQUIRED
    SummaryResult: ClassVar[type[ImageSummaryResult]] = ImageSummaryResult

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> T_co: ...
        @overload
        def __getitem__(self, index: slice) -> ImageCollection[T_co]: ...
        def __getitem__(self, index: int | slice) -> Any: ...

    def collect(self, geocontext: GeometryLike | None = None, **kwargs: Any) -> ImageCollection[T_co]:
        """Return all matching images in a collection.

        Parameters
        ----------
        geocontext : GeoContext, shapely geometry or dict, optional
            Default area of the collection's rasters. By default the geometry of `intersects`.
        **kwargs
            Further arguments of ImageCollection.

        Returns
        -------
        ImageCollection
            Images in the order of the search.

        Raises
        ------
        AttributeError
            If the filter names an attribute that images do not have.
        ValueError
            If the search is not filtered by `product_id`.

        Examples
        --------
        >>> found = search.intersects(area).collect()
        >>> found.geocontext.resolution, found.geocontext.crs
        (30.0, 'EPSG:32612')
        """
        if geocontext is None:
            geocontext = self._intersects
        return ImageCollection(self, geocontext=geocontext, **kwargs)
