"""The query of a search, and the operations that execute it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.enums import Interval
    from landbridge.catalog.search.summaries import Totals

__all__ = ["Part", "Query", "SearchBackend", "SummaryBackend"]


@dataclass(frozen=True, slots=True)
class Query:
    """The conditions, order and limit of a search.

    `products` are the product ids that the filter allows (None: any), `expression` is the serialized rest of
    the filter, `geometry` is GeoJSON in longitude and latitude.
    """

    products: tuple[str, ...] | None = None
    expression: dict[str, Any] | None = None
    sort: tuple[str, bool] | None = None
    limit: int | None = None
    text: str | None = None
    geometry: dict[str, Any] | None = None
    match_null_geometry: bool = False
    includes: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] | None = None


class SearchBackend(Protocol):
    """Executes the searches for one class of objects."""

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        """Return the matching records in order, one list for each page."""

    def count(self, client: CatalogClient, query: Query) -> int:
        """Return the number of matching records; the query's limit is ignored."""


class SummaryBackend(SearchBackend, Protocol):
    """Executes the searches and the summaries for one class of objects."""

    def totals(self, client: CatalogClient, query: Query) -> Totals:
        """Return the totals of all matching objects."""

    def interval_totals(
        self, client: CatalogClient, query: Query, date: str, interval: Interval
    ) -> list[tuple[datetime, Totals]]:
        """Return the start and the totals of each interval of a date attribute."""


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a search that one client answers."""

    client: CatalogClient
    backend: SearchBackend
    query: Query
