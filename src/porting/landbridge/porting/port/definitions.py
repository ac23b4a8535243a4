"""Definitions of a script: its functions and where they are used, and what its lists and objects hold."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from landbridge.porting.port.scopes import Scope, Scopes

__all__ = ["Definitions", "own_nodes"]


class Definitions:
    """Functions, lists and attributes of `self` of one script.

    Attributes
    ----------
    hidden : frozenset of str
        Names that lines use which are not Python, as those of notebooks.
    contents : dict
        What is appended to, or set in, a list or dict: pairs of how and the expression, by scope and name.
    attributes : dict
        What is assigned to attributes of `self`, by class and name: expressions, and the position in them if
        several are assigned at once.
    """

    def __init__(self, scopes: Scopes, hidden: Iterable[str] = ()) -> None:
        self.scopes = scopes
        self.hidden: frozenset[str] = frozenset(hidden)
        self.contents: dict[tuple[Scope, str], list[tuple[str, ast.expr]]] = {}
        self.attributes: dict[tuple[ast.AST, str], list[tuple[ast.expr, int | None]]] = {}
        self._uses: dict[ast.AST, list[ast.expr]] | None = None
        self._collect()

    def constant(self, node: ast.AST) -> object:
        """Return the literal that an expression is, also by a name that is assigned once; else None."""
        if isinstance(node, ast.Name):
            scope = self.scopes.names[node].find(node.id)
            bindings = scope.bindings[node.id] if scope else []
            if len(bindings) != 1 or bindings[0].kind != "value" or bindings[0].path:
                return None
            node = bindings[0].node
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None

    def is_used(self, name: ast.AST) -> bool:
        """Return whether a name that is assigned is also read."""
        if not isinstance(name, ast.Name) or name.id in self.hidden:
            return True
        scope = self.scopes.names[name].find(name.id)
        return any(
            isinstance(node.ctx, ast.Load) and node.id == name.id and where.find(node.id) is scope
            for node, where in self.scopes.names.items()
        )

    def _collect(self) -> None:
        for node in self.scopes.nodes:
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name() as name, attr="append" | "add" | "extend" as how),
                    args=[item],
                ):
                    self._content(name, how, item)
                case ast.Assign(targets=[ast.Subscript(value=ast.Name() as name)], value=item):
                    self._content(name, "set", item)
                case ast.Assign(targets=[ast.Attribute() as target], value=item):
                    self._attribute(target, item, None)
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=item):
                    for position, part in enumerate(targets):
                        self._attribute(part, item, position)

    def _attribute(self, target: ast.expr, item: ast.expr, position: int | None) -> None:
        match target:
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
                owner = self.class_around(target)
                if owner is not None:
                    self.attributes.setdefault((owner, attribute), []).append((item, position))

    def is_fresh(self, name: ast.Name) -> bool:
        """Return whether a name is that of a list or dict that is made here and has no other name."""
        scope = self.scopes.names[name].find(name.id)
        bindings = scope.bindings[name.id] if scope else []
        if not bindings or not all(
            binding.kind == "value" and not binding.path and _is_new(binding.node) for binding in bindings
        ):
            return False
        for node, where in self.scopes.names.items():
            if node.id == name.id and isinstance(node.ctx, ast.Load) and where.find(name.id) is scope:
                parent = self.scopes.parents[node]
                if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
                    return False
        return True

    def _content(self, name: ast.Name, how: str, item: ast.expr) -> None:
        scope = self.scopes.names[name].find(name.id)
        if scope is not None:
            self.contents.setdefault((scope, name.id), []).append((how, item))

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the class whose method a node stands in; None if it stands in none."""
        functions = 0
        for parent in self.scopes.ancestors(node):
            if isinstance(parent, ast.ClassDef):
                return parent if functions == 1 else None
            functions += isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        return None

    def uses(self, function: ast.AST) -> list[ast.expr]:
        """Return the expressions that are a function of the script: names, attributes, the lambda itself."""
        if isinstance(function, ast.Lambda):
            return [function]
        if self._uses is None:
            self._uses = {}
            for node in self.scopes.nodes:
                if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                    value = self._function_of(node)
                    if value is not None:
                        self._uses.setdefault(value, []).append(node)
        return self._uses.get(function, [])

    def _function_of(self, node: ast.Name | ast.Attribute) -> ast.AST | None:
        """Return the function that an expression is, without evaluating parameters."""
        if isinstance(node, ast.Name):
            scope = self.scopes.names[node].find(node.id)
            bindings = scope.bindings[node.id] if scope else []
            if len(bindings) != 1:
                return None
            if bindings[0].kind == "class":
                inner = self.scopes.scope_of(bindings[0].node).bindings.get("__init__", ())
                return inner[0].node if inner else None
            return bindings[0].node if bindings[0].kind == "function" else None
        # A method is found by its name alone, if one class of the script has it.
        owners = [
            scope.bindings[node.attr][0].node
            for scope in self._class_scopes
            if node.attr in scope.bindings and scope.bindings[node.attr][0].kind == "function"
        ]
        return owners[0] if len(owners) == 1 and self._is_of_script(node.value) else None

    @cached_property
    def _class_scopes(self) -> list[Scope]:
        return [self.scopes.scope_of(node) for node in self.scopes.nodes if isinstance(node, ast.ClassDef)]

    def _is_of_script(self, owner: ast.expr) -> bool:
        """Return whether an object may be of a class of the script: no module that it imports."""
        if not isinstance(owner, ast.Name):
            return True
        scope = self.scopes.names[owner].find(owner.id)
        return scope is None or all(binding.kind != "import" for binding in scope.bindings[owner.id])


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions and classes in it."""
    todo = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)


def _is_new(node: ast.AST) -> bool:
    match node:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="list" | "dict" | "set")):
            return True
    return False
