"""`landbridge import`: STAC documents from files into the catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.item_loader import Document, Loader, Report

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

_LINES = (".ndjson", ".jsonl", ".ndgeojson")
_PARQUET = (".parquet", ".geoparquet")
_JSON = (".json", ".geojson")


@click.command("import")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)
@click.option("--collection", help="Put all items into this collection instead of their own.")
@click.option("--upsert", is_flag=True, help="Replace existing items; without this they are refused.")
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write refused documents to this file and continue; without this the first refusal ends the import.",
)
def import_(paths: tuple[Path, ...], collection: str | None, upsert: bool, rejected: Path | None) -> None:
    """Load STAC Items and Collections: newline-delimited JSON, JSON, stac-geoparquet, or folders of these.

    Collections come first; existing ones stay as they are. Items are stored in batches, each completely or
    not at all. The exit code is 1 if a document is refused, or if there is none to import.
    """
    from landbridge.catalog import CatalogClient

    with reported():
        client = CatalogClient.get_default_client()
        files = [file for path in paths for file in _files(path)]
        if not files:
            raise click.ClickException(f"There is no STAC file in {', '.join(map(str, paths))}.")
        report = Report(rejected)
        _make_collections(client, files, report)
        loader = Loader(client, "upsert" if upsert else "insert", report)
        for document in (one for file in files for one in _documents(file)):
            if document.get("type") == "Feature":
                loader.add(dict(document) | ({"collection": collection} if collection else {}))
        loader.finish()
    click.echo(str(report))
    if not report.found:
        raise click.ClickException(f"There is no STAC Item or Collection in {', '.join(map(str, paths))}.")
    if report.items_refused or report.collections_refused:
        raise SystemExit(1)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    known = (*_LINES, *_PARQUET, *_JSON)
    yield from sorted(one for one in path.rglob("*") if one.suffix.lower() in known and one.is_file())


def _documents(path: Path, *, collections: bool = False) -> Iterator[Document]:
    """Yield the Items and Collections of a file; only Collections if `collections` is set.

    Raises click.ClickException, which names the file.
    """
    kind = path.suffix.lower()
    if kind in _PARQUET:
        yield from () if collections else _features(_parquet(path), path)
    elif kind in _LINES:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                # Most lines are Items; parse them only once.
                if line.strip() and (not collections or _may_be_collection(line)):
                    yield from _features(_parsed(line, f"{path}, line {number}"), path)
    else:
        yield from _features(_parsed(path.read_text("utf-8"), str(path)), path)


def _may_be_collection(line: str) -> bool:
    return '"Collection"' in line or '"extent"' in line


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise click.ClickException(f"{source} is not JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _features(document: Any, path: Path) -> Iterator[Document]:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if kind is None and isinstance(document, Mapping) and "stac_version" in document:
        # Before STAC 1.0 neither Collections nor Catalogs had a type.
        kind = "Collection" if "extent" in document else "Catalog"
    if kind == "FeatureCollection":
        for feature in document.get("features") or ():
            yield from _features(feature, path)
    elif kind in ("Feature", "Collection"):
        yield document
    elif kind != "Catalog":  # its children are files of their own
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


def _make_collections(client: CatalogClient, files: list[Path], report: Report) -> None:
    """Create the collections of the files that do not exist yet."""
    from landbridge.exceptions import BadRequestError, ConflictError

    for document in (one for path in files for one in _documents(path, collections=True)):
        if document.get("type") == "Feature":
            continue
        try:
            client.post("/collections", dict(document))
            report.made += 1
        except ConflictError:
            report.there_already += 1
        except BadRequestError as error:
            report.refuse([document], f"Collection {document.get('id')!r} is refused: {error}")
