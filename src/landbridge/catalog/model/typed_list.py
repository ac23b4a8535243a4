"""Lists whose items are of one type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

__all__ = ["TypedList"]

T = TypeVar("T")


class TypedList(Generic[T]):
    """List whose items are checked to be of one type.

    Parameters
    ----------
    iterable : iterable, optional
        Items.
    item_type : type, optional
        Type that items must have. By default that of the class, if it has one.
    """

    _item_type: ClassVar[type | None] = None
    __hash__: ClassVar[None] = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, iterable: Iterable[T] | None = None, item_type: type | None = None) -> None:
        if (
            item_type is not None
            and self._item_type is not None
            and not issubclass(item_type, self._item_type)
        ):
            raise ValueError(
                f"{type(self).__name__} holds {self._item_type.__name__}, not {item_type.__name__}."
            )
        self._type = item_type or self._item_type
        self._list: list[T] = []
        self.extend(() if iterable is None else iterable)

    def _checked(self, item: T) -> T:
        if self._type is not None and not isinstance(item, self._type):
            raise ValueError(f"The item is not of required type {self._type.__name__}: {item!r}.")
        return item

    def _like(self, items: Iterable[T]) -> Self:
        """Return a copy with other items."""
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
        if isinstance(other, TypedList):
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
            items = list(item) if isinstance(item, (list, tuple, TypedList)) else [item] * len(places)
            if len(items) != len(places):
                kind = "slice" if isinstance(index, slice) else "list"
                raise ValueError(f"Cannot assign {len(items)} items to a {kind} of {len(places)}.")
            for place, one in zip(places, [self._checked(one) for one in items], strict=True):
                self._list[place] = one
        else:
            self._list[index] = self._checked(item)

    def append(self, x: T) -> None:
        """Add an item at the end.

        Parameters
        ----------
        x : object
            Item of the collection's type.

        Raises
        ------
        ValueError
            If the item is of another type.

        Examples
        --------
        >>> chosen = ImageCollection()
        >>> chosen.append(image)
        >>> len(chosen)
        1
        """
        self._list.append(self._checked(x))

    def extend(self, x: Iterable[T]) -> None:
        """Add items at the end.

        Parameters
        ----------
        x : iterable
            Items of the collection's type.

        Raises
        ------
        ValueError
            If an item is of another type. No item is added then.

        Examples
        --------
        >>> chosen = ImageCollection()
        >>> chosen.extend(images[:2])
        >>> len(chosen)
        2
        """
        self._list.extend([self._checked(item) for item in x])

    def _repr_html_(self) -> str:
        from landbridge.catalog.notebook.views import view

        return view(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._list!r})"


def _positions(index: Iterable[Any], length: int) -> list[int]:
    places = list(index)
    if places and all(isinstance(place, bool) for place in places):
        if len(places) != length:
            raise IndexError(f"A mask of {len(places)} values does not fit a collection of {length} items.")
        return [place for place, wanted in enumerate(places) if wanted]
    return places
