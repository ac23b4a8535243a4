"""Selection of bands and expressions by query parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles import expression as expressions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from landbridge.stac_api.tiles.products import TileProduct

__all__ = ["SELECTION", "Selection", "select"]

SELECTION: Final = ("bands", "assets", "bidx", "expression")
"""Parameters that select bands."""
MAX_OUTPUTS: Final = 16
_SHOWN = 20
_POSITION = re.compile(r"(?:(?P<asset>.+)_)?b(?P<index>\d{1,4})\Z").match


@dataclass(frozen=True, slots=True)
class Selection:
    """Bands that are read, and expressions of them.

    Attributes
    ----------
    bands : tuple of str
        Names of the bands.
    expressions : tuple of str
        Expressions; empty if the bands are the outputs.
    """

    bands: tuple[str, ...]
    expressions: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.expressions or self.bands


def select(given: Mapping[str, list[str]], products: Sequence[TileProduct]) -> Selection:
    """Return the selected bands or expressions, which all products have.

    Raises
    ------
    BadRequestError
        If a band, an asset or a position does not exist, or an expression is not valid.
    """
    product = products[0]
    if "bands" in given and "assets" in given:
        raise BadRequestError("Give either bands or assets, not both.")
    chosen = _by_name(given["bands"], product) if "bands" in given else _by_asset(given, product)
    if "expression" in given:
        selection = _of_expression(given["expression"][0], chosen, product)
    else:
        selection = Selection(tuple(chosen))
    if not 1 <= len(selection.outputs) <= MAX_OUTPUTS:
        raise BadRequestError(
            f"1 to {MAX_OUTPUTS} bands or expressions are needed, got {len(selection.outputs)}."
        )
    for other in products:
        if missing := [name for name in selection.bands if name not in other.bands]:
            raise _no_band(missing[0], other)
    return selection


def _no_band(name: str, product: TileProduct) -> BadRequestError:
    return BadRequestError(
        f"Collection {product.id!r} has no band {name[:40]!r}. It has {_some(product.bands)}."
    )


def _by_name(values: Sequence[str], product: TileProduct) -> list[str]:
    names = [name.strip() for value in values for name in value.split(",")]
    for name in names:
        if name not in product.bands:
            raise _no_band(name, product)
    return names


def _by_asset(given: Mapping[str, list[str]], product: TileProduct) -> list[str]:
    """Return the bands of `assets` and `bidx`."""
    positions = _positions("bidx", ",".join(given["bidx"])) if "bidx" in given else None
    values = given.get("assets")
    if values is None:
        if positions is None:
            return []
        if len(product.by_asset) != 1:
            raise BadRequestError(
                f"bidx needs assets, because {product.id!r} has bands in several: {_some(product.by_asset)}."
            )
        values = list(product.by_asset)
    # A key may contain a comma; then it is the whole value.
    keys = (
        [key for value in values for key in ([value] if value in product.by_asset else value.split(","))]
        if not any("|" in value for value in values)
        else list(values)
    )
    return [name for key in keys for name in _asset_bands(key.strip(), positions, product)]


def _some(names: Mapping[str, object]) -> str:
    known = list(names)
    more = f" and {len(known) - _SHOWN} others" if len(known) > _SHOWN else ""
    return (", ".join(known[:_SHOWN]) or "none") + more


def _positions(name: str, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) <= 4 and int(part) > 0 for part in parts):
        raise BadRequestError(f"{name}={text[:40]!r} must be positions of bands from 1, separated by commas.")
    return [int(part) for part in parts]


def _asset_bands(value: str, positions: Sequence[int] | None, product: TileProduct) -> list[str]:
    key, *options = [value] if value in product.by_asset else value.split("|")
    for option in options:
        name, _, text = option.partition("=")
        if name not in ("bidx", "indexes"):
            raise BadRequestError(
                f"assets={value[:60]!r}: after the key only |bidx=1,2 may follow, got {option[:40]!r}."
            )
        positions = _positions(f"assets={key[:40]}|bidx", text)
    if key not in product.by_asset:
        if key in product.bands and positions in (None, [1]):
            return [key]  # clients of titiler that know bands as assets
        raise BadRequestError(
            f"Collection {product.id!r} has no asset {key[:40]!r} with bands. It has "
            f"{_some(product.by_asset)}."
        )
    bands = product.by_asset[key]
    if positions is None:
        return [bands[index] for index in sorted(bands)]
    if missing := [position for position in positions if position - 1 not in bands]:
        known = ", ".join(str(index + 1) for index in sorted(bands))
        raise BadRequestError(f"Asset {key!r} of {product.id!r} has no band {missing[0]}; it has {known}.")
    return [bands[position - 1] for position in positions]


def _of_expression(text: str, chosen: Sequence[str], product: TileProduct) -> Selection:
    trees = expressions.parse_all(text)
    if not chosen and len(product.by_asset) == 1:
        (only,) = product.by_asset.values()
        chosen = [only[index] for index in sorted(only)]
    used = dict.fromkeys(name for tree in trees for name in expressions.band_names(tree))
    if not used:
        raise BadRequestError(f"expression={text[:40]!r} must name at least one band.")
    names = {name: _resolve(name, chosen, product) for name in used}
    return Selection(
        tuple(dict.fromkeys(names.values())),
        tuple(expressions.to_text(expressions.with_names(tree, names)) for tree in trees),
    )


def _resolve(name: str, chosen: Sequence[str], product: TileProduct) -> str:
    """Return the band that a name in an expression means."""
    if name in product.bands:
        return name
    if len(bands := product.by_asset.get(name, {})) == 1:
        return next(iter(bands.values()))
    if (match := _POSITION(name)) is not None:
        position = int(match["index"])
        if (asset := match["asset"]) is None:
            if 1 <= position <= len(chosen):
                return chosen[position - 1]
            raise BadRequestError(
                f"expression: {name!r} needs at least {position} bands, in bands or assets; got "
                f"{len(chosen)}."
            )
        if (found := product.by_asset.get(asset, {}).get(position - 1)) is not None:
            return found
    raise _no_band(name, product)
