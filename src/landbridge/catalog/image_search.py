"""Searches for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.enums import AggregateDateField
from landbridge.catalog.image_collection import ImageCollection
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.search.search import GeoSearch, SummarySearchMixin
from landbridge.catalog.search.summaries import ImageSummaryResult

if TYPE_CHECKING:
    import typing_extensions

__all__ = ["ImageSearch"]

if TYPE_CHECKING:
    # For type checkers, `ImageSearch` without an argument has images of any class.
    T = typing_extensions.TypeVar("T", bound=ImageMetadata, default=Any)
else:
    T = TypeVar("T", bound=ImageMetadata)


class ImageSearch(SummarySearchMixin[T], GeoSearch[T]):
    """A search for images; it must be filtered by product_id."""

    DEFAULT_AGGREGATE_DATE_FIELD = AggregateDateField.ACQUIRED
    SummaryResult = ImageSummaryResult

    def collect(self, geocontext: Any = None, **kwargs: Any) -> ImageCollection[T]:
        """All images, with the area they were searched in as the default geocontext of their rasters."""
        if geocontext is None:
            geocontext = self._intersects
        return ImageCollection(self, geocontext=geocontext, **kwargs)
