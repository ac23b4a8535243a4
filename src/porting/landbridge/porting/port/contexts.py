"""Places in which an object of the old package may stand if it is to be rewritten."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from landbridge.errors import LandbridgeError
from landbridge.porting.port.values import Bound, Function, Instance, Items, LocalClass, Mapped, Symbol

if TYPE_CHECKING:
    from landbridge.porting.port.inference import Inference

__all__ = ["Refusal", "check_context", "is_known_function"]


class Refusal(LandbridgeError):  # noqa: N818 - no error: a reason
    """Reason why a use is not rewritten."""


_HARMLESS = frozenset({
    "all", "any", "bool", "enumerate", "filter", "frozenset", "hash", "id", "isinstance", "iter", "len",
    "list", "map", "max", "min", "next", "print", "repr", "reversed", "set", "sorted", "str", "tuple", "type",
    "tqdm", "zip",
})  # fmt: skip
# Those that need a sequence.
_ITERATING = _HARMLESS - {"bool", "hash", "id", "isinstance", "print", "repr", "str", "type"}
_HARMLESS_METHODS = frozenset({
    "append", "add", "debug", "error", "exception", "extend", "format", "info", "print", "warning", "write",
})  # fmt: skip
_PASSING = (
    ast.Tuple, ast.List, ast.Set, ast.Dict, ast.IfExp, ast.BoolOp, ast.Compare, ast.UnaryOp,
    ast.FormattedValue, ast.JoinedStr, ast.Expr, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp,
    ast.NamedExpr, ast.If, ast.While, ast.Assert, ast.Attribute,
)  # fmt: skip


def check_context(node: ast.expr, inference: Inference) -> None:
    """Check that a rewritten object may stand where an old one stands.

    Raises
    ------
    Refusal
        If the object goes where its uses can't be seen.
    """
    parent = inference.scopes.parents[node]
    match parent:
        case ast.Call():
            if parent.func is not node:
                _check_argument(node, parent, None, inference)
        # What the Catalog's own raster describes is what its upload takes.
        case ast.keyword(arg="raster_meta"):
            return
        case ast.keyword():
            _check_argument(node, inference.scopes.parents[parent], parent.arg or "", inference)
        case ast.Starred():
            call = inference.scopes.parents[parent]
            if not (isinstance(call, ast.Call) and _is_harmless(call, inference)):
                raise Refusal("it is passed by *")
        case ast.Return() | ast.Yield():
            _check_returned(node, inference)
        case ast.Lambda():
            return
        case ast.Assign() | ast.AnnAssign():
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            for target in targets:
                _check_target(target, inference)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            value = inference.value(node)
            row = inference.api.types.get(value.type) if isinstance(value, Instance) else None
            if isinstance(value, Instance) and not (row and row.element):
                raise Refusal("it is iterated over")
            _check_target(parent.target, inference)
        case ast.Subscript():
            if parent.slice is node:
                raise Refusal("it is used as a key")
            if not isinstance(parent.ctx, ast.Load) and isinstance(inference.value(node), Instance):
                raise Refusal("its items are changed")
        case ast.Compare():
            is_sought_in = any(isinstance(operator, (ast.In, ast.NotIn)) for operator in parent.ops)
            if is_sought_in and parent.left is not node and _is_no_sequence(node, inference):
                raise Refusal("its keys are compared")
        case ast.Dict():
            if any(
                key is None and item is node for key, item in zip(parent.keys, parent.values, strict=True)
            ):
                raise Refusal("it is passed by **")
        case ast.BinOp():
            is_text = isinstance(parent.left, ast.Constant) and isinstance(parent.left.value, str)
            if not is_text and not isinstance(inference.value(parent), Items):
                raise Refusal("it is an operand")
        case _ if not isinstance(parent, _PASSING):
            raise Refusal("it is used in a way that is not followed")


def _check_target(target: ast.expr, inference: Inference) -> None:
    match target:
        case ast.Name():
            return
        case ast.Tuple() | ast.List():
            for item in target.elts:
                if isinstance(item, ast.Starred):
                    raise Refusal("it is unpacked by *")
                _check_target(item, inference)
            return
        case ast.Attribute(value=ast.Name(id="self")):
            is_assigned = isinstance(inference.scopes.statement_of(target), (ast.Assign, ast.AnnAssign))
            if is_assigned and inference.definitions.class_around(target) is not None:
                return
        case ast.Subscript(value=ast.Name() as name):
            is_container = isinstance(inference.value(name), (Items, Mapped))
            if is_container and inference.definitions.is_fresh(name):
                return
    raise Refusal("it is kept where its uses can't be seen")


def _check_returned(node: ast.expr, inference: Inference) -> None:
    function = next(
        parent
        for parent in inference.scopes.ancestors(node)
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    uses = inference.definitions.uses(function)
    if not uses:
        raise Refusal("a function returns it, whose callers are not in this file")
    for use in uses:
        parent = inference.scopes.parents.get(use)
        if not (isinstance(parent, ast.Call) and parent.func is use):
            raise Refusal("a function returns it, and the function is passed on")


def _check_argument(node: ast.expr, call: ast.AST, keyword: str | None, inference: Inference) -> None:
    """Check an argument of a call; `keyword` is its name, empty for **, None for one without a name."""
    if not isinstance(call, ast.Call):
        raise Refusal("it is used in a way that is not followed")
    if keyword == "":
        raise Refusal("it is passed by **")
    if _is_harmless(call, inference):
        if (
            isinstance(call.func, ast.Name)
            and call.func.id in _ITERATING
            and _is_no_sequence(node, inference)
        ):
            raise Refusal("it is iterated over")
        return
    function = inference.value(call.func)
    if isinstance(function, Bound):
        return  # its rule decides
    if isinstance(function, Symbol) and inference.api.function(function.path) is not None:
        return
    if isinstance(function, (Function, LocalClass)):
        if any(isinstance(item, ast.Starred) for item in call.args) or any(
            item.arg is None for item in call.keywords
        ):
            raise Refusal("it is passed beside * or ** arguments")
        if not _has_parameter(node, call, keyword, function):
            raise Refusal("it is passed to a function that has no parameter of its own for it")
        return
    raise Refusal("it is passed to code that is not in this file")


def _is_no_sequence(node: ast.expr, inference: Inference) -> bool:
    value = inference.value(node)
    row = inference.api.types.get(value.type) if isinstance(value, Instance) else None
    return row is not None and row.element is None


def _has_parameter(
    node: ast.expr, call: ast.Call, keyword: str | None, function: Function | LocalClass
) -> bool:
    """Return whether a function, or the constructor of a class, has a parameter for an argument."""
    definition = function.node
    first = 0
    if isinstance(definition, ast.ClassDef):
        methods = [item for item in definition.body if isinstance(item, ast.FunctionDef)]
        definition = next((item for item in methods if item.name == "__init__"), definition)
        first = 1
    if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return False
    arguments = definition.args
    plain = [*arguments.posonlyargs, *arguments.args]
    if keyword is not None:
        return keyword in {argument.arg for argument in (*plain, *arguments.kwonlyargs)}
    if isinstance(function, Function) and isinstance(call.func, ast.Attribute):
        first = 1  # a method gets its object first
    return call.args.index(node) + first < len(plain)


def _is_harmless(call: ast.Call, inference: Inference) -> bool:
    """Return whether a function neither keeps its arguments out of sight nor looks at their attributes."""
    match call.func:
        case ast.Name(id=name):
            scope = inference.scopes.names[call.func].find(name)
            is_builtin = name in _HARMLESS and (scope is None or name == "tqdm")
            return is_builtin and _calls_known(call, name, inference)
        case ast.Attribute(value=owner, attr=name):
            if name not in _HARMLESS_METHODS:
                return False
            if name not in {"append", "add", "extend"}:
                return True
            is_list = isinstance(inference.value(owner), (Items, Mapped))
            return is_list and isinstance(owner, ast.Name) and inference.definitions.is_fresh(owner)
    return False


def _calls_known(call: ast.Call, name: str, inference: Inference) -> bool:
    """Return whether the functions that a builtin function calls are of the script, or builtin."""
    functions = [keyword.value for keyword in call.keywords if keyword.arg == "key"]
    if name in {"map", "filter"}:
        functions += call.args[:1]
    return all(is_known_function(function, inference) for function in functions)


def is_known_function(node: ast.expr, inference: Inference) -> bool:
    """Return whether an expression is a function of the script, a builtin one, or None."""
    if isinstance(inference.value(node), Function):
        return True
    if isinstance(node, ast.Name):
        return node.id in _HARMLESS and inference.scopes.names[node].find(node.id) is None
    return isinstance(node, ast.Constant) and node.value is None
