"""Parts of searches that sources answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.client.source_clients import (
    client_of_product,
    has_own_service,
    known_product,
    note_product,
    source_client,
)
from landbridge.catalog.search.client_side_filter import select
from landbridge.catalog.search.query import Part, Query
from landbridge.catalog.stac.images import Images
from landbridge.mappings.sources.documents import SourceDocuments, condition_of
from landbridge.sources import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog.search.query import SearchBackend
    from landbridge.catalog.stac.products import Products

__all__ = ["catalog_parts", "product_parts"]


def product_parts(backend: SearchBackend, client: CatalogClient | None, query: Query) -> list[Part]:
    """Return the parts of a search for images or bands: one for all own products, one for each of a source.

    A part for a product of a source has the condition of the product's row.
    """
    if query.products is None:
        return [Part(client or CatalogClient.get_default_client(), backend, query)]
    by_client: dict[CatalogClient, list[str]] = {}
    for product_id in query.products:
        by_client.setdefault(client or client_of_product(product_id), []).append(product_id)
    parts = []
    for each, products in by_client.items():
        documents = each.documents
        if not isinstance(documents, SourceDocuments) or documents.own_ids:
            parts.append(Part(each, backend, replace(query, products=tuple(products))))
            continue
        parts += [
            Part(each, backend, _of_product(product_id, query, documents, images=isinstance(backend, Images)))
            for product_id in products
        ]
    return parts


def _of_product(product_id: str, query: Query, documents: SourceDocuments, *, images: bool) -> Query:
    """Return the query of one product; for images with the condition of the product's row."""
    row = documents.row(product_id)
    condition = None if row is None or not images else condition_of(row)
    if condition is None:
        return replace(query, products=(product_id,))
    joined = condition if query.expression is None else {"and": [condition, query.expression]}
    return replace(query, products=(product_id,), expression=joined)


def catalog_parts(backend: Products, client: CatalogClient | None, query: Query) -> list[Part]:
    """Return the parts of a search for products: own ones, then those in the tables of sources."""
    if client is not None:
        return [Part(client, backend, query)]
    own = CatalogClient.get_default_client()
    has_own = has_own_service(own)
    parts = [Part(own, backend, query)] if has_own else []
    return parts + [
        Part(source_client(table), ListedProducts(backend, collections, own if has_own else None), query)
        for table, collections in registry.listed()
    ]


@dataclass(frozen=True, slots=True)
class ListedProducts:
    """Products of a source, as its table alone describes them; no request is sent to the source.

    A product with the same id in one's own service, if there is one, stands for the source's.
    """

    backend: Products
    collections: list[dict[str, Any]]
    own: CatalogClient | None = None

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        return iter([self._matching(client, query)])

    def count(self, client: CatalogClient, query: Query) -> int:
        return len(self._matching(client, query))

    def _matching(self, _client: CatalogClient, query: Query) -> list[Any]:
        others = self.collections
        if self.own is not None:
            known = _in_service(self.own, self.backend, [each["id"] for each in others])
            others = [each for each in others if each["id"] not in known]
        return select(others, query, self.backend.attributes, ("name", "description"))


def _in_service(client: CatalogClient, backend: Products, identifiers: list[str]) -> set[str]:
    """Return the ids among these of products that a service has, as it answered in the last ten minutes.

    Of a service that is not Landbridge only ids that were asked for count: it would need a request for each.
    """
    answers = {each: known_product(client, each) for each in identifiers}
    unknown = [each for each, answer in answers.items() if answer is None]
    if unknown and client.capabilities.is_landbridge:
        found = backend.get_many(client, unknown, {"fields": "id"})
        for each in unknown:
            answers[each] = each in found
            note_product(client, each, exists=each in found)
    return {each for each, answer in answers.items() if answer}
