"""The old Catalog client over the Catalog."""

from __future__ import annotations

from typing import Any

from landbridge.catalog import Product
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.catalog_client.band_methods import BandMethods
from landbridge.porting.catalog_client.image_methods import ImageMethods
from landbridge.porting.catalog_client.product_methods import ProductMethods
from landbridge.porting.catalog_client.upload_methods import UploadMethods

__all__ = ["Catalog"]


class Catalog(ProductMethods, BandMethods, ImageMethods, UploadMethods):
    """The old Catalog client: makes products, bands and images from keywords, and returns dicts.

    Parameters
    ----------
    url, auth, metadata, retries : optional
        Settings of the service, which no longer exists. They are accepted so that old scripts run; the
        Catalog is configured by `LANDBRIDGE_URL` and `landbridge auth`.

    Examples
    --------
    >>> from landbridge.porting.catalog_client import Catalog
    >>> catalog = Catalog()
    >>> product = catalog.add_product("docs-yields", title="Yields", description="Yields of fields")
    >>> product["data"]["id"], product["data"]["attributes"]["title"]
    ('local:docs-yields', 'Yields')
    >>> band = catalog.add_band(
    ...     "docs-yields", "yield", srcband=1, dtype="Float32", data_range=(0, 10), type="other"
    ... )
    >>> band["data"]["attributes"]["srcband"]
    1
    >>> removed = catalog.remove_product("docs-yields", cascade=True)
    """

    def __init__(self, url: Any = None, auth: Any = None, metadata: Any = None, retries: Any = None) -> None:
        del url, auth, metadata, retries

    @old_method("Product.namespace_id()")
    def namespace_product(self, product_id: str) -> str:
        """Return the id of a product with the prefix of your organization."""
        return Product.namespace_id(product_id)
