"""Reading STAC Items from stac-geoparquet files, of ours and of other writers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from landbridge.catalog.tables.column_types import ELEMENTS
from landbridge.catalog.tables.parquet_writer import (
    GEOMETRIES,
    MEMBER_PREFIX,
    MEMBERS,
    METADATA_KEY,
    MOMENTS,
    PROPERTY_PREFIX,
)
from landbridge.mappings import times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from os import PathLike

__all__ = ["read_collections", "read_items"]

_BATCH = 1000
_BBOX = ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax")


def read_items(path: str | PathLike[str]) -> Iterator[dict[str, Any]]:
    """Yield the Items of a stac-geoparquet file, in their order, in bounded memory.

    Members whose value is null are left out, as the format does not tell them from missing ones; STAC's
    `geometry`, `datetime` (without an interval), `links` and `assets` are always there.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError
        If the file is not stac-geoparquet.
    """
    file = _open(path)
    own = json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY) or "null")
    json_paths = [tuple(each) for each in (own or {}).get("json", ())]
    place = _own_place if own is not None else _place
    for batch in file.iter_batches(batch_size=_BATCH):
        for row in batch.to_pylist():
            for where in json_paths:
                _parse_at(row, where)
            yield _item(row, place)


def read_collections(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return the Collections in the metadata of a stac-geoparquet file. Raises as `read_items`."""
    metadata = _open(path).schema_arrow.metadata or {}
    document = json.loads(metadata.get(b"stac-geoparquet") or "{}")
    single = [document["collection"]] if isinstance(document.get("collection"), dict) else []
    return [*(document.get("collections") or {}).values()] or single


def _open(path: str | PathLike[str]) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            "A stac-geoparquet file needs pyarrow: pip install 'landbridge[parquet]'"
        ) from error
    try:
        file = parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    if not {"id", "geometry"} <= set(file.schema_arrow.names):
        raise ValueError(f"{path} is not stac-geoparquet: it has no columns `id` and `geometry`.")
    return file


def _parse_at(value: Any, where: tuple[str, ...]) -> None:
    """Replace the JSON texts at a path in a row by their values."""
    if value is None:
        return
    step, *rest = where
    if step == ELEMENTS:
        for index, each in enumerate(value):
            if rest:
                _parse_at(each, tuple(rest))
            elif each is not None:
                value[index] = _Parsed(json.loads(each))
    elif rest:
        _parse_at(value.get(step), tuple(rest))
    elif value.get(step) is not None:
        value[step] = _Parsed(json.loads(value[step]))


class _Parsed:
    """A value that was written as JSON text, in which nulls are values."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _place(column: str) -> tuple[bool, str]:
    """Return whether a column holds a member of the Item rather than a property, and its name."""
    return column in MEMBERS, column


def _own_place(column: str) -> tuple[bool, str]:
    """Return the same for a file that Landbridge wrote."""
    if column.startswith(MEMBER_PREFIX):
        return True, column.removeprefix(MEMBER_PREFIX)
    return column in MEMBERS, column.removeprefix(PROPERTY_PREFIX)


def _item(row: dict[str, Any], place: Callable[[str], tuple[bool, str]]) -> dict[str, Any]:
    """Return the Item of a row."""
    item: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, value in row.items():
        if name in GEOMETRIES:
            cell = _geometry(value)
        elif name == "bbox":
            cell = _bbox(value)
        else:
            cell = _without_nulls(value)
        if cell is None:
            continue
        if name in MOMENTS and not isinstance(cell, str):
            cell = _text(cell)
        is_member, own_name = place(name)
        (item if is_member else properties)[own_name] = cell
    properties.setdefault("datetime", None)
    document = {"type": "Feature", **item, "geometry": item.get("geometry"), "properties": properties}
    return document | {"links": item.get("links") or [], "assets": item.get("assets") or {}}


def _without_nulls(value: Any) -> Any:
    """Return a value without members that are null, which stand for missing ones."""
    if isinstance(value, _Parsed):
        return value.value
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _geometry(value: Any) -> Any:
    import shapely

    if not isinstance(value, bytes):
        return _without_nulls(value)
    document: dict[str, Any] = _with_lists(shapely.from_wkb(value).__geo_interface__)
    if document["type"] == "MultiPolygon":
        # shapely gives an empty polygon among others an empty ring.
        document["coordinates"] = [[] if part == [[]] else part for part in document["coordinates"]]
    return document


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_lists(each) for name, each in value.items()}
    return [_with_lists(each) for each in value] if isinstance(value, tuple | list) else value


def _bbox(value: Any) -> Any:
    if not isinstance(value, dict):
        return _without_nulls(value)
    return [value[part] for part in _BBOX if value.get(part) is not None]


def _text(moment: datetime) -> str:
    return times.format_utc(moment)
