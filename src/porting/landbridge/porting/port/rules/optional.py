"""Arguments that may be None when the script runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landbridge.porting.port.inference import Inference

__all__ = ["may_be_none"]


def may_be_none(node: ast.expr, inference: Inference) -> bool:
    """Return whether an argument may be None although it is not written as None.

    A name may be None if it is a parameter with the default None, or if None is assigned to it.
    """
    if isinstance(node, ast.IfExp):
        return any(_is_none(part) or may_be_none(part, inference) for part in (node.body, node.orelse))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        return len(node.args) < 2
    if not isinstance(node, ast.Name):
        return False
    scope = inference.scopes.names[node].find(node.id)
    for binding in scope.bindings[node.id] if scope else ():
        if binding.kind == "value" and not binding.path and _is_none(binding.node):
            return True
        if binding.kind == "parameter" and _has_default_none(binding.node, binding.owner):
            return True
    return False


def _has_default_none(argument: ast.AST, function: ast.AST | None) -> bool:
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    plain = [*function.args.posonlyargs, *function.args.args]
    defaults = dict(zip(reversed(plain), reversed(function.args.defaults), strict=False))
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return any(
        argument is parameter and default is not None and _is_none(default)
        for parameter, default in [*defaults.items(), *named]
    )


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
