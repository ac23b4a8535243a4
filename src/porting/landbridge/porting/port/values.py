"""Values that names and expressions of a script may have, as far as its text says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = [
    "NOTHING",
    "UNKNOWN",
    "Bound",
    "Function",
    "Instance",
    "Items",
    "LocalClass",
    "LocalInstance",
    "Mapped",
    "Symbol",
    "Together",
    "Value",
    "element_of",
    "join",
    "origins_of",
]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Value that the text does not tell; it may hold objects that were made at `origins`."""

    origins: frozenset[ast.AST] = frozenset()


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value: the neutral element of `join`, and None in the script."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Module, class or function of the old package: its path without the root, in its usual form."""

    path: str


@dataclass(frozen=True, slots=True)
class Instance:
    """Object of a type of the old package, made by the calls `origins`."""

    type: str
    origins: frozenset[ast.AST] = frozenset()


@dataclass(frozen=True, slots=True)
class Bound:
    """Method of an object."""

    owner: Instance
    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """List, set or iterator of values."""

    of: Value


@dataclass(frozen=True, slots=True)
class Mapped:
    """Dict with values of one kind."""

    of: Value


@dataclass(frozen=True, slots=True)
class Together:
    """Tuple of values."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """Function, method or lambda of the script."""

    node: ast.AST


@dataclass(frozen=True, slots=True)
class LocalClass:
    """Class of the script."""

    node: ast.AST


@dataclass(frozen=True, slots=True)
class LocalInstance:
    """Object of a class of the script."""

    node: ast.AST


Value = (
    Unknown
    | Nothing
    | Symbol
    | Instance
    | Bound
    | Items
    | Mapped
    | Together
    | Function
    | LocalClass
    | LocalInstance
)

UNKNOWN = Unknown()
NOTHING = Nothing()


def origins_of(value: Value) -> frozenset[ast.AST]:
    """Return the calls that made the objects in a value."""
    match value:
        case Instance() | Unknown():
            return value.origins
        case Items() | Mapped():
            return origins_of(value.of)
        case Together():
            return frozenset().union(*map(origins_of, value.items))
    return frozenset()


def join(one: Value, other: Value) -> Value:
    """Return the value of a name that has either of two values."""
    if one == other or isinstance(other, Nothing):
        return one
    match one, other:
        case Nothing(), _:
            return other
        case Instance(type=type_, origins=first), Instance(type=same, origins=second) if type_ == same:
            return Instance(type_, first | second)
        case Items(of=first_item), Items(of=second_item):
            return Items(join(first_item, second_item))
        case Mapped(of=first_item), Mapped(of=second_item):
            return Mapped(join(first_item, second_item))
        case Together(items=first_items), Together(items=second_items) if len(first_items) == len(
            second_items
        ):
            return Together(tuple(map(join, first_items, second_items)))
    return Unknown(origins_of(one) | origins_of(other))


def element_of(value: Value, position: int | None = None) -> Value:
    """Return the value of an element: at a position, or of iteration if no position is known."""
    match value:
        case Items():
            return value.of
        case Together() if position is not None and -len(value.items) <= position < len(value.items):
            return value.items[position]
        case Together():
            result: Value = NOTHING
            for item in value.items:
                result = join(result, item)
            return result
    return Unknown(origins_of(value))
