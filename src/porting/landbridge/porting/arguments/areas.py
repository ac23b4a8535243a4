"""Areas as the old clients took them: GeoJSON as dict or text, WKT, shapely geometries and DLTiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from landbridge.catalog.errors import InvalidGeometryError
from landbridge.geo import AOI, DLTile
from landbridge.porting.arguments.errors import UnsupportedArgumentError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["NO_PLACES", "to_dltile", "to_geometry"]

NO_PLACES = (
    "The Places service no longer exists. Pass a geometry instead, such as one of Natural Earth or "
    "geoBoundaries."
)

# Number of characters of a text that an error shows.
_SHOWN = 60


def to_geometry(value: Any) -> BaseGeometry | None:
    """Return an area as a shapely geometry in longitude and latitude; None if it is None or empty.

    Parameters
    ----------
    value : dict, str, shapely geometry, GeoContext or None
        GeoJSON geometry, Feature or FeatureCollection, its JSON text, WKT, or an object with
        `__geo_interface__`.

    Raises
    ------
    UnsupportedArgumentError
        If a text is neither JSON nor WKT: it was the name of a place or the key of a stored shape.
    InvalidGeometryError
        If a text is not valid JSON.
    TypeError, ValueError
        If the value is no geometry.

    Examples
    --------
    >>> from landbridge.porting.arguments.areas import to_geometry
    >>> to_geometry('{"type": "Point", "coordinates": [9, 50]}').wkt
    'POINT (9 50)'
    >>> to_geometry("POINT (9 50)") == to_geometry({"type": "Point", "coordinates": [9, 50]})
    True
    >>> to_geometry({}) is None
    True
    """
    if isinstance(value, (str, bytes)):
        value = _read_text(value.decode() if isinstance(value, bytes) else value)
    if value is None or (isinstance(value, Mapping) and not value):
        return None
    return AOI(geometry=value).geometry


def _read_text(text: str) -> Any:
    import shapely
    from shapely.errors import ShapelyError

    if text.lstrip().startswith("{"):
        return _read_json(text)
    try:
        return shapely.from_wkt(text)
    except ShapelyError:
        raise UnsupportedArgumentError(
            f"{text!r} is neither GeoJSON nor WKT. Names of places and keys of shapes cannot be found: "
            f"{NO_PLACES}"
        ) from None


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidGeometryError(
            f"The GeoJSON text {text[:_SHOWN]!r} is not valid JSON: {error}. "
            "Write it by json.dumps(), not by str()."
        ) from error


def to_dltile(value: Any) -> DLTile:
    """Return a tile that is given by its key, its GeoJSON Feature or as a DLTile.

    Raises
    ------
    ValueError
        If the key or the Feature is not valid.

    Examples
    --------
    >>> from landbridge.porting.arguments.areas import to_dltile
    >>> to_dltile("2048:16:30.0:15:-4:81").zone
    15
    """
    if isinstance(value, DLTile):
        return value
    if isinstance(value, str):
        if not value.lstrip().startswith("{"):
            return DLTile.from_key(value)
        value = _read_json(value)
    if not isinstance(value, Mapping):
        raise TypeError(
            f"`dltile` must be a key such as '2048:16:30.0:15:-4:81' or its Feature; got {value!r}."
        )
    return DLTile(value)
