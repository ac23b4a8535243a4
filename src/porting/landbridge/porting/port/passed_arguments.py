"""Expressions that the uses of a function pass for its parameters, found in the syntax alone."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Argument", "CalledBy", "Default", "Given", "find_argument"]


@dataclass(frozen=True, slots=True)
class Given:
    """Expression that a call passes."""

    expression: ast.expr


@dataclass(frozen=True, slots=True)
class Default:
    """Absence of an argument: the parameter has its default."""


@dataclass(frozen=True, slots=True)
class CalledBy:
    """Call that the function is passed to, under a keyword or none, and which may call it."""

    call: ast.Call
    keyword: str | None


Argument = Given | Default | CalledBy


def find_argument(
    parents: Mapping[ast.AST, ast.AST], use: ast.AST, name: str, position: int | None, is_method: bool
) -> Argument | None:
    """Return what a use of a function passes for a parameter; None if it cannot be seen.

    Parameters
    ----------
    parents : mapping
        Parent of each node.
    use : ast.AST
        Name or attribute that refers to the function.
    name : str
        Name of the parameter.
    position : int or None
        Position of the parameter; None if it can be given by name only.
    is_method : bool
        True if the first parameter is the object.

    Examples
    --------
    >>> import ast
    >>> from landbridge.porting.port.passed_arguments import find_argument
    >>> call = ast.parse("f(1, b=2)").body[0].value
    >>> found = find_argument({call.func: call}, call.func, "b", 1, False)
    >>> found.expression.value
    2
    """
    parent = parents.get(use)
    if isinstance(parent, ast.Call) and parent.func is use:
        return _argument_of_call(parent, name, None if position is None else position - is_method)
    keyword = None
    if isinstance(parent, ast.keyword):
        keyword, parent = parent.arg, parents[parent]
    # A function that is passed to another one is called with its first argument.
    if isinstance(parent, ast.Call) and position == is_method:
        return CalledBy(parent, keyword)
    return None


def _argument_of_call(call: ast.Call, name: str, place: int | None) -> Argument | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return Given(keyword.value)
        if keyword.arg is None:
            return None
    if place is not None:
        before = call.args[: place + 1]
        if any(isinstance(item, ast.Starred) for item in before):
            return None
        if len(before) == place + 1:
            return Given(before[-1])
    return Default()
