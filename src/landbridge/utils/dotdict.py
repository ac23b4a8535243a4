"""Dicts and lists whose entries can be read as attributes, to any depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_values
    from collections.abc import Iterator

__all__ = ["DotDict", "DotList"]


class DotDict(dict[Any, Any]):
    """Dict whose keys can be read and set as attributes.

    Dicts and lists inside it become DotDict and DotList.

    Examples
    --------
    >>> info = DotDict({"size": {"rows": 40}, "bands": [{"name": "red"}]})
    >>> info.size.rows, info.bands[0].name
    (40, 'red')
    >>> info.size.rows = 50
    >>> info["size"]["rows"]
    50
    """

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
        dotted = _to_dotted(value)
        # Store the converted value, so that changes inside it are not lost.
        if dotted is not value:
            super().__setitem__(key, dotted)
        return dotted

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str))]

    def _convert_values(self) -> None:
        for key in self:
            self[key]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or a default.

        Parameters
        ----------
        key : object
            Key.
        default : object, optional
            Value if the key is missing.

        Returns
        -------
        object
            Value; a dict or list as DotDict or DotList.

        Examples
        --------
        >>> DotDict(a=1).get("b", 2)
        2
        """
        return self[key] if key in self else _to_dotted(default)

    def items(self) -> dict_items[Any, Any]:
        """Return the keys and values.

        Returns
        -------
        dict_items
            View of the pairs; dicts and lists are DotDict and DotList.

        Examples
        --------
        >>> list(DotDict(a=1).items())
        [('a', 1)]
        """
        self._convert_values()
        return super().items()

    def values(self) -> dict_values[Any, Any]:
        """Return the values.

        Returns
        -------
        dict_values
            View of the values; dicts and lists are DotDict and DotList.

        Examples
        --------
        >>> list(DotDict(a=1).values())
        [1]
        """
        self._convert_values()
        return super().values()

    def pop(self, key: Any, default: Any = ...) -> Any:
        """Remove a key and return its value.

        Parameters
        ----------
        key : object
            Key.
        default : object, optional
            Value if the key is missing.

        Returns
        -------
        object
            Value; a dict or list as DotDict or DotList.

        Raises
        ------
        KeyError
            If the key is missing and there is no default.

        Examples
        --------
        >>> DotDict(a=1).pop("a")
        1
        """
        if default is ...:
            return _to_dotted(super().pop(key))
        return _to_dotted(super().pop(key, default))

    def popitem(self) -> tuple[Any, Any]:
        """Remove the last key and return it with its value.

        Returns
        -------
        tuple
            Key and value; a dict or list as DotDict or DotList.

        Raises
        ------
        KeyError
            If the dict is empty.

        Examples
        --------
        >>> DotDict(a=1, b=2).popitem()
        ('b', 2)
        """
        key, value = super().popitem()
        return key, _to_dotted(value)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, which is set to a default if it is missing.

        Parameters
        ----------
        key : object
            Key.
        default : object, optional
            Value to set if the key is missing.

        Returns
        -------
        object
            Value; a dict or list as DotDict or DotList.

        Examples
        --------
        >>> counts = DotDict()
        >>> counts.setdefault("red", 0)
        0
        """
        if key not in self:
            self[key] = default
        return self[key]

    def asdict(self) -> dict[Any, Any]:
        """Return a copy made of plain dicts and lists.

        Returns
        -------
        dict
            Deep copy.

        Examples
        --------
        >>> DotDict({"a": {"b": 1}}).asdict()
        {'a': {'b': 1}}
        """
        return {key: _to_plain(value) for key, value in super().items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"

    def __str__(self) -> str:
        """Return the content as an indented Python literal."""
        return _literal(self)


class DotList(list[Any]):
    """List whose dicts and lists are read as DotDict and DotList.

    Examples
    --------
    >>> DotList([{"name": "red"}])[0].name
    'red'
    """

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        if isinstance(index, slice):
            return DotList(value)
        dotted = _to_dotted(value)
        if dotted is not value:
            super().__setitem__(index, dotted)
        return dotted

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def pop(self, i: SupportsIndex = -1) -> Any:
        """Remove an item and return it.

        Parameters
        ----------
        i : int, default -1
            Index of the item; by default the last.

        Returns
        -------
        object
            Item; a dict or list as DotDict or DotList.

        Raises
        ------
        IndexError
            If there is no such item.

        Examples
        --------
        >>> DotList([1, 2]).pop()
        2
        """
        return _to_dotted(super().pop(i))

    def aslist(self) -> list[Any]:
        """Return a copy made of plain dicts and lists.

        Returns
        -------
        list
            Deep copy.

        Examples
        --------
        >>> DotList([{"a": 1}]).aslist()
        [{'a': 1}]
        """
        return [_to_plain(value) for value in super().__iter__()]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"

    def __str__(self) -> str:
        """Return the content as an indented Python literal."""
        return _literal(self)


def _literal(value: Any, indent: str = "", ancestors: tuple[int, ...] = ()) -> str:
    """Return a value as a Python literal, with each entry of its dicts and lists on a line of its own."""
    if not isinstance(value, (dict, list)) or not value:
        return repr(_to_plain(value))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if id(value) in ancestors:
        return f"{opening}...{closing}"
    inner_indent, ancestors = indent + "  ", (*ancestors, id(value))
    if isinstance(value, dict):
        lines = [f"{key!r}: {_literal(entry, inner_indent, ancestors)}" for key, entry in dict.items(value)]
    else:
        lines = [_literal(entry, inner_indent, ancestors) for entry in list.__iter__(value)]
    return f"{opening}\n" + ",\n".join(inner_indent + line for line in lines) + f"\n{indent}{closing}"


def _to_dotted(value: Any) -> Any:
    if type(value) is dict:
        return DotDict(value)
    return DotList(value) if type(value) is list else value


def _to_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_plain(entry) for key, entry in dict.items(value)}
    if isinstance(value, list):
        return [_to_plain(entry) for entry in list.__iter__(value)]
    return value
