"""Products and constellations as arguments of the old clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from landbridge.catalog import Band, Product, properties
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.gone_products import (
    LANDSAT_5,
    LANDSAT_7,
    LANDSAT_8,
    SENTINEL_1,
    SENTINEL_2,
    replacement_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["band_names", "constellation_products", "missing_product", "product_list", "require_products"]


class _Constellation(NamedTuple):
    """Product that stands for a constellation, and whether its pixels are the same."""

    product: str
    is_same: bool = False


# `const_id` of the first versions.
_CONSTELLATIONS: Final = {
    "CDL": _Constellation("usda:cdl:v1", is_same=True),
    "L5": _Constellation(LANDSAT_5),
    "L7": _Constellation(LANDSAT_7),
    "L8": _Constellation(LANDSAT_8),
    "L5SR": _Constellation(LANDSAT_5),
    "L7SR": _Constellation(LANDSAT_7),
    "L8SR": _Constellation(LANDSAT_8),
    "NAIP": _Constellation("usda:naip:v1", is_same=True),
    "S1": _Constellation(SENTINEL_1),
    "S2": _Constellation(SENTINEL_2),
}


def product_list(products: str | Iterable[str] | None) -> list[str]:
    """Return ids of products without duplicates, given as one id, several, or None."""
    if products is None:
        return []
    return list(dict.fromkeys([products] if isinstance(products, str) else products))


def constellation_products(identifiers: str | Iterable[str] | None) -> list[str]:
    """Return the products of constellations, as `const_id` of the first versions named them.

    Raises
    ------
    NotFoundError
        If no product has the same pixels; the message names the one that is nearest.

    Examples
    --------
    >>> from landbridge.porting.arguments.products import constellation_products
    >>> constellation_products(["CDL", "CDL"])
    ['usda:cdl:v1']
    """
    found = []
    for name in product_list(identifiers):
        known = _CONSTELLATIONS.get(name)
        if known is None:
            raise NotFoundError(
                f"The constellation {name!r} is unknown: give `products`, as Product.search() lists them."
            )
        if not known.is_same:
            raise NotFoundError(
                f"The images of the constellation {name!r} are no longer published. "
                f"Use products={known.product!r}, whose pixel values differ."
            )
        found.append(known.product)
    return product_list(found)


def require_products(products: Iterable[str]) -> None:
    """Raise NotFoundError for the first product that does not exist; the message names what replaces it."""
    for product in products:
        if Product.get(product) is None:
            raise missing_product(product)


def missing_product(product: str) -> Any:
    """Return the error for a product that does not exist."""
    advice = replacement_of(product) or "Product.search() lists products"
    return NotFoundError(f"Product {product!r} does not exist. {advice[0].upper()}{advice[1:]}.")


def band_names(known: dict[str, list[str]], product_id: str) -> list[str]:
    """Return the names of a product's bands in order; `known` keeps those that were read already."""
    if product_id not in known:
        search = Band.search().filter(properties.product_id == product_id).sort("sort_order")
        known[product_id] = [str(band.name) for band in search]
    return known[product_id]
