"""List-like collections of objects, filtered, sorted and grouped on the client."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import groupby as group_adjacent
from itertools import islice
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from landbridge.utils.expressions import Expression

__all__ = ["Collection", "Eacher"]

T = TypeVar("T")
Predicate = Callable[[Any], Any] | str


class Collection(Generic[T]):
    """A sequence of objects of one type, which its methods return new instances of.

    Parameters
    ----------
    iterable
        The objects.
    item_type
        The type they must have; the class's own where it has one.
    """

    _item_type: ClassVar[type | None] = None
    __hash__ = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, iterable: Iterable[T] | None = None, item_type: type | None = None) -> None:
        if (
            item_type is not None
            and self._item_type is not None
            and not issubclass(item_type, self._item_type)
        ):
            raise ValueError(
                f"{type(self).__name__} holds {self._item_type.__name__}, not {item_type.__name__}"
            )
        self._type = item_type or self._item_type
        self._list: list[T] = []
        self.extend(() if iterable is None else iterable)

    def _checked(self, item: T) -> T:
        if self._type is not None and not isinstance(item, self._type):
            raise ValueError(f"item is not of required type {self._type.__name__}: {item!r}")
        return item

    def _like(self, items: Iterable[T]) -> Self:
        """A collection as this one, with other items."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._list = [new._checked(item) for item in items]
        return new

    def __len__(self) -> int:
        return len(self._list)

    def __iter__(self) -> Iterator[T]:
        return iter(self._list)

    def __reversed__(self) -> Iterator[T]:
        return reversed(self._list)

    def __contains__(self, item: object) -> bool:
        return item in self._list

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Collection):
            return type(other) is type(self) and self._list == other._list
        return self._list == other

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice | Iterable[Any]) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._like(self._list[index])
        if hasattr(index, "tolist"):  # an array, of positions or a mask
            index = index.tolist()
        if isinstance(index, Iterable):
            return self._like(self._list[position] for position in _positions(index, len(self)))
        return self._list[index]

    def __setitem__(self, index: int | slice | Iterable[Any], item: Any) -> None:
        if hasattr(index, "tolist"):  # an array, of positions or a mask
            index = index.tolist()
        if isinstance(index, (slice, Iterable)):
            positions = range(len(self))
            places = (
                positions[index]
                if isinstance(index, slice)
                else [positions[place] for place in _positions(index, len(self))]
            )
            items = list(item) if isinstance(item, (list, tuple, Collection)) else [item] * len(places)
            if len(items) != len(places):
                kind = "slice" if isinstance(index, slice) else "list"
                raise ValueError(f"cannot assign {len(items)} items to a {kind} of {len(places)}")
            for place, one in zip(places, [self._checked(one) for one in items], strict=True):
                self._list[place] = one
        else:
            self._list[index] = self._checked(item)

    def append(self, x: T) -> None:
        """Add an item at the end; ValueError where it is of another type."""
        self._list.append(self._checked(x))

    def extend(self, x: Iterable[T]) -> None:
        """Add items at the end; ValueError where one is of another type."""
        self._list.extend([self._checked(item) for item in x])

    @property
    def each(self) -> Eacher:
        """Every item at once: attributes, items and calls are taken of each, when the result is read."""
        return Eacher(iter(self._list))

    def filter(self, predicate: Expression | Predicate) -> Self:
        """The items that satisfy an expression, or for which a function returns a true value."""
        test = predicate.evaluate if isinstance(predicate, Expression) else _function(predicate)
        return self._like(item for item in self._list if test(item))

    def map(self, f: Callable[[T], Any]) -> Collection[Any]:
        """What a function makes of each item; a collection of this class where all results fit it."""
        results = [f(item) for item in self._list]
        if self._type is not None and all(isinstance(result, self._type) for result in results):
            return self._like(results)
        return Collection(results)

    def sorted(self, *predicates: Predicate, reverse: bool = False) -> Self:
        """A copy sorted by functions or dotted attribute names; TypeError where none is given."""
        key = _key(predicates)
        return self._like(sorted(self._list, key=key, reverse=reverse))

    def sort(self, field: Predicate, ascending: bool = True) -> Self:
        """A copy sorted by one attribute."""
        return self.sorted(field, reverse=not ascending)

    def groupby(self, *predicates: Predicate) -> Iterator[tuple[Any, Self]]:
        """Pairs of a key and the items that have it, in the order of the keys.

        Several functions or attribute names give tuples as keys. Items keep their order inside a group.
        """
        key = _key(predicates)
        keyed = sorted(((key(item), item) for item in self._list), key=operator.itemgetter(0))
        for value, pairs in group_adjacent(keyed, key=operator.itemgetter(0)):
            yield value, self._like(item for _, item in pairs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._list!r})"


def _positions(index: Iterable[Any], length: int) -> list[int]:
    places = list(index)
    if places and all(isinstance(place, bool) for place in places):
        if len(places) != length:
            raise IndexError(f"a mask of {len(places)} for a collection of {length}")
        return [place for place, wanted in enumerate(places) if wanted]
    return places


def _function(predicate: Predicate) -> Callable[[Any], Any]:
    """A function as it is; a dotted name reads that attribute."""
    if callable(predicate):
        return predicate
    if not isinstance(predicate, str):
        raise TypeError(f"a function or an attribute name is needed; got {predicate!r}")
    names = predicate.split(".")
    return lambda item: reduce(getattr, names, item)


def _key(predicates: tuple[Predicate, ...]) -> Callable[[Any], Any]:
    if not predicates:
        raise TypeError("at least one function or attribute name is needed")
    functions = [_function(predicate) for predicate in predicates]
    if len(functions) == 1:
        return functions[0]
    return lambda item: tuple(function(item) for function in functions)


class Eacher:
    """Takes attributes, items and calls of every element, lazily and once."""

    _shown: ClassVar[int] = 8

    def __init__(self, iterable: Iterable[Any]) -> None:
        self._iterator = iter(iterable)

    def __iter__(self) -> Iterator[Any]:
        return self._iterator

    def __getattr__(self, name: str) -> Eacher:
        if name.startswith("__"):
            raise AttributeError(name)
        return Eacher(getattr(item, name) for item in self._iterator)

    def __getitem__(self, index: Any) -> Eacher:
        return Eacher(item[index] for item in self._iterator)

    def __call__(self, *args: Any, **kwargs: Any) -> Eacher:
        return Eacher(item(*args, **kwargs) for item in self._iterator)

    def combine(self, op: Callable[[Iterable[Any]], Any] = list) -> Any:
        """What a function makes of all elements together."""
        return op(self._iterator)

    def collect(self, collection: Callable[[Iterable[Any]], Any] = Collection) -> Any:
        """The elements in a collection."""
        return collection(self._iterator)

    def pipe(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> Eacher:
        """What a function makes of each element, with further arguments."""
        return Eacher(callable(item, *args, **kwargs) for item in self._iterator)

    def __repr__(self) -> str:
        """The first elements, which are thereby consumed."""
        shown = [repr(item) for item in islice(self._iterator, self._shown)]
        more = "\n..." if len(shown) == self._shown else ""
        return "\n".join(shown) + more
