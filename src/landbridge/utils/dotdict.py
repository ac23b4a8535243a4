"""Dicts and lists whose entries are read as attributes, to any depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_values
    from collections.abc import Iterator

__all__ = ["DotDict", "DotList"]


class DotDict(dict[Any, Any]):
    """A dict whose keys are attributes too; dicts and lists inside become DotDict and DotList."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no key or attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"no key or attribute {name!r}") from None

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        dotted = _dotted(value)
        # Kept, so that what is changed inside is changed here.
        if dotted is not value:
            super().__setitem__(key, dotted)
        return dotted

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str))]

    def _convert(self) -> None:
        for key in self:
            self[key]

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, else the default."""
        return self[key] if key in self else _dotted(default)

    def items(self) -> dict_items[Any, Any]:
        """Keys and values."""
        self._convert()
        return super().items()

    def values(self) -> dict_values[Any, Any]:
        """The values."""
        self._convert()
        return super().values()

    def pop(self, key: Any, default: Any = ...) -> Any:
        """Remove a key and give its value, else the default; KeyError where there is neither."""
        if default is ...:
            return _dotted(super().pop(key))
        return _dotted(super().pop(key, default))

    def popitem(self) -> tuple[Any, Any]:
        """Remove the last key, and give it with its value."""
        key, value = super().popitem()
        return key, _dotted(value)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key, which is set to the default where it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def asdict(self) -> dict[Any, Any]:
        """A copy made of plain dicts and lists."""
        return {key: _undotted(value) for key, value in super().items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"

    def __str__(self) -> str:
        """Return the content as an indented Python literal."""
        return _literal(self)


class DotList(list[Any]):
    """A list whose dicts and lists are read as DotDict and DotList."""

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        if isinstance(index, slice):
            return DotList(value)
        dotted = _dotted(value)
        if dotted is not value:
            super().__setitem__(index, dotted)
        return dotted

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def pop(self, i: SupportsIndex = -1) -> Any:
        """Remove an element and give it."""
        return _dotted(super().pop(i))

    def aslist(self) -> list[Any]:
        """A copy made of plain dicts and lists."""
        return [_undotted(value) for value in super().__iter__()]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"

    def __str__(self) -> str:
        """Return the content as an indented Python literal."""
        return _literal(self)


def _literal(value: Any, indent: str = "", around: tuple[int, ...] = ()) -> str:
    """Return a value as a Python literal, each entry of its dicts and lists on a line of its own."""
    if not isinstance(value, (dict, list)) or not value:
        return repr(_undotted(value))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if id(value) in around:
        return f"{opening}...{closing}"
    deeper, around = indent + "  ", (*around, id(value))
    if isinstance(value, dict):
        lines = [f"{key!r}: {_literal(entry, deeper, around)}" for key, entry in dict.items(value)]
    else:
        lines = [_literal(entry, deeper, around) for entry in list.__iter__(value)]
    return f"{opening}\n" + ",\n".join(deeper + line for line in lines) + f"\n{indent}{closing}"


def _dotted(value: Any) -> Any:
    if type(value) is dict:
        return DotDict(value)
    return DotList(value) if type(value) is list else value


def _undotted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _undotted(entry) for key, entry in dict.items(value)}
    if isinstance(value, list):
        return [_undotted(entry) for entry in list.__iter__(value)]
    return value
