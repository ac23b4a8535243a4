"""Images: stored as Items, searched by POST /search."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.conditions import conditions_of
from landbridge.catalog.search.cql2_expression import ITEM
from landbridge.catalog.search.summaries import (
    Contribution,
    interval_totals,
    interval_totals_of_buckets,
    totals,
    totals_of_buckets,
)
from landbridge.catalog.stac.checked_search import CheckedSearch
from landbridge.catalog.stac.requests import (
    collection_path,
    convert,
    delete_path,
    get_or_none,
    item_path,
    items_by_id,
    patch_item,
    require,
    split_id,
    writing,
)
from landbridge.catalog.stac.searches import (
    SUMMARY_DATES,
    ItemSearch,
    aggregate,
    all_of,
    filter_of,
    page_size,
    require_products,
    sort_of,
)
from landbridge.exceptions import BadRequestError
from landbridge.mappings import binding, cql2, ids, stored_pixels
from landbridge.mappings import image as image_mapping
from landbridge.sources.unsigned_hrefs import without_signatures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.enums import Interval
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.search.summaries import Totals
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["ASSETS", "BASE_ITEM", "IMAGES", "STORED_PIXELS", "Images"]

# The keys of an image's assets, and of what they state about their pixels, beside its attributes.
ASSETS = "_assets"
STORED_PIXELS = "_stored_pixels"
# The key of the Item that a new image was made of.
BASE_ITEM = "_item"

# Attributes whose patch depends on the Item's current content.
_NEED_CURRENT_ITEM = frozenset({"files", "extra_properties"})
_COMPARED_MEMBERS = ("id", "collection", "geometry", "properties")
_NO_BLOBS = {
    "op": "not",
    "args": [{"op": "like", "args": [{"property": "collection"}, ids.BLOB_COLLECTION_PREFIX + "%"]}],
}


@dataclass(frozen=True, slots=True)
class Images(ItemSearch):
    """Images, which are Items."""

    def attributes(self, record: Any) -> dict[str, Any]:
        attributes = image_mapping.from_stac(record)
        # Not an attribute: pixels find their files by it, since the record is not kept.
        attributes[ASSETS] = binding.pack_assets(record.get("assets"))
        if stored := stored_pixels.pack(record.get("assets")):
            attributes[STORED_PIXELS] = stored
        return attributes

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        product_id, name = split_id(id)
        if not (product_id and name):
            return None
        documents = client.documents
        path = item_path(documents.collection_id(product_id), name)
        item = get_or_none(client, path, params, headers)
        if item is None or not documents.has_item(item, product_id):
            return None
        return documents.item(item, product_id)

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        by_product: dict[str, list[str]] = defaultdict(list)
        for identifier in identifiers:
            product_id, name = split_id(identifier)
            if product_id and name:
                by_product[product_id].append(name)
        found = {}
        documents = client.documents
        for product_id, members in by_product.items():
            collection = documents.collection_id(product_id)
            for item in items_by_id(client, collection, members, params, headers):
                if documents.has_item(item, product_id):
                    found[ids.image_id(product_id, item["id"])] = documents.item(item, product_id)
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        require(attributes, "An image", "name", "product_id")
        base = attributes.pop(BASE_ITEM, None)
        base = None if base is None else without_signatures(base)
        item = convert(lambda values: image_mapping.to_stac(values, base), attributes)
        with writing(client, 404):
            return client.post(f"{collection_path(attributes['product_id'])}/items", item, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        path = item_path(*split_id(id))
        if record is None and not _NEED_CURRENT_ITEM.isdisjoint(changes):
            record = client.get(path, headers=headers)
        patch = convert(image_mapping.patch, changes, record)
        return patch_item(client, path, patch, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        product_id, name = split_id(id)
        return bool(product_id and name) and delete_path(client, item_path(product_id, name))

    # Searches
    def _order(self, query: Query) -> list[dict[str, str]] | None:
        return sort_of(query, "image")

    def _checked_search(self, client: CatalogClient, query: Query) -> CheckedSearch:
        documents = client.documents
        products = {documents.collection_id(each): each for each in query.products or ()}
        only = next(iter(products), None)

        def adapt(item: Any) -> Any:
            """Return an Item with the id of its product."""
            collection = item.get("collection")
            if collection is None:  # an API may leave it out if there is no choice
                item, collection = {**item, "collection": only}, only
            return documents.item(item, products.get(collection, collection))

        return CheckedSearch(
            client,
            "image",
            conditions_of(query, "image"),
            None if query.products is None else tuple(products),
            adapt,
            _attributes_to_compare,
            page_size(client),
            query.params,
            query.headers,
        )

    def _search_body(self, client: CatalogClient, query: Query) -> dict[str, Any]:
        products = require_products(query, "images")
        return {"collections": [client.documents.collection_id(each) for each in products]} | (
            self._conditions(query)
        )

    def _conditions(self, query: Query) -> dict[str, Any]:
        """Return the search request without its collections."""
        if query.text is not None:
            raise BadRequestError("Images have no attribute that find_text could search.")
        conditions = [filter_of(query, "image")]
        body: dict[str, Any] = {}
        if query.geometry is not None and query.match_null_geometry:
            # The member `intersects` excludes images without a geometry; a filter can include them.
            conditions.append(cql2.geometry_filter(query.geometry, match_null_geometry=True))
        elif query.geometry is not None:
            body["intersects"] = query.geometry
        if (order := sort_of(query, "image")) is not None:
            body["sortby"] = order
        return body | all_of(one for one in conditions if one is not None) | dict(query.params)

    # Summaries
    def totals(self, client: CatalogClient, query: Query) -> Totals:
        """Return the totals of the matching images; without a filter by product, of all products."""
        body = self._summary_body(client, query)
        buckets = aggregate(client, body, "collection_frequency", None, query)
        if buckets is None:
            return totals(self._contributions(client, body, query, None))
        return totals_of_buckets(bucket for bucket in buckets if not ids.is_blob_collection(bucket["key"]))

    def interval_totals(
        self, client: CatalogClient, query: Query, date: str, interval: Interval
    ) -> list[tuple[datetime, Totals]]:
        """Return the totals of the matching images for each interval of a date."""
        body = self._summary_body(client, query)
        counted = body
        if query.products is None:
            # Blobs have these dates too.
            wanted = [body["filter"]] if "filter" in body else []
            counted = body | {
                "filter": {"op": "and", "args": [_NO_BLOBS, *wanted]},
                "filter-lang": "cql2-json",
            }
        buckets = aggregate(client, counted, f"{SUMMARY_DATES[date]}_frequency", interval, query)
        if buckets is None:
            return interval_totals(self._contributions(client, body, query, date), interval)
        return interval_totals_of_buckets(buckets)

    def _summary_body(self, client: CatalogClient, query: Query) -> dict[str, Any]:
        return self._conditions(query) if query.products is None else self._search_body(client, query)

    def _contributions(
        self, client: CatalogClient, body: dict[str, Any], query: Query, date: str | None
    ) -> Iterator[Contribution]:
        """Yield the contribution of each image to a summary by a date, for services without aggregations."""
        for item in self.items_for_summary(client, body, query):
            if not ids.is_blob_collection(item["collection"]):
                attributes = self.attributes(item)
                size = sum(file.get("size_bytes") or 0 for file in attributes.get("files") or ())
                yield Contribution(item["collection"], size, attributes.get(date) if date else None)


def _attributes_to_compare(record: Any) -> dict[str, Any]:
    """Return the attributes of a record that searches can compare; none of them is read from its assets."""
    attributes = image_mapping.from_stac({name: record.get(name) for name in _COMPARED_MEMBERS})
    return {**attributes, ITEM: record}


IMAGES = Images()
