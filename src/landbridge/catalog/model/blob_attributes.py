"""Attributes of blobs only: the parts of their ids, and their checksums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

from landbridge.catalog.errors import InvalidNameError
from landbridge.catalog.model.attributes import A, Model, TypedAttribute, V

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Digest", "IdPart"]


class Digest(TypedAttribute[V, A]):
    """A checksum that the service may compute after the upload: reading it waits for the service."""

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Model, owner: type) -> V: ...
    def __get__(self, instance: Model | None, owner: type) -> Any:
        if instance is None:
            return self
        known = instance._read(self)
        if known is not None:
            return known
        return instance._request_hash()  # type: ignore[attr-defined] # only blobs have such an attribute


class IdPart(TypedAttribute[V, A]):
    """A part of a blob's id, checked so that the id can be split again."""

    def __init__(self, attribute_type: type, fault: Callable[[str], str | None], **kwargs: Any) -> None:
        super().__init__(attribute_type, **kwargs)
        self.fault = fault

    def validate_value(self, value: Any) -> Any:
        text = super().validate_value(value)
        # An empty namespace is valid: the blob gets the user's own.
        if text and (why := self.fault(text)) is not None:
            raise InvalidNameError(f"'{self.name}' cannot be {text!r}: it {why}.")
        return text
