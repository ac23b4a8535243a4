"""Conversion of geometries in any common form to shapely."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import GeometryCollection, shape
from shapely.geometry.base import BaseGeometry

MAX_LON = 180.0
MAX_LAT = 90.0


def to_shapely(geometry: Any, *, check_finite: bool = True) -> BaseGeometry:
    """Return the shapely geometry of GeoJSON, a shapely geometry or an object with `__geo_interface__`.

    Parameters
    ----------
    geometry
        GeoJSON geometry, Feature or FeatureCollection, shapely geometry, or object with `__geo_interface__`.
    check_finite
        Refuse GeoJSON with infinite or NaN coordinates.

    Raises
    ------
    TypeError
        If the value is of another type.
    ValueError
        If GeoJSON has no valid geometry.
    """
    if isinstance(geometry, BaseGeometry):
        return geometry
    document = getattr(geometry, "__geo_interface__", geometry)
    if not isinstance(document, Mapping):
        raise TypeError(
            "A geometry must be GeoJSON, a shapely geometry or an object with __geo_interface__; "
            f"got {type(geometry).__name__}."
        )
    kind = document.get("type")
    if kind == "FeatureCollection":
        return GeometryCollection(
            [to_shapely(feature, check_finite=check_finite) for feature in document.get("features") or ()]
        )
    if kind == "Feature":
        if document.get("geometry") is None:
            raise ValueError(
                f"The GeoJSON Feature has no geometry: {json.dumps(document, default=str)[:120]}"
            )
        return to_shapely(document["geometry"], check_finite=check_finite)
    try:
        found = shape(dict(document))
        finite = not check_finite or bool(np.isfinite(shapely.get_coordinates(found)).all())
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, ShapelyError) as error:
        reason = f" ({error})" if isinstance(error, (ValueError, ShapelyError)) else ""
        raise ValueError(
            f"This is not a GeoJSON geometry{reason}: {json.dumps(document, default=str)[:120]}"
        ) from error
    if not finite:
        raise ValueError(f"The geometry has coordinates that are not finite: {str(document)[:120]}")
    return found
