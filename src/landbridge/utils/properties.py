"""`properties.x`: the names from which filters are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    from collections.abc import Iterable, Mapping

__all__ = ["Properties", "Property", "properties"]


class Property:
    """A property of catalog objects; comparing it gives an expression.

    `a <= p.x < b` gives one expression with both bounds. Use `&` and `|` to combine expressions: Python's
    `and` and `or` drop one side.
    """

    __slots__ = ("_asked", "_bounds", "_last", "_previous", "name")
    # A numpy scalar on the left leaves the comparison to us.
    __array_ufunc__ = None

    def __init__(self, name: str, parts: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self._bounds = dict(parts or {})
        self._asked: RangeExpression | None = None
        self._previous: RangeExpression | None = None
        self._last: RangeExpression | None = None

    # A chained comparison: the truth of the first comparison is asked for, and the second is its result.
    # Python asks before it makes the second. An assertion that pytest has rewritten asks afterwards, when
    # both are made and the second is not used yet.
    def _chained(self, expression: RangeExpression) -> None:
        """The truth of a comparison was asked for: the one that follows it continues it."""
        if expression is self._previous and self._last is not None:
            self._last.tighten(expression.parts)
            self._previous = self._last = None
        else:
            self._asked = expression

    def _settle(self, expression: RangeExpression) -> None:
        """A comparison is used as it is: it continues none, and none continues it."""
        if expression is self._asked:
            self._asked = None
        if expression is self._last or expression is self._previous:
            self._previous = self._last = None

    def _continue(self, expression: Expression) -> Any:
        first, self._asked = self._asked, None
        if first is None:
            return expression
        if isinstance(expression, RangeExpression) and not set(first.parts) & set(expression.parts):
            return RangeExpression(self.name, {**first.parts, **expression.parts}, self)
        return AndExpression((first, expression))

    def _range(self, bound: str, value: Any) -> Any:
        made = self._continue(RangeExpression(self.name, {**self._bounds, bound: value}, self))
        self._previous, self._last = self._last, made if isinstance(made, RangeExpression) else None
        return made

    def __gt__(self, value: Any) -> Any:
        return self._range("gt", value)

    def __ge__(self, value: Any) -> Any:
        return self._range("gte", value)

    def __lt__(self, value: Any) -> Any:
        return self._range("lt", value)

    def __le__(self, value: Any) -> Any:
        return self._range("lte", value)

    def __eq__(self, value: object) -> Any:
        return self._continue(EqExpression(self.name, value))

    def __ne__(self, value: object) -> Any:
        return self._continue(NeExpression(self.name, value))

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


class Properties:
    """Gives a fresh `Property` for each name; with names given, only for these."""

    def __init__(self, *args: str) -> None:
        self._names = frozenset(args)

    def __getattr__(self, name: str) -> Property:
        if name.startswith("__") or (self._names and name not in self._names):
            raise AttributeError(
                f"no property {name!r}"
                + (f"; there are {', '.join(sorted(self._names))}" if self._names else "")
            )
        return Property(name)


properties = Properties()
