"""Values of expressions: which of them hold modules, functions and objects of the old package.

Names are followed through assignments, loops, functions, lambdas, lists and attributes of `self`, without
regard to the order of statements: a name with two different values has no known one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from landbridge.porting.port.definitions import Definitions, own_nodes
from landbridge.porting.port.passed_arguments import CalledBy, Default, Given, find_argument
from landbridge.porting.port.resolve import path_of
from landbridge.porting.port.values import (
    NOTHING,
    UNKNOWN,
    Bound,
    Function,
    Instance,
    Items,
    LocalClass,
    LocalInstance,
    Mapped,
    Symbol,
    Together,
    Unknown,
    Value,
    element_of,
    join,
    origins_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from landbridge.porting.port.old_api import OldApi
    from landbridge.porting.port.scopes import Binding, Scope, Scopes

__all__ = ["Inference"]

_SAME_ITEMS = frozenset({"list", "tuple", "set", "sorted", "reversed", "iter", "frozenset", "tqdm"})
_ONE_ITEM = frozenset({"next", "min", "max"})
_DEEPEST = 80  # nested evaluations, which Python's own stack allows
_ROUNDS = 12  # of evaluation; each follows a value through one more cycle


class Inference:
    """Values of the expressions of one script.

    Parameters
    ----------
    scopes : Scopes
        Names of the script.
    api : OldApi
        Names and types of the old package.
    hidden : iterable of str, optional
        Names that lines use which are not Python.
    """

    def __init__(self, scopes: Scopes, api: OldApi, hidden: Iterable[str] = ()) -> None:
        self.scopes = scopes
        self.api = api
        self._known: dict[Hashable, Value] = {}  # of this round
        self._before: dict[Hashable, Value] = {}  # of the round before
        self._working: set[Hashable] = set()  # what is being evaluated
        self._is_partial = False
        self.definitions: Definitions = Definitions(scopes, hidden)
        self.is_settled: bool = self._settle()

    def _settle(self) -> bool:
        """Evaluate all expressions until their values stay the same; return False if they never do.

        A value that depends on itself is taken from the round before, in which it began as nothing.
        """
        nodes = [node for node in self.scopes.nodes if isinstance(node, ast.expr)]
        nodes.sort(key=lambda node: (node.lineno, node.col_offset))
        for _ in range(_ROUNDS):
            self._known, self._is_partial = {}, False
            for node in nodes:
                self.value(node)
            if not self._is_partial or self._known == self._before:
                return True
            self._before = self._known
        return False

    def value(self, node: ast.AST) -> Value:
        """Return the value of an expression."""
        return self._evaluated(node, lambda: self._evaluate(node))

    def _evaluated(self, key: Hashable, evaluate: Callable[[], Value]) -> Value:
        """Return a value, evaluated once in each round."""
        if key in self._known:
            return self._known[key]
        if key in self._working or len(self._working) >= _DEEPEST:
            self._is_partial = True
            return self._before.get(key, NOTHING)
        self._working.add(key)
        try:
            result = evaluate()
        finally:
            self._working.discard(key)
        self._known[key] = result
        return result

    # --- expressions

    def _evaluate(self, node: ast.AST) -> Value:
        match node:
            case ast.Name():
                return self._named(node)
            case ast.Attribute():
                return self.attribute(self.value(node.value), node.attr)
            case ast.Call():
                return self._called(node)
            case ast.Subscript():
                return self._subscripted(node)
            case ast.Constant():
                return NOTHING if node.value is None else UNKNOWN
            case ast.Tuple():
                return Together(tuple(self.value(item) for item in node.elts))
            case ast.List() | ast.Set():
                return Items(self._joined(node.elts))
            case ast.Dict():
                return Mapped(self._joined(node.values))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return Items(self.value(node.elt))
            case ast.DictComp():
                return Mapped(self.value(node.value))
            case ast.IfExp():
                return join(self.value(node.body), self.value(node.orelse))
            case ast.BoolOp():
                return self._joined(node.values)
            case ast.BinOp(op=ast.Add()):
                return join(self.value(node.left), self.value(node.right))
            case ast.NamedExpr() | ast.Starred() | ast.Await():
                return self.value(node.value)
            case ast.Lambda():
                return Function(node)
        return UNKNOWN

    def _joined(self, nodes: list[ast.expr]) -> Value:
        result: Value = NOTHING
        for item in nodes:
            result = join(result, self.value(item))
        return result

    def _named(self, node: ast.Name) -> Value:
        scope = self.scopes.names.get(node)
        found = scope.find(node.id) if scope else None
        if found is None:
            return UNKNOWN
        return self.of_name(found, node.id)

    def of_name(self, scope: Scope, name: str) -> Value:
        """Return the value of a name that a scope binds."""
        return self._evaluated((scope, name), lambda: self._of_bindings(scope, name))

    def _of_bindings(self, scope: Scope, name: str) -> Value:
        result: Value = NOTHING
        for binding in scope.bindings[name]:
            result = join(result, self._bound(binding))
        for how, item in self.definitions.contents.get((scope, name), ()):
            result = self._with_content(result, how, item)
        return result

    def _with_content(self, result: Value, how: str, item: ast.expr) -> Value:
        added = self.value(item)
        match result, how:
            case Items(), "append" | "add":
                return Items(join(result.of, added))
            case Items(), "extend":
                return Items(join(result.of, self.iterated(added)))
            case ((Items() | Mapped()), "set"):
                return type(result)(join(result.of, added))
        return result

    def _bound(self, binding: Binding) -> Value:
        match binding.kind:
            case "value" | "element":
                value = self.value(binding.node)
                if binding.kind == "element":
                    value = self.iterated(value)
                for position in binding.path:
                    value = self.item(value, position)
                return value
            case "import":
                return self._imported(binding)
            case "function":
                return Function(binding.node)
            case "class":
                return LocalClass(binding.node)
            case "parameter":
                return self._parameter(binding)
        return UNKNOWN

    def _imported(self, binding: Binding) -> Value:
        alias, statement = binding.node, binding.owner
        assert isinstance(alias, ast.alias)
        if isinstance(statement, ast.ImportFrom):
            if statement.level or statement.module is None:
                return UNKNOWN
            path = path_of(f"{statement.module}.{alias.name}")
        elif alias.asname is None:
            path = path_of(alias.name.partition(".")[0])
        else:
            path = path_of(alias.name)
        return UNKNOWN if path is None else self.api.symbol(path)

    def attribute(self, owner: Value, name: str) -> Value:
        """Return the value of an attribute."""
        match owner:
            case Symbol():
                return self.api.symbol(f"{owner.path}.{name}" if owner.path else name)
            case Instance():
                member = self.api.member(owner.type, name)
                if member is None:
                    return Unknown(owner.origins)
                if member.is_method:
                    return Bound(owner, name)
                return self.api.result(member.result, owner)
            case LocalInstance() | LocalClass():
                return self.local_attribute(owner.node, name)
            case Mapped() if name in {"values", "items", "get", "pop", "setdefault", "keys"}:
                return Unknown(origins_of(owner))
        return Unknown(origins_of(owner))

    def local_attribute(self, node: ast.AST, name: str) -> Value:
        """Return the value of an attribute of a class of the script, or of its objects."""
        scope = self.scopes.scope_of(node)
        if name in scope.bindings:
            return self.of_name(scope, name)
        result: Value = NOTHING
        for item, position in self.definitions.attributes.get((node, name), ()):
            value = self.value(item)
            result = join(result, value if position is None else self.item(value, position))
        return result if (node, name) in self.definitions.attributes else UNKNOWN

    def _subscripted(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return owner if isinstance(owner, (Instance, Items)) else Unknown(origins_of(owner))
        key = self.definitions.constant(node.slice)
        if isinstance(owner, Instance):
            row = self.api.types.get(owner.type)
            if row is not None and row.element:
                return self.api.result(row.element, owner)
            member = self.api.member(owner.type, key) if isinstance(key, str) else None
            if member is not None and not member.is_method:
                return self.api.result(member.result, owner)
            return Unknown(owner.origins)
        return self.item(owner, key)

    def item(self, value: Value, key: object) -> Value:
        """Return the value of an element at a position, or of a dict's value."""
        if isinstance(value, Mapped):
            return value.of
        if isinstance(value, Instance):
            return self.iterated(value)
        return element_of(value, key if isinstance(key, int) else None)

    def iterated(self, value: Value) -> Value:
        """Return the value of an element of iterating over a value."""
        match value:
            case Instance():
                row = self.api.types.get(value.type)
                return self.api.result(row.element, value) if row and row.element else Unknown(value.origins)
            case Mapped():
                return UNKNOWN
        return element_of(value)

    # --- calls

    def _called(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name) and self.scopes.names[node.func].find(node.func.id) is None:
            return self._builtin(node, node.func.id)
        function = self.value(node.func)
        match function:
            case Symbol():
                return self.api.made(function.path, node)
            case Bound():
                return self._called_method(function, node)
            case Function():
                return self.returned(function.node)
            case LocalClass():
                return LocalInstance(function.node)
        match node.func:
            case ast.Attribute(value=owner, attr="values"):
                inner = self.value(owner)
                return Items(inner.of) if isinstance(inner, Mapped) else Unknown(origins_of(inner))
            case ast.Attribute(value=owner, attr="items"):
                inner = self.value(owner)
                if isinstance(inner, Mapped):
                    return Items(Together((UNKNOWN, inner.of)))
                return Unknown(origins_of(inner))
            case ast.Attribute(value=owner, attr="get" | "pop" | "setdefault" | "copy" as how):
                inner = self.value(owner)
                if isinstance(inner, (Mapped, Items)):
                    return inner if how == "copy" else inner.of
                return Unknown(origins_of(inner))
            case ast.Name(id="tqdm") if node.args:
                return self.value(node.args[0])
        return UNKNOWN

    def _called_method(self, method: Bound, node: ast.Call) -> Value:
        member = self.api.member(method.owner.type, method.name)
        assert member is not None
        origins = method.owner.origins | ({node} if member.makes else frozenset())
        if member.result == "[returned]":
            function = self.value(node.args[0]) if node.args else UNKNOWN
            return Items(self.returned(function.node)) if isinstance(function, Function) else Unknown(origins)
        return self.api.result(member.result, Instance(method.owner.type, origins))

    def _builtin(self, node: ast.Call, name: str) -> Value:
        if name in {"map", "filter"} and len(node.args) == 2:
            if name == "filter":
                return Items(self.iterated(self.value(node.args[1])))
            function = self.value(node.args[0])
            return Items(self.returned(function.node)) if isinstance(function, Function) else UNKNOWN
        if not node.args:
            return (
                Items(NOTHING) if name in {"list", "set"} else Mapped(NOTHING) if name == "dict" else UNKNOWN
            )
        first = self.value(node.args[0])
        if name in _SAME_ITEMS:
            return first if name in {"iter", "tqdm"} else Items(self.iterated(first))
        if name in _ONE_ITEM and len(node.args) == 1:
            return self.iterated(first)
        if name == "enumerate":
            return Items(Together((UNKNOWN, self.iterated(first))))
        if name == "zip":
            return Items(Together(tuple(self.iterated(self.value(item)) for item in node.args)))
        return UNKNOWN

    def returned(self, node: ast.AST) -> Value:
        """Return the value of a call of a function of the script."""
        if isinstance(node, ast.Lambda):
            return self.value(node.body)
        return self._evaluated(("return", node), lambda: self._of_returns(node))

    def _of_returns(self, node: ast.AST) -> Value:
        result: Value = NOTHING
        yields = False
        for inner in own_nodes(node):
            if isinstance(inner, ast.Return) and inner.value is not None:
                result = join(result, self.value(inner.value))
            elif isinstance(inner, ast.Yield) and inner.value is not None:
                yields, result = True, join(result, self.value(inner.value))
        return Items(result) if yields else result

    # --- parameters: the join of what the script passes

    def _parameter(self, binding: Binding) -> Value:
        function, argument = binding.owner, binding.node
        assert isinstance(argument, ast.arg)
        assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        owner = self.definitions.class_around(argument) if not isinstance(function, ast.Lambda) else None
        arguments = [*function.args.posonlyargs, *function.args.args]
        position = arguments.index(argument) if argument in arguments else None
        if owner is not None and position == 0:
            return LocalInstance(owner)
        result: Value = NOTHING
        for use in self.definitions.uses(function):
            result = join(result, self._passed(use, argument.arg, position, bool(owner)))
        return result

    def _passed(self, use: ast.AST, name: str, position: int | None, method: bool) -> Value:
        """Return the value that a use of a function passes for a parameter."""
        match find_argument(self.scopes.parents, use, name, position, method):
            case Given(expression):
                return self.value(expression)
            case Default():
                return NOTHING  # a plain value
            case CalledBy(call, keyword):
                return self._callback(call, use, keyword)
        return UNKNOWN

    def _callback(self, call: ast.Call, function: ast.AST, keyword: str | None) -> Value:
        """Return the value that a call gives to a function that is passed to it."""
        owner = self.value(call.func)
        if isinstance(owner, Bound):
            member = self.api.member(owner.owner.type, owner.name)
            if member is not None and member.callback:
                return self.api.result(member.callback, owner.owner)
        if isinstance(call.func, ast.Name) and call.args:
            if call.func.id in {"map", "filter"} and len(call.args) == 2 and call.args[0] is function:
                return self.iterated(self.value(call.args[1]))
            if call.func.id in {"sorted", "min", "max"} and keyword == "key":
                return self.iterated(self.value(call.args[0]))
        if isinstance(call.func, ast.Attribute) and call.func.attr == "sort" and keyword == "key":
            return self.iterated(self.value(call.func.value))
        return UNKNOWN
