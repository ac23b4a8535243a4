"""Products, stored as Collections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.catalog.stac.resource import (
    chunks,
    collection_path,
    delete_at,
    get_or_none,
    patch_collection,
    require,
    shows,
    valid,
)
from landbridge.mappings import ids
from landbridge.mappings import product as product_mapping

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["PRODUCTS", "Products", "namespaced"]


@dataclass(frozen=True, slots=True)
class Products:
    """Products, which are Collections."""

    kind: str = "product"

    def attributes(self, record: Any) -> dict[str, Any]:
        return product_mapping.from_stac(record)

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        if not id or ids.is_blob_collection(id):
            return None
        return get_or_none(client, collection_path(id), params, headers)

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        import orjson

        found = {}
        for chunk in chunks([name for name in names if not ids.is_blob_collection(name)]):
            wanted = {"op": "in", "args": [{"property": "id"}, chunk]}
            query = {"filter": orjson.dumps(wanted).decode(), "filter-lang": "cql2-json", "limit": len(chunk)}
            answer = client.get("/collections", {**query, **(params or {})}, headers=headers)
            found.update({record["id"]: record for record in answer["collections"]})
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        require(attributes, "A product", "id")
        identifier = namespaced(attributes["id"], client)
        document = valid(product_mapping.to_stac, {**attributes, "id": identifier})
        return client.post("/collections", document, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        def operations(base: Any) -> list[dict[str, Any]]:
            return valid(product_mapping.patch, changes, base)  # type: ignore[no-any-return] # see valid

        base = record if shows(changes, self.attributes(record)) else None
        return patch_collection(client, id, base, operations, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        return delete_at(client, collection_path(id))


def namespaced(identifier: str, client: CatalogClient) -> str:
    """Return a product id with the caller's prefix, unless it has that already."""
    prefix = f"{client.auth.id_prefix}:"
    return identifier if identifier.startswith(prefix) else prefix + identifier


PRODUCTS = Products()
