"""Attributes that are mappings and are edited in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, ClassVar

from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attribute_list import AttributeList
from landbridge.catalog.model.attributes import A, Attribute, Model, Tracked, V
from landbridge.catalog.model.unknown_names import unknown_attribute

__all__ = [
    "AttributeMapping",
    "MappingAttribute",
    "ValueAttribute",
    "to_json",
]


class ValueAttribute(Attribute[V, A]):
    """Attribute whose value is a mapping with fields or keys, of a class that converts itself."""

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

    __hash__: ClassVar[None] = None  # type: ignore[assignment] # mutable values have no hash

    def __init__(self, **kwargs: Any) -> None:
        self._owners: dict[Any, Any] = {}
        self._values = {}
        for name, value in kwargs.items():
            if name not in self._attribute_types:
                raise unknown_attribute(type(self), name, self._attribute_types)
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
            raise unknown_attribute(cls, name, cls._attribute_types) from None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values == other._values

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"{type(self).__name__}({fields})"


# What an entry of a mapping is attached under.
_ENTRY = Attribute()


class AttributeMapping(Tracked, MutableMapping[str, Any]):
    """Mapping with free keys, of which each key and value is checked when it is set."""

    __hash__: ClassVar[None] = None  # type: ignore[assignment] # mutable values have no hash

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
        """Return the value to store for one that the service sent."""
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
    """Return a value as JSON: dicts, lists and scalars."""
    if isinstance(value, AttributeMapping):
        return value.serialize(value, jsonapi_format)
    if isinstance(value, MappingAttribute):
        return value.serialize(value, jsonapi_format)
    if isinstance(value, (list, AttributeList)):
        return [to_json(element, jsonapi_format) for element in value]
    return value
