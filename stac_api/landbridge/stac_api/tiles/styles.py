"""Styles of a collection: named query parameters of its tiles."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles import colormaps
from landbridge.stac_api.tiles.band_selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from landbridge.stac_api.tiles.products import TileProduct

__all__ = ["DEFAULT", "Style", "styles_of"]

DEFAULT: Final = "default"
_MAX_STYLES = 64
_TRUE_COLOR = ("red", "green", "blue")
# Members of a render that are parameters of the same name, with a number or a text.
_SIMPLE = ("nodata", "resampling", "colormap_name")


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
    renders = product.collection.get("renders")
    styles = {
        name: style
        for name, render in (list(renders.items())[:_MAX_STYLES] if isinstance(renders, dict) else ())
        if isinstance(render, dict) and (style := _of_render(name, render, product)) is not None
    }
    default = styles.pop(DEFAULT, None) or _of_bands(product)
    return [*([default] if default else []), *styles.values()]


def _of_bands(product: TileProduct) -> Style | None:
    common = {binding.common_name: name for name, binding in product.bindings.bands.items()}
    colors = [
        next((name for name in (color, common.get(color)) if name in product.bands), None)
        for color in _TRUE_COLOR
    ]
    if None not in colors:
        return Style(DEFAULT, "Red, green, blue", (("bands", ",".join(map(str, colors))),))
    shown = [
        name
        for name, band in product.bands.items()
        if not band.get("is_alpha") and (band.get("type") != "mask")
    ] or list(product.bands)
    if not shown:
        return None
    return Style(DEFAULT, shown[0], (("bands", shown[0]), *_band_colors(shown[0], product)))


def _band_colors(name: str, product: TileProduct) -> Iterator[tuple[str, str]]:
    """Yield the parameter of the colormap that a band names."""
    named = product.bands[name].get("colormap_name")
    if name not in product.class_colors and colormaps.is_known(named):
        yield "colormap_name", str(named)


def _of_render(name: str, render: Mapping[str, Any], product: TileProduct) -> Style | None:
    """Return the style of a render; None if it cannot be drawn, for instance if its asset has no bands."""
    try:
        parameters = (*_selection(render, product), *_display(render))
    except (BadRequestError, TypeError, ValueError):
        return None
    title = render.get("title")
    return Style(name, title if isinstance(title, str) else name, parameters)


def _selection(render: Mapping[str, Any], product: TileProduct) -> Iterator[tuple[str, str]]:
    expression, assets, positions = (render.get(key) for key in ("expression", "assets", "bidx"))
    keys = [str(key) for key in assets] if isinstance(assets, list) else []
    given: dict[str, list[str]] = {}
    if isinstance(expression, str) and expression:
        given["expression"] = [expression]
    if isinstance(positions, list) and len(keys) == len(positions) > 1:
        # A position for each asset
        given["assets"] = [
            f"{key}|bidx={int(position)}" for key, position in zip(keys, positions, strict=True)
        ]
    elif keys:
        given["assets"] = keys
        if isinstance(positions, list) and positions:
            given["bidx"] = [",".join(str(int(position)) for position in positions)]
    selection = select(given, [product])
    if selection.expressions:
        yield "expression", ";".join(selection.expressions)
    else:
        yield "bands", ",".join(selection.bands)


def _display(render: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for low, high in render.get("rescale") or ():
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(low, high)
        yield "rescale", f"{low!r},{high!r}"
    if isinstance(render.get("colormap"), dict | list):
        yield "colormap", json.dumps(render["colormap"], separators=(",", ":"))
    for key in _SIMPLE:
        value = render.get(key)
        if key == "colormap_name" and ("colormap" in render or not colormaps.is_known(value)):
            continue
        if isinstance(value, str | int | float):
            yield key, str(value)
