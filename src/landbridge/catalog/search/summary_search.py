"""Searches whose results can be summarized."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from landbridge.catalog.enums import AggregateDateField, Interval
from landbridge.catalog.search import summaries
from landbridge.catalog.search.item_files import ItemFileSearch
from landbridge.catalog.search.merge import merged_interval_totals, merged_totals
from landbridge.catalog.search.search import Search, Searchable, T_co
from landbridge.utils.expressions import RangeExpression

if TYPE_CHECKING:
    from datetime import datetime

    import typing_extensions

    from landbridge.catalog.search.query import Query, SummaryBackend
    from landbridge.catalog.type_hints.classes import Blob

    # The summary.
    S_co = typing_extensions.TypeVar("S_co", covariant=True, default=Any)
    # For type checkers, `BlobSearch` without an argument finds blobs.
    B_co = typing_extensions.TypeVar("B_co", bound=Searchable, covariant=True, default=Blob)
else:
    S_co = TypeVar("S_co", covariant=True)
    B_co = TypeVar("B_co", bound=Searchable, covariant=True)

__all__ = ["BlobSearch", "SummarySearchMixin"]


class SummarySearchMixin(Search[T_co], Generic[T_co, S_co]):
    """Search whose results can be summarized.

    Its type parameters are the objects and the summary.

    Parameters
    ----------
    model : type
        Class of the objects.
    client : CatalogClient, optional
        Client to use. By default the default client.
    url : str, optional
        Address of the API, if there is no `client`.
    includes : bool, default True
        Include the events of uploads.
    request_params : dict, optional
        Further query parameters of the requests.
    headers : dict, optional
        Further HTTP headers of the requests.
    """

    DEFAULT_AGGREGATE_DATE_FIELD: ClassVar[AggregateDateField | None] = None
    SummaryResult: ClassVar[Any] = None
    _unsupported_summary_params: ClassVar[tuple[str, ...]] = ("sort",)

    def summary(self) -> S_co:
        """Return the number and total size of the matching objects; the limit does not change them.

        Returns
        -------
        ImageSummaryResult or BlobSummaryResult
            Number, bytes, and products or namespaces.

        Raises
        ------
        AttributeError
            If the filter names an attribute that the class does not have.

        Examples
        --------
        >>> summary = search.summary()
        >>> summary.count, summary.products
        (3, ['local:docs-fields'])
        """
        totals = merged_totals(
            cast("SummaryBackend", part.backend).totals(part.client, part.query)
            for part in self._parts(self._summary_query())
        )
        result: S_co = self.SummaryResult(totals.count, totals.bytes, sorted(totals.groups))
        return result

    def summary_interval(
        self,
        aggregate_date_field: AggregateDateField | str | None = None,
        interval: Interval | str = "year",
        start_datetime: datetime | str | int | None = None,
        end_datetime: datetime | str | int | None = None,
    ) -> list[S_co]:
        """Return the number and total size of the matching objects for each interval of time, in UTC.

        Parameters
        ----------
        aggregate_date_field : AggregateDateField or str, optional
            Date that decides in which interval an object is: "acquired", "created", "modified" or
            "published". By default "acquired" for images and "created" for blobs.
        interval : Interval or str, default "year"
            Length of an interval: "year", "quarter", "month", "week" (from Monday), "day", "hour" or
            "minute".
        start_datetime : datetime, str or 0, optional
            Earliest date, inclusive. By default, or if it is 0, unbounded.
        end_datetime : datetime, str or 0, optional
            Latest date, inclusive. By default, or if it is 0, unbounded.

        Returns
        -------
        list of ImageSummaryResult or of BlobSummaryResult
            One result for each interval that has objects, in the order of `interval_start`.

        Raises
        ------
        ValueError
            If the date or the interval is unknown.
        AttributeError
            If the filter names an attribute that the class does not have.

        Examples
        --------
        >>> months = search.summary_interval(interval="month", start_datetime="2024-04-01")
        >>> [(month.interval_start.month, month.count) for month in months]
        [(4, 1), (7, 1)]
        """
        name = str(AggregateDateField(str(aggregate_date_field or self.DEFAULT_AGGREGATE_DATE_FIELD)))
        chosen = Interval(interval)
        if name not in self._model._attribute_types:
            raise ValueError(f"{self._model.__name__} has no date '{name}' to aggregate by.")
        given = {"gte": start_datetime, "lte": end_datetime}
        bounds = {bound: moment for bound, moment in given.items() if moment not in (None, 0)}
        search = self.filter(RangeExpression(name, bounds)) if bounds else self
        counted = merged_interval_totals(
            cast("SummaryBackend", part.backend).interval_totals(part.client, part.query, name, chosen)
            for part in self._parts(search._summary_query())
        )
        found = (
            self.SummaryResult(totals.count, totals.bytes, interval_start=start) for start, totals in counted
        )
        return summaries.SummaryList(found, chosen)

    def _summary_query(self) -> Query:
        """Return the query without its order and limit."""
        return replace(self._to_query(), sort=None, limit=None)


class BlobSearch(SummarySearchMixin[B_co, summaries.BlobSummaryResult], ItemFileSearch[B_co]):
    """Search for blobs.

    Parameters
    ----------
    model : type
        Class of the objects.
    client : CatalogClient, optional
        Client to use. By default the default client.
    url : str, optional
        Address of the API, if there is no `client`.
    includes : bool, default True
        Include the events of uploads.
    request_params : dict, optional
        Further query parameters of the requests.
    headers : dict, optional
        Further HTTP headers of the requests.

    Examples
    --------
    >>> found = Blob.search().filter(p.namespace == "local:docs").filter(p.name.prefix("notes"))
    >>> [blob.name for blob in found]
    ['notes.txt']
    """

    DEFAULT_AGGREGATE_DATE_FIELD: ClassVar[AggregateDateField | None] = AggregateDateField.CREATED
    SummaryResult: ClassVar[type[summaries.BlobSummaryResult]] = summaries.BlobSummaryResult
