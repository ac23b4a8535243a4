"""What the arguments of blobs may be: namespaces, files, ranges of bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Range", "check_binary", "range_header"]

Range = str | Sequence[int] | None


def check_binary(file: Any, verb: str) -> None:
    """Raise ValueError for what is no file of bytes opened to be read or written."""
    able = getattr(file, f"{verb}able", None)
    if isinstance(file, io.TextIOBase) or not (callable(able) and able()):
        raise ValueError(f"a path as text, or a file of bytes that is {verb}able, is needed; got {file!r}")


def range_header(range: Range) -> str | None:
    """The HTTP Range of a range of bytes, None for all; ValueError where it is none.

    A text is taken as it is; (a, b) are the bytes a to b, both included, (a,) those from a on and (-n,) the
    last n.
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
        f'a range is "bytes=a-b", (a, b) with 0 <= a <= b, (a,) or (-n,) for the last n bytes; got {range!r}'
    )
