"""Warnings for values that are outside the range that a service accepts."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from landbridge.utils.user_frame import levels_to_user

__all__ = ["warn_if_out_of_range"]

_PERCENT = 100


def warn_if_out_of_range(document_type: str, name: str, value: Any) -> None:
    """Warn if a service refuses the value of an attribute because it is too small or too large."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    low, high = _ranges(document_type).get(name, (None, None))
    if low is not None and value < low:
        side = f"below {low:g}"
    elif high is not None and value > high:
        side = f"above {high:g}"
    else:
        return
    hint = ""
    if (low, high) == (0, 1) and 1 < value <= _PERCENT:
        hint = f" {value:g} percent is {value / _PERCENT:g}."
    warnings.warn(
        f"'{name}' is {value!r}, which is {side}: `save` will fail.{hint}", stacklevel=levels_to_user()
    )


@cache
def _ranges(document_type: str) -> dict[str, tuple[float | None, float | None]]:
    """Return the smallest and greatest value of each attribute that has a range and no place beyond it."""
    from landbridge.mappings.tables import KINDS, load

    if document_type not in KINDS:
        return {}
    found = {}
    for row in load(document_type).rows.values():
        bounds = (row.schema.get("minimum"), row.schema.get("maximum"))
        if bounds != (None, None) and row.overflow is None:
            factor = _PERCENT if row.codec == "percent" else 1
            found[row.name] = tuple(None if each is None else each / factor for each in bounds)
    return found  # type: ignore[return-value] # a pair of bounds has two values
