"""Attributes that are lists and mappings, edited in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from typing import Any, Self, overload

from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attributes import Attribute, Model, Tracked

__all__ = [
    "AttributeList",
    "AttributeMapping",
    "ListAttribute",
    "MappingAttribute",
    "ValueAttribute",
    "to_json",
]


class AttributeList(Tracked, MutableSequence[Any]):
    """A list whose elements are of one kind of attribute; compares equal to lists.

    Edits are all or nothing, and count as changes only where they change the content.
    """

    __hash__ = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, item: Attribute, values: Iterable[Any] = (), *, validate: bool = True) -> None:
        self._owners = {}
        self._item = item
        self._items: list[Any] = []
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
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._items[index]

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

    def insert(self, index: int, value: Any) -> None:
        items = list(self._items)
        items.insert(index, self._accept(value))
        self._replace(items)

    def extend(self, values: Iterable[Any]) -> None:
        self._replace([*self._items, *map(self._accept, values)])

    def clear(self) -> None:
        self._replace([])

    def reverse(self) -> None:
        self._replace(self._items[::-1])

    def sort(self, key: Any = None, reverse: bool = False) -> None:
        """Sort in place."""
        self._replace(sorted(self._items, key=key, reverse=reverse))

    def copy(self) -> list[Any]:
        """The elements as a list of their own."""
        return list(self._items)

    def __iadd__(self, values: Iterable[Any]) -> Self:
        self.extend(values)
        return self

    def __imul__(self, count: int) -> Self:
        self._replace(self._items * count)
        return self

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*self._items, *other]

    def __radd__(self, other: list[Any]) -> list[Any]:
        return other + self._items

    def __mul__(self, count: int) -> list[Any]:
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


def _plain(value: Any) -> Any:
    return value._items if isinstance(value, AttributeList) else value


class ListAttribute(Attribute):
    """An attribute that is a list of values of one kind of attribute."""

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


class ValueAttribute(Attribute):
    """An attribute whose value is of a class that converts itself: a mapping with fields or keys."""

    is_json = False

    def __init__(self, value_class: type[MappingAttribute | AttributeMapping], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_class = value_class

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        return self.value_class.deserialize(value, validate)

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        return self.value_class.serialize(value, jsonapi_format)

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other)


class MappingAttribute(Tracked, Model):
    """Value with named fields, which are attributes themselves.

    It is held by reference: if it changes, every object that holds it is modified.
    """

    __hash__ = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, **kwargs: Any) -> None:
        self._owners: dict[Any, Any] = {}
        self._values = {}
        for name, value in kwargs.items():
            if name not in self._attribute_types:
                raise AttributeError(f"{type(self).__name__} has no attribute {name}")
            attribute = self._attribute_types[name]
            self._set_value(attribute, attribute.deserialize(value, validate=True))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_values": dict(self._values)}

    def _attach_parts(self) -> None:
        Model._attach_parts(self)

    def _check_settable(self, attribute: Attribute) -> None:
        super()._check_settable(attribute)
        self._check_editable()

    def _remove(self, attribute: Attribute) -> None:
        self._check_editable()
        if attribute.name in self._values:
            super()._remove(attribute)
            self._report_change()

    # Between Model's and Tracked's: its own field is fixed, or an owner's attribute is.
    def _frozen_attribute(self, attribute: Attribute) -> str | None:
        return Model._frozen_attribute(self, attribute) or Tracked._frozen_attribute(self, attribute)

    @classmethod
    def deserialize(cls, value: Any, validate: bool = True) -> Any:
        """Return an instance from a mapping.

        Parameters
        ----------
        value : dict, instance of this class or None
            Values by field name.
        validate : bool, default True
            Check the values; False for values that the service sent, of which unknown fields are dropped.

        Returns
        -------
        instance of this class or None
            The instance itself if `value` is one.

        Raises
        ------
        AttributeError
            If a field is unknown.
        AttributeValidationError
            If a value is refused.

        Examples
        --------
        >>> File.deserialize({"href": "scene.tif"}).href
        'scene.tif'
        """
        if value is None or isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            if not validate:
                return value
            raise AttributeValidationError(f"{cls.__name__} is made from a mapping; got {value!r}.")
        if validate:
            return cls(**value)
        made = cls()
        for name, entry in value.items():
            attribute = cls._attribute_types.get(name)
            if attribute is not None:
                made._set_value(attribute, attribute.deserialize(entry, validate=False))
        return made

    @classmethod
    def serialize(cls, attrs: Any, jsonapi_format: bool = False) -> Any:
        """Return the fields that are set as a plain dict.

        Parameters
        ----------
        attrs : instance of this class or None
            Value to convert.
        jsonapi_format : bool, default False
            Serialize for a JSON:API document.

        Returns
        -------
        dict or None
            JSON values by field name.

        Examples
        --------
        >>> File.serialize(File(href="scene.tif", size_bytes=10))
        {'href': 'scene.tif', 'size_bytes': 10}
        """
        if not isinstance(attrs, MappingAttribute):
            return attrs
        return {
            name: cls._attribute_types[name].serialize(value, jsonapi_format)
            for name, value in attrs._values.items()
        }

    @classmethod
    def get_attribute_type(cls, name: str) -> Attribute:
        """Return the declaration of a field.

        Parameters
        ----------
        name : str
            Name of the field.

        Returns
        -------
        Attribute
            Attribute that declares it.

        Raises
        ------
        AttributeError
            If there is no such field.

        Examples
        --------
        >>> File.get_attribute_type("href").name
        'href'
        """
        try:
            return cls._attribute_types[name]
        except KeyError:
            raise AttributeError(f"{cls.__name__} has no attribute {name}") from None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values == other._values

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"{type(self).__name__}({fields})"


# What an entry of a mapping is attached under.
_ENTRY = Attribute()


class AttributeMapping(Tracked, MutableMapping[str, Any]):
    """Mapping with free keys, of which each key and value is checked when it is set."""

    __hash__ = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, value: Mapping[str, Any] | None = None, validate: bool = True, **kwargs: Any) -> None:
        self._owners = {}
        self._entries: dict[str, Any] = {}
        for key, entry in {**(value or {}), **kwargs}.items():
            self._put(key, self.validate_key_and_value(key, entry) if validate else self._load(entry))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_entries": dict(self._entries)}

    def _attach_parts(self) -> None:
        for value in self._entries.values():
            if isinstance(value, Tracked):
                value._attach(self, _ENTRY)

    def validate_key_and_value(self, key: str, value: Any) -> Any:
        """Return a value as it is stored under a key.

        Parameters
        ----------
        key : str
            Key.
        value : object
            Value.

        Returns
        -------
        object
            Value, converted if needed.

        Raises
        ------
        AttributeValidationError
            If the key or the value is refused.

        Examples
        --------
        >>> image.extra_properties = {"quality": 0.5}
        >>> image.extra_properties["quality"] = object()
        Traceback (most recent call last):
            ...
        landbridge.catalog.errors.AttributeValidationError: ...
        """
        raise NotImplementedError

    def _load(self, value: Any) -> Any:
        """The value to keep for what the service sent."""
        raise NotImplementedError

    def _put(self, key: str, value: Any) -> None:
        self._forget(key)
        self._entries[key] = value
        if isinstance(value, Tracked):
            value._attach(self, _ENTRY)

    def _forget(self, key: str) -> None:
        value = self._entries.pop(key, None)
        if isinstance(value, Tracked) and all(value is not other for other in self._entries.values()):
            value._detach(self, _ENTRY)

    @classmethod
    def deserialize(cls, value: Any, validate: bool = True) -> Any:
        """Return an instance from a mapping.

        Parameters
        ----------
        value : dict, instance of this class or None
            Mapping with string keys.
        validate : bool, default True
            Check keys and values; False for those that the service sent.

        Returns
        -------
        instance of this class or None
            The instance itself if `value` is one.

        Raises
        ------
        AttributeValidationError
            If the value is not a mapping, or if a key or value is refused.

        Examples
        --------
        >>> ProcessingLevelsAttribute.deserialize({"default": "toa"})["default"]
        'toa'
        """
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls(value, validate=validate)
        if not validate:
            return value
        raise AttributeValidationError(f"A mapping with text keys is needed; got {value!r}.")

    @classmethod
    def serialize(cls, value: Any, jsonapi_format: bool = False) -> Any:
        """Return a mapping as a plain dict.

        Parameters
        ----------
        value : instance of this class or None
            Value to convert.
        jsonapi_format : bool, default False
            Serialize for a JSON:API document.

        Returns
        -------
        dict or None
            JSON values by key.

        Examples
        --------
        >>> ProcessingLevelsAttribute.serialize(ProcessingLevelsAttribute({"default": "toa"}))
        {'default': 'toa'}
        """
        if not isinstance(value, AttributeMapping):
            return value
        return {key: to_json(entry, jsonapi_format) for key, entry in value.items()}

    def __getitem__(self, key: str) -> Any:
        return self._entries[key]

    def __setitem__(self, key: str, value: Any) -> None:
        new = self.validate_key_and_value(key, value)
        old = self._entries.get(key)
        if key in self._entries and (old is new or (type(old) is type(new) and old == new)):
            return
        self._check_editable()
        self._put(key, new)
        self._report_change()

    def __delitem__(self, key: str) -> None:
        if key not in self._entries:
            raise KeyError(key)
        self._check_editable()
        self._forget(key)
        self._report_change()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AttributeMapping):
            return self._entries == other._entries
        return isinstance(other, Mapping) and self._entries == dict(other)

    def __repr__(self) -> str:
        return repr(self._entries)


def to_json(value: Any, jsonapi_format: bool = False) -> Any:
    """A value without the classes of this module: dicts, lists and scalars."""
    if isinstance(value, AttributeMapping):
        return value.serialize(value, jsonapi_format)
    if isinstance(value, MappingAttribute):
        return value.serialize(value, jsonapi_format)
    if isinstance(value, (list, AttributeList)):
        return [to_json(element, jsonapi_format) for element in value]
    return value
