"""Collections and Items of a source, with the ids and the bands that its table gives them.

A foreign product is named ``source:collection``, or by an id of its row. The functions return the documents
with these ids; everything that reads documents of our own service then reads them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.mappings.sources.asset_hrefs import with_read_hrefs
from landbridge.mappings.sources.bands import band_entries
from landbridge.mappings.sources.radiometry import corrected
from landbridge.mappings.tables import load as load_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.mappings.sources.model import ProductRow, SourceTable

__all__ = ["PlainDocuments", "SourceDocuments", "condition_of"]


class PlainDocuments:
    """Documents of an API without a table: its ids are used unchanged."""

    __slots__ = ()

    def row(self, product_id: str) -> ProductRow | None:  # noqa: ARG002 - the signature of SourceDocuments
        """Return None: no product has a row."""
        return None

    def claims(self, product_id: str) -> bool:  # noqa: ARG002 - the signature of SourceDocuments
        """Return False: no id belongs to a table."""
        return False

    def collection_id(self, product_id: str) -> str:
        """Return the id of a product's Collection, which is the same."""
        return product_id

    def product_ids(self, collection_id: str) -> list[str]:
        """Return the ids under which a Collection is listed: its own."""
        return [collection_id]

    def collection(self, document: Any, product_id: str) -> Any:  # noqa: ARG002 - the signature of SourceDocuments
        """Return a Collection unchanged."""
        return document

    def item(self, item: Any, product_id: str) -> Any:  # noqa: ARG002 - the signature of SourceDocuments
        """Return an Item unchanged."""
        return item

    def has_item(self, item: Any, product_id: str) -> bool:  # noqa: ARG002 - the signature of SourceDocuments
        """Return True: a product has all Items of its Collection."""
        return True

    def without_excluded_assets(self, item: Any, product_id: str) -> Any:  # noqa: ARG002 - as above
        """Return an Item unchanged."""
        return item


@dataclass(frozen=True, slots=True)
class SourceDocuments:
    """Documents of a source.

    With `own_ids` a product has the id of its Collection, as for a client that was made with the address of
    the API; otherwise it has the ids of the table.
    """

    table: SourceTable
    own_ids: bool = False

    def row(self, product_id: str) -> ProductRow | None:
        """Return the row of a product; None if the table has none."""
        whole = product_id if self.own_ids else product_id.removeprefix(f"{self.table.id}:")
        prefixed = self.own_ids or product_id.startswith(f"{self.table.id}:")
        found = None
        for row in self.table.products:
            if product_id in row.ids:
                return row
            # The whole collection, not the part of it that a row with a condition describes.
            if prefixed and row.collection == whole and not row.where and found is None:
                found = row
        return found

    def claims(self, product_id: str) -> bool:
        """Return whether an id is one of the table's, or begins with the name of the source."""
        if product_id.startswith(f"{self.table.id}:"):
            return True
        return any(product_id in row.ids for row in self.table.products)

    def collection_id(self, product_id: str) -> str:
        """Return the id of a product's Collection at the source."""
        row = self.row(product_id)
        if row is not None:
            return row.collection
        return product_id if self.own_ids else product_id.removeprefix(f"{self.table.id}:")

    def product_ids(self, collection_id: str) -> list[str]:
        """Return the ids under which a Collection is listed: one for each row, else one of its own."""
        if self.own_ids:
            return [collection_id]
        rows = [row for row in self.table.products if row.collection == collection_id]
        return [self.table.product_id(row) for row in rows] or [f"{self.table.id}:{collection_id}"]

    def collection(self, document: Mapping[str, Any], product_id: str) -> dict[str, Any]:
        """Return a Collection with the id of a product, and the title and the bands of its row."""
        new = {**document, "id": product_id}
        row = self.row(product_id)
        if row is not None:
            new |= _described(row)
            if row.exclude and not row.bands and isinstance(shared := document.get("item_assets"), Mapping):
                new["item_assets"] = _without_excluded(shared, row)
        return new

    def item(self, item: Mapping[str, Any], product_id: str) -> dict[str, Any]:
        """Return an Item with a product's id, the numbers of its row's rule, and the addresses to read."""
        alternates = any(rule.alternate for rule in self.table.access)
        read = with_read_hrefs(item, self.table.access_rule, alternates=alternates)
        return corrected(self.row(product_id), {**read, "collection": product_id})

    def has_item(self, item: Mapping[str, Any], product_id: str) -> bool:
        """Return whether an Item of the product's Collection belongs to the product."""
        row = self.row(product_id)
        return row is None or has_values(row, item)

    def without_excluded_assets(self, item: Mapping[str, Any], product_id: str) -> dict[str, Any]:
        """Return an Item without the assets that are no bands, for reading the bands of a product from it."""
        row = self.row(product_id)
        if row is None or not row.exclude:
            return dict(item)
        return {**item, "assets": _without_excluded(item.get("assets") or {}, row)}

    def listed(self, is_own: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Return a Collection for each product of the table, made of the table alone.

        A product has the first of its ids for which ``is_own`` is true, else the one that begins with the
        name of the source. A part of a collection without an id of its own is left out.
        """
        found: dict[str, dict[str, Any]] = {}
        for row in self.table.products:
            own = next(filter(is_own, row.ids), None)
            product_id = own or f"{self.table.id}:{row.collection}"
            if own is not None or not row.where:
                found.setdefault(product_id, self._listed(row, product_id))
        return list(found.values())

    def _listed(self, row: ProductRow, product_id: str) -> dict[str, Any]:
        return {
            "type": "Collection",
            "stac_version": "1.1.0",
            "id": product_id,
            "title": row.name or row.collection,
            "description": row.description or row.note or row.name or row.collection,
            "links": [],
            **_described(row),
        }


def condition_of(row: ProductRow) -> dict[str, Any] | None:
    """Return the serialized expression that the images of a product satisfy; None if it has no condition."""
    attributes = {row.property_name: name for name, row in load_table("image").rows.items()}
    terms = [
        {"or": [{"eq": {attributes[name]: value}} for value in allowed]}
        for name, allowed in row.where.items()
    ]
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else {"and": terms}


def has_values(row: ProductRow, item: Mapping[str, Any]) -> bool:
    """Return whether an Item has the values that a product's row demands."""
    properties = item.get("properties") or {}
    return all(properties.get(name) in allowed for name, allowed in row.where.items())


def _described(row: ProductRow) -> dict[str, Any]:
    """Return the members of a Collection that a row decides."""
    # The products of the old platform itself, which scripts find by `is_core`, are those of the tables now.
    members: dict[str, Any] = {"catalog:is_core": True}
    if row.name is not None:
        members["title"] = row.name
    if row.description is not None:
        members["description"] = row.description
    if row.bands:
        members["bands"] = band_entries(row.bands)
    if row.display_bands:
        members["catalog:default_display_bands"] = list(row.display_bands)
    return members


def _without_excluded(assets: Mapping[str, Any], row: ProductRow) -> dict[str, Any]:
    return {key: asset for key, asset in assets.items() if not row.excludes(key)}
