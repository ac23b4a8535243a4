"""Literals of CQL2 filters: checked, and passed as parameters of the statement."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.mappings import InvalidDocument, times
from landbridge.mappings.geometry import MAX_COORDINATE, check_geometry
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac.sql_builder import Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.stac_api.pgstac.sql_builder import Parameters

__all__ = [
    "array",
    "boxes",
    "constant",
    "double",
    "geometries",
    "geometry",
    "is_constant",
    "is_number",
    "short",
    "timestamp",
]


def timestamp(given: Any, parameters: Parameters) -> Sql:
    """Return a date or a time of RFC 3339 as a parameter."""
    try:
        moment = times.parse(given)
    except (ValueError, TypeError) as error:
        raise BadRequestError(f"{given!r} is not a date or time of RFC 3339: {error}") from error
    return Sql("timestamp", parameters.add_timestamp(moment))


def geometry(node: Mapping[str, Any], parameters: Parameters) -> Sql:
    """Return a GeoJSON geometry, or that of a Feature, as a parameter."""
    if node.get("type") == "Feature":
        node = node.get("geometry") or {}
    try:
        check_geometry(node)
    except InvalidDocument as error:
        raise BadRequestError(f"A geometry of the filter is not valid: {error}") from error
    return geometries([node], parameters)


def geometries(parts: Sequence[Mapping[str, Any]], parameters: Parameters) -> Sql:
    """Return polygons, or a single geometry of any type, as a parameter."""
    whole = parts[0]
    if len(parts) > 1:
        whole = {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}
    text = parameters.add(orjson.dumps(whole).decode(), "text")
    return Sql("geometry", f"ST_Force2D(ST_GeomFromGeoJSON({text}))")


def array(elements: list[Any], parameters: Parameters) -> Sql:
    """Return an array of plain values as a parameter."""
    for element in elements:
        if isinstance(element, Mapping) and element.keys() not in ({"timestamp"}, {"date"}):
            raise BadRequestError("An array in a filter holds values, not expressions.")
    plain = [next(iter(one.values())) if isinstance(one, Mapping) else one for one in elements]
    return Sql("array", parameters.add(plain, "jsonb"))


def boxes(bounds: Any) -> list[dict[str, Any]]:
    """Return the polygons of a bbox of 4 or 6 numbers without its heights: two across the antimeridian."""
    if (
        not isinstance(bounds, list | tuple)
        or len(bounds) not in (4, 6)
        or not all(is_number(one) for one in bounds)
    ):
        raise BadRequestError(f"A bbox is an array of 4 or 6 numbers, not {short(bounds)}.")
    if not all(isfinite(double(one)) for one in bounds):
        raise BadRequestError(f"The bbox {list(bounds)} holds a number that is not finite.")
    west, south = (double(one) for one in bounds[:2])
    east, north = (double(one) for one in (bounds[2:4] if len(bounds) == 4 else bounds[3:5]))
    if not all(-MAX_COORDINATE <= one <= MAX_COORDINATE for one in (west, south, east, north)):
        raise BadRequestError(f"A number of the bbox {short(bounds)} is beyond {MAX_COORDINATE:,.0f}.")
    if south > north:
        raise BadRequestError(f"The bbox {list(bounds)} has its south above its north.")
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return [
        {
            "type": "Polygon",
            "coordinates": [[[w, south], [e, south], [e, north], [w, north], [w, south]]],
        }
        for w, e in spans
    ]


def is_number(value: Any) -> bool:
    """Return whether a value is a number; JSON's true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def double(value: float) -> float:
    """Return a number as PostgreSQL's double precision takes it."""
    try:
        return float(value)
    except OverflowError as error:
        raise BadRequestError(f"{short(value)} is too large a number.") from error


def is_constant(node: Any) -> bool:
    """Return whether a pattern is text, possibly within CASEI or ACCENTI."""
    while isinstance(node, Mapping) and node.get("op") in ("casei", "accenti"):
        args = node["args"]
        node = args[0] if isinstance(args, list) and args else None
    return isinstance(node, str)


def constant(node: Any) -> str:
    """Return the text of a constant pattern."""
    while isinstance(node, Mapping):
        node = node["args"][0]
    return str(node)


def short(value: Any) -> str:
    """Return a value, shortened for an error text."""
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
