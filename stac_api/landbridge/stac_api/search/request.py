"""Searches as one class, read from GET, POST, a collection's items or an aggregation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from stac_fastapi.pgstac.utils import clean_exclude_set

from landbridge.mappings import InvalidDocument
from landbridge.mappings.geometry import check_geometry
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search import cql2, limits
from landbridge.stac_api.search.query import conditions

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

__all__ = ["Fields", "Search", "Sort", "from_get", "from_post", "in_thread"]

_DEFAULT_FIELDS = (
    "type", "stac_version", "id", "collection", "geometry", "bbox", "links", "assets",
    "properties.datetime", "properties.start_datetime", "properties.end_datetime",
)  # fmt: skip
_CRS84 = (
    "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "urn:ogc:def:crs:OGC:1.3:CRS84",
    "OGC:CRS84",
    "CRS84",
)
DEFAULT_LIMIT = 10
_LONG = 64 * 1024  # bytes; a thread reads longer bodies


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """Members to show: those included, without those excluded; the more specific name wins."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Search:
    """A search; None means no condition. `filter` is CQL2 JSON, `intersects` is GeoJSON."""

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


async def in_thread(request: Request, read: Callable[..., Search], *args: Any, **kwargs: Any) -> Search:
    """Read a search; in a thread if it is so long that other requests would wait."""
    if request.method == "GET" or int(request.headers.get("content-length", _LONG)) < _LONG:
        return read(*args, **kwargs)
    return await asyncio.to_thread(read, *args, **kwargs)


def from_post(model: Any) -> Search:
    """Return the search of a POST body, as read by stac-fastapi's model.

    Raises:
        BadRequestError: a member holds what it can't.
    """
    given = {name: getattr(model, name, None) for name in type(model).model_fields}
    intersects, sortby = given.get("intersects"), given.get("sortby")
    return Search(
        collections=_names("collections", given["collections"], limits.MOST_COLLECTIONS),
        ids=_names("ids", given["ids"], limits.MOST_IDS),
        bbox=given["bbox"],
        intersects=_geometry(intersects),
        datetime=given["datetime"],
        filter=_filter(
            given.get("filter_expr"),
            given.get("filter_language"),
            given.get("filter_crs"),
            given.get("query"),
        ),
        sortby=_order([Sort(one.field, one.direction == "desc") for one in sortby or ()]),
        fields=_posted_fields(model),
        limit=_limit(given.get("limit")),
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
    filter_crs: str | None = None,
    token: str | None = None,
    offset: int | None = None,
    **_others: Any,
) -> Search:
    """Return the search of GET parameters.

    Raises:
        BadRequestError: a parameter holds what it can't.
    """
    if bbox and intersects:
        raise BadRequestError("bbox and intersects exclude one another.")
    return Search(
        collections=_names("collections", collections, limits.MOST_COLLECTIONS),
        ids=_names("ids", ids, limits.MOST_IDS),
        bbox=bbox,
        intersects=_geometry(_json("intersects", intersects)),
        datetime=datetime,
        text=_texts(q),
        filter=_filter(filter_expr, filter_lang, filter_crs, _json("query", query)),
        sortby=_order([_sort(one) for one in sortby or () if one]),
        fields=_fields(
            [one.lstrip("+") for one in fields or () if one and not one.startswith("-")],
            [one[1:] for one in fields or () if one.startswith("-")],
        ),
        limit=_limit(limit),
        token=token,
        offset=_offset(offset),
    )


def _names(name: str, given: list[str] | None, most: int) -> tuple[str, ...] | None:
    limits.check_count(name, given, most)
    return tuple(given) if given else None


def _limit(given: int | None) -> int:
    return DEFAULT_LIMIT if given is None else given


def _offset(given: int | None) -> int:
    if given is not None and given < 0:
        raise BadRequestError(f"offset is {given}; it must be 0 or more.")
    return given or 0


def _texts(given: str | list[str] | None) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given or []
    limits.check_count("q", texts, limits.MOST_WORDS)
    return tuple(texts)


def _geometry(given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not given:
        return None
    limits.check_positions("intersects", given)
    try:
        check_geometry(given)
    except InvalidDocument as error:
        raise BadRequestError(f"intersects is no GeoJSON geometry: {error}") from error
    return given


def _order(keys: list[Sort]) -> tuple[Sort, ...]:
    limits.check_count("sortby", keys, limits.MOST_SORTED)
    return tuple(keys)


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
    # An empty `include` means the default fields; a missing one means all fields.
    if not given.include and given.exclude and "include" in given.model_fields_set:
        return _fields(set(_DEFAULT_FIELDS) - given.exclude, given.exclude)
    return _fields(given.include, given.exclude)


def _fields(include: Any, exclude: Any) -> Fields:
    limits.check_count("fields", [*(include or ()), *(exclude or ())], limits.MOST_FIELDS)
    shown = frozenset(include or ())
    return Fields(shown, frozenset(clean_exclude_set(set(exclude or ()) - shown, set(shown))))


def _filter(filter_: Any, language: str | None, crs: str | None, query: Mapping[str, Any] | None) -> Any:
    """Return the conditions of a filter and of a query as one."""
    if crs and crs not in _CRS84:
        raise BadRequestError(
            f"filter-crs is {crs!r:.100}; only longitude and latitude are known: {_CRS84[0]}."
        )
    parts = [] if filter_ is None or filter_ == "" else [cql2.read(filter_, language)]
    parts += conditions(query or {})
    if not parts:
        return None
    # Each was counted, but not their sum.
    return parts[0] if len(parts) == 1 else limits.check_filter({"op": "and", "args": parts})
