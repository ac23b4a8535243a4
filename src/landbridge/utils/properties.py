"""`properties.x`: properties of catalog objects, for filters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from landbridge.suggestions import did_you_mean
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

__all__ = ["Properties", "Property"]

T_contra = TypeVar("T_contra", contravariant=True)


class Property(Generic[T_contra]):
    """Property of catalog objects, whose comparisons are expressions.

    Its type parameter is the values that it can be compared with.

    `a <= p.x < b` is one expression with both bounds. Combine expressions by `&` and `|`: Python's `and`,
    `or` and `not` raise TypeError.

    Parameters
    ----------
    name : str
        Name of the attribute.

    Examples
    --------
    >>> p.acquired >= "2024-01-01"
    (p.acquired gte '2024-01-01')
    >>> 0.1 < p.cloud_fraction < 0.2
    (p.cloud_fraction gt 0.1 lt 0.2)
    """

    __slots__ = ("name",)
    # Makes a numpy scalar on the left call the reflected comparison of this class.
    __array_ufunc__ = None

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __gt__(self, value: T_contra) -> Expression:
        return _with_first_of_chain(RangeExpression(self.name, {"gt": value}), sys._getframe(1))

    def __ge__(self, value: T_contra) -> Expression:
        return _with_first_of_chain(RangeExpression(self.name, {"gte": value}), sys._getframe(1))

    def __lt__(self, value: T_contra) -> Expression:
        return _with_first_of_chain(RangeExpression(self.name, {"lt": value}), sys._getframe(1))

    def __le__(self, value: T_contra) -> Expression:
        return _with_first_of_chain(RangeExpression(self.name, {"lte": value}), sys._getframe(1))

    def __eq__(self, value: T_contra) -> Expression:  # type: ignore[override] # an expression, not a bool
        return _with_first_of_chain(EqExpression(self.name, value), sys._getframe(1))

    def __ne__(self, value: T_contra) -> Expression:  # type: ignore[override] # an expression, not a bool
        return _with_first_of_chain(NeExpression(self.name, value), sys._getframe(1))

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Property({self.name!r})"

    @property
    def isnull(self) -> IsNullExpression:
        """Expression that is true if the property is not set, or is an empty list."""
        return IsNullExpression(self.name)

    @property
    def isnotnull(self) -> IsNotNullExpression:
        """Expression that is true if the property is set."""
        return IsNotNullExpression(self.name)

    def any_of(self, iterable: Iterable[T_contra]) -> EqExpression | OrExpression:
        """Return an expression that is true if the property equals one of several values.

        Parameters
        ----------
        iterable : iterable
            Values, at least one.

        Returns
        -------
        Expression
            Comparison with each value, combined by "or".

        Raises
        ------
        ValueError
            If there is no value.

        Examples
        --------
        >>> p.name.any_of(["red", "nir"])
        ((p.name eq 'red') | (p.name eq 'nir'))
        """
        parts = tuple(EqExpression(self.name, value) for value in iterable)
        if not parts:
            raise ValueError(f"any_of needs at least one value for '{self.name}'.")
        return parts[0] if len(parts) == 1 else OrExpression(parts)

    in_ = any_of

    def prefix(self: Property[str], prefix: str) -> PrefixExpression:
        """Return an expression that is true if the property starts with a text.

        Parameters
        ----------
        prefix : str
            Start of the text, in this case.

        Returns
        -------
        Expression
            Comparison.

        Examples
        --------
        >>> p.name.prefix("re")
        (p.name prefix 're')
        """
        return PrefixExpression(self.name, prefix)

    startswith = prefix

    def like(self: Property[str], wildcard: str) -> LikeExpression:
        """Return an expression that is true if the property matches a pattern.

        Parameters
        ----------
        wildcard : str
            Pattern in which `%` stands for any text, `_` for one character, and a backslash escapes them.

        Returns
        -------
        Expression
            Comparison.

        Examples
        --------
        >>> p.name.like("r_d%")
        (p.name like 'r_d%')
        """
        return LikeExpression(self.name, wildcard)

    def ilike(self: Property[str], wildcard: str) -> ILikeExpression:
        """Return an expression that is true if the property matches a pattern in any case.

        Parameters
        ----------
        wildcard : str
            Pattern in which `%` stands for any text, `_` for one character, and a backslash escapes them.

        Returns
        -------
        Expression
            Comparison.

        Examples
        --------
        >>> p.name.ilike("R%")
        (p.name ilike 'R%')
        """
        return ILikeExpression(self.name, wildcard)


def _with_first_of_chain(made: Expression, frame: FrameType) -> Expression:
    """Return a comparison, combined with the first one if the frame is in a chained comparison."""
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
    """Source of properties for filters; `landbridge.catalog.properties` has all names.

    Parameters
    ----------
    *args : str
        Names that are allowed; without them all names are.

    Examples
    --------
    >>> from landbridge.utils import Properties
    >>> p = Properties()
    >>> p.cloud_fraction < 0.2
    (p.cloud_fraction lt 0.2)
    >>> Properties("name").acquired
    Traceback (most recent call last):
        ...
    AttributeError: no property 'acquired'; there are name
    """

    _names: frozenset[str] = frozenset()
    _completions: set[str] = set()  # noqa: RUF012 - the catalog's classes add their attributes

    def __init__(self, *args: str) -> None:
        self._names = frozenset(args)

    def __dir__(self) -> list[str]:
        """Return the names to complete: those that are allowed, or those of the catalog's attributes."""
        return sorted(self._names or self._completions)

    def __repr__(self) -> str:
        return f"Properties({', '.join(map(repr, sorted(self._names)))})"

    def __getattr__(self, name: str) -> Property[Any]:
        if name.startswith("__") or (self._names and name not in self._names):
            raise AttributeError(
                f"no property {name!r}"
                + (f"; there are {', '.join(sorted(self._names))}" if self._names else "")
                + (f".{hint}" if (hint := did_you_mean(name, self._names)) else "")
            )
        return Property(name)
