"""Pieces that rules share: members that stay, searches of images, results with a tuple."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Need, Operand, Part, Primary
from landbridge.porting.port.old_api import Member
from landbridge.porting.port.values import Instance, Items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from landbridge.porting.port.plan import Use

__all__ = [
    "AOI",
    "BLOB",
    "DLTILE",
    "IMAGE",
    "IMAGES",
    "PROPERTIES",
    "TIMES",
    "attribute",
    "by_key",
    "call_of",
    "chain",
    "check_ignored",
    "keep",
    "keyword_parts",
    "list_parts",
    "product_filter",
    "same_object",
    "statement_indent",
    "time_text",
]

IMAGE = Need("landbridge.catalog", "Image")
IMAGES = Need("landbridge.catalog", "ImageCollection")
BLOB = Need("landbridge.catalog", "Blob")
PROPERTIES = Need("landbridge.catalog", "properties")
AOI = Need("landbridge.geo", "AOI")
DLTILE = Need("landbridge.geo", "DLTile")

_LONG = 88  # columns of a chain that is broken into lines


def keep(use: Use) -> None:
    """Leave a use as it is: the Catalog has the same."""
    del use


def same_object(use: Use) -> None:
    """Replace a use by its object: `scene.properties` is the image."""
    use.replace(Primary(use.instance))


def attribute(text: str) -> Callable[[Use], None]:
    """Return the rule that reads attributes of the object in place of a member."""

    def rule(use: Use) -> None:
        use.replace(Primary(use.instance), f".{text}")

    return rule


def time_text(name: str) -> Callable[[Use], None]:
    """Return the rule that makes the old text of a time."""

    def rule(use: Use) -> None:
        match use.parent:
            case ast.Subscript(
                slice=ast.Slice(lower=None, upper=ast.Constant(value=int() as end), step=None)
            ) if 0 < end <= len("2000-01-01T00:00:00"):
                use.replace(Primary(use.instance), f".{name}.isoformat()")
            case _:
                use.replace(Primary(use.instance), f'.{name}.isoformat().replace("+00:00", "Z")')

    return rule


# Times of an image that were texts, and the attributes.
TIMES = {
    "acquired": "acquired",
    "created": "created",
    "modified": "modified",
    "processed": "created",
    "published": "published",
    "updated": "modified",
}


def by_key(members: Mapping[str, Member]) -> Member:
    """Return the method `get` of a dict: the same as its item, if there is no other default."""

    def rule(use: Use) -> None:
        given = use.arguments("key", "default")
        member = members.get(str(use.constant(given.get("key"))))
        if member is None or member.rule is None or not use.is_none(given.get("default")):
            raise Refusal("the key or its default has no equal in the Catalog API")
        member.rule(use)

    return Member("plain", rule, is_method=True)


def call_of(
    function: Sequence[Part], arguments: Sequence[Sequence[Part]], use: Use | None = None
) -> list[Part]:
    """Return a call with some arguments; with `use`, an argument on each line if the call is long."""
    parts: list[Part] = [*function, "("]
    separator, end = ", ", ")"
    indent = statement_indent(use) if use else ""
    if use and len(indent) + _length_of(use, [*parts, *(part for one in arguments for part in one)]) > _LONG:
        separator, end = f",\n{indent}    ", f",\n{indent})"
        parts.append(f"\n{indent}    ")
    for position, argument in enumerate(arguments):
        parts += [separator] * bool(position) + list(argument)
    return [*parts, end]


def keyword_parts(arguments: Mapping[str, ast.expr], names: Mapping[str, str]) -> list[list[Part]]:
    """Return keyword arguments by their new names, for those that are given."""
    return [[f"{names[name]}=", node] for name, node in arguments.items() if name in names]


def check_ignored(use: Use, arguments: Mapping[str, ast.expr], *names: str) -> None:
    """Check that arguments without an equal are missing or None.

    Raises
    ------
    Refusal
        If one is given.
    """
    for name in names:
        if not use.is_none(arguments.get(name)):
            raise Refusal(f"the argument {name!r} has no equal in the Catalog API")


def statement_indent(use: Use) -> str:
    """Return the indentation of the statement around a use."""
    statement = use.inference.scopes.statement_of(use.node)
    line = use.source.text[use.source.line_start(statement.lineno) :]  # type: ignore[attr-defined]
    return line[: len(line) - len(line.lstrip(" \t"))]


def chain(use: Use, start: Sequence[Part], steps: Sequence[Sequence[Part]]) -> list[Part]:
    """Return a chain of method calls, on one line if it is short."""
    parts = [*start, *(part for step in steps for part in step)]
    indent = statement_indent(use)
    if len(indent) + _length_of(use, parts) <= _LONG:
        return parts
    new_line = f"\n{indent}    "
    return ["(", new_line, *start, *(part for step in steps for part in (new_line, *step)), f"\n{indent})"]


def _length_of(use: Use, parts: Sequence[Part]) -> int:
    """Return about how many columns parts take; many if a part has several lines."""
    length = 0
    for part in parts:
        match part:
            case str():
                length += len(part)
            case Need():
                length += len(part.name)
            case _:
                node = part.node if isinstance(part, (Primary, Operand)) else part
                text = use.source.segment(node)
                length += _LONG if "\n" in text else len(text)
    return length


def product_filter(use: Use, products: ast.expr) -> list[Part]:
    """Return the step of a search that selects products, given as one id or a list of ids."""
    known = use.constant(products)
    if isinstance(known, str):
        return [".filter(", PROPERTIES, ".product_id == ", Operand(products), ")"]
    if isinstance(known, (list, tuple)) or isinstance(products, (ast.List, ast.Tuple)):
        return [".filter(", PROPERTIES, ".product_id.any_of(", products, "))"]
    return [
        ".filter(", PROPERTIES, ".product_id.any_of([", products, "] if isinstance(", products,
        ", str) else ", products, "))",
    ]  # fmt: skip


def list_parts(use: Use, node: ast.expr) -> list[Part]:
    """Return a list of what may be one text or a list of texts."""
    known = use.constant(node)
    if isinstance(known, str):
        return ["[", node, "]"]
    if isinstance(known, (list, tuple)) or isinstance(node, (ast.List, ast.ListComp)):
        return [node]
    if isinstance(use.value(node), Items):
        return [node]
    if isinstance(use.value(node), Instance):
        raise Refusal("the ids are not given as texts")
    return ["[", node, "] if isinstance(", node, ", str) else ", node]
