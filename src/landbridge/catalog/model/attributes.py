"""Attributes: descriptors that declare, validate and convert the values of catalog objects.

`deserialize` returns the Python value of a value that a user assigned (`validate=True`) or that the service
sent (`validate=False`). `serialize` returns the JSON-like value for `CatalogObject.serialize()`, `to_service`
the value for a document.

A `Model` holds the values. Values that can be edited in place (lists, mappings) are `Tracked`: they know the
models that hold them, report each change to them, and refuse a change if one of the models holds them in an
attribute that cannot be changed.
"""

from __future__ import annotations

import copyreg
import weakref
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, overload

from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.unknown_names import unknown_attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from enum import Enum

    import typing_extensions

    # The value that is read from an object, and the values that can be assigned.
    V = typing_extensions.TypeVar("V", default=Any)
    A = typing_extensions.TypeVar("A", default=Any)
else:
    V = TypeVar("V")
    A = TypeVar("A")

__all__ = [
    "Attribute",
    "BooleanAttribute",
    "EnumAttribute",
    "Model",
    "Tracked",
    "TypedAttribute",
]


class Owner(Protocol):
    """A model or a tracked value that holds a tracked value."""

    def _on_change(self, attribute: Attribute) -> None: ...

    def _frozen_attribute(self, attribute: Attribute) -> str | None: ...


class Tracked:
    """A value that can be edited in place and reports changes to its owners."""

    _owners: dict[tuple[int, str], tuple[weakref.ReferenceType[Any], Attribute]]

    # Owners are weak references and are not pickled: a copied or unpickled owner attaches its values again.
    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_owners"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._owners = {}
        self._attach_parts()

    def _attach_parts(self) -> None:
        """Attach the tracked values in this value to it."""
        raise NotImplementedError

    def _attach(self, owner: Owner, attribute: Attribute) -> None:
        """Add an owner, which holds this value under `attribute`."""
        self._owners[id(owner), attribute.name] = (weakref.ref(owner), attribute)

    def _detach(self, owner: Owner, attribute: Attribute) -> None:
        self._owners.pop((id(owner), attribute.name), None)

    def _live_owners(self) -> Iterator[tuple[Owner, Attribute]]:
        for reference, attribute in tuple(self._owners.values()):
            owner = reference()
            if owner is not None:
                yield owner, attribute

    def _check_editable(self) -> None:
        """Raise AttributeValidationError if an owner does not allow a change."""
        for owner, attribute in self._live_owners():
            name = owner._frozen_attribute(attribute)
            if name is not None:
                raise AttributeValidationError(f"'{name}' cannot be changed once it is set.")

    def _report_change(self) -> None:
        for owner, attribute in self._live_owners():
            owner._on_change(attribute)

    # A tracked value is the owner of the tracked values in it.
    def _on_change(self, _attribute: Attribute) -> None:
        self._report_change()

    def _frozen_attribute(self, _attribute: Attribute) -> str | None:
        for owner, attribute in self._live_owners():
            name = owner._frozen_attribute(attribute)
            if name is not None:
                return name
        return None


class Attribute(Generic[V, A]):
    """An attribute that takes any value.

    Its type parameters are the value that is read from an object, and the values that can be assigned.

    Parameters
    ----------
    mutable
        False: the value can be set once and not changed afterwards.
    serializable
        False: the value is not part of the object's document.
    sticky
        True: `save` and `reload` keep the local value.
    readonly
        True: only the service sets the value.
    doc
        Description of the attribute.
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
        self.name: str = ""
        self.mutable = mutable
        self.serializable = serializable
        self.sticky = sticky
        self.readonly = readonly
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self._declaration = (owner, name)

    # All models and values share one declaration: copies and pickles refer to it.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        declaration = getattr(self, "_declaration", None)
        if declaration is not None:
            owner, name = declaration
            for depth, attribute in enumerate(_nested(owner.__dict__.get(name))):
                if attribute is self:
                    return _declared_attribute, (owner, name, depth)
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined] # not in typeshed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Model, owner: type) -> V: ...
    def __get__(self, instance: Model | None, owner: type) -> Any:
        return self if instance is None else instance._read(self)

    def __set__(self, instance: Model, value: A) -> None:
        instance._assign(self, value)

    def __delete__(self, instance: Model) -> None:
        instance._remove(self)

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        """Return the Python value of a value that a user assigned (`validate`) or that the service sent."""
        del validate
        return value

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        """Return a Python value as a JSON-like value."""
        del jsonapi_format
        return value

    def to_service(self, value: Any) -> Any:
        """Return a Python value as it is written into a document for the service."""
        return self.serialize(value)

    def same(self, one: Any, other: Any) -> bool:
        """Return whether two values are the same, so that assigning one for the other is no change."""
        try:
            return bool(type(one) is type(other) and one == other)
        except ValueError:  # arrays compare element by element
            return one is other

    def _invalid(self, value: Any, wanted: str) -> AttributeValidationError:
        subject = f"'{self.name}'" if self.name else "The value"
        return AttributeValidationError(f"{subject} must be {wanted}; got {value!r}.")


def _nested(attribute: Any) -> Iterator[Any]:
    """Yield an attribute, the attribute of its items, that of their items, and so on."""
    while attribute is not None:
        yield attribute
        attribute = getattr(attribute, "item", None)


def _declared_attribute(owner: type, name: str, depth: int) -> Any:
    """Return the declared attribute of a class, or the attribute of its items at this depth."""
    return next(islice(_nested(owner.__dict__[name]), depth, None))


class TypedAttribute(Attribute[V, A]):
    """An attribute of one Python type; with `coerce`, any value that the type's constructor accepts."""

    def __init__(self, attribute_type: type, coerce: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attribute_type = attribute_type
        self.coerce = coerce

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        return self.validate_value(value) if validate and value is not None else value

    def validate_value(self, value: Any) -> Any:
        """Return the value, coerced if allowed; AttributeValidationError if it has another type."""
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


class BooleanAttribute(Attribute[V, A]):
    """An attribute that is True or False: the truth value of the assigned value."""

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        return bool(value) if validate else value


class EnumAttribute(Attribute[V, A]):
    """An attribute with a closed set of values, held as a plain str."""

    def __init__(self, enum: type[Enum], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.enum = enum

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        # The service may send values that this version of the client does not know.
        if value is None or not validate:
            return value
        try:
            return str(self.enum(value).value)
        except ValueError:
            choices = ", ".join(repr(str(member.value)) for member in self.enum)
            raise self._invalid(value, f"one of {choices}") from None


class Model:
    """Holds the values of declared attributes; an attribute that was never set is None."""

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
        """Attach the tracked values of this model to it, after copying or unpickling."""
        for name, value in self._values.items():
            if isinstance(value, Tracked):
                value._attach(self, self._attribute_types[name])

    if not TYPE_CHECKING:  # type checkers would take every name for an attribute

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_") and not hasattr(type(self), name):
                raise unknown_attribute(type(self), name, self._attribute_types)
            super().__setattr__(name, value)

    # Reading, setting and removing values
    def _read(self, attribute: Attribute) -> Any:
        return self._values.get(attribute.name)

    def _read_reference(self) -> Any:
        """Return the object that the class's reference refers to; None if it does not exist."""
        raise NotImplementedError

    def _assign(self, attribute: Attribute, value: Any) -> None:
        self._check_settable(attribute)
        self._set_and_report(attribute, attribute.deserialize(value, validate=True))

    def _set_and_report(self, attribute: Attribute, value: Any) -> None:
        """Set a Python value and report the change, if it is a change."""
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
        """Handle a change: the value of an attribute was set or edited."""
        raise NotImplementedError

    def _frozen_attribute(self, attribute: Attribute) -> str | None:
        """Return the name of the attribute that forbids editing its value; None if editing is allowed."""
        return attribute.name if attribute.readonly or not attribute.mutable else None


def detach_all(model: Model, names: Iterable[str]) -> None:
    """Detach the tracked values of the attributes `names` from the model."""
    for name in names:
        value = model._values.get(name)
        if isinstance(value, Tracked):
            value._detach(model, model._attribute_types[name])
