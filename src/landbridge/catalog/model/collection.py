"""List-like collections of objects, filtered, sorted and grouped on the client."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import groupby as group_adjacent
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from landbridge.catalog.model.typed_list import TypedList
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

__all__ = ["Collection", "Eacher"]

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)
Predicate = Callable[[Any], Any] | str


class Collection(TypedList[T]):
    """List of objects of one type, with methods that filter, sort and group it on the client.

    It has the operations of a list: `len`, iteration, `in`, indexing and slicing. A list of positions or a
    boolean mask as index selects items. Methods return new collections of the same class.

    Parameters
    ----------
    iterable : iterable, optional
        Items.
    item_type : type, optional
        Type that items must have. By default that of the class, if it has one.

    Raises
    ------
    ValueError
        If an item is of another type.

    Examples
    --------
    >>> from landbridge.catalog.model.collection import Collection
    >>> numbers = Collection([3, 1, 2])
    >>> numbers.sorted(lambda number: number)
    Collection([1, 2, 3])
    >>> numbers[[0, 2]]
    Collection([3, 2])
    """

    @property
    def each(self) -> Eacher[T]:
        """Proxy for all items: attributes, items and calls of it are those of each item.

        It is evaluated when the result is read, and can be read once: with `list()`, `combine`, `collect` or
        in a loop.
        """
        return Eacher(self._list, type(self._list[0]) if self._list else self._type)

    def filter(self, predicate: Expression | Callable[[T], Any] | str) -> Self:
        """Return the items that satisfy a condition.

        Values are compared in Python, by the rules of a search: a missing value satisfies no comparison.

        Parameters
        ----------
        predicate : Expression, callable or str
            Expression such as `p.cloud_fraction < 0.2`, function of an item, or name of an attribute. Items
            for which it is true are kept.

        Returns
        -------
        Collection
            Items in their order, in a collection of the same class.

        Raises
        ------
        TypeError
            If `predicate` is of another type, or compares values that have no order.

        Examples
        --------
        >>> len(images.filter(p.cloud_fraction < 0.3))
        2
        >>> len(images.filter(lambda image: image.acquired.month == 4))
        1
        """
        test = predicate.evaluate if isinstance(predicate, Expression) else _function(predicate)
        return self._like(item for item in self._list if test(item))

    def map(self, f: Callable[[T], R]) -> Collection[R]:
        """Return the results of a function for all items.

        Parameters
        ----------
        f : callable
            Function of an item.

        Returns
        -------
        Collection
            Results in the order of the items. The class is the same if all results have its item type.

        Examples
        --------
        >>> images.map(lambda image: image.acquired.month)
        Collection([1, 4, 7])
        """
        results: list[Any] = [f(item) for item in self._list]
        if self._type is not None and all(isinstance(result, self._type) for result in results):
            same_class: Any = self._like(results)
            return same_class  # type: ignore[no-any-return] # a Collection of the results
        return Collection(results)

    def sorted(self, *predicates: Callable[[T], Any] | str, reverse: bool = False) -> Self:
        """Return a sorted copy.

        Parameters
        ----------
        *predicates : callable or str
            Functions of an item, or attribute names such as "acquired.month". Later ones order items that are
            equal by the earlier ones.
        reverse : bool, default False
            Sort in descending order.

        Returns
        -------
        Collection
            Sorted items in a collection of the same class.

        Raises
        ------
        TypeError
            If no predicate is given, or if two keys cannot be compared.

        Examples
        --------
        >>> list(images.sorted("cloud_fraction").each.name)
        ['2024-01', '2024-07', '2024-04']
        """
        key = _key(predicates)
        return self._like(sorted(self._list, key=key, reverse=reverse))

    def sort(self, field: Callable[[T], Any] | str, ascending: bool = True) -> Self:
        """Return a copy sorted by one attribute.

        Parameters
        ----------
        field : str or callable
            Attribute name such as "acquired", or function of an item.
        ascending : bool, default True
            False sorts in descending order.

        Returns
        -------
        Collection
            Sorted items in a collection of the same class.

        Raises
        ------
        TypeError
            If two values cannot be compared.

        Examples
        --------
        >>> list(images.sort("acquired", ascending=False).each.name)
        ['2024-07', '2024-04', '2024-01']
        """
        return self.sorted(field, reverse=not ascending)

    def to_pandas(self, columns: Sequence[str] | None = None) -> DataFrame:
        """Return the items as a pandas.DataFrame: a row for each item, a column for each attribute.

        Datetimes are in UTC. Attributes that are lists or mappings, such as `tags`, are JSON values.

        Parameters
        ----------
        columns : list of str, optional
            Names of attributes. By default all attributes.

        Returns
        -------
        pandas.DataFrame
            Table in the order of the items.

        Raises
        ------
        ImportError
            If pandas is not installed: it is in the extra `landbridge[geopandas]`.
        AttributeError
            If one of `columns` is no attribute.
        TypeError
            If the items are not catalog objects.

        Examples
        --------
        >>> frame = images.to_pandas(["name", "cloud_fraction"])
        >>> frame["cloud_fraction"].tolist()
        [0.1, 0.6, 0.2]
        """
        from landbridge.catalog.tables.frames import to_pandas

        return to_pandas(self._list, self._table_class(), columns)

    def _table_class(self) -> type:
        """Return the class whose attributes are the columns of a table of the items."""
        return self._type or (type(self._list[0]) if self._list else object)

    @overload
    def groupby(self, predicate: Callable[[T], R], /) -> Iterator[tuple[R, Self]]: ...
    @overload
    def groupby(self, first: str, /, *others: Callable[[T], Any] | str) -> Iterator[tuple[Any, Self]]: ...
    @overload
    def groupby(
        self,
        first: Callable[[T], Any],
        second: Callable[[T], Any] | str,
        /,
        *others: Callable[[T], Any] | str,
    ) -> Iterator[tuple[Any, Self]]: ...
    def groupby(self, *predicates: Callable[[T], Any] | str) -> Iterator[tuple[Any, Self]]:
        """Yield groups of items with the same key.

        Parameters
        ----------
        *predicates : callable or str
            Functions of an item, or attribute names such as "acquired.month". Several give tuples as keys.

        Yields
        ------
        key : object
            Value of the predicate, in ascending order.
        group : Collection
            Items with that key, in their order, in a collection of the same class.

        Raises
        ------
        TypeError
            If no predicate is given, or if two keys cannot be compared.

        Examples
        --------
        >>> [(month, len(group)) for month, group in images.groupby("acquired.month")]
        [(1, 1), (4, 1), (7, 1)]
        """
        key = _key(predicates)
        keyed = sorted(((key(item), item) for item in self._list), key=operator.itemgetter(0))
        for value, pairs in group_adjacent(keyed, key=operator.itemgetter(0)):
            yield value, self._like(item for _, item in pairs)


def _function(predicate: Predicate) -> Callable[[Any], Any]:
    """Return the function, or a function that reads the attribute of a dotted name."""
    if callable(predicate):
        return predicate
    if not isinstance(predicate, str):
        raise TypeError(f"A predicate must be a function or an attribute name; got {predicate!r}.")
    names = predicate.split(".")
    return lambda item: reduce(getattr, names, item)


def _key(predicates: tuple[Predicate, ...]) -> Callable[[Any], Any]:
    if not predicates:
        raise TypeError("Give at least one function or attribute name.")
    functions = [_function(predicate) for predicate in predicates]
    if len(functions) == 1:
        return functions[0]
    return lambda item: tuple(function(item) for function in functions)


class Eacher(Generic[T_co]):
    """Proxy for the items of a collection: what is done to it is done to each item.

    Nothing is computed until the result is read, by iteration or by one of its methods, and it can be read
    once. Its repr shows, and so consumes, the first eight results.

    Parameters
    ----------
    iterable : iterable
        Items.
    item_type : type, optional
        Class of the items, whose names `dir` lists too.

    Examples
    --------
    >>> from landbridge.catalog.model.collection import Collection
    >>> list(Collection(["red", "nir"]).each.upper())
    ['RED', 'NIR']
    """

    _shown: ClassVar[int] = 8

    def __init__(self, iterable: Iterable[T_co], item_type: type | None = None) -> None:
        self._iterator: Iterator[T_co] = iter(iterable)
        self._item_type = item_type

    def __dir__(self) -> list[str]:
        """Return the names to complete: those of the items, and those of this class."""
        names = [] if self._item_type is None else dir(self._item_type)
        return sorted({*object.__dir__(self), *(name for name in names if not name.startswith("_"))})

    def __iter__(self) -> Iterator[T_co]:
        return self._iterator

    def __getattr__(self, name: str) -> Eacher[Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return Eacher(getattr(item, name) for item in self._iterator)

    def __getitem__(self, index: Any) -> Eacher[Any]:
        items: Iterator[Any] = self._iterator
        return Eacher(item[index] for item in items)

    def __call__(self, *args: Any, **kwargs: Any) -> Eacher[Any]:
        items: Iterator[Any] = self._iterator
        return Eacher(item(*args, **kwargs) for item in items)

    @overload
    def combine(self) -> list[T_co]: ...
    @overload
    def combine(self, op: Callable[[Iterator[T_co]], R]) -> R: ...
    def combine(self, op: Callable[[Iterator[T_co]], Any] = list) -> Any:
        """Return the result of a function for all items together.

        Parameters
        ----------
        op : callable, default list
            Function of an iterable, such as `sum` or `max`.

        Returns
        -------
        object
            Result of the function.

        Examples
        --------
        >>> images.each.cloud_fraction.combine(max)
        0.6
        """
        return op(self._iterator)

    @overload
    def collect(self) -> Collection[T_co]: ...
    @overload
    def collect(self, collection: Callable[[Iterator[T_co]], R]) -> R: ...
    def collect(self, collection: Callable[[Iterator[T_co]], Any] = Collection) -> Any:
        """Return the items in a collection.

        Parameters
        ----------
        collection : callable, default Collection
            Class of the collection.

        Returns
        -------
        Collection
            Collection of the items.

        Examples
        --------
        >>> images.each.name.collect()
        Collection(['2024-01', '2024-04', '2024-07'])
        """
        return collection(self._iterator)

    def pipe(
        self, callable: Callable[Concatenate[T_co, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Eacher[R]:
        """Call a function with each item.

        Parameters
        ----------
        callable : callable
            Function whose first argument is the item.
        *args, **kwargs
            Further arguments of the function.

        Returns
        -------
        Eacher
            Proxy for the results.

        Examples
        --------
        >>> list(images.each.cloud_fraction.pipe(round, 1))
        [0.1, 0.6, 0.2]
        """
        return Eacher(callable(item, *args, **kwargs) for item in self._iterator)

    def __repr__(self) -> str:
        """Return the first results, which this consumes."""
        shown = [repr(item) for item in islice(self._iterator, self._shown)]
        more = "\n..." if len(shown) == self._shown else ""
        return "\n".join(shown) + more
