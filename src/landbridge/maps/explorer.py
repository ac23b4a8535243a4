"""The function that shows objects together on one map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from folium import Map

    from landbridge.maps.layers import Layer

__all__ = ["explore"]


def explore(*objects: Any, onto: Map | None = None, basemap: str | None = "OpenStreetMap") -> Map:
    """Show areas, tiles, images, searches and products together on an interactive map.

    A notebook shows the map that a cell returns; `save("map.html")` writes it as a page. The basemap and the
    map's scripts come from the internet, and nothing of the catalog is sent there.

    Parameters
    ----------
    *objects : AOI, DLTile, XYZTile, Image, ImageCollection, ImageSearch, Product, or list of these
        Objects to show.
    onto : folium.Map, optional
        Map to add the objects to.
    basemap : str, optional, default "OpenStreetMap"
        Basemap of a new map by its name in folium; None for no basemap.

    Returns
    -------
    folium.Map
        Map, whose layers can be switched on and off.

    Raises
    ------
    ImportError
        If folium is not installed: it is in the extra `landbridge[maps]`.
    TypeError
        If an object cannot be shown.

    Examples
    --------
    >>> from landbridge.geo import DLTile
    >>> from landbridge.maps import explore
    >>> tile = DLTile.from_latlon(50.2, 10.1, resolution=10, tilesize=512, pad=0)
    >>> type(explore([tile], DLTile.from_latlon(50.3, 10.1, 10, 512, 0))).__name__
    'Map'
    """
    from landbridge.maps.folium_map import draw

    layers: list[Layer] = []
    for each in objects:
        layers += _layers(each)
    return draw(layers, onto, basemap)


def _layers(shown: Any) -> Iterator[Layer]:
    """Yield the layers of an object, or of the objects in a list; layers of footprints are joined."""
    from landbridge.geo import GeoContext
    from landbridge.maps.areas import area_layer
    from landbridge.maps.layers import Footprints

    if isinstance(shown, GeoContext):
        yield area_layer(shown)
        return
    if hasattr(shown, "_map_layers"):
        yield from shown._map_layers()  # noqa: SLF001 - what objects have for maps, not for their users
        return
    if not isinstance(shown, list | tuple):
        raise TypeError(f"A map shows areas, images, searches and products; got {shown!r:.200}.")
    features: dict[str, list[dict[str, Any]]] = {}
    for each in shown:
        for layer in _layers(each):
            if isinstance(layer, Footprints):
                features.setdefault(layer.name, []).extend(layer.features)
            else:
                yield layer
    for name, together in features.items():
        yield Footprints(name, together)
