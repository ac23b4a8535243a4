"""What a search asks for, whichever way it came: GET, POST, a collection's items, an aggregation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from stac_fastapi.pgstac.utils import clean_exclude_set

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import cql2

__all__ = ["Fields", "Search", "Sort", "from_get", "from_post"]

_QUERY = {
    "eq": "=", "neq": "<>", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "in": "in",
    "startsWith": "like", "endsWith": "like", "contains": "like",
}  # fmt: skip
_PATTERNS = {"startsWith": "{}%", "endsWith": "%{}", "contains": "%{}%"}
_DEFAULT_FIELDS = (
    "type", "stac_version", "id", "collection", "geometry", "bbox", "links", "assets",
    "properties.datetime", "properties.start_datetime", "properties.end_datetime",
)  # fmt: skip
DEFAULT_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """Which members are shown: those included, without those excluded; what is named closer wins."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Search:
    """A search; None is no condition. `filter` is CQL2 JSON, `intersects` GeoJSON."""

    collections: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    bbox: tuple[float, ...] | None = None
    intersects: Mapping[str, Any] | None = None
    datetime: str | None = None
    text: tuple[str, ...] = ()
    filter: Any = None
    sortby: tuple[Sort, ...] = ()
    fields: Fields = Fields()
    limit: int = DEFAULT_LIMIT
    token: str | None = None
    offset: int = 0


def from_post(model: Any) -> Search:
    """The search of a POST's body, as stac-fastapi's model read it.

    Raises:
        BadRequestError: a member holds what it can't.
    """
    given = {name: getattr(model, name, None) for name in type(model).model_fields}
    intersects, sortby = given.get("intersects"), given.get("sortby")
    return Search(
        collections=_names(given["collections"]),
        ids=_names(given["ids"]),
        bbox=given["bbox"],
        intersects=intersects.model_dump(mode="json", exclude_none=True) if intersects else None,
        datetime=given["datetime"],
        filter=_filter(given.get("filter_expr"), given.get("filter_language"), given.get("query")),
        sortby=tuple(Sort(one.field, one.direction == "desc") for one in sortby or ()),
        fields=_posted_fields(model),
        limit=_limit(given["limit"]),
        token=given.get("token"),
    )


def from_get(
    *,
    collections: list[str] | None = None,
    ids: list[str] | None = None,
    bbox: Any = None,
    intersects: str | None = None,
    datetime: str | None = None,
    limit: int | None = None,
    q: str | list[str] | None = None,
    query: str | None = None,
    fields: list[str] | None = None,
    sortby: list[str] | None = None,
    filter_expr: str | None = None,
    filter_lang: str | None = None,
    token: str | None = None,
    offset: int | None = None,
    **_others: Any,
) -> Search:
    """The search of a GET's parameters.

    Raises:
        BadRequestError: a parameter holds what it can't.
    """
    if bbox and intersects:
        raise BadRequestError("bbox and intersects exclude one another.")
    return Search(
        collections=_names(collections),
        ids=_names(ids),
        bbox=bbox,
        intersects=_json("intersects", intersects),
        datetime=datetime,
        text=tuple([q] if isinstance(q, str) else q or ()),
        filter=_filter(filter_expr, filter_lang, _json("query", query)),
        sortby=tuple(_sort(one) for one in sortby or () if one),
        fields=_fields(
            [one.lstrip("+") for one in fields or () if one and not one.startswith("-")],
            [one[1:] for one in fields or () if one.startswith("-")],
        ),
        limit=_limit(limit),
        token=token,
        offset=_offset(offset),
    )


def _names(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(given) if given else None


def _limit(given: int | None) -> int:
    return DEFAULT_LIMIT if given is None else given


def _offset(given: int | None) -> int:
    if given is not None and given < 0:
        raise BadRequestError(f"offset is {given}; it must be 0 or more.")
    return given or 0


def _sort(given: str) -> Sort:
    return Sort(given.lstrip("+- ").strip(), given.startswith("-"))


def _json(name: str, given: str | None) -> Any:
    if not given:
        return None
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"{name} is not JSON: {error}.") from error
    if not isinstance(found, Mapping):
        raise BadRequestError(f"{name} is a JSON object, not {given!r:.100}.")
    return found


def _posted_fields(model: Any) -> Fields:
    given = getattr(model, "fields", None)
    if given is None:
        if "fields" in model.model_fields_set:
            raise BadRequestError("fields is null; it is an object with include, exclude or both.")
        return Fields()
    # Said to be empty, what is included is the default; left out, it is everything.
    if not given.include and given.exclude and "include" in given.model_fields_set:
        return _fields(set(_DEFAULT_FIELDS) - given.exclude, given.exclude)
    return _fields(given.include, given.exclude)


def _fields(include: Any, exclude: Any) -> Fields:
    shown = frozenset(include or ())
    return Fields(shown, frozenset(clean_exclude_set(set(exclude or ()) - shown, set(shown))))


def _filter(filter_: Any, language: str | None, query: Mapping[str, Any] | None) -> Any:
    """Both conditions in one, where there are both."""
    parts = [] if filter_ is None or filter_ == "" else [cql2.read(filter_, language)]
    for name, conditions in (query or {}).items():
        if not isinstance(conditions, Mapping):
            raise BadRequestError(f"query.{name} is an object of operators, not {conditions!r:.100}.")
        parts += [_queried(name, operator, value) for operator, value in conditions.items()]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"op": "and", "args": parts}


def _queried(name: str, operator: str, value: Any) -> dict[str, Any]:
    if operator not in _QUERY:
        raise BadRequestError(f"query knows no {operator!r}; it knows {', '.join(_QUERY)}.")
    if operator in _PATTERNS:
        if not isinstance(value, str):
            raise BadRequestError(f"query.{name}.{operator} takes a string, not {value!r:.100}.")
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        value = _PATTERNS[operator].format(escaped)
    return {"op": _QUERY[operator], "args": [{"property": name}, value]}
