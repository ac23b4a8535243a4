"""Collections of products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.catalog.model.collection import Collection

if TYPE_CHECKING:
    from landbridge.catalog.type_hints.classes import Product  # noqa: F401 - the argument of Collection

__all__ = ["ProductCollection"]


class ProductCollection(Collection["Product"]):
    """List of products.

    Parameters
    ----------
    iterable : iterable of Product, optional
        Products.
    item_type : type, optional
        Subclass of Product that all items must be of.

    Examples
    --------
    >>> products = Product.search().filter(p.tags == "docs").collect()
    >>> list(products.each.name)
    ['Fields']
    """
