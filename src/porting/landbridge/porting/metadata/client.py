"""Client of the Metadata service over the Catalog."""

from __future__ import annotations

from typing import Any

from landbridge.catalog import properties
from landbridge.porting.metadata.image_methods import ImageMethods
from landbridge.porting.metadata.product_methods import ProductMethods

__all__ = ["Metadata"]


class Metadata(ImageMethods, ProductMethods):
    """Client of the Metadata service: searches for images, bands and products as dicts.

    Parameters
    ----------
    url, auth, retries : optional
        Settings of the service, which no longer exists. They are accepted so that old scripts run; the
        Catalog is configured by `LANDBRIDGE_URL` and `landbridge auth`.

    Examples
    --------
    >>> from landbridge.porting.metadata import Metadata
    >>> metadata = Metadata()
    >>> found = metadata.search(products="local:docs-fields", cloud_fraction=0.3)
    >>> [feature["properties"]["acquired"][:10] for feature in found["features"]]
    ['2024-01-15', '2024-07-15']
    """

    properties = properties

    def __init__(self, url: Any = None, auth: Any = None, retries: Any = None) -> None:
        del url, auth, retries
