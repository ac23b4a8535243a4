"""Form of the tables of the old package: its names, its types, and how uses of them are rewritten."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.porting.port.resolve import resolve
from landbridge.porting.port.values import (
    UNKNOWN,
    Bound,
    Instance,
    Items,
    Mapped,
    Symbol,
    Together,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    Rule = Callable[[Any], None]  # of a `plan.Use`, whose module needs this one

__all__ = ["Function", "Member", "OldApi", "Type"]


@dataclass(frozen=True, slots=True)
class Member:
    """Attribute or method of an old type.

    Attributes
    ----------
    result : str
        Type of the attribute or of the method's result: "plain", "self", "Scene", "[Scene]" for a list,
        "{Scene}" for a dict, "(SceneCollection, plain)" for a tuple, "[returned]" for a list of what the
        passed function returns.
    rule : callable, optional
        Rewrites a use. Without one, a use cannot be rewritten.
    is_method : bool
    callback : str, optional
        Type of the argument that functions passed to the method get.
    makes : bool
        True if the call makes a new object that later uses refer to.
    """

    result: str = "plain"
    rule: Rule | None = None
    is_method: bool = False
    callback: str | None = None
    makes: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """Type of the old package: its members by name, and the type of its elements if it is a sequence.

    `label` is what notes call it.
    """

    members: Mapping[str, Member] = field(default_factory=dict)
    element: str | None = None
    is_client: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """Function or class of the old package that is called: the type of its result and the rule of a call."""

    result: str
    rule: Rule | None = None


class OldApi:
    """Tables of the old package.

    Parameters
    ----------
    types : mapping
        Types by name.
    functions : mapping
        Functions and classes of adapters by adapter and name, such as "scenes.search".
    clients : mapping
        Types of the default clients, by the name of their adapter.
    """

    def __init__(
        self, types: Mapping[str, Type], functions: Mapping[str, Function], clients: Mapping[str, str]
    ) -> None:
        self.types = types
        self.functions = functions
        self._clients = clients

    def symbol(self, path: str) -> Value:
        """Return the value of a path: a symbol, or a method of a default client."""
        found = resolve(path)
        if found.verdict == "adapter" and not found.name and found.rest:
            type_ = self._clients.get(found.key.partition(".")[0], "")
            member = self.member(type_, found.rest)
            if member is not None and member.is_method:
                return Bound(Instance(type_), found.rest)
        return Symbol(path)

    def function(self, path: str) -> Function | None:
        """Return the row of a function or class that a path names."""
        found = resolve(path)
        return self.functions.get(found.key) if found.verdict == "adapter" else None

    def member(self, type_: str, name: str) -> Member | None:
        """Return a member of a type; None if it has none of the name."""
        row = self.types.get(type_)
        return row.members.get(name) if row else None

    def made(self, path: str, node: ast.AST) -> Value:
        """Return the result of calling a function or class of the old package."""
        function = self.function(path)
        if function is None:
            return UNKNOWN
        return self.result(function.result, Instance("", frozenset({node})))

    def result(self, text: str, owner: Instance) -> Value:
        """Return the value that a type's text stands for; its objects were made where `owner` was."""
        return self._value(_parsed(text), owner)

    def _value(self, parsed: object, owner: Instance) -> Value:
        match parsed:
            case "plain":
                return UNKNOWN
            case "self":
                return owner
            case "unknown":
                return Unknown(owner.origins)
            case str():
                row = self.types[parsed]
                return Instance(parsed, frozenset() if row.is_client else owner.origins)
            case ("[", inner):
                return Items(self._value(inner, owner))
            case ("{", inner):
                return Mapped(self._value(inner, owner))
            case ("(", *items):
                return Together(tuple(self._value(item, owner) for item in items))
        raise AssertionError(parsed)


@cache
def _parsed(text: str) -> object:
    """Return the structure of a type's text: a name, or a tuple of a bracket and what stands in it."""
    tokens = re.findall(r"\w+|[\[\](){}]", text)
    closing = {"[": "]", "(": ")", "{": "}"}

    def read(position: int) -> tuple[object, int]:
        token = tokens[position]
        if token not in closing:
            return token, position + 1
        items: list[object] = [token]
        position += 1
        while tokens[position] != closing[token]:
            item, position = read(position)
            items.append(item)
        return tuple(items), position + 1

    return read(0)[0]
