"""Import by reference from a source: Items that keep the addresses of their files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from landbridge.cli.item_loader import existing_ids, own_product

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from landbridge.catalog.client.capabilities import Capabilities
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.cli.item_loader import Document, Loader, Report
    from landbridge.sources.item_query import ItemQuery

__all__ = ["Selection", "client_for", "import_source", "matching", "parse_selection"]

# Number of Items that are compared with the catalog and stored together: what is stored survives an
# interruption.
_GROUP = 500
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Selection:
    """Collections to read, conditions on their Items, and the product that gets them."""

    collections: tuple[str, ...]
    query: ItemQuery
    target: str | None


def client_for(location: str) -> CatalogClient:
    """Return a client of the source at a location: the id of a source, or an address."""
    from landbridge.catalog import CatalogClient
    from landbridge.catalog.client.source_clients import source_client
    from landbridge.sources import registry
    from landbridge.sources.catalog_urls import kind_of

    if "://" in location or kind_of(location) != "api":
        return CatalogClient(location)
    try:
        return source_client(registry.get(location))
    except registry.SourceNotFoundError as error:
        raise click.ClickException(f"{location} is no file. {error}") from error


def import_source(
    source: CatalogClient, own: CatalogClient, selection: Selection, loader: Loader, *, upsert: bool
) -> None:
    """Store the selected Items of a source, with their Collections."""
    for collection in selection.collections or _all_collections(source):
        _CollectionImport(source, own, selection, collection, loader).run(upsert=upsert)


def _all_collections(source: CatalogClient) -> list[str]:
    """Return the Collections to read if none is named: those of a catalog in files, and of no API."""
    from landbridge.sources.catalog_urls import kind_of

    kind = source.source.kind if source.source is not None else kind_of(source.url)
    if kind == "api":
        raise click.UsageError(f"Name the collections of {source.url} to import by --collection.")
    return [document["id"] for document in source.get("/collections")["collections"]]


class _CollectionImport:
    """Import of one Collection of a source into a product."""

    def __init__(
        self,
        source: CatalogClient,
        own: CatalogClient,
        selection: Selection,
        collection: str,
        loader: Loader,
    ) -> None:
        self._source, self._own, self._loader = source, own, loader
        self._report: Report = loader.report
        self._query = selection.query
        self._product_id = _product_id(source, collection)
        self._collection_id = source.documents.collection_id(self._product_id)
        self._target = selection.target or self._collection_id
        # Otherwise the product keeps the id of the source's collection, if the service allows it.
        self._is_named = selection.target is not None

    def run(self, *, upsert: bool) -> None:
        from landbridge.raster.runtime.progress import progress_bar

        self._make_product()
        group: dict[str, dict[str, Any]] = {}
        with progress_bar(None, 0, f"import {self._collection_id}", "items") as bar:
            for item in self._items():
                if item["id"] in group:
                    continue  # an API that repeats an Item
                group[item["id"]] = item
                if len(group) >= _GROUP:
                    self._store(group, upsert=upsert)
                    bar.update(len(group))
                    group = {}
            self._store(group, upsert=upsert)

    def _store(self, group: Mapping[str, dict[str, Any]], *, upsert: bool) -> None:
        """Store Items; without `upsert` those that do not exist yet."""
        known = set() if upsert else existing_ids(self._own, self._target, list(group))
        self._report.items_there += len(known)
        for name, item in group.items():
            if name not in known:
                self._loader.add(item)
        self._loader.finish()

    # Items
    def _items(self) -> Iterator[dict[str, Any]]:
        """Yield the selected Items, as they are stored."""
        from landbridge.catalog.client.paging import pages
        from landbridge.catalog.stac.searches import page_size

        known = self._source.capabilities
        body: dict[str, Any] = {"collections": [self._collection_id], "limit": page_size(self._source)}
        if self._query.bbox is not None:
            body["bbox"] = list(self._query.bbox)
        if self._query.time is not None:
            body["datetime"] = self._query.time
        if self._query.filter is not None and _is_answered(self._query.filter, known):
            body |= {"filter": self._query.filter, "filter-lang": "cql2-json"}
        documents = self._source.documents
        for page in pages(self._source, "POST", known.search_path, body, "features"):
            for item in page:
                # An API may ignore a condition, so that all of them are checked here.
                if documents.has_item(item, self._product_id) and self._query.matches(item):
                    yield self._stored_item(item)

    def _stored_item(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return an Item for one's own catalog: absolute unsigned hrefs, and a link to the original."""
        from landbridge.sources.absolute_hrefs import absolute_document
        from landbridge.sources.unsigned_hrefs import without_signatures

        origin = _self_link(item) or (
            f"{self._source.url}/collections/{self._collection_id}/items/{item['id']}"
        )
        whole = absolute_document(origin, item) if origin.startswith(_SCHEMES) else item
        changed = self._source.documents.item(whole, self._product_id)
        return without_signatures({**changed, "collection": self._target, "links": _links(whole, origin)})

    # The Collection
    def _make_product(self) -> None:
        """Create the target's Collection, or check that its bands have the same files."""
        from landbridge.catalog.stac.bands import collection_bands
        from landbridge.catalog.stac.prefixes import prefixed_id
        from landbridge.catalog.stac.products import PRODUCTS
        from landbridge.exceptions import BadRequestError

        found = PRODUCTS.get(self._source, self._product_id)
        if found is None:
            raise click.ClickException(f"{self._source.url} has no collection {self._collection_id!r}.")
        bands = [record.entry for record in collection_bands(self._source, found)]
        existing = own_product(self._own, self._target)
        if existing is not None:
            self._target = existing["id"]
            self._report.there_already += 1
            self._check_bands(existing, bands)
            return
        if self._is_named:
            self._target = prefixed_id(self._target, self._own)
        document = self._stored_collection(found, bands)
        try:
            self._target = self._own.post("/collections", document)["id"]
        except BadRequestError as error:
            self._report.refuse([document], f"Collection {self._target!r} is refused: {error}")
        else:
            self._report.made += 1

    def _stored_collection(self, document: Mapping[str, Any], bands: list[dict[str, Any]]) -> dict[str, Any]:
        from landbridge.sources.absolute_hrefs import absolute_document
        from landbridge.sources.unsigned_hrefs import without_signatures

        origin = _self_link(document) or f"{self._source.url}/collections/{self._collection_id}"
        whole = absolute_document(origin, document) if origin.startswith(_SCHEMES) else dict(document)
        new = {**whole, "id": self._target, "type": "Collection", "links": _links(whole, origin)}
        if bands:
            new["bands"] = bands
        return without_signatures(new)

    def _check_bands(self, existing: Mapping[str, Any], bands: list[dict[str, Any]]) -> None:
        """Refuse Items whose files would be taken for other bands than they are."""
        from landbridge.catalog.stac.bands import collection_bands
        from landbridge.mappings.binding import ASSET_KEY, BAND_INDEX

        wanted = {band["name"]: (band.get(ASSET_KEY), band.get(BAND_INDEX, 0)) for band in bands}
        known = {
            record.entry["name"]: (record.entry.get(ASSET_KEY), record.entry.get(BAND_INDEX, 0))
            for record in collection_bands(self._own, dict(existing))
        }
        for name, place in known.items():
            if name in wanted and place != wanted[name]:
                raise click.ClickException(
                    f"Band {name!r} of product {self._target!r} is index {place[1]} of asset {place[0]!r}, "
                    f"and in {self._collection_id!r} of {self._source.url} it is index {wanted[name][1]} of "
                    f"asset {wanted[name][0]!r}. Import into another product."
                )
        if wanted and not wanted.keys() & known.keys():
            raise click.ClickException(
                f"Product {self._target!r} has none of the bands of {self._collection_id!r} "
                f"({', '.join(sorted(wanted))}). Import into another product."
            )


def _is_answered(condition: Any, known: Capabilities) -> bool:
    """Return whether an API answers a filter in CQL2 JSON, by what it declares and its table says."""
    if not isinstance(condition, dict):
        return True
    if "property" in condition:
        return known.filters_by(str(condition["property"]))
    if "op" not in condition:
        return True  # a literal
    return (
        "cql2-json" in known.filter_languages
        and condition["op"] in known.operators
        and all(
            _is_answered(part, known)
            for argument in condition["args"]
            for part in (argument if isinstance(argument, list) else [argument])
        )
    )


def _product_id(source: CatalogClient, collection: str) -> str:
    """Return the id under which the source's documents know a collection, given by any of its ids."""
    documents, table = source.documents, source.source
    if table is None or documents.claims(collection):
        return collection
    rows = [row for row in table.products if row.collection == collection]
    parts = [table.product_id(row) for row in rows if row.where]
    if parts:
        whole = f"{table.id}:{collection}"
        raise click.UsageError(
            f"{table.id} has parts of the collection {collection!r} as products of their own: name one of "
            f"{', '.join(parts)} by --collection, or {whole} for all items with the bands of their documents."
        )
    return documents.product_ids(collection)[0]


def _self_link(document: Mapping[str, Any]) -> str | None:
    for link in document.get("links") or ():
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str):
            return str(link["href"])
    return None


# Relations that stay true for a copy of a document.
_KEPT_RELATIONS = frozenset({"license", "cite-as", "about", "describedby", "derived_from", "documentation"})


def _links(document: Mapping[str, Any], origin: str) -> list[dict[str, Any]]:
    """Return the links of a copied document: the one to the original first."""
    kept = [
        link
        for link in document.get("links") or ()
        if isinstance(link, dict)
        and link.get("rel") in _KEPT_RELATIONS
        and str(link.get("href")).startswith(_SCHEMES)
    ]
    return [*([{"rel": "via", "href": origin}] if origin.startswith(_SCHEMES) else []), *kept]


def matching(documents: Iterable[Document], query: ItemQuery) -> Iterator[Document]:
    """Yield the Collections, and the Items that satisfy a query."""
    for document in documents:
        if document.get("type") != "Feature" or query.matches(document):
            yield document


def parse_selection(
    collections: tuple[str, ...],
    bbox: str | None,
    time: str | None,
    condition: str | None,
    target: str | None,
) -> Selection:
    """Return the selection of the command's options."""
    from landbridge.sources.item_query import parse_query

    members: dict[str, Any] = {"bbox": bbox, "datetime": time}
    if condition is not None:
        language = "cql2-json" if _is_json(condition) else "cql2-text"
        members |= {"filter": condition, "filter-lang": language}
    query = parse_query(members, can_filter=True, can_sort=False)
    # Errors of the conditions come before any request.
    query.check()
    return Selection(collections, query, target)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
