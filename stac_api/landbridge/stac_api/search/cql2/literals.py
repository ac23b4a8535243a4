"""Literals of CQL2 filters: checked, and written as parameters of the statement."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.mappings import InvalidDocument, times
from landbridge.mappings.geometry import MAX_COORDINATE, check_geometry
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.stac_api.search.sql import Parameters

__all__ = [
    "array",
    "boxes",
    "constant",
    "double",
    "geometries",
    "geometry",
    "instant",
    "is_constant",
    "is_number",
    "short",
]


def instant(written: Any, parameters: Parameters) -> Sql:
    """Return an instant as a parameter; `written` is a date or a time of RFC 3339."""
    try:
        moment = times.parse(written)
    except (ValueError, TypeError) as error:
        raise BadRequestError(f"{written!r} is no date or time of RFC 3339: {error}") from error
    return Sql("instant", parameters.add_instant(moment))


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
            raise BadRequestError("An array of a filter holds values, and nothing to be computed.")
    plain = [next(iter(one.values())) if isinstance(one, Mapping) else one for one in elements]
    return Sql("members", parameters.add(plain, "jsonb"))


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
    """Return whether a pattern is text, or text without case or accents."""
    while isinstance(node, Mapping) and node.get("op") in ("casei", "accenti"):
        args = node["args"]
        node = args[0] if isinstance(args, list) and args else None
    return isinstance(node, str)


def constant(node: Any) -> str:
    """Return the text of a pattern that is constant."""
    while isinstance(node, Mapping):
        node = node["args"][0]
    return str(node)


def short(value: Any) -> str:
    """Return a value for an error text, of bounded length."""
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
