"""Plan of a rewriting: which nodes are replaced by what, and where a person must decide.

Objects of the old package are rewritten together or not at all: if one use of a scene cannot be rewritten,
the search that found it and all its other uses stay as they are, on the adapter.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from landbridge.porting.port.contexts import Refusal, check_context
from landbridge.porting.port.resolve import Resolved, resolve
from landbridge.porting.port.values import Bound, Instance, Symbol, Value, origins_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from landbridge.porting.port.edits import Part, Source
    from landbridge.porting.port.inference import Inference
    from landbridge.porting.port.old_api import Function, Member

__all__ = ["Change", "Found", "Plan", "Refusal", "Use", "make_plan"]


@dataclass(frozen=True, slots=True)
class Change:
    """New content for nodes. It is made only if the objects of all `origins` are rewritten."""

    replaced: tuple[tuple[ast.AST, tuple[Part, ...]], ...]
    origins: frozenset[ast.AST]
    remarks: tuple[tuple[ast.AST, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Use of a name of the old package, and what that name is today."""

    node: ast.AST
    name: str
    resolved: Resolved


@dataclass
class Plan:
    """Changes and notes of one script."""

    changes: list[Change] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    notes: list[tuple[ast.AST, str]] = field(default_factory=list)

    @property
    def replacements(self) -> dict[ast.AST, tuple[Part, ...]]:
        """New content by node."""
        return {node: parts for change in self.changes for node, parts in change.replaced}

    def replaced_nodes(self) -> set[ast.AST]:
        """Return the replaced nodes and all nodes below them."""
        return {below for node in self.replacements for below in ast.walk(node)}


@dataclass
class Use:
    """Use of a name of the old package, as a rule sees it.

    Attributes
    ----------
    node : AST
        Call, attribute or subscript that is to be replaced.
    owner : expr, optional
        Expression of the object, for a member.
    """

    node: ast.AST
    owner: ast.expr | None
    source: Source
    inference: Inference
    changed: list[tuple[ast.AST, tuple[Part, ...]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def remark(self, text: str) -> None:
        """Leave a note about a difference at the new text."""
        self.remarks.append(text)

    def replace(self, *parts: Part, node: ast.AST | None = None) -> None:
        """Give the node, or another one, new content."""
        self.changed.append((node or self.node, parts))

    @property
    def call(self) -> ast.Call:
        """The node of a call."""
        assert isinstance(self.node, ast.Call)
        return self.node

    @property
    def instance(self) -> ast.expr:
        """The expression of the object."""
        assert self.owner is not None
        return self.owner

    @property
    def parent(self) -> ast.AST:
        """The node around this one."""
        return self.inference.scopes.parents[self.node]

    def arguments(self, *names: str) -> dict[str, ast.expr]:
        """Return the arguments of the call by the names of the old parameters, given in their order.

        Raises
        ------
        Refusal
            If arguments are passed by * or **, or have other names.
        """
        found: dict[str, ast.expr] = {}
        for position, argument in enumerate(self.call.args):
            if isinstance(argument, ast.Starred):
                raise Refusal("its arguments are passed by *")
            if position >= len(names):
                raise Refusal("it has more arguments than the old function")
            found[names[position]] = argument
        for keyword in self.call.keywords:
            if keyword.arg is None:
                raise Refusal("its arguments are passed by **")
            if keyword.arg not in names:
                raise Refusal(f"the argument {keyword.arg!r} has no equal in the Catalog API")
            found[keyword.arg] = keyword.value
        return found

    def value(self, node: ast.AST) -> Value:
        """Return the value of an expression."""
        return self.inference.value(node)

    def constant(self, node: ast.AST | None) -> object:
        """Return the literal that an expression is; else None."""
        return None if node is None else self.inference.definitions.constant(node)

    def is_none(self, node: ast.AST | None) -> bool:
        """Return whether an argument is missing or is None."""
        return node is None or (isinstance(node, ast.Constant) and node.value is None)


def make_plan(source: Source, inference: Inference) -> Plan:
    """Return what can be rewritten in a script, and the notes for the rest."""
    return _Planner(source, inference).plan()


_TANGLED = "the values of this file depend on each other in too many ways to be followed; port it by hand."


class _Groups:
    """Sets of origins that are rewritten together, and the reasons against some."""

    def __init__(self) -> None:
        self._parents: dict[ast.AST, ast.AST] = {}
        self._blocked: set[ast.AST] = set()

    def _root(self, node: ast.AST) -> ast.AST:
        while (parent := self._parents.get(node, node)) is not node:
            self._parents[node] = self._parents.get(parent, parent)
            node = parent
        return node

    def link(self, origins: Iterable[ast.AST]) -> None:
        roots = [self._root(node) for node in origins]
        for root in roots[1:]:
            self._parents[root] = roots[0]

    def block(self, origins: Iterable[ast.AST]) -> None:
        self._blocked.update(origins)

    def open(self) -> _Open:
        return _Open({self._root(node) for node in self._blocked}, self._root)


@dataclass
class _Open:
    blocked: set[ast.AST]
    root: object

    def __call__(self, origins: Iterable[ast.AST]) -> bool:
        return all(self.root(node) not in self.blocked for node in origins)  # type: ignore[operator]


class _Planner:
    def __init__(self, source: Source, inference: Inference) -> None:
        self.source = source
        self.inference = inference
        self.api = inference.api
        self.groups = _Groups()
        self.changes: list[Change] = []
        self.refused: list[tuple[ast.AST, str, str]] = []  # node, name of the use, reason
        self.found: list[Found] = []
        self.made: dict[ast.AST, str] = {}  # names of the calls that make old objects
        self.tested: set[str] = set()  # adapters whose classes are used as values, as by isinstance()

    def plan(self) -> Plan:
        for node in self.inference.scopes.nodes:
            if isinstance(node, ast.expr):
                self._look(node)
        if not self.inference.is_settled:
            return Plan(found=self.found, notes=[(found.node, _TANGLED) for found in self.found[:1]])
        tested = {node for node, name in self.made.items() if name.partition(".")[0] in self.tested}
        self.groups.block(tested)
        is_open = self.groups.open()
        plan = Plan(found=self.found)
        plan.changes = [change for change in self.changes if is_open(change.origins)]
        plan.notes = [(node, f"{name}: {reason}.") for node, name, reason in self.refused]
        plan.notes += [remark for change in plan.changes for remark in change.remarks]
        refused = {node for node, _, _ in self.refused}
        plan.notes += [
            (node, f"{name} stays on the adapter, since one of the uses of its result can't be rewritten.")
            for node, name in self.made.items()
            if not is_open({node}) and node not in refused
        ]
        return plan

    def _look(self, node: ast.expr) -> None:
        value = self.inference.value(node)
        match node:
            case ast.Call():
                function = self.inference.value(node.func)
                if isinstance(function, Symbol):
                    self._function(node, function)
                elif isinstance(function, Bound):
                    self._method(node, function)
            case ast.Attribute() if isinstance(node.ctx, ast.Load):
                self._attribute(node, node.value, node.attr)
                self._symbol(node, value)
                self._hidden(node, value)
            case ast.Attribute():
                self._changed(node)
            case ast.Subscript() if not isinstance(node.ctx, ast.Load):
                self._changed(node)
            case ast.Subscript():
                owner = self.inference.value(node.value)
                if isinstance(owner, Instance) and not self._is_sequence(owner):
                    key = self.inference.definitions.constant(node.slice)
                    self._attribute(node, node.value, key if isinstance(key, str) else None)
            case ast.Name() if isinstance(node.ctx, ast.Load):
                self._symbol(node, value)
        origins = origins_of(value)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            if origins and node.id in self.inference.definitions.hidden:
                self._refuse(node, node.id, f"{node.id} is used in a line that is not Python", origins)
        elif origins:
            self.groups.link(origins)
            try:
                check_context(node, self.inference)
            except Refusal as refusal:
                self._refuse(node, self.source.segment(node).splitlines()[0], str(refusal), origins)

    def _changed(self, node: ast.Attribute | ast.Subscript) -> None:
        """Refuse an object whose attributes or items are set or deleted."""
        owner = self.inference.value(node.value)
        if isinstance(owner, Instance) and owner.type:
            label = self.api.types[owner.type].label
            self._refuse(node, f"a member of {label}", "it is changed", owner.origins)

    def _hidden(self, node: ast.Attribute, value: Value) -> None:
        """Refuse objects in attributes of `self` if an attribute of that name is read of unknown objects."""
        if isinstance(value, (Symbol, Bound)) or origins_of(value):
            return
        for (owner, name), items in self.inference.definitions.attributes.items():
            if name == node.attr and items:
                origins = origins_of(self.inference.local_attribute(owner, name))
                if origins:
                    self._refuse(node, f"`{name}`", "its object is not known", origins)

    def _is_sequence(self, value: Instance) -> bool:
        row = self.api.types.get(value.type)
        return bool(row and row.element)

    def _symbol(self, node: ast.Name | ast.Attribute, value: Value) -> None:
        """Record the longest chain of attributes that is a name of the old package."""
        if not isinstance(value, Symbol):
            return
        parent = self.inference.scopes.parents.get(node)
        if isinstance(parent, ast.Attribute) and isinstance(self.inference.value(parent), (Symbol, Bound)):
            return
        resolved = resolve(value.path)
        self.found.append(Found(node, value.path, resolved))
        is_called = isinstance(parent, ast.Call) and parent.func is node
        if resolved.verdict == "gone":
            self.refused.append((node, f"{resolved.module} is gone", f"use {resolved.advice.rstrip('.')}"))
        elif resolved.verdict == "unknown":
            self.refused.append((node, value.path, "this name of the old package is not known"))
        elif resolved.verdict == "adapter" and not is_called:
            self.refused.append((node, value.path, "only calls of it are rewritten"))
            self.tested.add(resolved.key.partition(".")[0])

    def _function(self, node: ast.Call, symbol: Symbol) -> None:
        resolved = resolve(symbol.path)
        if resolved.verdict != "adapter":
            return
        row = self.api.function(symbol.path)
        makes = row is not None and row.result != "plain"
        origins = origins_of(self.inference.value(node)) if makes else frozenset()
        if origins:
            self.made[node] = resolved.key
        self._apply(node, None, row, resolved.key, origins)

    def _method(self, node: ast.Call, method: Bound) -> None:
        member = self.api.member(method.owner.type, method.name)
        assert member is not None
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        row = self.api.types[method.owner.type]
        name = f"`{method.name}` of {row.label}"
        if row.is_client:
            name = f"{row.label}.{method.name}"
            self.found.append(Found(node, name, Resolved("adapter", name=name)))
        origins = method.owner.origins | ({node} if member.makes else frozenset())
        if member.makes:
            self.made[node] = name
        self._apply(node, owner, member, name, origins)

    def _attribute(self, node: ast.expr, owner: ast.expr, name: str | None) -> None:
        value = self.inference.value(owner)
        if not isinstance(value, Instance) or not value.type:
            return
        member = self.api.member(value.type, name) if name is not None else None
        label = f"`{name}` of {self.api.types[value.type].label}"
        if member is None:
            self._refuse(node, label, "it has no equal in the Catalog API", value.origins)
        elif not member.is_method:
            self._apply(node, owner, member, label, value.origins)
        else:
            parent = self.inference.scopes.parents.get(node)
            if not (isinstance(parent, ast.Call) and parent.func is node):
                self._refuse(node, label, "the method is passed on", value.origins)

    def _apply(
        self,
        node: ast.expr,
        owner: ast.expr | None,
        row: Member | Function | None,
        name: str,
        origins: frozenset[ast.AST],
    ) -> None:
        passed: frozenset[ast.AST] = frozenset()
        if isinstance(node, ast.Call):
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            passed = passed.union(*(origins_of(self.inference.value(item)) for item in arguments))
        use = Use(node, owner, self.source, self.inference)
        try:
            _rule_of(row)(use)
        except Refusal as refusal:
            self._refuse(node, name, str(refusal), origins | passed)
            return
        self.groups.link(origins | passed)
        remarks = tuple((node, f"{name}: {text}.") for text in use.remarks)
        self.changes.append(Change(tuple(use.changed), origins | passed, remarks))

    def _refuse(self, node: ast.AST, name: str, reason: str, origins: frozenset[ast.AST]) -> None:
        self.refused.append((node, name, reason))
        self.groups.block(origins)


def _rule_of(row: Member | Function | None) -> Callable[[Use], None]:
    if row is None or row.rule is None:
        raise Refusal("it has no equal in the Catalog API")
    return row.rule
