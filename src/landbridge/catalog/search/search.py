"""Searches: immutable builders, executed when they are iterated, counted or collected."""

from __future__ import annotations

import operator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, overload

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.search.merge import merged
from landbridge.catalog.search.query import Query
from landbridge.catalog.search.split_filter import split_products, with_reference_ids
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pandas import DataFrame

    from landbridge.catalog.model.attributes import Attribute
    from landbridge.catalog.model.collection import Collection
    from landbridge.catalog.search.query import Part

__all__ = ["Search", "Searchable"]


class Searchable(Protocol):
    """The members of a catalog class that a search uses."""

    _attribute_types: ClassVar[Mapping[str, Attribute]]
    _collection_type: ClassVar[type[Collection[Any]]]

    @classmethod
    def _search_parts(cls, client: CatalogClient | None, query: Query) -> list[Part]: ...

    @classmethod
    def _from_record(
        cls, record: Any, client: CatalogClient, shared: dict[str, Any] | None = None
    ) -> Self: ...


T_co = TypeVar("T_co", bound=Searchable, covariant=True)


class Search(Generic[T_co]):
    """Search for the objects of one class.

    Its methods return new searches and never change the one they are called on. The service is asked when the
    search is iterated, counted or collected, and each time again.

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
    >>> from landbridge.catalog import Product, properties as p
    >>> search = Product.search().filter(p.tags == "docs").sort("name").limit(10)
    >>> for product in search:
    ...     print(product.name)
    Fields
    >>> search[0].name, len(search[:5])
    ('Fields', 1)
    """

    def __init__(
        self,
        model: type[T_co],
        client: CatalogClient | None = None,
        url: str | None = None,
        includes: bool = True,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._model: type[T_co] = model
        self._client = client or (CatalogClient(url) if url else None)
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
        """Return the search with a further condition, which is combined with earlier ones by "and".

        Parameters
        ----------
        properties : Expression, optional
            Condition such as `p.cloud_fraction < 0.2`, several combined by `&` and `|`. Without one, the
            search is returned unchanged. Objects on which an attribute is not set satisfy no comparison with
            it.

        Returns
        -------
        Search
            New search of the same class.

        Raises
        ------
        TypeError
            If `properties` is not an expression. An unknown attribute raises AttributeError when the search
            is executed.

        Examples
        --------
        >>> search.filter((p.cloud_fraction < 0.15) | (p.acquired > "2024-06-01")).count()
        2
        >>> search.filter("2024-01-01" <= p.acquired < "2024-06-01").count()
        2
        """
        new = self._copy()
        if properties is not None:
            if not isinstance(properties, Expression):
                raise TypeError(f"A filter must be an expression such as p.name == 'x'; got {properties!r}.")
            new._expression = properties if self._expression is None else self._expression & properties
        return new

    def sort(self, field: str, ascending: bool = True) -> Self:
        """Return the search sorted by one attribute, in place of an earlier order.

        Parameters
        ----------
        field : str
            Name of a sortable attribute.
        ascending : bool, default True
            False sorts in descending order.

        Returns
        -------
        Search
            New search of the same class.

        Examples
        --------
        >>> [image.name for image in search.sort("acquired", ascending=False)]
        ['2024-07', '2024-04', '2024-01']
        """
        return self._copy(sort=(field, bool(ascending)))

    def limit(self, limit: int | None) -> Self:
        """Return the search with a maximum number of objects, in place of an earlier one.

        Parameters
        ----------
        limit : int or None
            Maximum number of objects; None for all.

        Returns
        -------
        Search
            New search of the same class.

        Examples
        --------
        >>> len(search.limit(2).collect())
        2
        """
        return self._copy(limit=limit)

    def find_text(self, text: str) -> Self:
        """Return the search restricted to objects that contain a text, in place of an earlier text.

        Parameters
        ----------
        text : str
            Words to find in the attributes that are marked as searchable, such as names and descriptions.

        Returns
        -------
        Search
            New search of the same class.

        Examples
        --------
        >>> [product.id for product in Product.search().filter(p.tags == "docs").find_text("fields")]
        ['local:docs-fields']
        """
        return self._copy(text=text)

    def count(self) -> int:
        """Return the number of matching objects; the limit does not change it.

        Returns
        -------
        int
            Number of objects.

        Raises
        ------
        AttributeError
            If the filter names an attribute that the class does not have.
        ValueError
            If a search for images, bands or uploads is not filtered by `product_id`.

        Examples
        --------
        >>> search.count()
        3
        """
        return sum(part.backend.count(part.client, part.query) for part in self._parts(self._to_query()))

    def collect(self, **kwargs: Any) -> Collection[T_co]:
        """Return all matching objects in a collection.

        Parameters
        ----------
        **kwargs
            Further arguments of the collection's class.

        Returns
        -------
        Collection
            ProductCollection, BandCollection, ImageCollection or BlobCollection; a Collection of uploads.

        Raises
        ------
        AttributeError
            If the filter names an attribute that the class does not have.
        ValueError
            If a search for images, bands or uploads is not filtered by `product_id`.

        Examples
        --------
        >>> list(product.bands().collect().each.name)
        ['red', 'green', 'blue', 'nir']
        """
        kind: type[Collection[T_co]] = self._model._collection_type
        return kind(self, **kwargs)

    def first(self) -> T_co | None:
        """Return the first matching object.

        Returns
        -------
        object or None
            None if no object matches.

        Raises
        ------
        AttributeError
            If the filter names an attribute that the class does not have.
        ValueError
            If a search for images, bands or uploads is not filtered by `product_id`.

        Examples
        --------
        >>> search.sort("acquired").first().name
        '2024-01'
        >>> search.filter(p.name == "missing").first() is None
        True
        """
        one = self if self._query.limit == 0 else self.limit(1)
        return next(iter(one), None)

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Collection[T_co]: ...
    def __getitem__(self, index: int | slice) -> Any:
        # Only the objects up to the end of the slice are read.
        if isinstance(index, slice):
            start, stop = _position(index.start), _position(index.stop)
            known = [each for each in (stop, self._query.limit) if each is not None]
            return self.limit(min(known, default=None)).collect()[start : stop : index.step]
        position = _position(index)
        limit = self._query.limit
        if position is not None and (limit is None or position < limit):
            for found in islice(self.limit(position + 1), position, None):
                return found
        raise IndexError(f"The search has no object at position {index}: fewer match.")

    def _in_words(self) -> tuple[list[str], list[tuple[str, str]]]:
        """Return the conditions of the search in words, and the names and words of its other parts."""
        from landbridge.catalog.search.words import conditions_in_words, query_in_words

        return conditions_in_words(self._expression), query_in_words(self._query)

    def __repr__(self) -> str:
        conditions, others = self._in_words()
        lines = [f"{type(self).__name__} for {self._model.__name__} objects"]
        lines += [f"  * where: {text}" for text in conditions]
        lines += [f"  * {name}: {text}" for name, text in others]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from landbridge.catalog.notebook.views import view

        return view(self)

    def to_pandas(self, columns: Sequence[str] | None = None) -> DataFrame:
        """Return all matching objects as a pandas.DataFrame: a row for each, a column for each attribute.

        Datetimes are in UTC. Attributes that are lists or mappings, such as `tags`, are JSON values.

        Parameters
        ----------
        columns : list of str, optional
            Names of attributes. By default all attributes.

        Returns
        -------
        pandas.DataFrame
            Table in the order of the search.

        Raises
        ------
        ImportError
            If pandas is not installed: it is in the extra `landbridge[geopandas]`.
        AttributeError
            If the filter or `columns` names an attribute that the class does not have.

        Examples
        --------
        >>> product.bands().sort("sort_order").to_pandas(["name", "data_type"]).values.tolist()
        [['red', 'UInt16'], ['green', 'UInt16'], ['blue', 'UInt16'], ['nir', 'UInt16']]
        """
        from landbridge.catalog.tables.frames import to_pandas

        return to_pandas(self, self._model, columns)

    def __iter__(self) -> Iterator[T_co]:
        query = self._to_query()
        if query.limit == 0:
            return iter(())
        streams = [self._objects(part) for part in self._parts(query)]
        return streams[0] if len(streams) == 1 else islice(merged(streams, query.sort), query.limit)

    def _parts(self, query: Query) -> list[Part]:
        """Return the parts of the search, each for the client that answers it; none if nothing can match."""
        return [] if query.products == () else self._model._search_parts(self._client, query)

    def _objects(self, part: Part) -> Iterator[T_co]:
        """Yield the objects of a part of the search."""
        pages, limit = part.backend.records(part.client, part.query), part.query.limit
        shared: dict[str, Any] = {}
        for records in pages:
            if limit is not None:
                del records[max(limit, 0) :]
            objects = [self._model._from_record(record, part.client, shared) for record in records]
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
            expression = with_reference_ids(self._expression, self._model)
            products, rest = split_products(expression)
        return replace(
            self._query, products=products, expression=rest.serialize() if rest is not None else None
        )


def _position(index: Any) -> int | None:
    """Return a position from the start of a search; an error if it is not one."""
    if index is None:
        return None
    position = operator.index(index)
    if position < 0:
        raise ValueError(
            f"A search is read from its start, so it has no position {position}: collect() it first."
        )
    return position
