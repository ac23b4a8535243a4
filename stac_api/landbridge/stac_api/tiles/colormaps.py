"""Colors of values: named colormaps, colors of classes, and colormaps in a query."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles.view import Colormap

if TYPE_CHECKING:
    from landbridge.stac_api.tiles.view import RGBA

__all__ = ["apply", "class_colors", "named", "names", "of_json"]

MAX_TEXT: Final = 2**16
"""Most characters of a colormap in a query."""
MAX_COLORS: Final = 4096
MAX_INTERVALS: Final = 1024
_REVERSED = "_r"
_HEX = re.compile(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})?\Z", re.IGNORECASE).match

Pixels = np.ndarray[Any, np.dtype[Any]]


@lru_cache(maxsize=1)
def _table() -> dict[str, Pixels]:
    """Return the colors (256, 3) of all names, from the file that `scripts/generate_colormaps.py` writes."""
    with (resources.files(__package__) / "colormaps.npz").open("rb") as file, np.load(file) as table:
        return dict(zip(table["names"].tolist(), table["colors"], strict=True))


def names() -> list[str]:
    """Return the names of all colormaps, in lower case; each also exists with `_r`, reversed."""
    return sorted(_table())


def named(name: str) -> Colormap:
    """Return the colormap of a name.

    Raises
    ------
    BadRequestError
        If no colormap has the name.
    """
    known = name.lower()
    if known.removesuffix(_REVERSED) not in _table():
        raise BadRequestError(
            f"colormap_name={name[:40]!r} is not known. It is one of matplotlib's: {', '.join(names())}; "
            f"with {_REVERSED} at the end it is reversed."
        )
    return Colormap(name=known)


def is_known(name: Any) -> bool:
    """Return whether a colormap has this name."""
    return isinstance(name, str) and name.lower().removesuffix(_REVERSED) in _table()


def of_json(text: str) -> Colormap:
    """Return the colormap of the parameter `colormap`.

    It is an object from values to colors, `{"1": [0, 0, 255], "2": "#00ff00"}`, or a list of intervals,
    `[[[0, 10], [0, 0, 255, 255]]]`.

    Raises
    ------
    BadRequestError
        If the text is anything else, or larger than allowed.
    """
    if len(text) > MAX_TEXT:
        raise BadRequestError(f"colormap must have at most {MAX_TEXT} characters, got {len(text)}.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _error(text) from None
    try:
        if isinstance(document, dict) and 0 < len(document) <= MAX_COLORS:
            colors = {_number(value): color_of(color) for value, color in document.items()}
            return Colormap(values=tuple(sorted(colors.items())))
        if isinstance(document, list) and 0 < len(document) <= MAX_INTERVALS:
            return Colormap(
                intervals=tuple(
                    (_number(low), _number(high), color_of(color)) for (low, high), color in document
                )
            )
    except (ValueError, TypeError):
        pass
    raise _error(text)


def _error(text: str) -> BadRequestError:
    return BadRequestError(
        f"colormap={text[:60]!r} is no colormap. It must be a JSON object from values to colors, such as "
        f'{{"1": [0, 0, 255, 255], "2": "#00ff00"}}, or an array of intervals, such as '
        f"[[[0, 10], [0, 0, 255, 255]]], with at most {MAX_COLORS} values or {MAX_INTERVALS} intervals; "
        f"colors are from 0 to 255."
    )


def _number(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(value)
    return number


def color_of(value: Any) -> RGBA:
    """Return a color of 3 or 4 numbers, or in hexadecimal form; raise ValueError for anything else."""
    if isinstance(value, str):
        if (match := _HEX(value)) is None:
            raise ValueError(value)
        red, green, blue, alpha = (int(part, 16) for part in match.groups("ff"))
        return red, green, blue, alpha
    if not isinstance(value, Sequence) or len(value) not in (3, 4):
        raise ValueError(value)
    parts = [int(part) for part in value]
    if any(part != given or not 0 <= part <= 255 for part, given in zip(parts, value, strict=True)):
        raise ValueError(value)
    return (parts[0], parts[1], parts[2], parts[3] if len(parts) == 4 else 255)


def class_colors(entry: Mapping[str, Any], attributes: Mapping[str, Any]) -> Colormap | None:
    """Return the colors of a band's classes; None if it has none.

    Parameters
    ----------
    entry : mapping
        The band's entry in its collection, with `classification:classes`.
    attributes : mapping
        The band's attributes, with `colormap`.
    """
    colors: dict[float, RGBA] = {}
    given = attributes.get("colormap")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(given, Mapping):
        pairs = [*given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        pairs = [*enumerate(given)]
    for described in entry.get("classification:classes") or ():
        if isinstance(described, Mapping) and "color_hint" in described:
            pairs.append((described.get("value"), described["color_hint"]))
    for value, color in pairs:
        try:
            colors.setdefault(_number(value), color_of(color))
        except (ValueError, TypeError):
            continue  # the collection was written by another program
    return Colormap(values=tuple(sorted(colors.items())[:MAX_COLORS])) if colors else None


def apply(colormap: Colormap, values: Pixels) -> Pixels:
    """Return the colors (4, y, x) of values (y, x); values without a color are transparent."""
    if colormap.name is not None:
        table = np.full((256, 4), 255, np.uint8)
        table[:, :3] = _table()[colormap.name.removesuffix(_REVERSED)]
        if colormap.name.endswith(_REVERSED):
            table = table[::-1]
        return np.moveaxis(table[values], -1, 0)
    if colormap.values:
        keys = np.array([value for value, _ in colormap.values])
        return _looked_up(keys, [color for _, color in colormap.values], values)
    return _in_intervals(colormap, values)


def _in_intervals(colormap: Colormap, values: Pixels) -> Pixels:
    """Return the colors of the last interval that each value is in."""
    lows, highs = (np.array([one[end] for one in colormap.intervals]) for end in (0, 1))
    edges = np.unique([lows, highs])
    # Between two edges all values are in the same intervals.
    within = (lows <= edges[:, None]) & (edges[:, None] < highs)
    last = len(lows) - 1 - within[:, ::-1].argmax(1)
    table = np.array([color for _, _, color in colormap.intervals], np.uint8)[last]
    table[~within.any(1)] = 0
    table = np.concatenate([np.zeros((1, 4), np.uint8), table])
    positions = np.searchsorted(edges, values, side="right")
    if values.dtype.kind == "f":
        positions[np.isnan(values)] = 0
    return np.moveaxis(table[positions], -1, 0)


def _looked_up(keys: Pixels, colors: Sequence[RGBA], values: Pixels) -> Pixels:
    table = np.array([*colors, (0, 0, 0, 0)], np.uint8)
    positions = np.searchsorted(keys, values).clip(max=len(keys) - 1)
    positions[keys[positions] != values] = len(keys)
    return np.moveaxis(table[positions], -1, 0)
