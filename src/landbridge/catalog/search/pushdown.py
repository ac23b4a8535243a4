"""The part of a search's conditions that an API can answer, in the form that it understands.

What is sent finds all items that satisfy the conditions, and perhaps more: the client checks each item. So
bounds are sent inclusive, since some services store numbers with fewer digits or treat `<` as `<=`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from landbridge.mappings import times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from landbridge.catalog.client.capabilities import Capabilities
    from landbridge.catalog.search.conditions import Condition, Interval

__all__ = ["Pushdown", "push_down"]

Node = dict[str, Any]

_INCLUSIVE = {"<": "<=", ">": ">="}
_QUERY_OPERATORS = {"=": "eq", "<>": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_PREFIX = re.compile(r"((?:[^%_\\]|\\.)+)%\Z", re.DOTALL)
# Properties that have members of a search of their own, or that a source's table renames.
_NOT_FILTERED = frozenset({"collection", "geometry", "bbox"})

# The extension "query" tests members of an item's properties; datetime may be null there.
_NOT_QUERIED = frozenset({"id", "datetime"})


@dataclass(slots=True)
class Pushdown:
    """Members of a search request, the conditions that they answer, and the conditions that nothing answers.

    `is_empty`: no item can satisfy the conditions. `inexact`: answered conditions that are sent with a wider
    meaning than their own, so that more items are found. Without any the answer is exact, if all items are
    of one moment.
    """

    members: dict[str, Any] = field(default_factory=dict)
    answered: list[Condition] = field(default_factory=list)
    unanswered: list[Condition] = field(default_factory=list)
    inexact: list[Condition] = field(default_factory=list)
    is_empty: bool = False


def push_down(conditions: Iterable[Condition], known: Capabilities, *, exact: bool = False) -> Pushdown:
    """Return what an API with these capabilities is asked.

    With `exact`, bounds keep their meaning, so that the API's count can be right.
    """
    parts = _Parts(known, exact=exact)
    result = Pushdown()
    for condition in conditions:
        (result.answered if parts.add(condition) else result.unanswered).append(condition)
    result.members, result.inexact, result.is_empty = parts.members(), parts.inexact, parts.is_empty
    return result


class _Parts:
    """The members of a search request, built from conditions."""

    def __init__(self, known: Capabilities, *, exact: bool) -> None:
        self._known, self._exact = known, exact
        self._interval: Interval = (None, None)
        self._ids: tuple[str, ...] | None = None
        self._geometry: dict[str, Any] | None = None
        self._filters: list[Node] = []
        self._query: dict[str, dict[str, Any]] = {}
        self.inexact: list[Condition] = []

    def add(self, condition: Condition) -> bool:
        """Add a condition; return False if the API cannot answer it."""
        if condition.interval is not None:
            exact = condition.exact_interval if self._exact else None
            self._interval = _meet(self._interval, exact or condition.interval)
            if exact is None:
                self.inexact.append(condition)
            return True
        if condition.ids is not None:
            self._ids = tuple(one for one in condition.ids if self._ids is None or one in self._ids)
            if not condition.has_exact_ids:
                self.inexact.append(condition)
            return True
        if condition.geometry is not None and self._geometry is None:
            self._geometry = condition.geometry
            return True
        node = _filter(condition.node, self._known, exact=self._exact)
        if node is not None:
            self._filters.append(node)
            return True
        uses_query = self._known.query and not self._known.filter_languages
        return uses_query and _add(condition.node, self._known, self._query, exact=self._exact)

    @property
    def is_empty(self) -> bool:
        """True if no item can satisfy the conditions."""
        first, last = self._interval
        backwards = first is not None and last is not None and times.parse(first) > times.parse(last)
        return backwards or self._ids == ()

    def members(self) -> dict[str, Any]:
        """Return the members of the request."""
        found: dict[str, Any] = {}
        if self._geometry is not None:
            found["intersects"] = self._geometry
        if self._interval != (None, None):
            found["datetime"] = "/".join(each or ".." for each in self._interval)
        if self._ids is not None:
            found["ids"] = list(self._ids)
        if self._filters:
            one = len(self._filters) == 1
            joined = self._filters[0] if one else {"op": "and", "args": self._filters}
            found |= {"filter": joined, "filter-lang": "cql2-json"}
        if self._query:
            found["query"] = self._query
        return found


def _meet(one: Interval, other: Interval) -> Interval:
    first = [each for each in (one[0], other[0]) if each is not None]
    last = [each for each in (one[1], other[1]) if each is not None]
    return max(first, key=times.parse, default=None), min(last, key=times.parse, default=None)


# Filters in CQL2


def _filter(node: Node | None, known: Capabilities, *, exact: bool) -> Node | None:
    """Return a filter for an API; None if it cannot answer it."""
    if node is None or not known.filter_languages:
        return None
    for operator, name in _parts(node):
        if operator is not None and operator not in known.operators:
            return None
        if name is not None and not _can_filter(name, known):
            return None
    return node if exact else _widened(node)


def _parts(node: Any) -> Iterator[tuple[str | None, str | None]]:
    """Yield the operators and the properties of a filter."""
    if isinstance(node, dict):
        if "property" in node:
            yield None, node["property"]
        elif "op" in node:
            yield node["op"], None
            for arg in node["args"]:
                yield from _parts(arg)


def _can_filter(name: str, known: Capabilities) -> bool:
    # Only a Landbridge service knows the properties `catalog:*`, and fills them in for documents of others.
    return name not in _NOT_FILTERED and not name.startswith("catalog:") and known.filters_by(name)


def _widened(node: Node) -> Node:
    """Return a filter that finds the same items and perhaps more."""
    operator, args = node["op"], node["args"]
    if operator in ("and", "or"):
        return {"op": operator, "args": [_widened(arg) for arg in args]}
    if operator not in _QUERY_OPERATORS:
        return node
    is_text = isinstance(args[1], str)
    wide = {"op": operator if is_text else _INCLUSIVE.get(operator, operator), "args": args}
    if args[0] == {"property": "datetime"}:
        # An item of an interval may have no other date than its start.
        return {"op": "or", "args": [wide, {"op": "isNull", "args": [args[0]]}]}
    return wide


# The query extension


def _add(node: Node | None, known: Capabilities, query: dict[str, dict[str, Any]], *, exact: bool) -> bool:
    """Add a condition to the member `query`; return False if it cannot express it."""
    if node is None:
        return False
    tests = list(_query_tests(node, exact=exact) or ())
    if not tests or not all(_can_filter(name, known) and name not in _NOT_QUERIED for name, _, _ in tests):
        return False
    changed = {name: dict(operators) for name, operators in query.items()}
    for name, operator, value in tests:
        operators = changed.setdefault(name, {})
        if operators.setdefault(operator, value) != value:
            return False
    query.clear()
    query.update(changed)
    return True


def _query_tests(node: Node, *, exact: bool) -> list[tuple[str, str, Any]] | None:
    """Return the tests (property, operator, value) of a filter; None if the extension cannot express it."""
    operator, args = node["op"], node["args"]
    if operator == "and":
        parts = [_query_tests(arg, exact=exact) for arg in args]
        return None if None in parts else [test for part in parts for test in part or ()]
    if operator == "or":
        return _any_of(args)
    name = args[0].get("property") if isinstance(args[0], dict) else None
    if not isinstance(name, str):
        return None
    test = _prefix_test(args[1]) if operator == "like" else _comparison(operator, args[1:], exact=exact)
    return None if test is None else [(name, *test)]


def _prefix_test(pattern: Any) -> tuple[str, Any] | None:
    match = _PREFIX.match(pattern) if isinstance(pattern, str) else None
    return None if match is None else ("startsWith", re.sub(r"\\(.)", r"\1", match[1]))


def _comparison(operator: str, values: list[Any], *, exact: bool) -> tuple[str, Any] | None:
    if operator not in _QUERY_OPERATORS:
        return None
    (value,) = values
    if isinstance(value, dict):
        value = value.get("timestamp")
    if not isinstance(value, str | int | float):
        return None
    keeps = exact or isinstance(value, str)
    return _QUERY_OPERATORS[operator if keeps else _INCLUSIVE.get(operator, operator)], value


def _any_of(args: list[Node]) -> list[tuple[str, str, Any]] | None:
    """Return the test of several values of one property."""
    if not all(arg["op"] == "=" and isinstance(arg["args"][0], dict) for arg in args):
        return None
    names = {arg["args"][0].get("property") for arg in args}
    values = [arg["args"][1] for arg in args]
    if len(names) != 1 or None in names or any(isinstance(value, dict) for value in values):
        return None
    return [(names.pop(), "in", values)]
