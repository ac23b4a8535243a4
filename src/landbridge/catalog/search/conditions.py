"""Conditions of a search for items, each with its forms for an API and its check on the client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.client_side_filter import matches
from landbridge.catalog.search.cql2_expression import OPERATOR, property_names
from landbridge.exceptions import BadRequestError
from landbridge.mappings import cql2, tables, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from landbridge.catalog.search.query import Query

__all__ = ["Condition", "Interval", "conditions_of", "is_set"]

_MOMENT = timedelta(microseconds=1)
# Attributes that a search for a text looks into beside those that the table marks.
_MORE_TEXTS = {"product": ("id", "description", "tags")}
# First and last moment, both inclusive; None: unbounded.
Interval = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions of a search, which are joined by AND.

    Attributes
    ----------
    names : tuple of str
        Attributes that the condition compares.
    accepts : callable
        Function of an item's attributes that returns whether they satisfy the condition.
    node : dict, optional
        CQL2 JSON of the condition.
    interval : Interval, optional
        Interval that the items' dates must meet; the condition may demand more.
    exact_interval : Interval, optional
        Interval that the dates of items of one moment meet if and only if they satisfy the condition.
    ids : tuple of str, optional
        Ids of the only items that can satisfy the condition.
    has_exact_ids : bool
        True if an item satisfies the condition if and only if it has one of the ids. Else its Collection
        counts too.
    geometry : dict, optional
        Geometry that the items must intersect.
    """

    names: tuple[str, ...]
    accepts: Callable[[Mapping[str, Any]], bool]
    node: dict[str, Any] | None = None
    interval: Interval | None = None
    exact_interval: Interval | None = None
    ids: tuple[str, ...] | None = None
    has_exact_ids: bool = False
    geometry: dict[str, Any] | None = None


def conditions_of(query: Query, kind: str) -> list[Condition]:
    """Return the conditions of a query, without those by product.

    Raises
    ------
    BadRequestError
        If a value does not fit its attribute.
    """
    found = [] if query.expression is None else [_of_term(term, kind) for term in _terms(query.expression)]
    if query.geometry is not None:
        found.append(_of_geometry(query.geometry, match_null=query.match_null_geometry))
    if query.text is not None and query.text.strip():
        found.append(_of_text(query.text, kind))
    return found


def is_set(name: str, kind: str) -> Condition:
    """Return the condition that an attribute has a value."""
    return _of_term({"isnotnull": name}, kind)


def _terms(expression: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "and" in expression:
        for part in expression["and"]:
            yield from _terms(part)
    else:
        yield expression


def _of_term(term: Mapping[str, Any], kind: str) -> Condition:
    try:
        node = cql2.to_cql2(term, kind)
    except (TypeError, ValueError) as error:
        raise BadRequestError(str(error)) from error
    plain = _with_plain_values(term, kind)
    names = tuple(dict.fromkeys(_names(term)))
    condition = Condition(names, lambda attributes: matches(plain, attributes), node)
    if _has_cql2(term):
        return condition
    if names == ("acquired",):
        interval, exact = _intervals(plain)
        return replace(condition, interval=interval, exact_interval=exact)
    if names and set(names) <= {"id", "name"}:
        return replace(condition, ids=_item_ids(node), has_exact_ids=_has_exact_ids(node))
    return condition


def _has_cql2(term: Mapping[str, Any]) -> bool:
    """Return whether a term has a part in CQL2, whose properties are none of the catalog's attributes."""
    ((operator, operand),) = term.items()
    return operator == OPERATOR or (operator in ("and", "or") and any(map(_has_cql2, operand)))


def _names(term: Mapping[str, Any]) -> Iterator[str]:
    ((operator, operand),) = term.items()
    if operator in ("and", "or"):
        for part in operand:
            yield from _names(part)
    elif operator == OPERATOR:
        yield from property_names(operand)
    elif isinstance(operand, str):
        yield operand
    else:
        yield from operand


def _with_plain_values(term: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a term with one attribute for each comparison, and with numbers in place of their texts.

    The service converts texts to the type of the property; the client compares values as they are.
    """
    ((operator, operand),) = term.items()
    if operator in ("and", "or"):
        return {operator: [_with_plain_values(part, kind) for part in operand]}
    if operator in ("isnull", "isnotnull", OPERATOR):
        return dict(term)
    rows = tables.load(kind).rows
    parts = [{operator: {name: _plain(value, rows[name])}} for name, value in operand.items()]
    return parts[0] if len(parts) == 1 else {"and": parts}


def _plain(value: Any, row: tables.Row) -> Any:
    if isinstance(value, dict):
        return {bound: _plain(each, row) for bound, each in value.items()}
    is_number = (row.queryable or row.schema).get("type") in ("number", "integer")
    return float(value) if is_number and isinstance(value, str) else value


def _intervals(term: Mapping[str, Any]) -> tuple[Interval | None, Interval | None]:
    """Return the interval of a condition by `acquired` and its exact interval; None if it has none."""
    ((operator, operand),) = term.items()
    if operator == "eq" and operand["acquired"] is not None:
        moment = times.normalize(operand["acquired"])
        return (moment, moment), (moment, moment)
    if operator != "range":
        return None, None
    bounds = {bound: times.normalize(value) for bound, value in operand["acquired"].items()}
    first = [bounds[name] for name in ("gt", "gte") if name in bounds]
    last = [bounds[name] for name in ("lt", "lte") if name in bounds]
    interval = max(first, key=times.parse, default=None), min(last, key=times.parse, default=None)
    if "gt" in bounds:  # services that cut dates to milliseconds would include the bound
        return interval, None
    before = [times.format_utc(times.parse(bounds["lt"]) - _MOMENT)] if "lt" in bounds else []
    within = [bounds["lte"]] if "lte" in bounds else []
    return interval, (interval[0], min([*before, *within], key=times.parse, default=None))


def _item_ids(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the ids of Items that a filter by id or name allows; None if it allows any."""
    operator, args = node.get("op"), node.get("args", ())
    if operator == "=" and args[0] == {"property": "id"}:
        return (args[1],)
    if operator == "or":
        parts = [_item_ids(part) for part in args]
        return None if None in parts else tuple(dict.fromkeys(one for part in parts for one in part or ()))
    if operator == "and":  # conditions, or a Collection's id and an Item's
        known = [part for part in map(_item_ids, args) if part is not None]
        return tuple(one for one in known[0] if all(one in part for part in known)) if known else None
    return None


def _has_exact_ids(node: Mapping[str, Any]) -> bool:
    """Return whether the Items that satisfy a filter are those with one of its ids, in any Collection."""
    operator, args = node.get("op"), node.get("args", ())
    if operator == "=":
        return bool(args[0] == {"property": "id"})
    return operator in ("and", "or") and all(map(_has_exact_ids, args))


def _of_geometry(geometry: dict[str, Any], *, match_null: bool) -> Condition:
    import orjson
    import shapely
    from shapely.geometry import shape

    wanted = shape(geometry)
    shapely.prepare(wanted)

    def accepts(attributes: Mapping[str, Any]) -> bool:
        footprint = attributes.get("geometry")
        if footprint is None:
            return match_null
        try:
            found = shapely.from_geojson(orjson.dumps(footprint))  # half of the time of `shape`
            west, _, east, _ = found.bounds
            if east - west > 180 or west < -180 or east > 180:
                return True  # it crosses the antimeridian in a way of its own: the API's answer counts
            return bool(shapely.intersects(wanted, found))
        except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError):
            return True  # not a valid geometry: the API's answer counts

    return Condition(
        ("geometry",),
        accepts,
        cql2.geometry_filter(geometry, match_null),
        geometry=None if match_null else geometry,
    )


def _of_text(text: str, kind: str) -> Condition:
    searched = (row.name for row in tables.load(kind).rows.values() if row.search)
    names = _MORE_TEXTS.get(kind, ()) + tuple(searched)
    words = text.casefold().split()

    def accepts(attributes: Mapping[str, Any]) -> bool:
        values = [str(attributes.get(name) or "").casefold() for name in names]
        return all(any(word in value for value in values) for word in words)

    return Condition(names, accepts, cql2.text_filter(text, kind))
