"""Products and bands by the functions of the Scenes client, as dicts of old keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.deprecations import warn_deprecated
from landbridge.porting.metadata.selections import (
    NO_DERIVED_BANDS,
    band_records,
    limited,
    product_records,
)
from landbridge.porting.old_keys.bands import band_record
from landbridge.porting.old_keys.lookups import existing_band, existing_product
from landbridge.porting.old_keys.products import product_record
from landbridge.utils import DotList

if TYPE_CHECKING:
    from landbridge.utils import DotDict

__all__ = [
    "get_band",
    "get_derived_band",
    "get_product",
    "search_bands",
    "search_derived_bands",
    "search_products",
]


def get_product(product_id: str, metadata_client: object = None) -> DotDict:
    """Return a product, as `Metadata.get_product`.

    Parameters
    ----------
    product_id : str
        Id of the product.
    metadata_client : object, optional
        No effect: the Catalog is asked.

    Returns
    -------
    DotDict
        Old keys, such as `id`, `title` and `description`.

    Raises
    ------
    NotFoundError
        If the product does not exist; the message names the one that replaces it.

    Examples
    --------
    >>> from descarteslabs import scenes
    >>> scenes.get_product("local:docs-fields").id
    'local:docs-fields'
    """
    del metadata_client
    warn_deprecated("scenes.get_product", "Product.get()")
    return product_record(existing_product(product_id))


def get_band(band_id: str, metadata_client: object = None) -> DotDict:
    """Return a band, as `Metadata.get_band`.

    Parameters
    ----------
    band_id : str
        Id of the band.
    metadata_client : object, optional
        No effect: the Catalog is asked.

    Returns
    -------
    DotDict
        Old keys, such as `name`, `dtype` and `data_range`.

    Raises
    ------
    NotFoundError
        If the band does not exist.

    Examples
    --------
    >>> from descarteslabs import scenes
    >>> scenes.get_band("local:docs-fields:red").name
    'red'
    """
    del metadata_client
    warn_deprecated("scenes.get_band", "Band.get()")
    return band_record(existing_band(band_id))


def search_products(
    bands: Any = None,
    limit: int | None = None,
    owner: str | None = None,
    text: str | None = None,
    metadata_client: object = None,
) -> DotList:
    """Return products, as `Metadata.products`.

    Parameters
    ----------
    bands : str or list of str, optional
        Names or ids of bands, all of which the products have.
    limit : int, optional
        Maximum number of products.
    owner : str, optional
        Owner of the products, such as "org:earthrise".
    text : str, optional
        Words in the name or the description.
    metadata_client : object, optional
        No effect: the Catalog is asked.

    Returns
    -------
    DotList of DotDict
        Products.

    Examples
    --------
    >>> from descarteslabs import scenes
    >>> "local:docs-fields" in [product.id for product in scenes.search_products(bands="red")]
    True
    """
    del metadata_client
    warn_deprecated("scenes.search_products", "Product.search()")
    return DotList(limited(product_records(bands, owner, text), limit, 0))


def search_bands(
    products: Any,
    limit: int | None = None,
    wavelength: float | None = None,
    resolution: float | None = None,
    tags: Any = None,
    metadata_client: object = None,
) -> DotList:
    """Return the bands of products, as `Metadata.bands`.

    Parameters
    ----------
    products : str or list of str
        Ids of products.
    limit : int, optional
        Maximum number of bands.
    wavelength : float, optional
        Wavelength in nm that the bands include.
    resolution : float, optional
        Resolution of the bands.
    tags : str or list of str, optional
        Tags that the bands have.
    metadata_client : object, optional
        No effect: the Catalog is asked.

    Returns
    -------
    DotList of DotDict
        Bands.

    Raises
    ------
    ValueError
        If no product is given.
    NotFoundError
        If a product does not exist.

    Examples
    --------
    >>> from descarteslabs import scenes
    >>> [band.name for band in scenes.search_bands("local:docs-fields", limit=1)]
    ['red']
    """
    del metadata_client
    warn_deprecated("scenes.search_bands", "Product.bands()")
    return DotList(limited(band_records(products, wavelength, resolution, tags, None), limit, 0))


def search_derived_bands(*_arguments: Any, **_options: Any) -> DotList:
    """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
    warn_deprecated("scenes.search_derived_bands", "Image.ndarray() and NumPy")
    raise UnsupportedArgumentError(NO_DERIVED_BANDS)


def get_derived_band(derived_band_id: str, metadata_client: object = None) -> DotDict:
    """Raise UnsupportedArgumentError: the Catalog has no derived bands."""
    del metadata_client
    warn_deprecated("scenes.get_derived_band", "Image.ndarray() and NumPy")
    raise UnsupportedArgumentError(f"{derived_band_id!r}: {NO_DERIVED_BANDS}")
