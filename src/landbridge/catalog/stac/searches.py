"""Parts of searches that the resources of several classes share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.paging import pages
from landbridge.exceptions import BadRequestError
from landbridge.mappings import cql2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.enums import Interval
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.stac.checked_search import CheckedSearch

__all__ = [
    "SUMMARY_DATES",
    "ItemSearch",
    "aggregate",
    "all_of",
    "filter_of",
    "page_size",
    "require_products",
    "sort_of",
]

# Large enough that the cost of a request does not show, small enough that the first page comes at once.
PAGE_SIZE = 1000
# Some APIs refuse larger pages, or fail on them: their items have thousands of members.
_FOREIGN_PAGE_SIZE = 250
# The members of an Item that a summary is computed from.
_SUMMARY_MEMBERS = (
    "id",
    "collection",
    "assets",
    *(f"properties.{name}" for name in ("datetime", "start_datetime", "created", "updated", "published")),
)
# The names that Items have for the dates of summaries.
SUMMARY_DATES = {
    "acquired": "datetime",
    "created": "created",
    "modified": "updated",
    "published": "published",
}


def page_size(client: CatalogClient, limit: int | None = None) -> int:
    """Return the number of objects to request per page, of which at most `limit` are wanted."""
    known = client.capabilities
    largest = PAGE_SIZE if known.is_landbridge else known.page_size or _FOREIGN_PAGE_SIZE
    return min(limit or largest, largest)


def filter_of(query: Query, kind: str) -> dict[str, Any] | None:
    """Return the query's filter as CQL2; BadRequestError for a value that its attribute cannot have."""
    if query.expression is None:
        return None
    try:
        return cql2.to_cql2(query.expression, kind)
    except (TypeError, ValueError) as error:
        raise BadRequestError(str(error)) from error


def sort_of(query: Query, kind: str) -> list[dict[str, str]] | None:
    """Return the query's order in STAC's form; BadRequestError for an attribute that cannot be sorted by."""
    if query.sort is None:
        return None
    field, ascending = query.sort
    try:
        order: list[dict[str, str]] = cql2.sortby(field, ascending, kind)
    except AttributeError as error:
        raise BadRequestError(str(error)) from error
    return order


def require_products(query: Query, objects: str) -> tuple[str, ...]:
    """Return the product ids that the query's filter allows; ValueError if it allows any."""
    if query.products is None:
        raise ValueError(
            f"A search for {objects} must be filtered by product_id: with p.product_id == '...', "
            "p.product_id.any_of([...]) or product." + objects.replace(" ", "_") + "()."
        )
    return query.products


def all_of(conditions: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the members of a search request for items that satisfy all conditions; empty without any."""
    wanted = list(conditions)
    if not wanted:
        return {}
    joined = wanted[0] if len(wanted) == 1 else {"op": "and", "args": wanted}
    return {"filter": joined, "filter-lang": "cql2-json"}


def aggregate(
    client: CatalogClient, body: Mapping[str, Any], name: str, interval: Interval | None, query: Query
) -> list[dict[str, Any]] | None:
    """Return the service's counts of the matching items, one bucket per group; None if it has none."""
    if name not in client.aggregations:
        return None
    request = {member: value for member, value in body.items() if member != "sortby"}
    request["aggregations"] = [name]
    if interval is not None:
        request[f"{name}_interval"] = interval.value
    answer = client.post("/aggregate", request, headers=query.headers, idempotent=True)
    buckets: list[dict[str, Any]] = answer["aggregations"][0]["buckets"]
    return buckets


class ItemSearch(ABC):
    """Searches for Items, by POST /search."""

    __slots__ = ()

    @abstractmethod
    def _search_body(self, client: CatalogClient, query: Query) -> dict[str, Any]:
        """Return the body of the search request to a Landbridge service."""

    @abstractmethod
    def _checked_search(self, client: CatalogClient, query: Query) -> CheckedSearch:
        """Return the search on an API that is no Landbridge service."""

    @abstractmethod
    def _order(self, query: Query) -> list[dict[str, str]] | None:
        """Return the order of the query in STAC's form."""

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        wanted = self._search_body(client, query)
        if not client.capabilities.is_landbridge:
            return self._checked_search(client, query).pages(query.sort, self._order(query), query.limit)
        body = {"limit": page_size(client, query.limit)} | wanted
        return pages(client, "POST", "/search", body, "features", query.headers, query.limit)

    def count(self, client: CatalogClient, query: Query) -> int:
        body = {**self._search_body(client, query), "aggregations": ["total_count"]}
        if not client.capabilities.is_landbridge:
            return self._checked_search(client, query).count()
        body.pop("sortby", None)
        # A page has no count if counting takes long; an aggregation always has it.
        answer = client.post("/aggregate", body, headers=query.headers, idempotent=True)
        return int(answer["aggregations"][0]["value"])

    def items_for_summary(
        self, client: CatalogClient, body: Mapping[str, Any], query: Query
    ) -> Iterator[dict[str, Any]]:
        """Yield the matching items, reduced to the members that a summary needs."""
        if not client.capabilities.is_landbridge:
            found = self._checked_search(client, query).reduced(("assets", "properties"))
        else:
            request = {"limit": PAGE_SIZE, "fields": {"include": _SUMMARY_MEMBERS}, **body}
            found = pages(client, "POST", "/search", request, "features", query.headers)
        return chain.from_iterable(found)
