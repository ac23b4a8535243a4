"""Filters as immutable trees of expressions.

A tree is serialized to plain JSON (`{"eq": {name: value}}`, `{"and": [...]}`, ...), parsed from it, compared
by meaning, and evaluated on objects.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from landbridge.utils import chained_comparisons
from landbridge.utils.comparison import (
    BOUNDS,
    attribute_value,
    differs,
    equals,
    is_missing,
    is_within,
    matches_like,
)
from landbridge.utils.json_values import copy_mutable, json_value

__all__ = [
    "AndExpression",
    "EqExpression",
    "Expression",
    "ILikeExpression",
    "IsNotNullExpression",
    "IsNullExpression",
    "LikeExpression",
    "LogicalExpression",
    "NeExpression",
    "OpExpression",
    "OrExpression",
    "PrefixExpression",
    "RangeExpression",
]


class Expression(ABC):
    """Condition on objects, which a search is filtered by; combine several by `&` and `|`.

    Expressions never change. They are made by comparing properties, such as `p.cloud_fraction < 0.2`.

    Examples
    --------
    >>> (p.cloud_fraction < 0.2) & (p.name == "red")
    ((p.cloud_fraction lt 0.2) & (p.name eq 'red'))
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        """Raise TypeError, except inside a chained comparison such as `0.1 < p.x < 0.2`."""
        if chained_comparisons.keep_first(self, sys._getframe(1)):  # noqa: SLF001 - see that module
            return True
        raise TypeError(
            f"The expression {self!r} is neither true nor false: Python's `and`, `or`, `not`, `if` and `in` "
            "cannot combine expressions. Use `&` and `|`, with each comparison in parentheses, as in "
            "(p.x > 0.1) & (p.y < 0.2); any_of() for several values; `is None` to ask whether there is an "
            "expression. In an `assert` of pytest, assign a chained comparison to a variable first."
        )

    @abstractmethod
    def serialize(self) -> dict[str, Any]:
        """Return the expression as JSON values.

        Returns
        -------
        dict
            One operator and its operand.

        Examples
        --------
        >>> (p.cloud_fraction < 0.2).serialize()
        {'range': {'cloud_fraction': {'lt': 0.2}}}
        """

    @abstractmethod
    def evaluate(self, obj: Any) -> bool:
        """Return True if an object satisfies the expression, by the rules of the service.

        Parameters
        ----------
        obj : object or dict
            Object with the attributes, or mapping with the keys, that the expression names.

        Returns
        -------
        bool
            False for a comparison with a value that is not set.

        Raises
        ------
        TypeError
            If a bound is compared with a value that has no order.

        Examples
        --------
        >>> (p.cloud_fraction < 0.2).evaluate({"cloud_fraction": 0.1})
        True
        """

    @abstractmethod
    def is_same(self, other: Expression) -> bool:
        """Return True if two expressions have the same meaning, with their parts in any order.

        Parameters
        ----------
        other : Expression
            Other expression.

        Returns
        -------
        bool
            False also for expressions that only always have the same result.

        Examples
        --------
        >>> one, two = p.name == "red", p.tags == "new"
        >>> (one & two).is_same(two & one)
        True
        """

    def __and__(self, other: Expression) -> AndExpression:
        if not isinstance(other, Expression):
            return NotImplemented
        return AndExpression((*_parts(self, AndExpression), *_parts(other, AndExpression)))

    def __or__(self, other: Expression) -> OrExpression:
        if not isinstance(other, Expression):
            return NotImplemented
        return OrExpression((*_parts(self, OrExpression), *_parts(other, OrExpression)))

    @classmethod
    def parse(cls, data: Mapping[str, Any] | list[Any] | str | bytes) -> Expression:
        """Return the expression of a serialized form.

        Parameters
        ----------
        data : dict, list, str or bytes
            Serialized expression, also as JSON text. A list of them is combined by "and".

        Returns
        -------
        Expression
            Expression that serializes to an equal form.

        Raises
        ------
        ValueError
            If `data` is not the serialized form of an expression.

        Examples
        --------
        >>> from landbridge.utils.expressions import Expression
        >>> Expression.parse({"eq": {"name": "red"}})
        (p.name eq 'red')
        """
        if isinstance(data, (str, bytes)):
            import orjson

            data = orjson.loads(data)
        if isinstance(data, list) and data:
            parts = tuple(Expression.parse(part) for part in data)
            return parts[0] if len(parts) == 1 else AndExpression(parts)
        if not isinstance(data, Mapping) or len(data) != 1:
            raise ValueError(f"An expression is a mapping with one operator; got {data!r}.")
        ((name, operand),) = data.items()
        if name not in _KINDS:
            raise ValueError(f"Unknown operator {name!r}; known are {', '.join(_KINDS)}.")
        try:
            return _parse_operand(_KINDS[name], operand)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"The operand of the operator {name!r} is not valid: {operand!r}.") from error


def _parts(expression: Expression, kind: type[LogicalExpression]) -> tuple[Expression, ...]:
    """Return the parts of a combination of the given kind, or the expression itself as the only part."""
    return expression.parts if isinstance(expression, kind) else (expression,)


@dataclass(frozen=True, slots=True)
class LogicalExpression(Expression):
    """Combination of several expressions."""

    parts: tuple[Expression, ...]
    operator: ClassVar[str] = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))

    def serialize(self) -> dict[str, Any]:
        return {self.operator: [part.serialize() for part in self.parts]}

    def is_same(self, other: Expression) -> bool:
        if not isinstance(other, LogicalExpression) or type(other) is not type(self):
            return False
        rest = list(other.parts)
        for part in self.parts:
            match = next((index for index, one in enumerate(rest) if part.is_same(one)), None)
            if match is None:
                return False
            del rest[match]
        return not rest


@dataclass(frozen=True, slots=True)
class AndExpression(LogicalExpression):
    """Expression that is true if every part is true."""

    operator: ClassVar[str] = "and"

    def evaluate(self, obj: Any) -> bool:
        return all(part.evaluate(obj) for part in self.parts)

    def __repr__(self) -> str:
        return f"({' & '.join(map(repr, self.parts))})"


@dataclass(frozen=True, slots=True)
class OrExpression(LogicalExpression):
    """Expression that is true if any part is true."""

    operator: ClassVar[str] = "or"

    def evaluate(self, obj: Any) -> bool:
        return any(part.evaluate(obj) for part in self.parts)

    def __repr__(self) -> str:
        return f"({' | '.join(map(repr, self.parts))})"


@dataclass(frozen=True, slots=True)
class OpExpression(Expression):
    """Condition on one property."""

    name: str
    operator: ClassVar[str] = ""

    def is_same(self, other: Expression) -> bool:
        return type(other) is type(self) and self.serialize() == other.serialize()


@dataclass(frozen=True, slots=True)
class _ValueExpression(OpExpression):
    """Condition on one property and one value."""

    value: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", copy_mutable(self.value))

    def serialize(self) -> dict[str, Any]:
        return {self.operator: {self.name: json_value(self.value)}}

    def __repr__(self) -> str:
        return f"(p.{self.name} {self.operator} {self.value!r})"


@dataclass(frozen=True, slots=True, repr=False)
class EqExpression(_ValueExpression):
    """Condition that the property equals the value, or is a list that contains it."""

    operator: ClassVar[str] = "eq"

    def evaluate(self, obj: Any) -> bool:
        return equals(attribute_value(obj, self.name), json_value(self.value))


@dataclass(frozen=True, slots=True, repr=False)
class NeExpression(_ValueExpression):
    """Condition that the property is set and does not equal the value."""

    operator: ClassVar[str] = "ne"

    def evaluate(self, obj: Any) -> bool:
        return differs(attribute_value(obj, self.name), json_value(self.value))


@dataclass(frozen=True, slots=True)
class RangeExpression(OpExpression):
    """Condition that the property lies within bounds: any of gt, gte, lt and lte."""

    parts: Mapping[str, Any]
    operator: ClassVar[str] = "range"

    def __post_init__(self) -> None:
        unknown = set(self.parts) - set(BOUNDS)
        if unknown or not self.parts:
            raise ValueError(f"A range has bounds gt, gte, lt or lte; got {sorted(self.parts)}.")
        parts = {bound: copy_mutable(value) for bound, value in self.parts.items()}
        object.__setattr__(self, "parts", MappingProxyType(parts))

    def __reduce__(self) -> Any:
        # A MappingProxyType cannot be pickled.
        return RangeExpression, (self.name, dict(self.parts))

    def serialize(self) -> dict[str, Any]:
        return {"range": {self.name: {key: json_value(value) for key, value in self.parts.items()}}}

    def evaluate(self, obj: Any) -> bool:
        bounds = {bound: json_value(value) for bound, value in self.parts.items()}
        return is_within(attribute_value(obj, self.name), bounds)

    def __repr__(self) -> str:
        return f"(p.{self.name} {' '.join(f'{key} {value!r}' for key, value in self.parts.items())})"


@dataclass(frozen=True, slots=True, repr=False)
class PrefixExpression(_ValueExpression):
    """Condition that the property starts with the value."""

    operator: ClassVar[str] = "prefix"

    def evaluate(self, obj: Any) -> bool:
        value = attribute_value(obj, self.name)
        return isinstance(value, str) and value.startswith(self.value)


@dataclass(frozen=True, slots=True, repr=False)
class LikeExpression(_ValueExpression):
    """Condition that the property matches a pattern of `%` (any text) and `_` (any character)."""

    operator: ClassVar[str] = "like"
    flags: ClassVar[int] = 0

    def evaluate(self, obj: Any) -> bool:
        value = attribute_value(obj, self.name)
        return isinstance(value, str) and matches_like(value, self.value, self.flags)


@dataclass(frozen=True, slots=True, repr=False)
class ILikeExpression(LikeExpression):
    """Condition that the property matches a pattern, as LikeExpression but in any case."""

    operator: ClassVar[str] = "ilike"
    flags: ClassVar[int] = re.IGNORECASE


@dataclass(frozen=True, slots=True)
class IsNullExpression(OpExpression):
    """Condition that the property is not set, or is an empty list."""

    operator: ClassVar[str] = "isnull"

    def serialize(self) -> dict[str, Any]:
        return {self.operator: self.name}

    def evaluate(self, obj: Any) -> bool:
        return is_missing(attribute_value(obj, self.name))


@dataclass(frozen=True, slots=True)
class IsNotNullExpression(OpExpression):
    """Condition that the property is set."""

    operator: ClassVar[str] = "isnotnull"

    def serialize(self) -> dict[str, Any]:
        return {self.operator: self.name}

    def evaluate(self, obj: Any) -> bool:
        return not is_missing(attribute_value(obj, self.name))


def _parse_operand(kind: type[Any], operand: Any) -> Expression:
    """Return the expression of a kind with a serialized operand; TypeError if the operand does not fit."""
    expression: Expression
    if issubclass(kind, LogicalExpression):
        expression = kind(tuple(Expression.parse(part) for part in operand))
    elif issubclass(kind, (_ValueExpression, RangeExpression)):
        ((name, value),) = operand.items()
        expression = kind(name, value)
    elif isinstance(operand, str):
        expression = kind(operand)
    else:
        raise TypeError(f"{operand!r} is not the name of a property.")
    return expression


_KINDS: dict[str, type[Expression]] = {
    kind.operator: kind
    for kind in (
        *(EqExpression, NeExpression, RangeExpression, PrefixExpression, LikeExpression, ILikeExpression),
        *(IsNullExpression, IsNotNullExpression, AndExpression, OrExpression),
    )
}
