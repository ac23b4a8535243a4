"""Maps by folium: an HTML document with Leaflet, for notebooks and files."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

from landbridge.maps.layers import Footprints, Layer, Picture, bounds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from folium import Map

__all__ = ["draw"]

_STYLE = {"color": "#d9480f", "weight": 1.5, "fillOpacity": 0.05}
_BASEMAP = "OpenStreetMap"


def draw(layers: Sequence[Layer], onto: Map | None = None, basemap: str | None = _BASEMAP) -> Map:
    """Return a map with the layers; those of pixels lie below those of footprints.

    Raises
    ------
    ImportError
        If folium is not installed.
    """
    try:
        import folium
    except ImportError as error:
        raise ImportError("A map needs folium: pip install 'landbridge[maps]'") from error
    drawn = folium.Map(tiles=basemap) if onto is None else onto
    for layer in sorted(layers, key=lambda each: isinstance(each, Footprints)):
        _element(layer).add_to(drawn)
    if onto is None:
        folium.LayerControl(collapsed=len(layers) > 4).add_to(drawn)
    bounds = bounds_of(layers)
    if bounds is not None:
        south, west, north, east = bounds
        drawn.fit_bounds([[south, west], [north, east]])
    return drawn


def _element(layer: Layer) -> Any:
    import folium

    name = html.escape(layer.name)
    if isinstance(layer, Footprints):
        return _geojson(layer, name)
    south, west, north, east = layer.bounds
    corners = [[south, west], [north, east]]
    if isinstance(layer, Picture):
        address = "data:image/png;base64," + base64.b64encode(layer.png).decode()
        return folium.raster_layers.ImageOverlay(address, bounds=corners, name=name)
    return folium.TileLayer(
        layer.url,
        attr=name,
        name=name,
        overlay=True,
        min_zoom=layer.min_zoom,
        max_native_zoom=layer.max_zoom,
        bounds=corners,
    )


def _geojson(layer: Footprints, name: str) -> Any:
    import folium

    shown = [
        {**feature, "properties": {key: _text(value) for key, value in feature["properties"].items()}}
        for feature in layer.features
        if feature["geometry"] is not None
    ]
    group = folium.FeatureGroup(name=name)
    if shown:
        fields = list(shown[0]["properties"])
        tooltip = folium.GeoJsonTooltip(fields) if fields else None
        document = {"type": "FeatureCollection", "features": shown}
        folium.GeoJson(document, style_function=lambda _: _STYLE, tooltip=tooltip).add_to(group)
    return group


def _text(value: Any) -> str:
    """Return a value as the text of a tooltip, which Leaflet reads as HTML."""
    return "" if value is None else html.escape(str(value))
