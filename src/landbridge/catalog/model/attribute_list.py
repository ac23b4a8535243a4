"""Lists of attribute values that are edited in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableSequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, overload

from landbridge.catalog.model.attributes import A, Attribute, Tracked, V

if TYPE_CHECKING:
    import typing_extensions

    # The elements, and the values that can be assigned as elements.
    E = typing_extensions.TypeVar("E", default=Any)
    N = typing_extensions.TypeVar("N", default=Any)
else:
    E = TypeVar("E")
    N = TypeVar("N")

__all__ = ["AttributeList", "ListAttribute"]


class AttributeList(Tracked, MutableSequence[E], Generic[E, N]):
    """List whose elements are values of one attribute; it compares equal to lists.

    Its type parameters are the elements, and the values that can be assigned as elements.

    If an edit refuses one element, it changes none. It counts as a change only if the content differs.
    """

    __hash__: ClassVar[None] = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, item: Attribute, values: Iterable[N] = (), *, validate: bool = True) -> None:
        self._owners = {}
        self._item = item
        self._items: list[E] = []
        self._fill(item.deserialize(value, validate) for value in values)

    def _fill(self, items: Iterable[Any]) -> None:
        new = list(items)
        for old in self._items:
            if isinstance(old, Tracked):
                old._detach(self, self._item)
        self._items = new
        for value in new:
            if isinstance(value, Tracked):
                value._attach(self, self._item)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_items": list(self._items)}

    def _attach_parts(self) -> None:
        for value in self._items:
            if isinstance(value, Tracked):
                value._attach(self, self._item)

    def _replace(self, items: list[Any]) -> None:
        """Take over new content, if it is another."""
        changed = len(items) != len(self._items) or any(
            one is not other and not self._item.same(one, other)
            for one, other in zip(items, self._items, strict=True)
        )
        if changed:
            self._check_editable()
        self._fill(items)
        if changed:
            self._report_change()

    def _accept(self, value: Any) -> Any:
        return self._item.deserialize(value, validate=True)

    @overload
    def __getitem__(self, index: int) -> E: ...
    @overload
    def __getitem__(self, index: slice) -> list[E]: ...
    def __getitem__(self, index: int | slice) -> E | list[E]:
        return self._items[index]

    @overload
    def __setitem__(self, index: int, value: E | N) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[E | N]) -> None: ...
    def __setitem__(self, index: int | slice, value: Any) -> None:
        items = list(self._items)
        if isinstance(index, slice):
            items[index] = [self._accept(element) for element in value]
        else:
            items[index] = self._accept(value)
        self._replace(items)

    def __delitem__(self, index: int | slice) -> None:
        items = list(self._items)
        del items[index]
        self._replace(items)

    def __len__(self) -> int:
        return len(self._items)

    def insert(self, index: int, value: E | N) -> None:
        items = list(self._items)
        items.insert(index, self._accept(value))
        self._replace(items)

    def append(self, value: E | N) -> None:
        self.insert(len(self._items), value)

    def extend(self, values: Iterable[E | N]) -> None:
        self._replace([*self._items, *map(self._accept, values)])

    def clear(self) -> None:
        self._replace([])

    def reverse(self) -> None:
        self._replace(self._items[::-1])

    def sort(self, key: Any = None, reverse: bool = False) -> None:
        """Sort in place."""
        self._replace(sorted(self._items, key=key, reverse=reverse))

    def copy(self) -> list[E]:
        """Return the elements as a new list."""
        return list(self._items)

    def __iadd__(self, values: Iterable[E | N]) -> Self:
        self.extend(values)
        return self

    def __imul__(self, count: int) -> Self:
        self._replace(self._items * count)
        return self

    def __add__(self, other: Iterable[E]) -> list[E]:
        return [*self._items, *other]

    def __radd__(self, other: list[E]) -> list[E]:
        return other + self._items

    def __mul__(self, count: int) -> list[E]:
        return self._items * count

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return bool(self._items == _plain(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self._items < _plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self._items <= _plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._items > _plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._items >= _plain(other))

    def __repr__(self) -> str:
        return repr(self._items)


class ListAttribute(Attribute[V, A]):
    """Attribute that is a list of values of one attribute."""

    is_json = False

    def __init__(self, item: Attribute, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        self.item.__set_name__(owner, name)

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if value is None:
            return None
        if isinstance(value, AttributeList) and value._item is self.item:
            return value
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            if validate:
                raise self._invalid(value, "a list")
            return value
        return AttributeList(self.item, value, validate=validate)

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        if not isinstance(value, AttributeList):
            return value
        return [self.item.serialize(element, jsonapi_format) for element in value]

    def to_service(self, value: Any) -> Any:
        if not isinstance(value, AttributeList):
            return value
        return [self.item.to_service(element) for element in value]

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other)


def _plain(value: Any) -> Any:
    return value._items if isinstance(value, AttributeList) else value
