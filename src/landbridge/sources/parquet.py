"""stac-geoparquet files and folders as catalogs, searched by rustac's DuckDB.

DuckDB answers what it answers right; the rest is evaluated on the Items that it returns. DuckDB needs its
extension `spatial`: that of the package `rustac-duckdb-extensions` if its version fits, else the one that
DuckDB has installed or downloads. Without the extension, small files are read into memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import BadRequestError, NotFoundError, ServerError
from landbridge.sources.absolute_hrefs import absolute_document
from landbridge.sources.catalog_urls import local_path
from landbridge.sources.file_contents import list_files, read_bytes

if TYPE_CHECKING:
    from landbridge.sources.item_query import ItemQuery

__all__ = ["ParquetCatalog"]

_SUFFIXES = (".parquet", ".geoparquet")
# Number of Items that one query of DuckDB returns.
_BATCH = 1000
# Largest number of bytes of files that are read into memory if DuckDB cannot be used.
_MAX_IN_MEMORY = 256 << 20
# Comparisons that are false for a missing property, in DuckDB as in CQL2.
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">=", "in", "between", "like"})
_WHOLE_WORLD = {
    "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
    "temporal": {"interval": [[None, None]]},
}


class ParquetCatalog:
    """Catalog in a stac-geoparquet file, or in the files of a folder."""

    can_filter = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._files: list[str] | None = None
        self._collections: list[dict[str, Any]] | None = None
        self._folder: Path | None = None
        self._has_intervals: bool | None = None

    @property
    def can_sort(self) -> bool:
        """True if DuckDB can be used: files that are read into memory are not sorted."""
        return self._client() is not None

    def _client(self) -> Any:
        """Return a client of DuckDB; None if the files are read into memory."""
        return _installed_duckdb() or (_downloaded_duckdb() if self._size() > _MAX_IN_MEMORY else None)

    def describe(self) -> Mapping[str, Any]:
        """Return id and title of the catalog: the name of its file or folder."""
        name = self._url.rstrip("/").rpartition("/")[2]
        return {"id": name, "title": name}

    # Collections
    def collections(self) -> list[dict[str, Any]]:
        """Return the Collections: documents in the folder, else their ids, as the Items name them."""
        found = self._collections
        if found is None:
            described = self._described()
            found = self._collections = [
                described.get(name) or _collection_document(name) for name in self._collection_ids()
            ]
        return found

    def collection(self, id: str) -> dict[str, Any] | None:
        """Return a Collection; None if no Item belongs to one with this id."""
        return next((found for found in self.collections() if found["id"] == id), None)

    def _described(self) -> dict[str, dict[str, Any]]:
        """Return the Collection of a `collection.json` beside the files, by its id."""
        import orjson

        is_file = self._url.lower().endswith(_SUFFIXES)
        folder = self._url.rpartition("/")[0] if is_file else self._url.rstrip("/")
        try:
            document = orjson.loads(read_bytes(f"{folder}/collection.json"))
        except (NotFoundError, ServerError, orjson.JSONDecodeError):
            return {}
        return {document["id"]: document} if isinstance(document, dict) and "id" in document else {}

    def _collection_ids(self) -> list[str]:
        """Return the ids of the Collections that Items belong to, by asking for an Item of any other."""
        from landbridge.sources.item_query import ItemQuery

        names: list[str] = []
        while True:
            others = {"op": "not", "args": [{"op": "in", "args": [{"property": "collection"}, list(names)]}]}
            condition = others if names else None
            found = next(self._search(ItemQuery(limit=1), condition, 1), None)
            if found is None or not isinstance(found.get("collection"), str):
                return sorted(names)
            if found["collection"] in names:
                raise ServerError(f"{self._url}: the Collections of its Items cannot be listed.")
            names.append(found["collection"])

    # Items
    def item(self, collection: str, id: str) -> dict[str, Any] | None:
        """Return an Item; None if there is none with this id."""
        from landbridge.sources.item_query import ItemQuery

        return next(self.search(ItemQuery(collections=(collection,), ids=(id,), limit=1)), None)

    def search(self, query: ItemQuery) -> Iterator[dict[str, Any]]:
        """Yield the Items that satisfy a query: sorted if it asks for an order, else as they are stored."""
        pushed, rest = _split(query.filter)
        remaining = replace(query, filter=rest, bbox=None, intersects=None, collections=None, ids=None)
        found = self._search(query, pushed, min(query.limit + 1, _BATCH))
        return (item for item in found if remaining.matches(item))

    def _search(
        self, query: ItemQuery, condition: Mapping[str, Any] | None, batch: int
    ) -> Iterator[dict[str, Any]]:
        client = self._client()
        if client is None:
            wanted = replace(query, filter=condition)
            yield from (item for item in self._in_memory() if wanted.matches(item))
            return
        pattern = self._pattern()
        arguments: dict[str, Any] = {}
        if query.collections is not None:
            arguments["collections"] = list(query.collections)
        if query.ids is not None:
            arguments["ids"] = list(query.ids)
        if (area := query.area) is not None:
            # DuckDB takes a box beyond the antimeridian for its complement.
            arguments["intersects"] = area.__geo_interface__
        conditions = [one for one in (condition, self._times(client, query)) if one is not None]
        if conditions:
            arguments["filter"] = _all_of(conditions)
        if query.sortby:
            # Equal values keep one order from page to page.
            order = [*query.sortby, ("id", True)]
            arguments["sortby"] = [
                {"field": _column(name), "direction": "asc" if ascending else "desc"}
                for name, ascending in order
            ]
        offset = 0
        while True:
            found = self._query(client, pattern, limit=batch, offset=offset, **arguments)
            yield from found
            if len(found) < batch:
                return
            offset += len(found)
            batch = _BATCH

    def _query(self, client: Any, pattern: str, **arguments: Any) -> list[dict[str, Any]]:
        import rustac

        try:
            found: list[dict[str, Any]] = client.search(pattern, **arguments)
        except rustac.RustacError as error:
            message = str(error).partition("\n")[0]
            if "not found in FROM clause" in message and "sortby" in arguments:
                # No Item has the property, so that all orders are the same.
                return self._query(client, pattern, **{**arguments, "sortby": arguments["sortby"][-1:]})
            if message.startswith(("Conversion Error", "Binder Error")):
                raise BadRequestError(f"The search of {self._url} is refused: {message}") from error
            raise ServerError(f"{self._url} cannot be read: {message}") from error
        return [self._repaired(item) for item in found]

    def _repaired(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an Item as STAC demands: with the member `datetime`, and with absolute hrefs."""
        properties = item.get("properties") or {}
        if "datetime" not in properties:
            item = {**item, "properties": {**properties, "datetime": None}}
        is_file = self._url.lower().endswith(_SUFFIXES)
        return absolute_document(self._url if is_file else f"{self._url.rstrip('/')}/items", item)

    def _times(self, client: Any, query: ItemQuery) -> dict[str, Any] | None:
        """Return a condition on the times of Items; DuckDB's own ignores Items that have an interval."""
        if query.interval is None:
            return None
        if self._has_intervals is None:
            known = {"op": "not", "args": [{"op": "isNull", "args": [{"property": "start_datetime"}]}]}
            self._has_intervals = bool(self._query(client, self._pattern(), limit=1, filter=known))
        start, end = ({"timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"} for moment in query.interval)
        moment = _all_of([_compare(">=", "datetime", start), _compare("<=", "datetime", end)])
        if not self._has_intervals:
            return moment
        overlap = _all_of([_compare("<=", "start_datetime", end), _compare(">=", "end_datetime", start)])
        return {"op": "or", "args": [moment, overlap]}

    # Files
    def _local_files(self) -> list[str]:
        """Return the paths of the files; files elsewhere are fetched to a folder of this process first."""
        with self._lock:
            if self._files is None:
                is_file = self._url.lower().endswith(_SUFFIXES)
                found = [self._url] if is_file else list(list_files(self._url))
                found = [file for file in found if file.lower().endswith(_SUFFIXES)]
                if not found:
                    raise NotFoundError(f"{self._url} holds no Parquet file.")
                self._files = [self._fetched(file, number) for number, file in enumerate(found)]
            return self._files

    def _fetched(self, url: str, number: int) -> str:
        path = local_path(url)
        if path is not None:
            if not path.is_file():
                raise NotFoundError(f"{path} does not exist.")
            return str(path)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="landbridge-parquet-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        copy = self._folder / f"{number:06}.parquet"
        copy.write_bytes(read_bytes(url))
        return str(copy)

    def _pattern(self) -> str:
        """Return the pattern of the files for DuckDB."""
        files = self._local_files()
        if len(files) == 1:
            return files[0]
        if self._folder is not None:
            return f"{self._folder}/*.parquet"
        return f"{os.path.commonpath(files)}/**/*.*parquet"

    def _size(self) -> int:
        return sum(Path(file).stat().st_size for file in self._local_files())

    def _in_memory(self) -> Iterator[dict[str, Any]]:
        """Yield all Items, in the order of the files."""
        import rustac

        if self._size() > _MAX_IN_MEMORY:
            raise ServerError(
                f"{self._url} is too large to be read without DuckDB's extension `spatial`. Install it once "
                "with a connection to the internet, or install a `rustac-duckdb-extensions` that fits rustac."
            )
        for file in self._local_files():
            try:
                document = rustac.read_sync(file)
            except rustac.RustacError as error:
                raise ServerError(f"{self._url} is no stac-geoparquet: {error}") from error
            yield from (self._repaired(item) for item in document["features"])


@lru_cache(maxsize=1)
def _installed_duckdb() -> Any:
    """Return a client of DuckDB whose extensions are installed; None if they are not."""
    spec = _require_rustac() and find_spec("rustac_duckdb_extensions")
    bundled = Path(spec.origin).parent / "extensions" if spec and spec.origin else None
    return (_duckdb(bundled, install=False) if bundled else None) or _duckdb(None, install=False)


@lru_cache(maxsize=1)
def _downloaded_duckdb() -> Any:
    """Return a client of DuckDB that downloads its extensions; None if it cannot."""
    return _duckdb(None, install=True)


def _duckdb(extensions: Path | None, *, install: bool) -> Any:
    import rustac

    try:
        return rustac.DuckdbClient(extension_directory=extensions, install_extensions=install)
    except rustac.RustacError:
        return None


def _require_rustac() -> bool:
    if find_spec("rustac") is None:
        raise ServerError("A Parquet file needs rustac: pip install 'landbridge[parquet]'")
    return True


def _split(condition: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the part of a filter that DuckDB evaluates right, and the rest.

    DuckDB's client finds nothing if a property of the filter is no column, which is right for a comparison
    that must hold, but not below `or`, `not` or `isNull`.
    """
    if condition is None:
        return None, None
    parts = condition["args"] if condition.get("op") == "and" else [condition]
    pushed = [_with_columns(part) for part in parts if _is_comparison(part)]
    rest = [part for part in parts if not _is_comparison(part)]
    return _all_of(pushed) if pushed else None, _all_of(rest) if rest else None


def _is_comparison(condition: Any) -> bool:
    """Return whether a condition compares a property of the Item with literals."""
    if not isinstance(condition, Mapping) or condition.get("op") not in _COMPARISONS:
        return False
    property_, *literals = condition["args"]
    return (
        isinstance(property_, Mapping)
        and set(property_) == {"property"}
        and all(_is_literal(literal) for literal in literals)
    )


def _is_literal(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_literal(each) for each in value)
    return isinstance(value, str | int | float) or (isinstance(value, Mapping) and "timestamp" in value)


def _with_columns(condition: Mapping[str, Any]) -> dict[str, Any]:
    property_, *literals = condition["args"]
    return {**condition, "args": [{"property": _column(property_["property"])}, *literals]}


def _column(name: str) -> str:
    return name.removeprefix("properties.")


def _all_of(conditions: list[Any]) -> dict[str, Any]:
    return conditions[0] if len(conditions) == 1 else {"op": "and", "args": conditions}


def _compare(operator: str, name: str, value: Any) -> dict[str, Any]:
    return {"op": operator, "args": [{"property": name}, value]}


def _collection_document(id: str) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": id,
        "description": id,
        "license": "other",
        "extent": _WHOLE_WORLD,
        "links": [],
    }
