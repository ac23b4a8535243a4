"""Scaling of the outputs of a view: the parameters `rescale` and `scaling`."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from landbridge.stac_api.tiles.band_selection import Selection
    from landbridge.stac_api.tiles.formats import Format
    from landbridge.stac_api.tiles.view import Colormap, ScalingEntry

__all__ = ["DISPLAY", "scaling_of"]

DISPLAY: Final = ("rescale", "scaling")
"""Parameters that scale values."""
MODES: Final = ("display", "raw", "physical")
_DEFAULT = "default_"
_MAX_TEXT = 4096


def scaling_of(
    given: Mapping[str, list[str]], selection: Selection, format: Format, colormap: Colormap | None
) -> tuple[tuple[ScalingEntry, ...], bool]:
    """Return the scaling of each output, and whether the outputs are bytes.

    Raises
    ------
    BadRequestError
        If a scaling is not valid, or a picture needs one.
    """
    if "rescale" in given and "scaling" in given:
        raise BadRequestError("Give either rescale or scaling, not both.")
    count = len(selection.outputs)
    if "rescale" in given:
        return _rescale(given["rescale"], count), True
    # A named colormap has 256 colors; other colormaps have colors of the values themselves.
    as_bytes = format.is_picture and (colormap is None or colormap.name is not None)
    if colormap is not None and colormap.name is not None:
        as_bytes = True
    if "scaling" in given:
        entries = _entries(given["scaling"][0], selection)
        if selection.expressions:
            _check_expressions(entries)
        return entries, as_bytes
    if not as_bytes:
        return (None,) * count, False
    if selection.expressions:
        raise BadRequestError(
            "A picture of an expression needs rescale, the lowest and highest value, such as rescale=-1,1."
        )
    return ("display",) * count, True


def _rescale(values: Sequence[str], count: int) -> tuple[ScalingEntry, ...]:
    # titiler also takes all bounds in one value: 0,1,0,2,0,3
    bounds = [_bounds(value) for value in values]
    pairs = [pair for found in bounds for pair in zip(found[::2], found[1::2], strict=True)]
    if len(pairs) not in (1, count):
        raise BadRequestError(
            f"rescale must be given once, or once for each of the {count} bands or expressions; got "
            f"{len(pairs)}."
        )
    return tuple(pairs * count if len(pairs) == 1 else pairs)


def _bounds(text: str) -> list[float]:
    try:
        bounds = [float(part) for part in text.split(",")]
    except ValueError:
        bounds = []
    if (
        not bounds
        or len(bounds) % 2
        or any(
            not math.isfinite(low) or not math.isfinite(high) or low >= high
            for low, high in zip(bounds[::2], bounds[1::2], strict=True)
        )
    ):
        raise BadRequestError(
            f"rescale={text[:40]!r} must be two numbers, the lower one first, such as 0,4000."
        )
    return bounds


def _entries(text: str, selection: Selection) -> tuple[ScalingEntry, ...]:
    if text in MODES:
        return (text,) * len(selection.outputs)
    if len(text) > _MAX_TEXT:
        raise BadRequestError(f"scaling must have at most {_MAX_TEXT} characters, got {len(text)}.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _error(text) from None
    if isinstance(document, dict):
        if unknown := [name for name in document if name not in (*selection.outputs, _DEFAULT)]:
            raise BadRequestError(
                f"scaling: {unknown[0][:40]!r} is not one of the outputs {', '.join(selection.outputs)}."
            )
        document = [document.get(name, document.get(_DEFAULT)) for name in selection.outputs]
    if not isinstance(document, list) or len(document) != len(selection.outputs):
        raise _error(text)
    return tuple(_entry(entry, text) for entry in document)


def _entry(entry: Any, text: str) -> ScalingEntry:
    if entry is None or entry in MODES:
        return entry  # type: ignore[no-any-return] # one of MODES
    if isinstance(entry, list) and len(entry) in (2, 4) and all(_is_bound(bound) for bound in entry):
        return tuple(entry)
    raise _error(text)


def _is_bound(bound: Any) -> bool:
    if isinstance(bound, str):
        try:
            return bound.endswith("%") and math.isfinite(float(bound[:-1]))
        except ValueError:
            return False
    return isinstance(bound, int | float) and not isinstance(bound, bool) and math.isfinite(bound)


def _error(text: str) -> BadRequestError:
    return BadRequestError(
        f"scaling={text[:60]!r} must be {', '.join(MODES)}, or as JSON a list with an entry for each band, "
        f"or an object from names of bands to entries; an entry is null, a mode, or 2 or 4 numbers or "
        f"percentages. `auto` is not possible, because it would differ between tiles."
    )


def _check_expressions(entries: Sequence[ScalingEntry]) -> None:
    for entry in entries:
        if (
            entry is not None
            and entry != "raw"
            and (isinstance(entry, str) or any(isinstance(bound, str) for bound in entry))
        ):
            raise BadRequestError(f"The scaling of an expression must be 2 or 4 numbers, got {entry!r}.")
