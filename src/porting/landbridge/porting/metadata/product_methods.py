"""Methods of the Metadata service that find products and bands."""

from __future__ import annotations

from typing import Any, Final

from landbridge.catalog import Band, Product, properties
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.arguments.products import constellation_products, missing_product, product_list
from landbridge.porting.metadata.selections import has_all_bands, is_selected, limited
from landbridge.porting.old_keys.bands import band_record
from landbridge.porting.old_keys.lookups import bands_in, bands_of_image, bands_of_product
from landbridge.porting.old_keys.products import product_record
from landbridge.utils import DotDict, DotList

__all__ = ["ProductMethods"]

_NO_DERIVED: Final = (
    "Derived bands such as NDVI no longer exist. Read the bands that they were computed from, and compute "
    "them with NumPy: (nir - red) / (nir + red)."
)


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
        search = Product.search()
        if owner is not None:
            search = search.filter(properties.owners == owner)
        if text is not None:
            search = search.find_text(text)
        wanted = product_list(bands)
        found = (each for each in search if not wanted or has_all_bands(each, wanted))
        return DotList(product_record(each) for each in limited(found, limit, offset))

    @old_method("Product.get()")
    def get_product(self, product_id: str) -> DotDict:
        """Return a product.

        Raises
        ------
        NotFoundError
            If the product does not exist; the message names the one that replaces it.
        """
        product = Product.get(product_id)
        if product is None:
            raise missing_product(product_id)
        return product_record(product)

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
        found = (
            band_record(band)
            for product_id in _given_products(products)
            for band in bands_in(product_id)
            if is_selected(band, wavelength, resolution, product_list(tags), product_list(bands))
        )
        return DotList(limited(found, limit, offset))

    @old_method("Band.get()")
    def get_band(self, band_id: str) -> DotDict:
        """Return a band.

        Raises
        ------
        NotFoundError
            If the band does not exist.
        """
        band = Band.get(band_id)
        if band is None:
            raise NotFoundError(f"Band {band_id!r} does not exist.")
        return band_record(band)

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
        raise UnsupportedArgumentError(_NO_DERIVED)

    @old_method("Image.ndarray() and NumPy")
    def get_derived_band(self, derived_band_id: str) -> DotDict:
        """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
        raise UnsupportedArgumentError(f"{derived_band_id!r}: {_NO_DERIVED}")


def _given_products(products: Any) -> list[str]:
    given = product_list(products)
    if not given:
        raise ValueError("Give `products`, the ids of the products whose bands to return.")
    return given
