"""Filters of searches for Items in CQL2, on the properties of STAC documents."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.exceptions import BadRequestError
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.sources.item_query import ItemQuery

__all__ = ["ITEM", "OPERATOR", "Cql2Expression", "item_matches", "parse_cql2", "property_names"]

OPERATOR = "cql2"
# Key of the Item among the attributes that conditions compare.
ITEM = "$item"


@dataclass(frozen=True, slots=True)
class Cql2Expression(Expression):
    """Condition in CQL2 on the properties of an Item, such as `eo:cloud_cover < 20`.

    It filters searches for images, alone or combined with other expressions.

    Attributes
    ----------
    text : bytes
        Condition as CQL2 JSON.
    """

    text: bytes

    def serialize(self) -> dict[str, Any]:
        return {OPERATOR: orjson.loads(self.text)}

    def evaluate(self, obj: Any) -> bool:
        """Return True if a STAC Item, as a mapping, satisfies the condition."""
        if not isinstance(obj, Mapping):
            raise TypeError(f"A filter in CQL2 compares STAC Items; got {type(obj).__name__}.")
        return _query(self.text).matches(obj)

    def of_kind(self, kind: str) -> Cql2Expression:
        """Return this expression. BadRequestError if it cannot filter searches for a kind of objects."""
        if kind != "image":
            raise BadRequestError("Only searches for images can be filtered by CQL2.")
        return self

    def is_same(self, other: Expression) -> bool:
        return isinstance(other, Cql2Expression) and self.serialize() == other.serialize()

    def __repr__(self) -> str:
        return f"(cql2 {self.text.decode()})"


def parse_cql2(text: str) -> Cql2Expression:
    """Return the expression of CQL2 text, or of CQL2 JSON.

    Raises BadRequestError if the text is no CQL2.
    """
    from landbridge.sources.item_query import parse_query

    language = "cql2-json" if text.lstrip().startswith("{") else "cql2-text"
    query = parse_query({"filter": text, "filter-lang": language}, can_filter=True, can_sort=False)
    query.check()
    return Cql2Expression(orjson.dumps(query.filter))


def item_matches(node: Any, attributes: Mapping[str, Any]) -> bool:
    """Return whether the Item among attributes satisfies CQL2 JSON."""
    return _query(orjson.dumps(node)).matches(attributes[ITEM])


@functools.lru_cache(maxsize=64)
def _query(text: bytes) -> ItemQuery:
    from landbridge.sources.item_query import ItemQuery

    return ItemQuery(filter=orjson.loads(text))


def property_names(node: Any) -> Iterator[str]:
    """Yield the properties that CQL2 JSON compares."""
    if isinstance(node, dict):
        if "property" in node:
            yield str(node["property"])
        for arg in node.get("args", ()):
            yield from property_names(arg)
    elif isinstance(node, list):
        for each in node:
            yield from property_names(each)
