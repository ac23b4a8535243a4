"""Checks of the values in filters, before the search is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.model.attributes import BooleanAttribute, TypedAttribute
from landbridge.catalog.model.converters import GeometryAttribute
from landbridge.exceptions import BadRequestError
from landbridge.utils.expressions import EqExpression, NeExpression, RangeExpression
from landbridge.utils.json_values import json_value

if TYPE_CHECKING:
    from landbridge.catalog.model.attributes import Attribute
    from landbridge.utils.expressions import Expression

__all__ = ["check_values"]


def check_values(expression: Expression, attribute: Attribute) -> None:
    """Raise BadRequestError for a comparison with a value that the attribute can never have.

    A service would return no objects and no error.
    """
    if isinstance(attribute, GeometryAttribute):
        if isinstance(expression, (EqExpression, NeExpression, RangeExpression)) and not _compares_with_null(
            expression
        ):
            raise BadRequestError(
                f"'{attribute.name}' cannot be compared: search with .intersects(geometry), and find equal "
                "geometries among the results."
            )
        return
    if isinstance(expression, RangeExpression):
        values = list(expression.parts.values())
    elif isinstance(expression, (EqExpression, NeExpression)):
        values = [expression.value]
    else:
        return
    for value in map(json_value, values):
        if value is not None and (expected := _expected_values(attribute, value)) is not None:
            raise BadRequestError(f"'{attribute.name}' is compared with {value!r}, but it is {expected}.")


def _compares_with_null(expression: Any) -> bool:
    return getattr(expression, "value", 0) is None


def _expected_values(attribute: Attribute, value: Any) -> str | None:
    """Return a description of the attribute's values if this value cannot be one of them, else None."""
    if isinstance(attribute, BooleanAttribute):
        return None if isinstance(value, (bool, int, float)) and value in (0, 1) else "True or False"
    if isinstance(attribute, TypedAttribute):
        if attribute.attribute_type is str and not isinstance(value, str):
            return "a text"
        if attribute.attribute_type in (int, float) and not _is_number(value):
            return "a number"
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool)
