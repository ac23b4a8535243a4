"""Searches: immutable builders, executed when they are iterated, counted or collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.enums import AggregateDateField, Interval
from landbridge.catalog.errors import InvalidGeometryError
from landbridge.catalog.model.converters import at_home, geojson, to_shape
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.search import summaries
from landbridge.catalog.search.filter_values import check_values
from landbridge.catalog.search.query import Query
from landbridge.utils.expressions import (
    AndExpression,
    EqExpression,
    Expression,
    OrExpression,
    RangeExpression,
    json_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from landbridge.catalog.model.attributes import Attribute
    from landbridge.catalog.model.collection import Collection
    from landbridge.catalog.search.query import SearchBackend, SummaryBackend

__all__ = ["BlobSearch", "GeoSearch", "Search", "SummarySearchMixin"]


class Searchable(Protocol):
    """The members of a catalog class that a search uses."""

    _attribute_types: ClassVar[Mapping[str, Attribute]]
    _collection_type: ClassVar[type[Collection[Any]]]

    @classmethod
    def _get_resource(cls) -> SearchBackend: ...

    @classmethod
    def _from_record(
        cls, record: Any, client: CatalogClient, shared: dict[str, Any] | None = None
    ) -> Self: ...


T = TypeVar("T", bound=Searchable)


class Search(Generic[T]):
    """A search for the objects of one class.

    Its methods return new searches; nothing is asked of the service before it is iterated, counted or
    collected, and each time it is asked anew.
    """

    def __init__(
        self,
        model: type[T],
        client: CatalogClient | None = None,
        url: str | None = None,
        includes: bool = True,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._model = model
        self._client = client or (CatalogClient(url) if url else CatalogClient.get_default_client())
        self._expression: Expression | None = None
        self._query = Query(includes=includes, params=dict(request_params or {}), headers=headers)

    def _copy(self, **changes: Any) -> Self:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._query = replace(self._query, **changes)
        return new

    def __deepcopy__(self, _memo: Any) -> Self:
        return self._copy()

    def filter(self, properties: Expression | None = None) -> Self:
        """The search with a further condition; without one, an equal search."""
        new = self._copy()
        if properties is not None:
            if not isinstance(properties, Expression):
                raise TypeError(f"a filter is an expression such as p.name == 'x'; got {properties!r}")
            new._expression = properties if self._expression is None else self._expression & properties
        return new

    def sort(self, field: str, ascending: bool = True) -> Self:
        """The search sorted by one attribute, in place of any earlier order."""
        return self._copy(sort=(field, bool(ascending)))

    def limit(self, limit: int | None) -> Self:
        """The search for at most so many objects."""
        return self._copy(limit=limit)

    def find_text(self, text: str) -> Self:
        """The search for objects whose searchable attributes contain a text."""
        return self._copy(text=text)

    def count(self) -> int:
        """How many objects match, whatever the limit."""
        query = self._to_query()
        return 0 if query.products == () else self._model._get_resource().count(self._client, query)

    def collect(self, **kwargs: Any) -> Any:
        """All objects, in the collection of their class."""
        kind = self._model._collection_type
        return kind(self, **kwargs)

    def __iter__(self) -> Iterator[T]:
        query = self._to_query()
        if query.products == () or query.limit == 0:
            return iter(())
        return self._objects(self._model._get_resource().records(self._client, query), query.limit)

    def _objects(self, pages: Iterator[list[Any]], limit: int | None) -> Iterator[T]:
        shared: dict[str, Any] = {}
        for records in pages:
            if limit is not None:
                del records[max(limit, 0) :]
            objects = [self._model._from_record(record, self._client, shared) for record in records]
            count = len(records)
            records.clear()  # the records are several times the size of the objects
            yield from (each for each in objects if isinstance(each, self._model))
            if limit is not None and (limit := limit - count) <= 0:
                return

    def _to_query(self) -> Query:
        """Return the query with the serialized filter; AttributeError for an unknown attribute."""
        if self._expression is None:
            products, rest = None, None
        else:
            expression = _with_reference_ids(self._expression, self._model)
            products, rest = _split_products(expression)
        return replace(
            self._query, products=products, expression=rest.serialize() if rest is not None else None
        )


class GeoSearch(Search[T]):
    """A search for objects that have a geometry."""

    def __init__(
        self,
        model: type[T],
        client: CatalogClient | None = None,
        url: str | None = None,
        includes: bool = True,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(model, client, url, includes, request_params, headers)
        self._intersects: Any = None

    def intersects(self, geometry: Any, match_null_geometry: bool = False) -> Self:
        """Return the search for objects whose geometry intersects this one, in place of any earlier one.

        Takes GeoJSON, shapely geometries, GeoContexts and objects with `__geo_interface__`; TypeError for
        anything else, InvalidGeometryError (a ValueError too) for GeoJSON that is no geometry. Longitudes may
        go on beyond ±180. With `match_null_geometry` objects without a geometry match too.
        """
        from shapely.errors import ShapelyError

        try:
            document = geojson(at_home(to_shape(geometry)))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, ShapelyError) as error:
            refused = InvalidGeometryError if isinstance(geometry, Mapping) else TypeError
            raise refused(f"intersects needs a geometry; got {geometry!r}: {error}") from error
        new = self._copy(geometry=document, match_null_geometry=match_null_geometry)
        new._intersects = geometry
        return new


class SummarySearchMixin(Search[T]):
    """A search whose results can be summarized."""

    DEFAULT_AGGREGATE_DATE_FIELD: ClassVar[AggregateDateField | None] = None
    SummaryResult: ClassVar[Any] = None
    _unsupported_summary_params: ClassVar[tuple[str, ...]] = ("sort",)

    def summary(self) -> Any:
        """The number and size of all that matches, whatever the limit."""
        query = self._summary_query()
        totals = (
            summaries.Totals()
            if query.products == ()
            else self._summary_backend().totals(self._client, query)
        )
        return self.SummaryResult(totals.count, totals.bytes, sorted(totals.groups))

    def summary_interval(
        self,
        aggregate_date_field: AggregateDateField | str | None = None,
        interval: Interval | str = "year",
        start_datetime: datetime | str | int | None = None,
        end_datetime: datetime | str | int | None = None,
    ) -> list[Any]:
        """The number and size of what matches, by intervals of time in UTC; empty intervals are left out.

        Parameters
        ----------
        aggregate_date_field
            The date that says in which interval an object is; by default when an image was acquired, and
            when a blob was created.
        interval
            The length of the intervals: year, quarter, month, week (from Monday), day, hour or minute.
        start_datetime, end_datetime
            The first and the last moment to look at; unbounded where 0 or not given.

        Raises
        ------
        ValueError
            There is no such date or interval.
        """
        name = str(AggregateDateField(str(aggregate_date_field or self.DEFAULT_AGGREGATE_DATE_FIELD)))
        chosen = Interval(interval)
        if name not in self._model._attribute_types:
            raise ValueError(f"{self._model.__name__} has no date '{name}' to aggregate by.")
        given = {"gte": start_datetime, "lte": end_datetime}
        bounds = {bound: moment for bound, moment in given.items() if moment not in (None, 0)}
        search = self.filter(RangeExpression(name, bounds)) if bounds else self
        query = search._summary_query()
        if query.products == ():
            return []
        return [
            self.SummaryResult(totals.count, totals.bytes, interval_start=start)
            for start, totals in self._summary_backend().interval_totals(self._client, query, name, chosen)
        ]

    def _summary_backend(self) -> SummaryBackend:
        return cast("SummaryBackend", self._model._get_resource())

    def _summary_query(self) -> Query:
        """Return the query without its order and limit."""
        return replace(self._to_query(), sort=None, limit=None)


class BlobSearch(SummarySearchMixin[Any], GeoSearch[Any]):
    """A search for blobs."""

    DEFAULT_AGGREGATE_DATE_FIELD = AggregateDateField.CREATED
    SummaryResult = summaries.BlobSummaryResult


def _with_reference_ids(expression: Expression, model: type[Searchable]) -> Expression:
    """Return the expression with references replaced by ids; AttributeError for an unknown attribute."""
    if isinstance(expression, (AndExpression, OrExpression)):
        return type(expression)(tuple(_with_reference_ids(part, model) for part in expression.parts))
    name = getattr(expression, "name", "")
    attribute = model._attribute_types.get(name)
    if attribute is None:
        raise AttributeError(f"{model.__name__} has no attribute {name}")
    check_values(expression, attribute)
    if isinstance(attribute, CatalogObjectReference):
        return replace(expression, name=attribute.id_field)  # type: ignore[type-var] # all leaves are dataclasses
    return expression


def _split_products(expression: Expression) -> tuple[tuple[str, ...] | None, Expression | None]:
    """Return the product ids that the terms joined by AND allow (None: any), and the other terms."""
    terms = expression.parts if isinstance(expression, AndExpression) else (expression,)
    allowed: dict[str, None] | None = None
    rest = []
    for term in terms:
        ids = _product_ids(term)
        if ids is None:
            rest.append(term)
        else:
            allowed = dict.fromkeys(one for one in ids if allowed is None or one in allowed)
    remaining = None if not rest else rest[0] if len(rest) == 1 else AndExpression(tuple(rest))
    return (None if allowed is None else tuple(allowed)), remaining


def _product_ids(term: Expression) -> list[str] | None:
    """Return the product ids that a term allows; None if it has any other condition."""
    if isinstance(term, EqExpression):
        return [json_value(term.value)] if term.name == "product_id" else None
    if isinstance(term, AndExpression):
        inner = _split_products(term)
        return None if inner[0] is None or inner[1] is not None else list(inner[0])
    if isinstance(term, OrExpression):
        ids: list[str] = []
        for part in term.parts:
            inner_ids = _product_ids(part)
            if inner_ids is None:
                return None
            ids.extend(inner_ids)
        return ids
    return None
