"""Search for Items that is answered by reading them: its conditions, and the Items that satisfy them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import BadRequestError
from landbridge.mappings import times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

__all__ = ["ItemQuery", "parse_query"]

_MAX_LIMIT = 10_000
_DEFAULT_LIMIT = 100
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_MEMBERS = frozenset(
    {
        "collections",
        "ids",
        "bbox",
        "intersects",
        "datetime",
        "filter",
        "filter-lang",
        "sortby",
        "limit",
        "token",
        "fields",
        "conf",
    }
)


@dataclass(frozen=True)
class ItemQuery:
    """Conditions of a search; None: any. `filter` is CQL2 JSON; `sortby` as in the API."""

    collections: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    bbox: tuple[float, ...] | None = None
    intersects: Mapping[str, Any] | None = None
    time: str | None = None
    filter: Mapping[str, Any] | None = None
    sortby: tuple[tuple[str, bool], ...] = ()
    limit: int = _DEFAULT_LIMIT
    token: str | None = field(default=None, compare=False)

    def check(self) -> None:
        """Raise BadRequestError if a condition is invalid."""
        for _ in (self.area, self.interval, self._expression):
            pass

    def matches(self, item: Mapping[str, Any]) -> bool:
        """Return whether an Item satisfies all conditions."""
        if self.collections is not None and item.get("collection") not in self.collections:
            return False
        if self.ids is not None and item.get("id") not in self.ids:
            return False
        if self.interval is not None and not _overlaps(item.get("properties") or {}, self.interval):
            return False
        return self._matches_area(item) and self._matches_filter(item)

    def _matches_area(self, item: Mapping[str, Any]) -> bool:
        if self.area is None:
            return True
        from shapely.errors import ShapelyError
        from shapely.geometry import shape

        try:
            return bool(self.area.intersects(shape(item["geometry"])))
        except (ShapelyError, KeyError, TypeError, ValueError, AttributeError):
            return False  # the Item has no footprint

    def _matches_filter(self, item: Mapping[str, Any]) -> bool:
        if self._expression is None:
            return True
        try:
            return bool(self._expression.matches(item))
        except Exception as error:
            # A condition on a missing property is neither true nor false, as in SQL.
            if "reduce" in str(error):
                return False
            raise BadRequestError(f"The filter cannot be evaluated: {error}") from error

    @cached_property
    def interval(self) -> tuple[datetime, datetime] | None:
        """First and last moment of the time; None: any."""
        return None if self.time is None else _parse_interval(self.time)

    @cached_property
    def area(self) -> BaseGeometry | None:
        """Area that Items intersect; None: any."""
        from shapely import prepare
        from shapely.errors import ShapelyError
        from shapely.geometry import shape

        if self.intersects is not None:
            try:
                area: BaseGeometry = shape(dict(self.intersects))
            except (ShapelyError, KeyError, TypeError, ValueError, AttributeError) as error:
                raise BadRequestError(f"`intersects` is no GeoJSON geometry: {error}") from error
        elif self.bbox is not None:
            area = _box(self.bbox)
        else:
            return None
        prepare(area)
        return area

    @cached_property
    def _expression(self) -> Any:
        if self.filter is None:
            return None
        import cql2

        try:
            return cql2.parse_json(json.dumps(self.filter))
        except Exception as error:
            raise BadRequestError(f"The filter is no CQL2: {error}") from error


def _box(bbox: tuple[float, ...]) -> BaseGeometry:
    from shapely.geometry import MultiPolygon, box

    west, south, east, north = bbox if len(bbox) == 4 else (bbox[0], bbox[1], bbox[3], bbox[4])
    if west > east:  # the box crosses the antimeridian
        return MultiPolygon([box(west, south, 180, north), box(-180, south, east, north)])
    return box(west, south, east, north)


def _parse_interval(text: str) -> tuple[datetime, datetime]:
    parts = text.split("/")
    try:
        if len(parts) == 1:
            moment = times.parse(parts[0])
            return moment, moment
        start, end = parts
        return (
            _EARLIEST if start in ("", "..") else times.parse(start),
            _LATEST if end in ("", "..") else times.parse(end),
        )
    except ValueError as error:
        raise BadRequestError(
            f"`datetime` must be a time or an interval of RFC 3339; got {text!r}."
        ) from error


def _overlaps(properties: Mapping[str, Any], interval: tuple[datetime, datetime]) -> bool:
    start = properties.get("start_datetime") or properties.get("datetime")
    end = properties.get("end_datetime") or properties.get("datetime") or start
    start = start or end
    if start is None or end is None:
        return False
    try:
        return times.parse(start) <= interval[1] and times.parse(end) >= interval[0]
    except (TypeError, ValueError):
        return False


def parse_query(members: Mapping[str, Any], *, can_filter: bool, can_sort: bool) -> ItemQuery:
    """Return the query of a request's members, from its JSON or its query string.

    Raises
    ------
    BadRequestError
        If a member is unknown or invalid, or if the catalog cannot answer it.
    """
    unknown = sorted(set(members) - _MEMBERS)
    if unknown:
        raise BadRequestError(f"A catalog in files cannot answer a search with {unknown[0]!r}.")
    condition = members.get("filter")
    if condition is not None and not can_filter:
        raise BadRequestError("This catalog in files cannot filter.")
    if isinstance(condition, str):
        condition = _parse_filter(condition, str(members.get("filter-lang") or "cql2-text"))
    sortby = _sort_order(members.get("sortby"))
    if sortby and not can_sort:
        raise BadRequestError("This catalog in files cannot sort.")
    intersects = members.get("intersects")
    if isinstance(intersects, str):
        intersects = json.loads(intersects)
    return ItemQuery(
        collections=_texts(members.get("collections")),
        ids=_texts(members.get("ids")),
        bbox=_bbox(members.get("bbox")),
        intersects=intersects,
        time=members.get("datetime") or None,
        filter=condition,
        sortby=sortby,
        limit=_limit(members.get("limit")),
        token=members.get("token"),
    )


def _parse_filter(text: str, language: str) -> Any:
    import cql2

    try:
        return (cql2.parse_json(text) if language == "cql2-json" else cql2.parse_text(text)).to_json()
    except Exception as error:
        raise BadRequestError(f"The filter {text!r} is no CQL2: {error}") from error


def _texts(value: Any) -> tuple[str, ...] | None:
    if value is None or value == "":
        return None
    return tuple(value.split(",")) if isinstance(value, str) else tuple(value)


def _bbox(value: Any) -> tuple[float, ...] | None:
    if value is None or value == "":
        return None
    try:
        numbers = tuple(float(number) for number in (value.split(",") if isinstance(value, str) else value))
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) not in (4, 6):
        raise BadRequestError(f"`bbox` must have four or six numbers; got {value!r}.")
    return numbers


def _limit(value: Any) -> int:
    try:
        number = _DEFAULT_LIMIT if value is None else int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise BadRequestError(f"`limit` must be a whole number above 0; got {value!r}.")
    return min(number, _MAX_LIMIT)


def _sort_order(value: Any) -> tuple[tuple[str, bool], ...]:
    """Return the fields to sort by, each with whether it ascends."""
    if not value:
        return ()
    entries: Sequence[Any] = value.split(",") if isinstance(value, str) else value
    order = []
    for entry in entries:
        if isinstance(entry, str):
            order.append((entry.lstrip("+-"), not entry.startswith("-")))
        else:
            order.append((str(entry["field"]), entry.get("direction", "asc") != "desc"))
    return tuple(order)
