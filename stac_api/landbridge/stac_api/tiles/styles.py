"""Styles of a collection: named query parameters of its tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.stac_api.tiles.products import TileProduct

__all__ = ["DEFAULT", "Style", "styles_of"]

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Style:
    """Named query parameters of tiles.

    Attributes
    ----------
    name : str
        Value of the parameter `style`.
    title : str
        Title for people.
    parameters : tuple of (str, str)
        Names and values of query parameters, in `parameters.parse`'s terms.
    """

    name: str
    title: str
    parameters: tuple[tuple[str, str], ...]


def styles_of(product: TileProduct) -> Sequence[Style]:
    """Return the styles of a collection, the default one first; none if it has no bands.

    The styles are those of `renders` of the Render extension. Without a render named `default`, a default
    style is made from the bands: red, green and blue, or else the first band that can be displayed, with the
    product's display ranges and colors.
    """
    raise NotImplementedError
