"""Conditions of a search, as the provider's API evaluates them."""

from __future__ import annotations

import json
import operator
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import shapely
from cql2 import Expr
from shapely.geometry import shape

POSITIONS = ("next", "token", "page", "cursor", "_o")


class BadRequest(Exception):  # noqa: N818
    """A request that the API refuses, with its status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


_LISTS = ("collections", "ids", "bbox")


def from_url(text):
    """Return the parameters of a query string; names with brackets are those of the qs library."""
    out = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if "[" in name:
            _nest(out, name.replace("]", "").split("["), value)
        elif name in _LISTS:
            out[name] = value.split(",")
        elif name in ("intersects", "query"):
            out[name] = json.loads(value)
        elif name == "sortby":
            out[name] = [
                {"field": one.strip().lstrip("+-"), "direction": "desc" if one.strip()[0] == "-" else "asc"}
                for one in value.split(",")
            ]
        elif name == "fields":
            parts = value.split(",")
            out[name] = {
                "include": [one.lstrip("+") for one in parts if one and one[0] != "-"],
                "exclude": [one[1:] for one in parts if one and one[0] == "-"],
            }
        else:
            out[name] = value
    if "filter" in out:
        out.setdefault("filter-lang", "cql2-text")
    return _lists(out)


def _nest(out, names, value):
    for name in names[:-1]:
        out = out.setdefault(name, {})
    out[names[-1]] = value


def _lists(value):
    """Turn mappings with the keys 0, 1, 2 … into lists."""
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(one) for name, one in value.items()}


def to_qs(value, prefix=""):
    """Return the pairs of a query string as the qs library writes them."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [
            pair for name, one in pairs for pair in to_qs(one, f"{prefix}[{name}]" if prefix else str(name))
        ]
    return [(prefix, value if isinstance(value, str) else json.dumps(value))]


def check(profile, query):
    """Raise `BadRequest` for what the API refuses."""
    for name in profile.refused:
        if query.get(name):
            raise BadRequest(400, f"{name} is no longer supported")
    if (
        profile.requires_collections
        and not query.get("collections")
        and "collection" not in str(query.get("filter", ""))
    ):
        raise BadRequest(422, "collection is required")
    if query.get("bbox") and query.get("intersects"):
        raise BadRequest(400, "expected bbox or intersects, not both")
    if profile.flat_bbox and query.get("bbox") and len(query["bbox"]) != 4:
        raise BadRequest(400, "bbox must have four numbers")
    if profile.uuids:
        for one in query.get("ids") or ():
            _check_uuid(one)
    if profile.strict_query:
        for name in set(query.get("query") or ()) - set(profile.queried):
            raise BadRequest(400, f"query on {name} is not supported")


def _check_uuid(text):
    try:
        uuid.UUID(text)
    except ValueError:
        raise BadRequest(400, f"{text} is no UUID") from None


def limit_of(profile, query):
    """Return the number of items of a page, and raise `BadRequest` if the API refuses it."""
    try:
        limit = int(query.get("limit", profile.default_limit))
    except ValueError:
        raise BadRequest(400, "limit is no number") from None
    if limit < 1 or (profile.refuse_over and limit > profile.refuse_over):
        raise BadRequest(400, f"limit {limit} is out of range")
    if profile.max_limit and limit > profile.max_limit:
        if profile.over_limit == "refuse":
            raise BadRequest(400, f"limit must be less than or equal to {profile.max_limit}")
        return profile.max_limit
    return limit


def matching(profile, query, records):
    """Return the records that a search finds, in its order."""
    query = {name: value for name, value in query.items() if name not in profile.ignored}
    conditions = list(_conditions(profile, query))
    found = [record for record in records if all(condition(record) for condition in conditions)]
    return _sorted(profile, query, found)


def _conditions(profile, query):
    if query.get("ids"):
        ids = set(query["ids"])
        yield lambda record: record.id in ids
        if profile.ids_alone:
            return
    if query.get("collections"):
        collections = set(query["collections"])
        yield lambda record: record.collection in collections
    if query.get("bbox"):
        numbers = [float(number) for number in query["bbox"]]
        half = len(numbers) // 2
        area = shapely.box(numbers[0], numbers[1], numbers[half], numbers[half + 1])
        yield lambda record: area.intersects(shape(record.geometry))
    if query.get("intersects"):
        place = shape(_numbers(query["intersects"]))
        yield lambda record: place.intersects(shape(record.geometry))
    if query.get("datetime"):
        start, end = _interval(query["datetime"])
        yield lambda record: _within(record, start, end)
    if query.get("query") and "query" in profile.languages:
        yield from _comparisons(profile, query["query"])
    language = query.get("filter-lang", "cql2-json")
    if query.get("filter") and language in profile.languages:
        try:
            expression = Expr(query["filter"])
            expression.validate()
        except Exception as error:
            raise BadRequest(400, f"invalid filter: {error}") from error
        yield lambda record: _matches(expression, record)


def _matches(expression, record):
    item = {
        "type": "Feature",
        "id": record.id,
        "collection": record.collection,
        "geometry": record.geometry,
        "properties": record.properties,
    }
    try:
        return expression.matches(item)
    except Exception:  # noqa: BLE001 - an item without the property: NULL
        return False


def _numbers(geometry):
    """Return a geometry whose coordinates are numbers: those of a query string are texts."""

    def convert(value):
        return [convert(one) for one in value] if isinstance(value, list | tuple) else float(value)

    return {**geometry, "coordinates": convert(geometry["coordinates"])}


_LOWEST, _HIGHEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _interval(text):
    start, slash, end = text.partition("/")
    if not slash:
        end = start
    return (
        _LOWEST if start in ("", "..") else _time(start),
        _HIGHEST if end in ("", "..") else _time(end),
    )


def _time(text):
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(400, f"{text} is no time") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _within(record, start, end):
    text = record.properties.get("datetime") or record.properties.get("start_datetime")
    return text is not None and start <= _time(text) <= end


_OPERATORS = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda value, others: value in others,
    "startsWith": lambda value, other: str(value).startswith(other),
    "endsWith": lambda value, other: str(value).endswith(other),
    "contains": lambda value, other: str(other) in str(value),
}
_INCLUSIVE = {"lt": "lte", "gt": "gte"}


def _comparisons(profile, query):
    for name, tests in query.items():
        if profile.queried is not None and name not in profile.queried:
            continue
        for sign, wanted in tests.items():
            if sign not in _OPERATORS:
                raise BadRequest(400, f"{sign} is no operator")
            compare = _OPERATORS[_INCLUSIVE.get(sign, sign) if profile.inclusive_query else sign]
            property_name = name.removeprefix("properties.")
            yield lambda record, p=property_name, c=compare, w=wanted: _compare(record, p, c, w)


def _compare(record, name, compare, wanted):
    value = {"id": record.id, "collection": record.collection, **record.properties}.get(name)
    if value is None:
        return False
    return compare(
        value, float(wanted) if isinstance(value, int | float) and not isinstance(wanted, list) else wanted
    )


# --- order


_MAPPED = {"startDate": "datetime", "endDate": "datetime", "start_datetime": "datetime"}


def value_of(record, field):
    """Return what a search is sorted by, so that values compare: a missing one comes last."""
    name = field.removeprefix("properties.")
    name = _MAPPED.get(name, name)
    value = record.id if name == "id" else record.collection if name == "collection" else None
    value = record.properties.get(name) if value is None else value
    return value is None, 0 if value is None else value


def order_of(profile, query):
    """Return [(field, descending)] of a search; raise `BadRequest` if the API can't."""
    asked = query.get("sortby") or []
    if isinstance(profile.sorting, tuple):
        for one in asked:
            if one["field"] not in profile.sorting:
                raise BadRequest(400, f"cannot sort by {one['field']}")
    if profile.sorting == "none":
        return []
    return [(one["field"], one.get("direction", "asc") == "desc") for one in asked]


def _sorted(profile, query, found):
    order = order_of(profile, query)
    if profile.sorting != "none":
        found.sort(key=lambda record: record.id)
        if not order:
            # Newest first, as elasticsearch and pgstac do.
            found.sort(key=lambda record: record.properties.get("datetime") or "", reverse=True)
    for field, descending in reversed(order):
        found.sort(key=lambda record, f=field: value_of(record, f), reverse=descending)
    return found
