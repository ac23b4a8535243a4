"""Image searches of the Catalog for the arguments of old searches."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Operand, Part
from landbridge.porting.port.rules.common import PROPERTIES, product_filter
from landbridge.porting.port.rules.optional import may_be_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.porting.port.plan import Use

__all__ = ["image_steps", "refuse_in_try"]

_SORTED = frozenset({"acquired", "cloud_fraction", "created"})


def image_steps(
    use: Use,
    given: Mapping[str, ast.expr],
    area: str,
    *,
    limit: int | None = 100,
    area_parts: list[Part] | None = None,
) -> list[list[Part]]:
    """Return the steps of an image search for old arguments.

    Parameters
    ----------
    use : Use
        Call of the old search.
    given : mapping
        Arguments by name.
    area : str
        Name of the argument with the area.
    limit : int, optional
        Limit if none is given.
    area_parts : list, optional
        The area in place of the argument.

    Raises
    ------
    Refusal
        If an argument is not known well enough.
    """
    for name, node in given.items():
        if may_be_none(node, use.inference):
            raise Refusal(f"{name} may be None, and the filter depends on it")
    steps: list[list[Part]] = []
    if not use.is_none(given.get("products")):
        steps.append(product_filter(use, given["products"]))
    if area_parts is not None:
        steps.append([".intersects(", *area_parts, ")"])
    elif not use.is_none(given.get(area)):
        steps.append([".intersects(", given[area], ")"])
    conditions = (
        ("start_datetime", "acquired >= "),
        ("end_datetime", "acquired < "),
        ("cloud_fraction", "cloud_fraction <= "),
        ("fill_fraction", "fill_fraction >= "),
    )
    for name, text in conditions:
        if not use.is_none(given.get(name)):
            steps.append([".filter(", PROPERTIES, f".{text}", Operand(given[name]), ")"])
    if not use.is_none(given.get("storage_state")):
        steps.append([".filter(", PROPERTIES, ".storage_state == ", Operand(given["storage_state"]), ")"])
    steps.append(_order(use, given))
    if "limit" in given:
        if not use.is_none(given["limit"]):
            steps.append([".limit(", given["limit"], ")"])
    elif limit is not None:
        steps.append([f".limit({limit})"])
    return steps


def _order(use: Use, given: Mapping[str, ast.expr]) -> list[Part]:
    order = "asc" if use.is_none(given.get("sort_order")) else use.constant(given["sort_order"])
    field = "acquired" if use.is_none(given.get("sort_field")) else use.constant(given["sort_field"])
    if order not in {"asc", "desc"} or field not in _SORTED:
        raise Refusal("the order is not known")
    return [f'.sort("{field}"', "" if order == "asc" else ", ascending=False", ")"]


def refuse_in_try(use: Use) -> None:
    """Refuse a use whose errors are handled: an old method raised NotFoundError, `get` returns None.

    Raises
    ------
    Refusal
        If the use stands in a `try` with handlers.
    """
    node: ast.AST = use.node
    for parent in use.inference.scopes.ancestors(use.node):
        if isinstance(parent, ast.Try) and parent.handlers and node in parent.body:
            raise Refusal("it raised NotFoundError, where the Catalog's get() returns None")
        if isinstance(parent, ast.With) and "suppress" in ast.dump(parent.items[0].context_expr):
            raise Refusal("it raised NotFoundError, where the Catalog's get() returns None")
        node = parent
