"""Bands, stored as entries of their product's Collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.catalog.stac.products import PRODUCTS
from landbridge.catalog.stac.resource import (
    BandRecord,
    collection_path,
    get_or_none,
    patch_collection,
    require,
    shows,
    split,
    valid,
)
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError
from landbridge.mappings import band as band_mapping
from landbridge.mappings import ids
from landbridge.mappings.schema import is_catalog_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["BANDS", "Bands", "band_records", "described_bands"]

# So many Items are asked for their bands, if their Collection describes none.
_FIRST_ITEMS = 10


def band_records(
    collection: dict[str, Any], items: Callable[[], Iterable[dict[str, Any]]] | None = None
) -> list[BandRecord]:
    """Return the bands of a Collection; of its Items, if it describes none itself."""
    entries = {entry["name"]: entry for entry in band_mapping.entries(collection)}
    if not entries and items is not None:
        for item in items():
            for entry in band_mapping.entries(collection, item):
                entries.setdefault(entry["name"], entry)
    return [
        BandRecord(band_mapping.from_stac(entry, collection["id"]), collection, entry)
        for entry in entries.values()
    ]


def described_bands(client: CatalogClient, collection: dict[str, Any]) -> list[BandRecord]:
    """Return the bands of a Collection as it describes them; as its first Items do, if others wrote it."""
    if is_catalog_document(collection):
        return band_records(collection)
    return band_records(collection, lambda: first_items(client, collection["id"]))


def first_items(client: CatalogClient, product_id: str) -> list[dict[str, Any]]:
    """Return some Items of a Collection, to see the bands that it does not describe."""
    found = get_or_none(client, f"{collection_path(product_id)}/items", {"limit": _FIRST_ITEMS})
    return list(found.get("features") or ()) if isinstance(found, dict) else []


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands, which are entries of their product's Collection."""

    kind: str = "band"

    def attributes(self, record: BandRecord) -> dict[str, Any]:
        return record.attributes

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        return self.get_many(client, [id], params, headers).get(id)

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        products = dict.fromkeys(product_id for product_id, _ in map(split, names) if product_id)
        wanted = set(names)
        found = {}
        for product_id in products:
            collection = self._holding(client, product_id, params, headers)
            for record in described_bands(client, collection) if collection else ():
                if record.attributes["id"] in wanted:
                    found[record.attributes["id"]] = record
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        require(attributes, "A band", "name", "product_id")
        product_id, name = attributes["product_id"], attributes["name"]
        collection = PRODUCTS.get(client, product_id, None, headers)
        if collection is None:
            raise BadRequestError(f"Band {name!r} cannot be created: there is no product {product_id!r}.")

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is not None:
                raise ConflictError(f"Product {product_id!r} has a band {name!r} already.")
            return valid(band_mapping.add_patch, attributes)  # type: ignore[no-any-return] # see valid

        try:
            return self._change(client, product_id, name, collection, operations, headers)
        except BadRequestError as error:
            # The service says only that the Collection would be invalid: was it for a band of this name?
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
        product_id, name = split(id)

        def operations(base: Any) -> list[dict[str, Any]]:
            if self._find(base, name) is None:
                raise NotFoundError(f"Band {id} does not exist.")
            return valid(band_mapping.patch, changes, base, name)  # type: ignore[no-any-return] # see valid

        base = record.collection if shows(changes, record.attributes) else None
        return self._change(client, product_id, name, base, operations, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        product_id, name = split(id)
        collection = self._holding(client, product_id) if product_id and name else None
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
    def _holding(
        client: CatalogClient, product_id: str, params: Params = None, headers: Headers = None
    ) -> dict[str, Any] | None:
        """Return the Collection of bands whose ids begin with a text, which may have part of their names.

        Bands of others may have colons in their names.
        """
        while product_id:
            collection: dict[str, Any] | None = PRODUCTS.get(client, product_id, params, headers)
            if collection is not None:
                return collection
            product_id = product_id.rpartition(":")[0]
        return None

    @staticmethod
    def _find(collection: dict[str, Any], name: str) -> BandRecord | None:
        return next((one for one in band_records(collection) if one.attributes["name"] == name), None)

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


BANDS = Bands()
