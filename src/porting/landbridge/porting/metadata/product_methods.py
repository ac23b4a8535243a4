"""Methods of the Metadata service that find products and bands."""

from __future__ import annotations

from typing import Any

from landbridge.catalog import Product
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.arguments.products import constellation_products
from landbridge.porting.metadata.selections import (
    NO_DERIVED_BANDS,
    band_records,
    limited,
    product_records,
)
from landbridge.porting.old_keys.bands import band_record
from landbridge.porting.old_keys.lookups import (
    bands_of_image,
    bands_of_product,
    existing_band,
    existing_product,
)
from landbridge.porting.old_keys.products import product_record
from landbridge.utils import DotDict, DotList

__all__ = ["ProductMethods"]


class ProductMethods:
    """Methods of `Metadata` that find products and bands."""

    @old_method("Product.search()")
    def available_products(self) -> DotList:
        """Return the ids of all products."""
        return DotList(product.id for product in Product.search())

    @old_method("Product.search()")
    def products(
        self,
        bands: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        owner: str | None = None,
        text: str | None = None,
    ) -> DotList:
        """Return products: those with all of some bands, of an owner, or with a text in their name."""
        return DotList(limited(product_records(bands, owner, text), limit, offset))

    @old_method("Product.get()")
    def get_product(self, product_id: str) -> DotDict:
        """Return a product.

        Raises
        ------
        NotFoundError
            If the product does not exist; the message names the one that replaces it.
        """
        return product_record(existing_product(product_id))

    @old_method("Product.bands()")
    def bands(
        self,
        products: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        wavelength: float | None = None,
        resolution: float | None = None,
        tags: Any = None,
        bands: Any = None,
    ) -> DotList:
        """Return the bands of products.

        Parameters
        ----------
        products : str or list of str
            Ids of products.
        limit, offset : int, optional
            Maximum number of bands, and number of bands to skip.
        wavelength : float, optional
            Wavelength in nm that the bands include.
        resolution : float, optional
            Resolution of the bands.
        tags, bands : str or list of str, optional
            Tags of the bands, all of them; names or ids of the bands, any of them.

        Raises
        ------
        ValueError
            If no product is given.
        NotFoundError
            If a product does not exist.
        """
        found = band_records(products, wavelength, resolution, tags, bands)
        return DotList(limited(found, limit, offset))

    @old_method("Band.get()")
    def get_band(self, band_id: str) -> DotDict:
        """Return a band.

        Raises
        ------
        NotFoundError
            If the band does not exist.
        """
        return band_record(existing_band(band_id))

    @old_method("Product.bands()")
    def get_bands_by_id(self, image_id: str) -> DotDict:
        """Return the bands of an image's product, by name.

        Raises
        ------
        NotFoundError
            If the image does not exist.
        """
        return bands_of_image(image_id)

    @old_method("Product.bands()")
    def get_bands_by_product(self, product_id: str) -> DotDict:
        """Return the bands of a product, by name.

        Raises
        ------
        NotFoundError
            If the product does not exist.
        """
        return bands_of_product(product_id)

    @old_method("Product.bands()")
    def get_bands_by_constellation(self, const: str) -> DotDict:
        """Return the bands of a constellation, by name.

        Raises
        ------
        NotFoundError
            If no product has the pixels of the constellation.
        """
        (product_id,) = constellation_products(const)
        return bands_of_product(product_id)

    @old_method("Product.search()")
    def sources(self) -> DotList:
        """Return a dict with `product` and `sat_id` for each product.

        `sat_id` is None: the Catalog does not list the satellites of a product.
        """
        return DotList({"product": product.id, "sat_id": None} for product in Product.search())

    @old_method("Image.ndarray() and NumPy")
    def derived_bands(self, *_arguments: Any, **_options: Any) -> DotList:
        """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
        raise UnsupportedArgumentError(NO_DERIVED_BANDS)

    @old_method("Image.ndarray() and NumPy")
    def get_derived_band(self, derived_band_id: str) -> DotDict:
        """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
        raise UnsupportedArgumentError(f"{derived_band_id!r}: {NO_DERIVED_BANDS}")
