"""Layers of a map: footprints, pixels as a picture, and pixels as tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Footprints", "Layer", "Picture", "Tiles", "bounds_of"]

# South, west, north and east, in degrees.
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Footprints:
    """Geometries in longitude and latitude, with texts that a map shows at them.

    Attributes
    ----------
    name : str
        Name of the layer.
    features : sequence of dict
        GeoJSON Features. All have the same properties.
    """

    name: str
    features: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels that lie on the grid of web maps (EPSG:3857).

    Attributes
    ----------
    name : str
        Name of the layer.
    png : bytes
        Picture as PNG.
    bounds : tuple of float
        South, west, north and east, in degrees.
    """

    name: str
    png: bytes = field(repr=False)
    bounds: Bounds = (-90, -180, 90, 180)


@dataclass(frozen=True, slots=True)
class Tiles:
    """Pixels that a service serves as tiles.

    Attributes
    ----------
    name : str
        Name of the layer.
    url : str
        Address of the tiles with {x}, {y} and {z}.
    bounds : tuple of float
        South, west, north and east, in degrees.
    max_zoom : int
        Greatest zoom of the tiles.
    min_zoom : int
        Smallest zoom of the tiles.
    """

    name: str
    url: str
    bounds: Bounds
    max_zoom: int = 18
    min_zoom: int = 0


Layer = Footprints | Picture | Tiles


def bounds_of(layers: Sequence[Layer]) -> Bounds | None:
    """Return the bounds around all layers; None if they are empty."""
    found = [bounds for layer in layers for bounds in _bounds(layer)]
    if not found:
        return None
    souths, wests, norths, easts = zip(*found, strict=True)
    return min(souths), min(wests), max(norths), max(easts)


def _bounds(layer: Layer) -> list[Bounds]:
    if not isinstance(layer, Footprints):
        return [layer.bounds]
    from shapely.geometry import shape

    found = []
    for feature in layer.features:
        if feature["geometry"] is not None:
            west, south, east, north = shape(feature["geometry"]).bounds
            if all(map(math.isfinite, (west, south, east, north))):
                found.append((south, west, north, east))
    return found
