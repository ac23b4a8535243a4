"""Errors for products that do not exist, with the id that was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.exceptions import LandbridgeError
from landbridge.suggestions import did_you_mean

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

__all__ = ["missing_product"]

_MOST_PRODUCTS = 200


def missing_product(client: CatalogClient, product_id: str) -> str:
    """Return the text of an error: the product does not exist, and another one may be meant."""
    known = [*_own_products(client), *_products_of_sources()]
    # The id without its organization is the most common mistake.
    with_prefix = [each for each in known if each.endswith(f":{product_id}")]
    hint = f" Did you mean {with_prefix[0]!r}?" if with_prefix else did_you_mean(product_id, known)
    return f"Product {product_id} does not exist.{hint}"


def _own_products(client: CatalogClient) -> list[str]:
    """Return ids of products of the client's service; none if it cannot be asked."""
    try:
        answer = client.get("/collections", {"limit": _MOST_PRODUCTS})
    except LandbridgeError:
        return []
    listed = answer.get("collections") if isinstance(answer, dict) else None
    return [str(each["id"]) for each in listed or () if isinstance(each, dict) and "id" in each]


def _products_of_sources() -> list[str]:
    from landbridge.sources.registry import list_sources

    try:
        tables = list_sources()
    except LandbridgeError:  # a source that is configured wrongly has its own error
        return []
    return [identifier for table in tables for row in table.products for identifier in row.ids]
