"""Products: stored as Collections, searched by GET /collections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.paging import pages
from landbridge.catalog.client.source_clients import note_product
from landbridge.catalog.search.client_side_filter import select
from landbridge.catalog.search.conditions import conditions_of
from landbridge.catalog.stac.prefixes import prefixed_id
from landbridge.catalog.stac.requests import (
    chunks,
    collection_path,
    convert,
    delete_path,
    get_or_none,
    has_all_changes,
    patch_collection,
    require,
    writing,
)
from landbridge.catalog.stac.searches import all_of, filter_of, page_size, sort_of
from landbridge.mappings import ids
from landbridge.mappings import product as product_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.conditions import Condition
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["PRODUCTS", "Products"]

_NO_BLOBS = {
    "op": "not",
    "args": [{"op": "like", "args": [{"property": "id"}, ids.BLOB_COLLECTION_PREFIX + "%"]}],
}


@dataclass(frozen=True, slots=True)
class Products:
    """Products, which are Collections."""

    def attributes(self, record: Any) -> dict[str, Any]:
        return product_mapping.from_stac(record)

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        if not id or ids.is_blob_collection(id):
            return None
        documents = client.documents
        found = get_or_none(client, collection_path(documents.collection_id(id)), params, headers)
        return None if found is None else documents.collection(found, id)

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        found = {}
        if not client.capabilities.is_landbridge:
            for identifier in identifiers:
                if (record := self.get(client, identifier, params, headers)) is not None:
                    found[identifier] = record
            return found
        for chunk in chunks([each for each in identifiers if not ids.is_blob_collection(each)]):
            query = _filter_params({"op": "in", "args": [{"property": "id"}, chunk]}) | {"limit": len(chunk)}
            answer = client.get("/collections", {**query, **(params or {})}, headers=headers)
            found.update({record["id"]: record for record in answer["collections"]})
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        require(attributes, "A product", "id")
        with writing(client, 404):
            identifier = prefixed_id(attributes["id"], client)
            document = convert(product_mapping.to_stac, {**attributes, "id": identifier})
            created = client.post("/collections", document, headers=headers)
        note_product(client, created["id"], exists=True)
        return created

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        def operations(base: Any) -> list[dict[str, Any]]:
            return convert(product_mapping.patch, changes, base)  # type: ignore[no-any-return] # see convert

        base = record if has_all_changes(changes, self.attributes(record)) else None
        return patch_collection(client, id, base, operations, headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        deleted = delete_path(client, collection_path(id))
        note_product(client, id, exists=False)
        return deleted

    # Searches
    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        params = self._search_params(query)
        if not client.capabilities.is_landbridge:
            return iter([self._matching(client, query)])
        params = {"limit": page_size(client, query.limit)} | params
        return pages(client, "GET", "/collections", params, "collections", query.headers, query.limit)

    def count(self, client: CatalogClient, query: Query) -> int:
        params = {**self._search_params(query), "limit": 1}
        if not client.capabilities.is_landbridge:
            return len(self._matching(client, query))
        params.pop("sortby", None)
        return int(client.get("/collections", params, headers=query.headers)["numberMatched"])

    def _matching(self, client: CatalogClient, query: Query) -> list[Any]:
        """Return the matching records of an API that is no Landbridge service: of all, since they are few."""
        known, documents = client.capabilities, client.documents
        # Without the extension an API may refuse any parameter.
        size = {"limit": page_size(client)} if known.collection_search else {}
        found = pages(client, "GET", "/collections", size | dict(query.params), "collections", query.headers)
        conditions = conditions_of(query, "product")
        records = (
            documents.collection(document, product_id)
            for page in found
            for document in page
            if not ids.is_blob_collection(document["id"])
            for product_id in documents.product_ids(document["id"])
        )
        matching = [
            record for record in records if not conditions or _accepts(conditions, self.attributes(record))
        ]
        return select(matching, replace(query, expression=None, text=None), self.attributes, ())

    def _search_params(self, query: Query) -> dict[str, Any]:
        wanted = filter_of(query, "product")
        condition = all_of([_NO_BLOBS] if wanted is None else [_NO_BLOBS, wanted])["filter"]
        params: dict[str, Any] = _filter_params(condition)
        order = sort_of(query, "product")
        if order:
            signs = {"asc": "+", "desc": "-"}
            params["sortby"] = ",".join(signs[entry["direction"]] + entry["field"] for entry in order)
        if query.text is not None:
            params["q"] = query.text
        return params | dict(query.params)


def _accepts(conditions: list[Condition], attributes: dict[str, Any]) -> bool:
    return all(condition.accepts(attributes) for condition in conditions)


def _filter_params(condition: dict[str, Any]) -> dict[str, Any]:
    """Return the query parameters of a filter in CQL2."""
    import orjson

    return {"filter": orjson.dumps(condition).decode(), "filter-lang": "cql2-json"}


PRODUCTS = Products()
