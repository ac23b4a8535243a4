"""Product ids in a script: the source that has each today, or what replaces it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from landbridge.porting.arguments.gone_products import replacement_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.porting.port.inference import Inference

__all__ = ["KnownProduct", "find_product", "named_products"]

_ID = re.compile(r"[A-Za-z0-9][\w.+-]*(?::[\w.+-]+)+")
# Arguments and functions whose text is the id of a product.
_KEYWORDS: Final = frozenset({"product", "products", "product_id", "const_id"})
_GETTERS: Final = frozenset({"get", "get_or_create", "exists", "get_product", "namespace_id"})


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """Product id that a script names.

    Attributes
    ----------
    id : str
        Id of the product, or of one of its images or bands.
    product : str
        Id of the product.
    source : str, optional
        Source that has the product.
    note : str, optional
        What replaces it, or what its source's table says about it.
    """

    id: str
    product: str
    source: str | None = None
    note: str | None = None

    @property
    def is_gone(self) -> bool:
        """True if another product replaces it."""
        return self.source is None and self.note is not None


def named_products(inference: Inference) -> Iterator[tuple[ast.Constant, KnownProduct]]:
    """Yield the texts of a script that are ids of products, images or bands, in their order."""
    for node in inference.scopes.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            text = node.value
            is_product = _is_product_argument(node, inference)
            if not (_ID.fullmatch(text) or (is_product and text and not any(c.isspace() for c in text))):
                continue
            found = find_product(text)
            if found is None and is_product:
                found = KnownProduct(text, text)
            if found is not None:
                yield node, found


@cache
def find_product(text: str) -> KnownProduct | None:
    """Return what is known of a product's id, or of the id of one of its images or bands; None if nothing.

    Examples
    --------
    >>> from landbridge.porting.port.product_ids import find_product
    >>> find_product("esa:sentinel-2:l2a:v1").source
    'earth-search'
    >>> find_product("landsat:LC08:01:RT:TOAR").is_gone
    True
    """
    from landbridge.sources import registry

    parts = text.split(":")
    for length in range(len(parts), 0, -1):
        product = ":".join(parts[:length])
        source = registry.claim(product) if length > 1 else None
        if source is not None:
            rows = [row for row in source.products if product in (*row.ids, source.product_id(row))]
            if rows or length == 2:
                note = rows[0].note if rows else None
                return KnownProduct(text, product, source.id, note)
        note = replacement_of(product)
        if note is not None:
            return KnownProduct(text, text, None, note)
    return None


def _is_product_argument(node: ast.Constant, inference: Inference) -> bool:
    """Return whether a text stands where the id of a product does."""
    parents = inference.scopes.parents
    parent = parents.get(node)
    if isinstance(parent, (ast.List, ast.Tuple)):
        parent, node = parents.get(parent), parent  # type: ignore[assignment] # only compared
    if isinstance(parent, ast.keyword):
        return parent.arg in _KEYWORDS
    return (
        isinstance(parent, ast.Call)
        and isinstance(parent.func, ast.Attribute)
        and parent.func.attr in _GETTERS
        and isinstance(parent.func.value, ast.Name)
        and parent.func.value.id == "Product"
        and node in parent.args[:1]
    )
