"""Bands: stored as entries of their product's Collection, searched on the client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.client_side_filter import select
from landbridge.catalog.stac.missing_product import missing_product
from landbridge.catalog.stac.products import PRODUCTS
from landbridge.catalog.stac.requests import (
    collection_path,
    convert,
    get_or_none,
    has_all_changes,
    patch_collection,
    require,
    split_id,
)
from landbridge.catalog.stac.searches import require_products
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError
from landbridge.mappings import band as band_mapping
from landbridge.mappings import ids
from landbridge.mappings.external_bands import CLASSIFICATION
from landbridge.mappings.item_statements import completed
from landbridge.mappings.schema import is_catalog_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["BANDS", "BandRecord", "Bands", "band_records", "collection_bands"]

# Number of Items that are read for their bands, if their Collection describes none.
_SAMPLE_ITEMS = 10


@dataclass(frozen=True, slots=True)
class BandRecord:
    """A band's attributes, the Collection that has it, and the entry that they are read from."""

    attributes: dict[str, Any]
    collection: dict[str, Any]
    entry: dict[str, Any] = field(default_factory=dict)


def band_records(
    collection: dict[str, Any], items: Callable[[], Iterable[dict[str, Any]]] | None = None
) -> list[BandRecord]:
    """Return the bands that a Collection describes, or else the bands of its Items.

    If the Collection states no data type, or no meaning of a class band's values, what its first Item states
    about the pixels completes the bands.
    """
    entries = {entry["name"]: entry for entry in band_mapping.entries(collection)}
    if not entries and items is not None:
        for item in items():
            for entry in band_mapping.entries(collection, item):
                entries.setdefault(entry["name"], entry)
    elif items is not None and _is_incomplete([*entries.values()]):
        for item in list(items())[:1]:
            for entry in completed([*entries.values()], item, collection.get("item_assets")):
                entries[entry["name"]] = entry
    return [
        BandRecord(band_mapping.from_stac(entry, collection["id"]), collection, entry)
        for entry in entries.values()
    ]


def _is_incomplete(entries: list[dict[str, Any]]) -> bool:
    return not any("data_type" in entry for entry in entries) or any(
        entry.get("catalog:type") == "class"
        and not any(member in entry for member in ("catalog:class_labels", *CLASSIFICATION))
        for entry in entries
    )


def collection_bands(client: CatalogClient, collection: dict[str, Any]) -> list[BandRecord]:
    """Return the bands of a Collection.

    The bands of a Collection that another program wrote may be described by its Items only.
    """
    if is_catalog_document(collection):
        return band_records(collection)
    return band_records(collection, lambda: _sample_items(client, collection["id"]))


def _sample_items(client: CatalogClient, product_id: str) -> list[dict[str, Any]]:
    """Return some Items of a Collection."""
    documents = client.documents
    path = f"{collection_path(documents.collection_id(product_id))}/items"
    found = get_or_none(client, path, {"limit": _SAMPLE_ITEMS})
    items = list(found.get("features") or ()) if isinstance(found, dict) else []
    return [documents.without_excluded_assets(item, product_id) for item in items]


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands, which are entries of their product's Collection."""

    def attributes(self, record: BandRecord) -> dict[str, Any]:
        return record.attributes

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        return self.get_many(client, [id], params, headers).get(id)

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        products = dict.fromkeys(product_id for product_id, _ in map(split_id, identifiers) if product_id)
        wanted = set(identifiers)
        found = {}
        for product_id in products:
            collection = self._collection_of(client, product_id, params, headers)
            for record in collection_bands(client, collection) if collection else ():
                if record.attributes["id"] in wanted:
                    found[record.attributes["id"]] = record
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        require(attributes, "A band", "name", "product_id")
        product_id, name = attributes["product_id"], attributes["name"]
        collection = PRODUCTS.get(client, product_id, None, headers)
        if collection is None:
            raise BadRequestError(
                f"Band {name!r} cannot be created: {missing_product(client, product_id)} Save it first."
            )

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is not None:
                raise ConflictError(f"Product {product_id!r} has a band {name!r} already.")
            return convert(band_mapping.add_patch, attributes)  # type: ignore[no-any-return] # see convert

        try:
            return self._change(client, product_id, name, collection, operations, headers)
        except BadRequestError as error:
            # The service says only that the Collection would be invalid. A band of this name is one reason.
            if self._find(client.get(collection_path(product_id)), name) is None:
                raise
            raise ConflictError(f"Product {product_id!r} has a band {name!r} already.") from error

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        product_id, name = split_id(id)

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is None:
                raise NotFoundError(f"Band {id} does not exist.")
            return convert(band_mapping.patch, changes, base, name)  # type: ignore[no-any-return] # see convert

        base = record.collection if has_all_changes(changes, record.attributes) else None
        return self._change(client, product_id, name, base, operations, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        product_id, name = split_id(id)
        collection = self._collection_of(client, product_id) if product_id and name else None
        if collection is None:
            return False
        product_id, name = collection["id"], id[len(collection["id"]) + 1 :]

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is None:
                raise NotFoundError(f"Band {id} does not exist.")
            return band_mapping.remove_patch(base, name)

        try:
            patch_collection(client, product_id, collection, operations)
        except NotFoundError:
            return False
        client.forget_bands(product_id)
        return True

    @staticmethod
    def _collection_of(
        client: CatalogClient, product_id: str, params: Params = None, headers: Headers = None
    ) -> dict[str, Any] | None:
        """Return the Collection with the longest prefix of `product_id` as its id; None if none exists.

        Bands that another program wrote may have colons in their names, so that `product_id` may include a
        part of the band's name.
        """
        while product_id:
            collection: dict[str, Any] | None = PRODUCTS.get(client, product_id, params, headers)
            if collection is not None:
                return collection
            product_id = product_id.rpartition(":")[0]
        return None

    @staticmethod
    def _find(collection: dict[str, Any], name: str) -> BandRecord | None:
        return next(
            (record for record in band_records(collection) if record.attributes["name"] == name), None
        )

    def _change(
        self,
        client: CatalogClient,
        product_id: str,
        name: str,
        base: Any,
        operations: Callable[[Any], list[dict[str, Any]]],
        headers: Headers,
    ) -> BandRecord:
        """Patch the Collection and return the band's new record."""
        changed = patch_collection(client, product_id, base, operations, headers)
        client.forget_bands(product_id)
        record = self._find(changed, name)
        if record is None:
            raise NotFoundError(f"Band {ids.image_id(product_id, name)} was deleted while it was saved.")
        return record

    # Searches
    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        return iter([self._matching(client, query)])

    def count(self, client: CatalogClient, query: Query) -> int:
        return len(self._matching(client, query))

    def _matching(self, client: CatalogClient, query: Query) -> list[Any]:
        found = PRODUCTS.get_many(client, list(require_products(query, "bands")), query.params, query.headers)
        records = [record for collection in found.values() for record in collection_bands(client, collection)]
        return select(records, query, self.attributes, ("name", "description"))


BANDS = Bands()
