"""Choice of the view of an object by its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.notebook import images, objects, products, searches

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["view"]

# By the names of classes, since the classes import this module: the first class of an object's MRO counts.
_VIEWS: dict[str, Callable[[Any], str]] = {
    "Product": products.product_view,
    "ProductCollection": products.products_view,
    "Band": products.band_view,
    "BandCollection": products.bands_view,
    "ImageMetadata": images.image_view,
    "ImageCollection": images.images_view,
    "BlobMetadata": objects.blob_view,
    "BlobCollection": objects.blobs_view,
    "ImageUpload": objects.upload_view,
    "StoredObject": objects.object_view,
    "Collection": objects.collection_view,
    "Search": searches.search_view,
    "SummaryList": searches.summaries_view,
    "_SummaryResult": searches.summary_view,
}


def view(obj: Any) -> str:
    """Return the HTML of an object; TypeError if its class has no view."""
    for cls in type(obj).__mro__:
        if cls.__name__ in _VIEWS:
            return _VIEWS[cls.__name__](obj)
    raise TypeError(f"{type(obj).__name__} has no view.")
