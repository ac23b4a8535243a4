"""`landbridge import`: STAC documents of files and of sources into the catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.catalog.common import reported
from landbridge.cli.import_sources import Selection, client_for, import_source, matching, parse_selection
from landbridge.cli.item_loader import Document, Loader, Report
from landbridge.cli.output import json_option
from landbridge.sources.unsigned_hrefs import without_signatures

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

_LINES = (".ndjson", ".jsonl", ".ndgeojson")
_PARQUET = (".parquet", ".geoparquet")
_JSON = (".json", ".geojson")


@click.command("import")
@click.argument("locations", nargs=-1, required=True, metavar="LOCATION...")
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="ID",
    help="Collection or product to read from a source; may be repeated. Of documents in files: the "
    "collection that gets all their items, as with --as.",
)
@click.option(
    "--bbox", metavar="W,S,E,N", help="Only items in this box of longitudes and latitudes; W may exceed E."
)
@click.option(
    "--datetime", "time", metavar="TIME", help="Only items of this time, or interval such as 2024-01-01/.."
)
@click.option(
    "--filter", "condition", metavar="CQL2", help='Only items that satisfy it: "eo:cloud_cover < 20".'
)
@click.option("--as", "target", metavar="PRODUCT", help="Product that gets the items; created if missing.")
@click.option("--upsert", is_flag=True, help="Replace existing items.")
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write refused documents to this file and continue; without this the first refusal ends the import.",
)
@json_option("the counts as a JSON object")
def import_(
    locations: tuple[str, ...],
    collections: tuple[str, ...],
    bbox: str | None,
    time: str | None,
    condition: str | None,
    target: str | None,
    upsert: bool,
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Load STAC Items and Collections; the files of the Items stay where they are.

    A LOCATION is the address of a STAC API, the id of a source (see `landbridge sources list`), a
    catalog.json, a stac-geoparquet file, or documents in files: newline-delimited JSON, JSON, or folders.

    Items of sources that exist already stay as they are, so that an import can be interrupted and repeated.
    Items of documents in files are refused if they exist. --upsert replaces both.

    Collections come first; existing ones stay as they are. Items are stored in batches, each completely or
    not at all. Signatures of addresses are removed. The exit code is 1 if a document is refused, or if there
    is none to import.
    """
    from landbridge.catalog import CatalogClient

    with reported():
        selection = parse_selection(collections, bbox, time, condition, target)
        client = CatalogClient.get_default_client()
        files = [file for location in locations for file in _files(location)]
        sources = [location for location in locations if _is_source(location)]
        if not files and not sources:
            raise click.ClickException(f"There is no STAC file in {', '.join(locations)}.")
        report = Report(rejected)
        if files:
            _import_files(client, files, selection, report, upsert=upsert)
        for location in sources:
            import_source(
                client_for(location), client, selection, Loader(client, "upsert", report), upsert=upsert
            )
    report.print(as_json=as_json)
    if not report.found:
        raise click.ClickException(f"There is no STAC Item or Collection in {', '.join(locations)}.")
    if report.items_refused or report.collections_refused:
        raise SystemExit(1)


def _import_files(
    client: CatalogClient, files: list[Path], selection: Selection, report: Report, *, upsert: bool
) -> None:
    """Store the documents of files."""
    target = selection.target
    if target is None and selection.collections:
        if len(selection.collections) > 1:
            raise click.UsageError("Documents in files go into one collection: give --collection once.")
        (target,) = selection.collections
    _make_collections(client, files, report)
    loader = Loader(client, "upsert" if upsert else "insert", report)
    documents = matching((one for file in files for one in _documents(file)), selection.query)
    for document in documents:
        if document.get("type") == "Feature":
            loader.add(without_signatures(document) | ({"collection": target} if target else {}))
    loader.finish()


def _is_source(location: str) -> bool:
    """Return whether a location is a source: an address, a catalog of linked files, or a source's id."""
    path = Path(location)
    if "://" in location or not path.exists():
        return True
    return path.suffix.lower() in _JSON and path.is_file() and _is_catalog(path)


def _is_catalog(path: Path) -> bool:
    """Return whether a file is a Catalog, or a Collection that links to its Items."""
    document = _parsed(path.read_text("utf-8"), str(path))
    if not isinstance(document, dict) or document.get("type") in ("Feature", "FeatureCollection"):
        return False
    links = document.get("links")
    relations = (
        {link.get("rel") for link in links if isinstance(link, dict)} if isinstance(links, list) else ()
    )
    return bool({"child", "item"} & set(relations))


def _files(location: str) -> Iterator[Path]:
    """Yield the files of documents at a location; none if it is a source."""
    if _is_source(location):
        return
    path = Path(location)
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
