"""Filters in the form of Python expressions: `p.cloud_fraction < 0.2`.

The text is parsed and never evaluated. Its grammar is the part of Python that the filters of scripts use:

    condition   comparison | call | p.NAME.isnull | p.NAME.isnotnull | condition & condition
                | condition "|" condition | ( condition )
    comparison  p.NAME OP value | value OP p.NAME | value OP p.NAME OP value, with OP one of < <= > >= == !=
    call        p.NAME.METHOD(value), with METHOD one of prefix, startswith, like, ilike, any_of, in_
    value       text, number, True, False or None; for any_of and in_ a list or tuple of them

`p` may also be written `properties`. Precedence is Python's, so that comparisons beside `&` and `|` need
parentheses.
"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError
from landbridge.suggestions import did_you_mean
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
    from collections.abc import Callable, Collection

__all__ = ["WhereError", "parse_where"]

_PREFIXES = ("p", "properties")
_LONGEST = 20_000  # characters
_BOUNDS: dict[type[ast.cmpop], str] = {ast.Lt: "lt", ast.LtE: "lte", ast.Gt: "gt", ast.GtE: "gte"}
# The operator after its operands have changed places.
_FLIPPED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_EQUALITIES: dict[type[ast.cmpop], type[EqExpression | NeExpression]] = {
    ast.Eq: EqExpression,
    ast.NotEq: NeExpression,
}
_COMBINATIONS: dict[type[ast.operator], Callable[[Expression, Expression], Expression]] = {
    ast.BitAnd: lambda one, other: one & other,
    ast.BitOr: lambda one, other: one | other,
}
_TEXT_METHODS: dict[str, type[PrefixExpression | LikeExpression]] = {
    "prefix": PrefixExpression,
    "startswith": PrefixExpression,
    "like": LikeExpression,
    "ilike": ILikeExpression,
}
_LIST_METHODS = ("any_of", "in_")
_TESTS: dict[str, type[IsNullExpression | IsNotNullExpression]] = {
    "isnull": IsNullExpression,
    "isnotnull": IsNotNullExpression,
}


class WhereError(LandbridgeError, ValueError):
    """Text that is no filter; the message has the line of the text with a mark at the position.

    Parameters
    ----------
    problem : str
        Problem, and what to write instead.
    text : str
        Whole text.
    line : int
        Number of the line, from 1.
    column : int
        Number of the character in the line, from 0.
    """

    def __init__(self, problem: str, text: str, line: int, column: int) -> None:
        self.problem: str = problem
        self.text: str = text
        self.line: int = line
        self.column: int = column
        lines = text.splitlines() or [""]
        shown = lines[min(line, len(lines)) - 1]
        super().__init__(f"{problem}\n  {shown}\n  {' ' * column}^")

    def __reduce__(self) -> Any:
        return WhereError, (self.problem, self.text, self.line, self.column)


def parse_where(text: str, names: Collection[str]) -> Expression:
    """Return the filter of a Python expression.

    Parameters
    ----------
    text : str
        Expression, such as `(p.cloud_fraction < 0.2) & (p.acquired >= "2024-01-01")`.
    names : collection of str
        Attributes that the expression may name.

    Returns
    -------
    Expression
        Filter for `Search.filter`.

    Raises
    ------
    WhereError
        If the text is anything else than such an expression, or names an unknown attribute.

    Examples
    --------
    >>> from landbridge.cli.filters.where import parse_where
    >>> parse_where("0.1 < p.cloud_fraction < 0.2", ["cloud_fraction"])
    (p.cloud_fraction gt 0.1 lt 0.2)
    """
    if len(text) > _LONGEST:
        raise WhereError(f"The filter has {len(text):,} characters; {_LONGEST:,} are the most.", "", 1, 0)
    # Spaces before an expression would be an indentation.
    shift = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text[shift:], mode="eval")
        return _Parser(text[shift:], names).condition(tree.body)
    except SyntaxError as error:
        lines = text[shift:].splitlines() or [""]
        end = len(lines[min(error.lineno or 1, len(lines)) - 1])
        column = min(error.offset - 1, end) if error.offset else end
        problem = f"The filter is no Python expression: {error.msg}."
        raise WhereError(problem, text[shift:], error.lineno or 1, column) from None
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, WhereError):
            raise
        problem = "The filter is too deeply nested." if not isinstance(error, ValueError) else f"{error}."
        raise WhereError(problem, text[shift:], 1, 0) from None


class _Parser:
    """Translates the syntax tree of one text."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self._text, self._names = text, names

    def error(self, node: ast.expr, problem: str) -> WhereError:
        """Return an error at a node."""
        # ast counts in bytes of UTF-8.
        line = (self._text.splitlines() or [""])[node.lineno - 1]
        return WhereError(
            problem, self._text, node.lineno, len(line.encode()[: node.col_offset].decode(errors="ignore"))
        )

    def condition(self, node: ast.expr) -> Expression:
        """Return the filter of a node."""
        match node:
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _COMBINATIONS:
                return _COMBINATIONS[type(operator)](self.condition(left), self.condition(right))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
            case ast.Attribute(value=ast.Attribute() as owner, attr=name) if name in _TESTS:
                return _TESTS[name](self._name(owner))
            case ast.BoolOp(op=operator):
                word, sign = ("and", "&") if isinstance(operator, ast.And) else ("or", "|")
                raise self.error(node, f"`{word}` cannot combine conditions: use {sign}, and put each in ().")
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                raise self.error(node, "Conditions cannot be negated: use the opposite comparison, or !=.")
            case _:
                raise self.error(node, "A comparison such as p.cloud_fraction < 0.2 is expected here.")

    def _name(self, node: ast.expr) -> str:
        """Return the attribute that `p.NAME` names."""
        match node:
            case ast.Attribute(value=ast.Name(id=prefix), attr=name) if prefix in _PREFIXES:
                if name in self._names:
                    return name
                hint = did_you_mean(name, self._names) or f" There are {', '.join(self._names)}."
                raise self.error(node, f"Attribute {name!r} does not exist.{hint}")
            case ast.Name(id=name) if name in self._names:
                raise self.error(node, f"Write p.{name}.")
            case _:
                raise self.error(node, "An attribute such as p.cloud_fraction is expected here.")

    def _is_value(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Constant) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd)
        )

    def _value(self, node: ast.expr) -> Any:
        """Return the text, number, boolean or None of a node."""
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None as value):
                pass
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=number)) if (
                isinstance(number, int | float) and not isinstance(number, bool)
            ):
                value = -number if isinstance(sign, ast.USub) else number
            case _:
                raise self.error(node, 'A text such as "2024-01-01" or a number is expected here.')
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(node, "The number is too large.")
        return value

    def _comparison(self, node: ast.Compare) -> Expression:
        operands = [node.left, *node.comparators]
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            if type(operator) not in _BOUNDS and type(operator) not in _EQUALITIES:
                raise self.error(
                    operand, "Only < <= > >= == and != compare here; use p.name.any_of([...]) for `in`."
                )
            if isinstance(operand, ast.BinOp):
                raise self.error(operand, "& and | bind tighter than comparisons: put each comparison in ().")
        if isinstance(node.left, ast.BinOp):
            raise self.error(node.left, "& and | bind tighter than comparisons: put each comparison in ().")
        if len(operands) == 2:
            return self._pair(operands[0], node.ops[0], operands[1])
        if len(operands) > 3 or not (self._is_value(operands[0]) and self._is_value(operands[2])):
            raise self.error(node, "A chain has the form 0.1 < p.x < 0.2; combine others by & and ().")
        first = self._pair(operands[0], node.ops[0], operands[1])
        second = self._pair(operands[1], node.ops[1], operands[2])
        if (
            isinstance(first, RangeExpression)
            and isinstance(second, RangeExpression)
            and not set(first.parts) & set(second.parts)
        ):
            return RangeExpression(first.name, {**first.parts, **second.parts})
        return AndExpression((first, second))

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Expression:
        flipped = self._is_value(left)
        name_node, value_node = (right, left) if flipped else (left, right)
        name, value = self._name(name_node), self._value(value_node)
        if type(operator) in _EQUALITIES:
            return _EQUALITIES[type(operator)](name, value)
        if value is None or isinstance(value, bool):
            raise self.error(value_node, f"{value} has no order: use == or !=.")
        bound = _BOUNDS[type(operator)]
        return RangeExpression(name, {_FLIPPED[bound] if flipped else bound: value})

    def _call(self, node: ast.Call) -> Expression:
        if not isinstance(node.func, ast.Attribute):
            raise self.error(node, "Functions cannot be called here.")
        method = node.func.attr
        known = [*_TEXT_METHODS, *_LIST_METHODS]
        if method not in known:
            hint = did_you_mean(method, known) or f" There are {', '.join(known)}."
            raise self.error(node, f"Method {method!r} does not exist.{hint}")
        name = self._name(node.func.value)
        if len(node.args) != 1 or node.keywords:
            raise self.error(node, f"`{method}` takes one value.")
        (argument,) = node.args
        if method in _TEXT_METHODS:
            value = self._value(argument)
            if not isinstance(value, str):
                raise self.error(argument, f"`{method}` takes a text.")
            return _TEXT_METHODS[method](name, value)
        if not isinstance(argument, ast.List | ast.Tuple | ast.Set) or not argument.elts:
            raise self.error(argument, f'`{method}` takes a list of values, such as ["a", "b"].')
        parts = tuple(EqExpression(name, self._value(each)) for each in argument.elts)
        return parts[0] if len(parts) == 1 else OrExpression(parts)
