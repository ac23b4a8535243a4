"""Conditions in SQL for a search."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
from stac_fastapi.types.rfc3339 import str_to_interval

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import visibility
from landbridge.stac_api.search.cql2 import condition
from landbridge.stac_api.search.cql2.literals import boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.pgstac.sql_builder import Parameters
    from landbridge.stac_api.search.request import Search

__all__ = ["in_bbox", "interval", "of_collections", "of_items", "requested"]

# Operators of PostgreSQL's text search, which are ordinary characters in the text to find.
_OPERATORS = re.compile(r"[&|!:*<>()'\\\"+-]")
_TEXT = (
    "(to_tsvector('english', coalesce(content->'properties'->>'description', ''))"
    " || to_tsvector('english', coalesce(content->'properties'->>'title', ''))"
    " || to_tsvector('english', coalesce(content->'properties'->>'keywords', '')))"
)


def of_items(search: Search, parameters: Parameters, access: Access) -> list[str]:
    """Return conditions on `items` and add their values to `parameters`; no item meets two of them.

    Raises:
        BadRequestError: if a value of the search is invalid.
    """
    asked = requested(search, parameters)
    return [_and(visible, asked) for visible in visibility.of_items(search.collections, access, parameters)]


def of_collections(search: Search, parameters: Parameters, access: Access) -> str:
    """Return the condition on collections; otherwise as `of_items`."""
    asked = requested(search, parameters)
    return _and(visibility.of_collections(access, parameters), asked)


def _and(visible: str, asked: list[str]) -> str:
    return " AND ".join(asked if visible == "TRUE" else [visible, *asked]) or "TRUE"


def requested(search: Search, parameters: Parameters) -> list[str]:
    """Return the conditions of a search, except those on collections, as SQL."""
    parts = []
    if search.ids is not None:
        parts.append(f"id = ANY ({parameters.add(list(search.ids), 'text[]')})")
    if search.datetime:
        parts += _within(search.datetime, parameters)
    if search.bbox:
        parts.append(in_bbox(search.bbox, parameters))
    if search.intersects is not None:
        parts.append(_intersects(orjson.dumps(search.intersects).decode(), parameters))
    if words := [one for text in search.text if (one := _OPERATORS.sub(" ", text).strip())]:
        terms = [f"phraseto_tsquery('english', {parameters.add(one, 'text')})" for one in words]
        parts.append(f"{_TEXT} @@ ({' || '.join(terms)})")
    if search.filter is not None:
        parts.append(condition(search.filter, parameters))
    return parts


def in_bbox(bbox: Sequence[float], parameters: Parameters) -> str:
    """Return the condition on the place; the west of a bbox across the antimeridian is east of its east.

    Raises:
        BadRequestError: if it is not a bbox of 4 or 6 numbers.
    """
    # Each of two separate boxes uses the index; one geometry of both would not.
    areas = [orjson.dumps(box).decode() for box in boxes(list(bbox))]
    return "(" + " OR ".join(_intersects(area, parameters) for area in areas) + ")"


def _intersects(geometry: str, parameters: Parameters) -> str:
    area = f"ST_Force2D(ST_GeomFromGeoJSON({parameters.add(geometry, 'text')}))"
    return f"(geometry && {area} AND {parameters.related('st_intersects', 'geometry', area)})"


def interval(given: str) -> tuple[datetime | None, datetime | None]:
    """Return start and end of a search's `datetime`; None for an open end.

    Raises:
        BadRequestError: if it is neither a time nor an interval.
    """
    try:
        found = str_to_interval(given)
    except Exception as error:
        raise BadRequestError(f"datetime is {given!r}: {getattr(error, 'detail', error)}") from error
    start, end = found if isinstance(found, tuple) else (found, found)
    return (start if isinstance(start, datetime) else None), (end if isinstance(end, datetime) else None)


def _within(given: str, parameters: Parameters) -> list[str]:
    start, end = interval(given)
    parts = []
    if end is not None:
        parts.append(f"datetime <= {parameters.add_timestamp(end)}")
    if start is not None:
        moment = parameters.add_timestamp(start)
        parts.append(f"end_datetime >= {moment}")
        if parameters.instants:
            # The index on both times needs a bound on the first one: otherwise it is read from its beginning.
            parts.append(f"datetime >= {moment}")
    return parts
