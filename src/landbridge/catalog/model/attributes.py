"""Attributes: each is the declaration, the accessor and the converter of one name of a catalog object.

A converter goes both ways: `deserialize` takes what a user assigned (`validate=True`) or what the service
sent (`validate=False`) and gives the Python value; `serialize` gives the JSON-like value of
`CatalogObject.serialize()`; `to_service` the value that goes into a document.

The values themselves live in a `Model`; values that can be edited in place (lists, mappings) are `Tracked`:
they know the models that hold them, tell them of each change, and refuse changes where one of them holds
them in an attribute that cannot be changed.
"""

from __future__ import annotations

import copyreg
import weakref
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, overload

from landbridge.catalog.errors import AttributeValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from enum import Enum

__all__ = [
    "Attribute",
    "BooleanAttribute",
    "EnumAttribute",
    "Model",
    "Tracked",
    "TupleAttribute",
    "TypedAttribute",
]


class Owner(Protocol):
    """Whatever holds a tracked value."""

    def _on_change(self, attribute: Attribute) -> None: ...

    def _frozen_attribute(self, attribute: Attribute) -> str | None: ...


class Tracked:
    """A value that is edited in place and tells its owners so."""

    _owners: dict[tuple[int, str], tuple[weakref.ReferenceType[Any], Attribute]]

    # Owners are known by weak references: they attach themselves again when they are copied or unpickled.
    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_owners"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._owners = {}
        self._attach_parts()

    def _attach_parts(self) -> None:
        """Attach the tracked values inside this one."""
        raise NotImplementedError

    def _attach(self, owner: Owner, attribute: Attribute) -> None:
        """Remember that `owner` holds this value under `attribute`."""
        self._owners[id(owner), attribute.name] = (weakref.ref(owner), attribute)

    def _detach(self, owner: Owner, attribute: Attribute) -> None:
        self._owners.pop((id(owner), attribute.name), None)

    def _live_owners(self) -> Iterator[tuple[Owner, Attribute]]:
        for reference, attribute in tuple(self._owners.values()):
            owner = reference()
            if owner is not None:
                yield owner, attribute

    def _check_editable(self) -> None:
        """Raise AttributeValidationError where an owner does not allow a change."""
        for owner, attribute in self._live_owners():
            name = owner._frozen_attribute(attribute)
            if name is not None:
                raise AttributeValidationError(f"'{name}' cannot be changed once it is set.")

    def _report_change(self) -> None:
        for owner, attribute in self._live_owners():
            owner._on_change(attribute)

    # A tracked value is itself the owner of the tracked values inside it.
    def _on_change(self, _attribute: Attribute) -> None:
        self._report_change()

    def _frozen_attribute(self, _attribute: Attribute) -> str | None:
        for owner, attribute in self._live_owners():
            name = owner._frozen_attribute(attribute)
            if name is not None:
                return name
        return None


class Attribute:
    """An attribute that takes any value.

    Parameters
    ----------
    mutable
        False: it can be set once and not changed afterwards.
    serializable
        False: it is no part of the object's own document.
    sticky
        True: its local value survives a save or reload.
    readonly
        True: only the service sets it.
    doc
        What it means.
    """

    # True: the service's JSON value is the Python value, so that it is not kept a second time.
    is_json: ClassVar[bool] = True

    def __init__(
        self,
        mutable: bool = True,
        serializable: bool = True,
        sticky: bool = False,
        readonly: bool = False,
        doc: str | None = None,
    ) -> None:
        self.name = ""
        self.mutable = mutable
        self.serializable = serializable
        self.sticky = sticky
        self.readonly = readonly
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self._place = (owner, name)

    # A declaration is one object for all that hold its values: copies and pickles refer to it.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        place = getattr(self, "_place", None)
        for depth, one in enumerate(_nested(place[0].__dict__.get(place[1]) if place else None)):
            if one is self and place:
                return _declared, (*place, depth)
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined] # not in typeshed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Model, owner: type) -> Any: ...
    def __get__(self, instance: Model | None, owner: type) -> Any:
        return self if instance is None else instance._read(self)

    def __set__(self, instance: Model, value: Any) -> None:
        instance._assign(self, value)

    def __delete__(self, instance: Model) -> None:
        instance._remove(self)

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        """The Python value of what a user gave (`validate`) or the service sent."""
        del validate
        return value

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        """The JSON-like form of a Python value."""
        del jsonapi_format
        return value

    def to_service(self, value: Any) -> Any:
        """The form in which a Python value goes into a document for the service."""
        return self.serialize(value)

    def same(self, one: Any, other: Any) -> bool:
        """Whether assigning `other` in place of `one` changes nothing."""
        try:
            return bool(type(one) is type(other) and one == other)
        except ValueError:  # arrays compare element by element
            return one is other

    def _invalid(self, value: Any, wanted: str) -> AttributeValidationError:
        where = f"'{self.name}'" if self.name else "The value"
        return AttributeValidationError(f"{where} must be {wanted}; got {value!r}.")


def _nested(attribute: Any) -> Iterator[Any]:
    """Yield an attribute, that of its items, that of their items and so on."""
    while attribute is not None:
        yield attribute
        attribute = getattr(attribute, "item", None)


def _declared(owner: type, name: str, depth: int) -> Any:
    """Return the declaration of an attribute, or of the items in it."""
    return next(islice(_nested(owner.__dict__[name]), depth, None))


class TypedAttribute(Attribute):
    """An attribute of one Python type; with `coerce`, what that type's constructor accepts is accepted."""

    def __init__(self, attribute_type: type, coerce: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attribute_type = attribute_type
        self.coerce = coerce

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        return self.validate_value(value) if validate and value is not None else value

    def validate_value(self, value: Any) -> Any:
        """The value, coerced if need be; AttributeValidationError where it is of another type."""
        if isinstance(value, self.attribute_type):
            return value
        if self.coerce:
            try:
                return self.attribute_type(value)
            except (TypeError, ValueError):
                pass
        raise self._invalid(value, f"of type {self.attribute_type.__name__}")

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other)


class BooleanAttribute(Attribute):
    """An attribute that is True or False: whatever is assigned is taken by its truth."""

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        return bool(value) if validate else value


class EnumAttribute(Attribute):
    """An attribute with a closed set of values, held as a plain str."""

    def __init__(self, enum: type[Enum], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.enum = enum

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        # The service may know values that this client does not: those are kept.
        if value is None or not validate:
            return value
        try:
            return str(self.enum(value).value)
        except ValueError:
            choices = ", ".join(repr(str(member.value)) for member in self.enum)
            raise self._invalid(value, f"one of {choices}") from None


class TupleAttribute(Attribute):
    """An attribute that is a tuple, of elements of one type and of a length within bounds."""

    is_json = False

    def __init__(
        self,
        attribute_type: type | None = None,
        coerce: bool = False,
        min_length: int | None = None,
        max_length: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.attribute_type = attribute_type
        self.coerce = coerce
        self.min_length = min_length
        self.max_length = max_length

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if validate:
            return self.validate_value(value)
        return tuple(value) if isinstance(value, list) else value

    def validate_value(self, value: Any) -> tuple[Any, ...]:
        """The value as a tuple of the right type; AttributeValidationError where it cannot be one."""
        kind = self.attribute_type
        wanted = f"a sequence of {self._length()}{kind.__name__ if kind else 'value'}s"
        if value is None or isinstance(value, (str, bytes)):
            raise self._invalid(value, wanted)
        try:
            elements = tuple(value)
            if kind is not None and self.coerce:
                elements = tuple(kind(element) for element in elements)
        except (TypeError, ValueError):
            raise self._invalid(value, wanted) from None
        if (kind is not None and not all(isinstance(element, kind) for element in elements)) or not (
            (self.min_length or 0) <= len(elements) <= (self.max_length or len(elements))
        ):
            raise self._invalid(value, wanted)
        return elements

    def _length(self) -> str:
        if self.min_length == self.max_length:
            return "" if self.min_length is None else f"{self.min_length} "
        return f"{self.min_length or 0} to {self.max_length or 'any number of'} "

    def to_service(self, value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value


class Model:
    """Holds the values of declared attributes; what was never set reads None."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    _attribute_types: ClassVar[Mapping[str, Attribute]] = {}
    _values: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        types: dict[str, Attribute] = {}
        for base in cls.__mro__:
            for name, value in vars(base).items():
                if isinstance(value, Attribute):
                    types.setdefault(name, value)
        cls._attribute_types = types
        cls.ATTRIBUTES = tuple(types)

    def _attach_parts(self) -> None:
        """Attach the tracked values that this one holds, after a copy or a pickle."""
        for name, value in self._values.items():
            if isinstance(value, Tracked):
                value._attach(self, self._attribute_types[name])

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        super().__setattr__(name, value)

    # How values are read, set and removed
    def _read(self, attribute: Attribute) -> Any:
        return self._values.get(attribute.name)

    def _read_reference(self) -> Any:
        """The object that the class's reference is to, from the service; None where it does not exist."""
        raise NotImplementedError

    def _assign(self, attribute: Attribute, value: Any) -> None:
        self._check_settable(attribute)
        self._set_and_report(attribute, attribute.deserialize(value, validate=True))

    def _set_and_report(self, attribute: Attribute, value: Any) -> None:
        """Keep a Python value, and report the change if it is one."""
        known = self._is_known(attribute.name)
        old = self._read(attribute)
        changed = not known or (old is not value and not attribute.same(old, value))
        self._set_value(attribute, value)
        if changed:
            self._on_change(attribute)

    def _set_value(self, attribute: Attribute, value: Any) -> None:
        old = self._values.get(attribute.name)
        if old is not value and isinstance(old, Tracked):
            old._detach(self, attribute)
        self._values[attribute.name] = value
        if isinstance(value, Tracked):
            value._attach(self, attribute)

    def _remove(self, attribute: Attribute) -> None:
        if attribute.readonly or not attribute.mutable:
            raise AttributeValidationError(f"'{attribute.name}' cannot be removed.")
        old = self._values.pop(attribute.name, None)
        if isinstance(old, Tracked):
            old._detach(self, attribute)

    def _is_known(self, name: str) -> bool:
        return name in self._values

    def _check_settable(self, attribute: Attribute) -> None:
        if attribute.readonly:
            raise AttributeValidationError(f"'{attribute.name}' is read-only: only the service sets it.")
        if not attribute.mutable and self._read(attribute) is not None:
            raise AttributeValidationError(
                f"'{attribute.name}' is {self._read(attribute)!r} and cannot be changed once it is set."
            )

    def _on_change(self, attribute: Attribute) -> None:
        """Called after the value of an attribute was set or edited."""
        raise NotImplementedError

    def _frozen_attribute(self, attribute: Attribute) -> str | None:
        """The name of the attribute that forbids an edit of its value, None where it is allowed."""
        return attribute.name if attribute.readonly or not attribute.mutable else None


def detach_all(model: Model, names: Iterable[str]) -> None:
    """Make the tracked values under `names` independent of the model."""
    for name in names:
        value = model._values.get(name)
        if isinstance(value, Tracked):
            value._detach(model, model._attribute_types[name])
