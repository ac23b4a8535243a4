"""Checks and conversions of the arguments of blob methods: files and ranges of bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Range", "check_binary", "range_header"]

Range = str | Sequence[int] | None


def check_binary(file: Any, verb: str) -> None:
    """Raise ValueError unless `file` is a binary file open for `verb` ("read" or "writ")."""
    able = getattr(file, f"{verb}able", None)
    if isinstance(file, io.TextIOBase) or not (callable(able) and able()):
        raise ValueError(f"`file` must be a path as text, or a {verb}able binary file; got {file!r}.")


def range_header(range: Range) -> str | None:
    """Return the HTTP Range header of a range of bytes; None for all. ValueError if the range is invalid.

    A text is the header itself; (a, b) are the bytes a to b, both included, (a,) the bytes from a on and
    (-n,) the last n bytes.
    """
    if range is None or isinstance(range, str):
        return range
    numbers = list(range) if isinstance(range, Iterable) else []
    if not all(isinstance(number, int) for number in numbers):
        numbers = []
    match numbers:
        case [first, last] if 0 <= first <= last:
            return f"bytes={first}-{last}"
        case [first] if first >= 0:
            return f"bytes={first}-"
        case [first]:
            return f"bytes={first}"
    raise ValueError(
        'A range must be "bytes=a-b", (a, b) with 0 <= a <= b, (a,), or (-n,) for the last n bytes; '
        f"got {range!r}."
    )
