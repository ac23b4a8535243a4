"""`landbridge import`: STAC documents from files into the catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported

if TYPE_CHECKING:
    from landbridge.catalog.client import CatalogClient

Document = Mapping[str, Any]

_BATCH = 2000
_LINES = (".ndjson", ".jsonl", ".ndgeojson")
_PARQUET = (".parquet", ".geoparquet")
_JSON = (".json", ".geojson")


@click.command("import")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)
@click.option("--collection", help="Put the items into this collection, whatever they say themselves.")
@click.option("--upsert", is_flag=True, help="Replace items that are there; without this they are refused.")
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write items that are refused to this file and go on; without this the first one ends it.",
)
def import_(paths: tuple[Path, ...], collection: str | None, upsert: bool, rejected: Path | None) -> None:
    """Load STAC Items and Collections: newline-delimited JSON, JSON, stac-geoparquet, or folders of these.

    Collections come first; those that there are already are left as they are. Items go in by batches, each
    whole or not at all.
    """
    from landbridge.catalog import CatalogClient

    with reported():
        client = CatalogClient.get_default_client()
        files = [file for path in paths for file in _files(path)]
        if not files:
            raise click.ClickException(f"There is no STAC file in {', '.join(map(str, paths))}.")
        made = _make_collections(client, files)
        loader = _Loader(client, "upsert" if upsert else "insert", rejected)
        for document in (one for file in files for one in _documents(file)):
            if document.get("type") == "Feature":
                loader.add(dict(document) | ({"collection": collection} if collection else {}))
        loader.finish()
    click.echo(f"{loader.stored} items stored, {loader.refused} refused, {made} collections made.")
    if loader.refused:
        raise SystemExit(1)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    known = (*_LINES, *_PARQUET, *_JSON)
    yield from sorted(one for one in path.rglob("*") if one.suffix.lower() in known and one.is_file())


def _documents(path: Path) -> Iterator[Document]:
    """The Items and Collections of a file, one after the other. Raises click.ClickException naming it."""
    kind = path.suffix.lower()
    if kind in _PARQUET:
        yield from _features(_parquet(path), path)
    elif kind in _LINES:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield from _features(_parsed(line, f"{path}, line {number}"), path)
    else:
        yield from _features(_parsed(path.read_text("utf-8"), str(path)), path)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.ClickException(f"{where} is not JSON: {error}") from error


def _features(document: Any, path: Path) -> Iterator[Document]:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if kind == "FeatureCollection":
        for feature in document.get("features") or ():
            yield from _features(feature, path)
    elif kind in ("Feature", "Collection"):
        yield document
    elif kind != "Catalog":  # whose children are files of their own
        raise click.ClickException(f"{path} holds no STAC Item, Collection or ItemCollection.")


def _parquet(path: Path) -> Any:
    try:
        import rustac
    except ImportError:
        raise click.ClickException(
            f"{path} is Parquet, which needs rustac: pip install 'landbridge[parquet]'"
        ) from None
    try:
        return rustac.read_sync(str(path))
    except rustac.RustacError as error:
        raise click.ClickException(f"{path} is no stac-geoparquet: {error}") from error


def _make_collections(client: CatalogClient, files: list[Path]) -> int:
    """Make those collections of the files that there are not yet; how many."""
    from landbridge.exceptions import ConflictError

    made = 0
    for path in files:
        if path.suffix.lower() not in _JSON:
            continue
        for document in _documents(path):
            if document.get("type") == "Collection":
                try:
                    client.post("/collections", dict(document))
                    made += 1
                except ConflictError:
                    continue
    return made


class _Loader:
    """Sends items by batches, each of one collection."""

    def __init__(self, client: CatalogClient, method: str, rejected: Path | None) -> None:
        self.stored = self.refused = 0
        self._client, self._method, self._rejected = client, method, rejected
        self._waiting: dict[str, dict[str, Document]] = {}
        if rejected is not None:
            rejected.write_text("", "utf-8")

    def add(self, item: Document) -> None:
        collection, name = item.get("collection"), item.get("id")
        if not isinstance(collection, str) or not isinstance(name, str):
            self._refuse(item, f"Item {name!r} needs an id and a collection; --collection names one for all.")
            return
        waiting = self._waiting.setdefault(collection, {})
        if name in waiting:
            self._send(collection)
            waiting = self._waiting.setdefault(collection, {})
        waiting[name] = item
        if len(waiting) >= _BATCH:
            self._send(collection)

    def finish(self) -> None:
        for collection in list(self._waiting):
            self._send(collection)

    def _send(self, collection: str) -> None:
        self._store(collection, self._waiting.pop(collection, {}))

    def _store(self, collection: str, items: dict[str, Document]) -> None:
        from landbridge.catalog.http import escape
        from landbridge.exceptions import BadRequestError, ConflictError

        if not items:
            return
        body = {"items": items, "method": self._method}
        try:
            # An upsert may be repeated; an insert of what was stored would be refused.
            self._client.post(
                f"/collections/{escape(collection)}/bulk_items", body, idempotent=self._method == "upsert"
            )
        except (BadRequestError, ConflictError) as error:
            if len(items) == 1:
                self._refuse(next(iter(items.values())), str(error))
                return
            if self._rejected is None:
                raise click.ClickException(
                    f"{str(error).strip()} ({self.stored} items were stored before.)"
                ) from error
            # Halving finds the few that are refused, and stores all others.
            names = list(items)
            for part in (names[: len(names) // 2], names[len(names) // 2 :]):
                self._store(collection, {name: items[name] for name in part})
        else:
            self.stored += len(items)

    def _refuse(self, item: Document, why: str) -> None:
        if self._rejected is None:
            raise click.ClickException(f"{why.strip()} ({self.stored} items were stored before.)")
        click.echo(why.strip(), err=True)
        self.refused += 1
        with self._rejected.open("a", encoding="utf-8") as file:
            file.write(json.dumps(item) + "\n")
