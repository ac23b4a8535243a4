"""Attributes that are tuples."""

from __future__ import annotations

from typing import Any

from landbridge.catalog.model.attributes import A, Attribute, V

__all__ = ["TupleAttribute"]


class TupleAttribute(Attribute[V, A]):
    """An attribute that is a tuple with elements of one type and a bounded length."""

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
        """Return the value as a tuple; AttributeValidationError for a wrong type or length."""
        element_type = self.attribute_type
        wanted = f"a sequence of {self._length()}{element_type.__name__ if element_type else 'value'}s"
        if value is None or isinstance(value, (str, bytes)):
            raise self._invalid(value, wanted)
        try:
            elements = tuple(value)
            if element_type is not None and self.coerce:
                elements = tuple(element_type(element) for element in elements)
        except (TypeError, ValueError):
            raise self._invalid(value, wanted) from None
        of_type = element_type is None or all(isinstance(element, element_type) for element in elements)
        in_bounds = (self.min_length or 0) <= len(elements) <= (self.max_length or len(elements))
        if not (of_type and in_bounds):
            raise self._invalid(value, wanted)
        return elements

    def _length(self) -> str:
        if self.min_length == self.max_length:
            return "" if self.min_length is None else f"{self.min_length} "
        return f"{self.min_length or 0} to {self.max_length or 'any number of'} "

    def to_service(self, value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value
