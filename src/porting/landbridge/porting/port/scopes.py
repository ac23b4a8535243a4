"""Scopes of a script: which names each function binds, and to what."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Binding", "Scope", "Scopes", "is_scope"]

Kind = Literal["value", "element", "import", "function", "class", "parameter", "other"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """One way in which a name gets its value.

    Attributes
    ----------
    kind : str
        "value": of an expression; "element": of an element of iterating over it; "import", "function",
        "class", "parameter": of that node; "other": of something that is not followed.
    node : AST
        The expression, alias, definition or argument.
    path : tuple of int
        Positions in nested tuples, if the name is a part of a target.
    owner : AST, optional
        Function of a parameter, or statement of an import.
    """

    kind: Kind
    node: ast.AST
    path: tuple[int, ...] = ()
    owner: ast.AST | None = None


@dataclass(eq=False)
class Scope:
    """Names of a module, function, class or comprehension."""

    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    outer: dict[str, Scope] = field(default_factory=dict)  # names of `global` and `nonlocal`

    def find(self, name: str) -> Scope | None:
        """Return the scope that binds a name as it is seen here; None if none does."""
        scope: Scope | None = self
        first = True
        while scope is not None:
            if name in scope.outer:
                return scope.outer[name]
            # The names of a class are not seen by its methods.
            if name in scope.bindings and (first or not isinstance(scope.node, ast.ClassDef)):
                return scope
            scope, first = scope.parent, False
        return None


def is_scope(node: ast.AST) -> bool:
    """Return whether a node has names of its own."""
    return isinstance(node, (ast.Module, ast.ClassDef, *_FUNCTIONS, *_COMPREHENSIONS))


class Scopes:
    """Scopes and parents of all nodes of a module."""

    def __init__(self, tree: ast.Module) -> None:
        self.module: Scope = Scope(tree, None)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.children: dict[ast.AST, list[ast.AST]] = {}
        self.names: dict[ast.Name, Scope] = {}
        self.nodes: list[ast.AST] = []
        self.taken: set[str] = set()  # all names of the script, bound or not
        self._declared: list[tuple[Scope, ast.Global | ast.Nonlocal]] = []
        self._own: dict[ast.AST, Scope] = {tree: self.module}
        self._walk(tree)
        self._declare()

    def scope_of(self, node: ast.AST) -> Scope:
        """Return the scope that a node stands in; the own scope of a function, class or comprehension."""
        while node not in self._own:
            node = self.parents[node]
        return self._own[node]

    def statement_of(self, node: ast.AST) -> ast.AST:
        """Return the statement that a node is part of."""
        while not isinstance(node, (ast.stmt, ast.Module)):
            node = self.parents[node]
        return node

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the parents of a node, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def _walk(self, tree: ast.Module) -> None:
        # Iterative: generated scripts nest deeper than Python's stack.
        todo: list[tuple[ast.AST, Scope]] = [(tree, self.module)]
        while todo:
            node, scope = todo.pop()
            self.nodes.append(node)
            self._bind(node, scope)
            inner = self._own.get(node, scope)
            outside = _outside(node)
            self.children[node] = children = list(ast.iter_child_nodes(node))
            for child in children:
                self.parents[child] = node
                seen = scope if child in outside else inner
                if isinstance(node, ast.arguments) and not isinstance(child, ast.arg) and scope.parent:
                    seen = scope.parent  # a default is evaluated where the function is defined
                todo.append((child, seen))

    def _declare(self) -> None:
        for scope, node in self._declared:
            for name in node.names:
                target: Scope | None = self.module
                if isinstance(node, ast.Nonlocal) and scope.parent is not None:
                    target = scope.parent.find(name)
                if target is None or target is scope:
                    continue
                scope.outer[name] = target
                target.bindings[name] += scope.bindings.pop(name, [])

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                if not isinstance(node, ast.Lambda):
                    self._add(scope, node.name, Binding("function", node))
                inner = self._own[node] = Scope(node, scope)
                arguments = node.args
                plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                for argument in plain:
                    self._add(inner, argument.arg, Binding("parameter", argument, owner=node))
                for star in (arguments.vararg, arguments.kwarg):
                    if star is not None:
                        self._add(inner, star.arg, Binding("other", star))
            case ast.ClassDef():
                self._add(scope, node.name, Binding("class", node))
                self._own[node] = Scope(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._own[node] = Scope(node, scope)
            case ast.Assign():
                for target in node.targets:
                    self._target(target, scope, "value", node.value)
            case ast.AnnAssign() if node.value is not None:
                self._target(node.target, scope, "value", node.value)
            case ast.AugAssign():
                self._target(node.target, scope, "value", node.value)
            case ast.NamedExpr():
                while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
                    scope = scope.parent
                self._target(node.target, scope, "value", node.value)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                self._target(node.target, scope, "element", node.iter)
            case ast.withitem() if node.optional_vars is not None:
                self._target(node.optional_vars, scope, "value", node.context_expr)
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    dotted = isinstance(node, ast.Import) and alias.asname is None
                    name = alias.name.partition(".")[0] if dotted else alias.asname or alias.name
                    self._add(scope, name, Binding("import", alias, owner=node))
            case ast.Global() | ast.Nonlocal():
                self._declared.append((scope, node))
            case ast.ExceptHandler() if node.name:
                self._add(scope, node.name, Binding("other", node))
            case ast.MatchAs() | ast.MatchStar() if node.name:
                self._add(scope, node.name, Binding("other", node))
            case ast.MatchMapping() if node.rest:
                self._add(scope, node.rest, Binding("other", node))
            case ast.Name():
                self.names[node] = scope
                self.taken.add(node.id)

    def _add(self, scope: Scope, name: str, binding: Binding) -> None:
        scope.bindings[name].append(binding)
        self.taken.add(name)

    def _target(
        self, target: ast.AST, scope: Scope, kind: Kind, node: ast.AST, path: tuple[int, ...] = ()
    ) -> None:
        match target:
            case ast.Name():
                self._add(scope, target.id, Binding(kind, node, path))
            case ast.Tuple() | ast.List():
                starred = any(isinstance(item, ast.Starred) for item in target.elts)
                for position, item in enumerate(target.elts):
                    if starred:
                        inner = item.value if isinstance(item, ast.Starred) else item
                        self._target(inner, scope, "other", node)
                    else:
                        self._target(item, scope, kind, node, (*path, position))


def _outside(node: ast.AST) -> set[ast.AST]:
    """Return the children of a scope that are evaluated outside it."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return {*node.decorator_list, *([node.returns] if node.returns else [])}
        case ast.ClassDef():
            return {*node.bases, *node.keywords, *node.decorator_list}
    return set()
