"""`properties.x`: the names from which filters are made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from landbridge.utils import chained_comparisons
from landbridge.utils.expressions import (
    AndExpression,
    EqExpression,
    Expression,
    ILikeExpression,
    IsNotNullExpression,
    IsNullExpression,
    LikeExpression,
    NeExpression,
    OrExpression,
    PrefixExpression,
    RangeExpression,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

__all__ = ["Properties", "Property", "properties"]


class Property:
    """A property of catalog objects; comparing it gives an expression.

    `a <= p.x < b` gives one expression with both bounds. Use `&` and `|` to combine expressions: Python's
    `and`, `or` and `not` are a TypeError.
    """

    __slots__ = ("name",)
    # A numpy scalar on the left leaves the comparison to us.
    __array_ufunc__ = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __gt__(self, value: Any) -> Any:
        return _with_first_of_chain(RangeExpression(self.name, {"gt": value}), sys._getframe(1))

    def __ge__(self, value: Any) -> Any:
        return _with_first_of_chain(RangeExpression(self.name, {"gte": value}), sys._getframe(1))

    def __lt__(self, value: Any) -> Any:
        return _with_first_of_chain(RangeExpression(self.name, {"lt": value}), sys._getframe(1))

    def __le__(self, value: Any) -> Any:
        return _with_first_of_chain(RangeExpression(self.name, {"lte": value}), sys._getframe(1))

    def __eq__(self, value: object) -> Any:
        return _with_first_of_chain(EqExpression(self.name, value), sys._getframe(1))

    def __ne__(self, value: object) -> Any:
        return _with_first_of_chain(NeExpression(self.name, value), sys._getframe(1))

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Property({self.name!r})"

    @property
    def isnull(self) -> IsNullExpression:
        """The property is not set; an empty list counts as not set in a search."""
        return IsNullExpression(self.name)

    @property
    def isnotnull(self) -> IsNotNullExpression:
        """The property is set."""
        return IsNotNullExpression(self.name)

    def any_of(self, iterable: Iterable[Any]) -> EqExpression | OrExpression:
        """The property equals one of the values; ValueError where there are none."""
        parts = tuple(EqExpression(self.name, value) for value in iterable)
        if not parts:
            raise ValueError(f"any_of needs at least one value for '{self.name}'.")
        return parts[0] if len(parts) == 1 else OrExpression(parts)

    in_ = any_of

    def prefix(self, prefix: str) -> PrefixExpression:
        """The property starts with a text."""
        return PrefixExpression(self.name, prefix)

    startswith = prefix

    def like(self, wildcard: str) -> LikeExpression:
        """The property matches a pattern, in which `%` is any text and `_` any character."""
        return LikeExpression(self.name, wildcard)

    def ilike(self, wildcard: str) -> ILikeExpression:
        """As `like`, whatever the case."""
        return ILikeExpression(self.name, wildcard)


def _with_first_of_chain(made: Expression, frame: FrameType) -> Any:
    """Return a comparison, with the first one of its chain if the frame is in a chained comparison."""
    first = chained_comparisons.take_first(frame)
    if not isinstance(first, Expression):
        return made
    if (
        isinstance(first, RangeExpression)
        and isinstance(made, RangeExpression)
        and first.name == made.name
        and not set(first.parts) & set(made.parts)
    ):
        return RangeExpression(made.name, {**first.parts, **made.parts})
    return AndExpression((first, made))


class Properties:
    """Gives a fresh `Property` for each name; with names given, only for these."""

    _names: frozenset[str] = frozenset()

    def __init__(self, *args: str) -> None:
        self._names = frozenset(args)

    def __repr__(self) -> str:
        return f"Properties({', '.join(map(repr, sorted(self._names)))})"

    def __getattr__(self, name: str) -> Property:
        if name.startswith("__") or (self._names and name not in self._names):
            raise AttributeError(
                f"no property {name!r}"
                + (f"; there are {', '.join(sorted(self._names))}" if self._names else "")
            )
        return Property(name)


properties = Properties()
