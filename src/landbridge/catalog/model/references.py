"""Attributes that are other catalog objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

from landbridge.catalog.enums import DocumentState
from landbridge.catalog.model.attributes import Attribute, Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.catalog.model.base import CatalogObjectBase

__all__ = ["CatalogObjectReference"]


class CatalogObjectReference(Attribute):
    """An attribute that is another catalog object, known by its id until it is read.

    `reference_class` is a function that gives the class, so that modules need not import each other;
    with `require_unsaved` the object must not be in the catalog yet, else it must.
    """

    def __init__(
        self,
        reference_class: Callable[[], type[CatalogObjectBase]],
        require_unsaved: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(serializable=False, **kwargs)
        self.reference_class = reference_class
        self.require_unsaved = require_unsaved

    @property
    def id_field(self) -> str:
        """The attribute with the other object's id."""
        return f"{self.name}_id"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Model, owner: type) -> Any: ...
    def __get__(self, instance: Model | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._read(self)
        # Asked for once, when it is first read; what does not exist is None from then on.
        if value is None and self.name not in instance._values and getattr(instance, self.id_field):
            value = instance._referenced()
            instance._keep(self, value)
        return value

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if value is None or not validate:
            return value
        wanted = self.reference_class()
        if not isinstance(value, wanted):
            raise self._refuse(value, f"of class {wanted.__name__}")
        if (value.state == DocumentState.UNSAVED) != self.require_unsaved:
            state = "an unsaved" if self.require_unsaved else "a saved"
            raise self._refuse(value, f"{state} {wanted.__name__}")
        return value

    def same(self, one: Any, other: Any) -> bool:
        return one is other or (one is not None and other is not None and one.id == other.id)
