"""Scale and offset of the stored values of each Item, by documented rules.

A stored value times scale plus offset is the physical value, such as reflectance. The numbers of an Item's
own assets (``raster:scale`` and ``raster:offset``, or those of ``raster:bands``) take precedence over the
product's, and the rule of a product takes precedence over both: some providers publish wrong numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["RULES", "Scaling", "item_scaling"]

# Scale and offset.
Scaling = tuple[float, float]

# A rule returns the scaling of one band of an Item: its arguments are the Item's properties, and the scaling
# that the Item's own asset (None: it says none) and the product's table (None likewise) state.
Rule = Callable[[Mapping[str, Any], Scaling | None, Scaling | None], Scaling | None]


def _documented(
    _properties: Mapping[str, Any], own: Scaling | None, of_product: Scaling | None
) -> Scaling | None:
    """Return the Item's own scaling, else the product's."""
    return own if own is not None else of_product


RULES: Mapping[str, Rule] = MappingProxyType({"documented": _documented})


def item_scaling(product: Any, item: Mapping[str, Any]) -> dict[str, Scaling]:
    """Return the scaling of each band of an Item whose scaling is known."""
    raise NotImplementedError
