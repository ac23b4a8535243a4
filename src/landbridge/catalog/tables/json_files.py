"""Writing STAC Items as JSON files, one Item at a time."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["write_item_collection", "write_lines"]


def write_lines(
    items: Iterable[Mapping[str, Any]], path: Path, collections: Iterable[Mapping[str, Any]] = ()
) -> int:
    """Write Collections and Items as newline-delimited JSON, and return the number of Items."""
    import orjson

    count = 0
    with _replaced(path) as file:
        for document in collections:
            file.write(orjson.dumps(document) + b"\n")
        for item in items:
            file.write(orjson.dumps(item) + b"\n")
            count += 1
    return count


def write_item_collection(items: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write Items as an ItemCollection, which is a GeoJSON FeatureCollection, and return their number."""
    import orjson

    count = 0
    with _replaced(path) as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        for item in items:
            file.write((b",\n" if count else b"\n") + orjson.dumps(item))
            count += 1
        file.write(b"\n]}\n")
    return count


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces another when the context ends without an error."""
    target = path.absolute()
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        partial = Path(folder) / "partial"
        with partial.open("wb") as file:
            yield file
        os.replace(partial, target)  # noqa: PTH105 - Path.replace does the same
