"""Registry of the sources that are in use in this process."""

from __future__ import annotations

import json
import math
import os
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import ConfigError
from landbridge.mappings.sources import shipped, shipped_texts
from landbridge.mappings.sources.documents import SourceDocuments
from landbridge.profiles import check_url, config_path
from landbridge.sources import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from landbridge.mappings.sources.model import SourceTable

__all__ = [
    "SourceNotFoundError",
    "add",
    "claim",
    "describe",
    "find_by_url",
    "get",
    "image_product",
    "list_sources",
    "listed",
    "remove",
]

VARIABLE = "LANDBRIDGE_SOURCES"


class SourceNotFoundError(ConfigError, LookupError):
    """No source has this id."""


class _Registry:
    """The sources of one process: added in Python, of the user's files, and shipped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added: dict[str, SourceTable] = {}
        # The user's tables with the state of the files that they were read from.
        self._user: tuple[Any, dict[str, SourceTable]] = (None, {})

    def add(self, table: SourceTable) -> None:
        with self._lock:
            self._added[table.id] = table

    def remove(self, id: str) -> bool:
        with self._lock:
            return self._added.pop(id, None) is not None

    def own(self) -> dict[str, SourceTable]:
        """Return the added and the user's tables by id."""
        state = _state_of_files()
        with self._lock:
            if self._user[0] != state:
                self._user = state, {table.id: table for table in files.user_tables(os.environ)}
            return {**self._user[1], **self._added}


def _state_of_files() -> Any:
    """Return a value that changes if the user's files change."""
    path = config_path(os.environ)
    names = [path, path.parent / "sources"]
    names += sorted((path.parent / "sources").glob("*.toml"))
    return tuple((str(name), _modified(name)) for name in names)


def _modified(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


_registry = _Registry()


def _ids(own: Mapping[str, SourceTable]) -> list[str]:
    """Return the ids of the sources in use, in the order in which they are asked."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        ids = [name for part in chosen.split(",") if (name := part.strip())]
        unknown = [name for name in ids if name not in own and name not in shipped_texts()]
        if unknown:
            raise ConfigError(
                f"{VARIABLE} names {unknown[0]!r}, which is no source; the sources are "
                f"{', '.join(sorted({*own, *shipped_texts()}))}."
            )
        return ids
    others = [name for name in shipped_texts() if name not in own]
    return [*own, *sorted(others, key=lambda name: (_head(name)["rank"], name))]


@cache
def _head(id: str) -> Mapping[str, Any]:
    """Return the first keys of a shipped table, without parsing the rest."""
    import tomllib

    text = shipped_texts()[id].partition("\n[")[0]
    return {"rank": 100, **tomllib.loads(text)}


class SourceList(list["SourceTable"]):
    """List of sources, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from landbridge.sources.notebook_view import sources_view

        return sources_view(self)


def list_sources() -> list[SourceTable]:
    """Return the sources in use, in the order in which they are asked for a product.

    Returns
    -------
    list of SourceTable
        Your own sources first, then the shipped ones; those of `LANDBRIDGE_SOURCES` if that is set.

    Raises
    ------
    ConfigError
        If a file of a source is invalid; the message names the file and the key.

    Examples
    --------
    >>> from landbridge import sources
    >>> "earth-search" in [source.id for source in sources.list()]
    True
    """
    return SourceList(get(name) for name in _ids(_registry.own()))


def get(id: str) -> SourceTable:
    """Return a source.

    Parameters
    ----------
    id : str
        Id of the source, such as "earth-search".

    Returns
    -------
    SourceTable
        Its table.

    Raises
    ------
    SourceNotFoundError
        If no source has this id. The error is a LookupError too.

    Examples
    --------
    >>> from landbridge import sources
    >>> sources.get("earth-search").title
    'Earth Search by Element 84'
    """
    own = _registry.own()
    if id in own:
        return own[id]
    try:
        return shipped(id)
    except KeyError:
        known = ", ".join(sorted({*own, *shipped_texts()}))
        raise SourceNotFoundError(f"There is no source {id!r}; the sources are {known}.") from None


def add(
    id: str | Path | SourceTable, url: str | None = None, *, save: bool = False, **keys: Any
) -> SourceTable:
    """Add a source, in place of another with the same id.

    Parameters
    ----------
    id : str, Path or SourceTable
        Id of the source, the first part of its products' ids; or the path of a TOML file with its table.
    url : str, optional
        Address of the STAC API, of a `catalog.json`, or of a parquet file or folder. Needed with an id.
    save : bool, default False
        Keep the source for later processes, in the folder `sources` beside `config.toml`.
    **keys
        Further keys of a source's table, such as `kind`, `title`, `api`, `access` and `products`.

    Returns
    -------
    SourceTable
        The source.

    Raises
    ------
    ConfigError
        If the table is invalid.

    Examples
    --------
    >>> from landbridge import sources
    >>> sources.add("docs-example", "https://stac.example.org/v1", title="Example").url
    'https://stac.example.org/v1'
    >>> sources.remove("docs-example")
    """
    from landbridge.mappings.sources import model

    text = None
    if isinstance(id, model.SourceTable):
        table = id
    elif isinstance(id, Path) or id.endswith(".toml"):
        table = files.read_table(Path(id))
        text = Path(id).read_text(encoding="utf-8")
    else:
        from landbridge.mappings.sources.parse import SourceError, parse

        content = {"id": id, "url": url, **keys}
        try:
            table = parse({key: value for key, value in content.items() if value is not None}, f"source {id}")
        except SourceError as error:
            raise ConfigError(str(error)) from error
        nested = [key for key, value in keys.items() if isinstance(value, (dict, list))]
        if save and nested:
            raise ConfigError(f"A source with {nested[0]!r} is saved from a TOML file: add(Path(...)).")
        text = "".join(
            f"{key} = {json.dumps(value)}\n" for key, value in content.items() if value is not None
        )
    _check(table)
    if save:
        if text is None:
            raise ConfigError("A SourceTable is saved from a TOML file: add(Path(...)).")
        files.write_file(table.id, text)
    else:
        _registry.add(table)
    return table


def _check(table: SourceTable) -> None:
    if not table.id.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"The id of a source has letters, digits, - and _ only; {table.id!r} has others.")
    if table.kind == "api":
        check_url(table.url, f"source {table.id}: url")


def remove(id: str) -> None:
    """Remove a source that was added, or the file of a source that was saved.

    Parameters
    ----------
    id : str
        Id of the source.

    Raises
    ------
    SourceNotFoundError
        If you added no source with this id. Shipped sources are left out by `LANDBRIDGE_SOURCES`.

    Examples
    --------
    >>> from landbridge import sources
    >>> _ = sources.add("docs-example", "https://stac.example.org/v1")
    >>> sources.remove("docs-example")
    """
    if not (_registry.remove(id) or files.delete_file(id)):
        if id in shipped_texts():
            raise SourceNotFoundError(f"{id!r} is a shipped source; leave it out of {VARIABLE} instead.")
        raise SourceNotFoundError(f"You added no source {id!r}.")


def describe(id: str) -> str:
    """Return a text about a source: its address, what its API answers, its products and their notes.

    Parameters
    ----------
    id : str
        Id of the source.

    Returns
    -------
    str
        Several lines.

    Raises
    ------
    SourceNotFoundError
        If no source has this id.

    Examples
    --------
    >>> from landbridge import sources
    >>> print(sources.describe("earth-search"))
    Earth Search by Element 84 (earth-search)
    https://earth-search.aws.element84.com/v1
    ...
    """
    table = get(id)
    lines = [f"{table.title or table.id} ({table.id})", table.url]
    if table.documentation:
        lines.append(f"documentation: {table.documentation}")
    kinds = sorted({rule.kind for rule in table.access} - {"public"})
    lines.append(f"files: {', '.join(kinds) if kinds else 'public'}")
    for row in table.products:
        names = ", ".join(row.ids) or f"{table.id}:{row.collection}"
        lines.append(f"  {names}: collection {row.collection}, {len(row.bands) or 'documented'} bands")
        if row.note:
            lines.append(f"    {row.note}")
    return "\n".join(lines)


def claim(product_id: str) -> SourceTable | None:
    """Return the source whose table has a product id, or whose name the id begins with; None if none.

    If several have it, the first of your own or of `LANDBRIDGE_SOURCES` is returned, else the shipped one
    with the lowest rank. No network is used. Only tables that contain the id are parsed.
    """
    own = _registry.own()
    quoted = json.dumps(product_id)
    shipped_ones = []
    for name in _ids(own):
        if name in own:
            if SourceDocuments(own[name]).claims(product_id):
                return own[name]
        elif (product_id.startswith(f"{name}:") or quoted in shipped_texts()[name]) and (
            SourceDocuments(shipped(name)).claims(product_id)
        ):
            if os.environ.get(VARIABLE) is not None:
                return shipped(name)
            shipped_ones.append(shipped(name))
    return min(shipped_ones, key=lambda table: _rank_of(table, product_id), default=None)


def _rank_of(table: SourceTable, product_id: str) -> float:
    """Return the rank of a source for a product; a source that only has the id's first part comes last."""
    rank = table.rank_of(product_id)
    return math.inf if rank is None else rank


def find_by_url(url: str) -> SourceTable | None:
    """Return the source with an address; None if there is none."""
    for table in _registry.own().values():
        if table.url.rstrip("/") == url:
            return table
    return next(
        (shipped(name) for name in shipped_texts() if str(_head(name)["url"]).rstrip("/") == url), None
    )


def image_product(identifier: str) -> str | None:
    """Return the product id in the id of an image or band of a source; None if no source claims it.

    An id of the form ``source:collection:name`` is split at its second colon, and the id of a table's row is
    the longest that the identifier begins with.
    """
    parts = identifier.split(":")
    for length in range(len(parts) - 1, 0, -1):
        candidate = ":".join(parts[:length])
        table = claim(candidate)
        if table is not None and (length == 2 or SourceDocuments(table).row(candidate) is not None):
            return candidate
    return None


def listed() -> Iterator[tuple[SourceTable, list[dict[str, Any]]]]:
    """Yield each source in use with the Collections that its table alone describes.

    An id that several sources have is listed once, by the source that is asked for it.
    """
    for table in list_sources():

        def is_own(product_id: str, table: SourceTable = table) -> bool:
            return claim(product_id) == table

        yield table, SourceDocuments(table).listed(is_own)
