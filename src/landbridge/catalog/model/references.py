"""Attributes that are other catalog objects."""

from __future__ import annotations

from typing import Any, Self, overload

from landbridge.catalog.enums import DocumentState
from landbridge.catalog.model.attributes import A, Attribute, Model, V
from landbridge.catalog.model.registry import class_of

__all__ = ["CatalogObjectReference"]


class CatalogObjectReference(Attribute[V, A]):
    """An attribute that is another catalog object, which is read from the service on first access.

    `document_type` is the document type of its class. The object must be saved, or with `require_unsaved`
    must not be saved.
    """

    def __init__(self, document_type: str, require_unsaved: bool = False, **kwargs: Any) -> None:
        super().__init__(serializable=False, **kwargs)
        self.document_type = document_type
        self.require_unsaved = require_unsaved

    @property
    def id_field(self) -> str:
        """Name of the attribute with the other object's id."""
        return f"{self.name}_id"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Model, owner: type) -> V: ...
    def __get__(self, instance: Model | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._read(self)
        # Read from the service once; None from then on if it does not exist.
        if value is None and self.name not in instance._values and getattr(instance, self.id_field):
            value = instance._read_reference()
            instance._set_value(self, value)
        return value

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if value is None or not validate:
            return value
        wanted = class_of(self.document_type)
        if not isinstance(value, wanted):
            raise self._invalid(value, f"of class {wanted.__name__}")
        if (value.state == DocumentState.UNSAVED) != self.require_unsaved:
            state = "an unsaved" if self.require_unsaved else "a saved"
            raise self._invalid(value, f"{state} {wanted.__name__}")
        return value

    def same(self, one: Any, other: Any) -> bool:
        return one is other or (one is not None and other is not None and one.id == other.id)
