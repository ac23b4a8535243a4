"""Images, stored as Items."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.catalog.stac.resource import (
    collection_path,
    delete_at,
    get_or_none,
    item_path,
    items_by_id,
    patch_item,
    require,
    split,
    valid,
)
from landbridge.mappings import binding, ids
from landbridge.mappings import image as image_mapping

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["ASSETS", "IMAGES", "Images"]

# The assets of an image, beside its attributes.
ASSETS = "_assets"

# Attributes of images that a patch replaces only in view of what the Item holds.
_BASELESS = frozenset({"files", "extra_properties"})


@dataclass(frozen=True, slots=True)
class Images:
    """Images, which are Items."""

    kind: str = "image"

    def attributes(self, record: Any) -> dict[str, Any]:
        found = image_mapping.from_stac(record)
        # Not an attribute: what the bands' pixels are found by, in place of a record that is not kept.
        found[ASSETS] = binding.pack_assets(record.get("assets"))
        return found

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        product_id, name = split(id)
        return (
            get_or_none(client, item_path(product_id, name), params, headers) if product_id and name else None
        )

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        by_product: dict[str, list[str]] = defaultdict(list)
        for one in names:
            product_id, name = split(one)
            if product_id and name:
                by_product[product_id].append(name)
        found = {}
        for product_id, members in by_product.items():
            for item in items_by_id(client, product_id, members, params, headers):
                found[ids.image_id(product_id, item["id"])] = item
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        require(attributes, "An image", "name", "product_id")
        item = valid(image_mapping.to_stac, attributes)
        return client.post(f"{collection_path(attributes['product_id'])}/items", item, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        if record is None and not _BASELESS.isdisjoint(changes):
            record = client.get(item_path(*split(id)), headers=headers)
        patch = valid(image_mapping.patch, changes, record)
        return patch_item(client, item_path(*split(id)), patch, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        product_id, name = split(id)
        return bool(product_id and name) and delete_at(client, item_path(product_id, name))


IMAGES = Images()
