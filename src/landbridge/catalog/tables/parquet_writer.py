"""Writing STAC Items as stac-geoparquet, in memory that does not grow with their number.

The columns must be known before the first row is written, and an item anywhere may have a member that no
other has. So the items are read once to learn the types of the columns, and are kept in a compressed file
meanwhile.
"""

from __future__ import annotations

import json
import os
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.catalog.tables.column_types import ColumnType
from landbridge.mappings import times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from os import PathLike

    import pyarrow as pa

__all__ = [
    "GEOMETRIES",
    "MEMBERS",
    "MEMBER_PREFIX",
    "METADATA_KEY",
    "MOMENTS",
    "PROPERTY_PREFIX",
    "write_items",
]

# Members of an Item that are columns, in the order of the columns; those of its properties follow.
MEMBERS = (
    "type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection",
)  # fmt: skip
# Properties that the format stores as timestamps.
MOMENTS = frozenset(
    {
        "datetime",
        "start_datetime",
        "end_datetime",
        "created",
        "updated",
        "expires",
        "published",
        "unpublished",
    }
)
# Columns that the format stores as WKB.
GEOMETRIES = ("geometry", "proj:geometry")
# Prefixes of the columns of members that STAC does not know, and of properties that are named like a member.
MEMBER_PREFIX, PROPERTY_PREFIX = "item.", "properties."
# Key of our part of the file's metadata: what a reader needs to return each Item as it was.
METADATA_KEY = b"landbridge"
_BBOX = {4: ("xmin", "ymin", "xmax", "ymax"), 6: ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax")}
# Number of items, and of bytes of their JSON, that are converted at a time: a group of rows of the file.
_CHUNK_ITEMS = 10_000
_CHUNK_BYTES = 8 << 20


def write_items(
    items: Iterable[Mapping[str, Any]],
    path: str | PathLike[str],
    collections: Iterable[Mapping[str, Any]] = (),
) -> int:
    """Write Items as a stac-geoparquet file, and return their number.

    An existing file is replaced when all is written.

    `collections` are the Collections of the Items, which are kept in the file's metadata.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError
        If an item has a geometry that cannot be written.
    """
    try:
        import pyarrow as pa  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ImportError("to_parquet needs pyarrow: pip install 'landbridge[parquet]'") from error
    target = Path(path).absolute()
    columns = _Columns()
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        spool = _Spool(Path(folder) / "items")
        for chunk in _chunks(items):
            for item in chunk:
                columns.learn(item)
            spool.add(chunk)
        partial = Path(folder) / "partial"
        count = _write(spool.chunks(), columns, partial, collections)
        os.replace(partial, target)  # noqa: PTH105 - Path.replace does the same
    return count


def _chunks(items: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
    """Yield the items in lists of bounded size."""
    rest = iter(items)
    while chunk := list(islice(rest, 100)):
        # Items of a search are alike, so that the first show how many fit into a chunk.
        size = max(1, sum(len(json.dumps(item)) for item in chunk[:10]) // len(chunk[:10]))
        chunk += islice(rest, max(0, min(_CHUNK_ITEMS, _CHUNK_BYTES // size) - len(chunk)))
        yield chunk


class _Spool:
    """Items that are kept until all of them were seen: one chunk in memory, or all in a compressed file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: list[Any] | None = None
        self._file: Any = None

    def add(self, chunk: list[Any]) -> None:
        """Keep a chunk of items."""
        if self._first is None and self._file is None:
            self._first = chunk
            return
        if self._file is None:
            import pyarrow as pa

            self._file = pa.CompressedOutputStream(str(self._path), "zstd")
            self._dump(self._first or [])
            self._first = None
        self._dump(chunk)

    def _dump(self, chunk: list[Any]) -> None:
        text = json.dumps(chunk, separators=(",", ":")).encode()
        self._file.write(len(text).to_bytes(8, "big") + text)

    def chunks(self) -> Iterator[list[Any]]:
        """Yield the chunks in their order."""
        if self._first is not None:
            yield self._first
        if self._file is None:
            return
        import pyarrow as pa

        self._file.close()
        with pa.CompressedInputStream(str(self._path), "zstd") as stream:
            while header := stream.read(8):
                yield json.loads(stream.read(int.from_bytes(header, "big")))


class _Columns:
    """The columns of the items that were seen."""

    def __init__(self) -> None:
        self.types: dict[str, ColumnType] = {name: ColumnType() for name in MEMBERS}
        # Timestamps that cannot be read as such stay texts.
        self.texts: set[str] = set()
        self.bbox_sizes: set[int] = set()
        self.geometry_types: set[str] = set()

    def learn(self, item: Mapping[str, Any]) -> None:
        """Extend the columns so that they fit an item too."""
        for name, value in _cells(item):
            if name in GEOMETRIES:
                self._learn_geometry(name, value)
                continue
            known = self.types.get(name)
            if known is None:
                known = self.types[name] = ColumnType()
            if name == "bbox" and isinstance(value, list) and len(value) in _BBOX:
                self.bbox_sizes.add(len(value))
            if name in MOMENTS and value is not None and name not in self.texts:
                try:
                    times.parse(value)
                except (AttributeError, TypeError, ValueError):
                    self.texts.add(name)
            known.learn(value)

    def _learn_geometry(self, name: str, value: Any) -> None:
        if value is not None:
            self.types.setdefault(name, ColumnType()).learn("")
            if name == "geometry" and isinstance(value, dict):
                self.geometry_types.add(str(value.get("type")))

    def fields(self) -> dict[str, pa.DataType]:
        """Return the Arrow types of the columns that have a value."""
        import pyarrow as pa

        found: dict[str, pa.DataType] = {}
        for name, kind in self.types.items():
            if name in GEOMETRIES:
                found[name] = pa.binary()
            elif self.is_moment(name):
                found[name] = pa.timestamp("us", tz="UTC")
            elif name == "bbox" and self.bbox_sizes:
                size = max(self.bbox_sizes)
                found[name] = pa.struct([(part, pa.float64()) for part in _BBOX[size]])
            elif not (kind.is_empty and name in ("assets", "links", "bbox")) and kind.kinds:
                found[name] = kind.arrow()
        return found

    def is_moment(self, name: str) -> bool:
        """Return whether a column holds timestamps."""
        return name in MOMENTS and name not in self.texts and bool(self.types[name].kinds)

    def values(self, chunk: list[Any], name: str) -> list[Any]:
        """Return the values of a column for a list of items, in the form of its Arrow type."""
        if name in MEMBERS or name.startswith(MEMBER_PREFIX):
            own = name.removeprefix(MEMBER_PREFIX)
            found = [item.get(own) for item in chunk]
        else:
            own = name.removeprefix(PROPERTY_PREFIX)
            found = [(item.get("properties") or {}).get(own) for item in chunk]
        if name in GEOMETRIES:
            return _as_wkb(found, chunk)
        if self.is_moment(name):
            return [None if value is None else times.parse(value) for value in found]
        if name == "bbox" and self.bbox_sizes:
            return [
                None if value is None else dict(zip(_BBOX[len(value)], value, strict=True)) for value in found
            ]
        kind = self.types[name]
        return [kind.encode(value) for value in found] if kind.has_json else found


def _cells(item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names of the columns of an item, with its values."""
    for name, value in item.items():
        if name in MEMBERS:
            yield name, value
        elif name != "properties":
            yield MEMBER_PREFIX + name, value
    for name, value in (item.get("properties") or {}).items():
        is_taken = name in MEMBERS or name.startswith((MEMBER_PREFIX, PROPERTY_PREFIX))
        yield PROPERTY_PREFIX + name if is_taken else name, value


def _as_wkb(geometries: list[Any], chunk: list[Any]) -> list[bytes | None]:
    import orjson
    import shapely

    found: list[bytes | None] = []
    for geometry, item in zip(geometries, chunk, strict=True):
        try:
            text = None if geometry is None else orjson.dumps(geometry)
            found.append(None if text is None else shapely.to_wkb(shapely.from_geojson(text), flavor="iso"))
        except (shapely.errors.ShapelyError, TypeError, ValueError) as error:
            raise ValueError(
                f"Item {item.get('id')!r} has a geometry that cannot be written: {str(geometry)[:200]}."
            ) from error
    return found


def _write(
    chunks: Iterator[list[Any]], columns: _Columns, path: Path, collections: Iterable[Mapping[str, Any]]
) -> int:
    """Write chunks of items, each as a group of rows; return the number of items."""
    import pyarrow as pa
    from pyarrow import parquet

    fields = columns.fields()
    fields.setdefault("id", pa.string())
    schema = pa.schema(list(fields.items()), metadata=_metadata(columns, fields, collections))
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for chunk in chunks:
            arrays = [pa.array(columns.values(chunk, name), type=kind) for name, kind in fields.items()]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(chunk)
    return count


def _metadata(
    columns: _Columns, fields: Mapping[str, Any], collections: Iterable[Mapping[str, Any]]
) -> dict[bytes, bytes]:
    """Return the metadata of the formats GeoParquet and stac-geoparquet, and our own."""
    geometry: dict[str, Any] = {"encoding": "WKB", "geometry_types": sorted(columns.geometry_types)}
    if "bbox" in fields and columns.bbox_sizes:
        geometry["covering"] = {"bbox": {part: ["bbox", part] for part in _BBOX[4]}}
    geo: dict[str, Any] = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": geometry},
    }
    if "proj:geometry" in fields:
        # Each item may have a reference system of its own, which is unknown here.
        geo["columns"]["proj:geometry"] = {"encoding": "WKB", "geometry_types": [], "crs": None}
    known = {str(each.get("id")): dict(each) for each in collections}
    stac: dict[str, Any] = {"version": "1.0.0"} | ({"collections": known} if known else {})
    json_paths = [
        [name, *path]
        for name, kind in columns.types.items()
        if name not in GEOMETRIES and not columns.is_moment(name) and name in fields
        for path in kind.json_paths()
        if not (name == "bbox" and columns.bbox_sizes)
    ]
    own = {"json": json_paths}
    return {
        b"geo": json.dumps(geo).encode(),
        b"stac-geoparquet": json.dumps(stac).encode(),
        METADATA_KEY: json.dumps(own).encode(),
    }
