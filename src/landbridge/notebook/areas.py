"""Views of GeoContexts: areas of interest and tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.notebook.maps import map_sketch
from landbridge.notebook.markup import badge, fields, frame, tag

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["area_view", "outline"]

_WGS84 = "EPSG:4326"


def area_view(area: Any, texts: Mapping[str, str]) -> str:
    """Return the view of a GeoContext with the texts of its fields, the size of its grid and a map."""
    name = type(area).__name__
    title = getattr(area, "key", None) or getattr(area, "crs", None) or ""
    shown = [each for each in texts.items() if each[0] not in ("key", "all_touched") and each[1] != "None"]
    size = _pixels(area)
    left = tag("div", fields(shown), class_="lb-grow")
    right = map_sketch([outline(area)])
    badges = [badge(size)] if size else [badge("no grid yet: set a crs, and a resolution or shape", "warn")]
    if area.all_touched:
        badges.append(badge("all touched"))
    return frame(name, title, tag("div", left, right, class_="lb-columns"), badges=badges, text=repr(area))


def outline(area: Any) -> Any:
    """Return the outline of a GeoContext in longitude and latitude; None if it has none."""
    geometry = getattr(area, "geometry", None)
    if geometry is not None:
        return geometry
    bounds, crs = getattr(area, "bounds", None), getattr(area, "bounds_crs", None)
    if bounds is None or crs is None:
        return None
    import numpy as np
    from shapely import box, segmentize, transform

    if crs.strip().upper() == _WGS84:
        return box(*bounds)
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    try:
        transformer = Transformer.from_crs(CRS.from_user_input(crs), _WGS84, always_xy=True)
        edge = segmentize(box(*bounds), max(bounds[2] - bounds[0], bounds[3] - bounds[1], 1e-9) / 8)
        return transform(edge, lambda points: np.column_stack(transformer.transform(*points.T)))
    except ProjError:
        return None


def _pixels(area: Any) -> str | None:
    """Return the number of rows and columns in words; None if the grid is not complete."""
    shape = getattr(area, "shape", None) or getattr(area, "tile_extent", None)
    if isinstance(shape, int):
        shape = (shape, shape)
    if shape is None and type(area).__name__ == "XYZTile":
        shape = (256, 256)
    if shape is not None:
        return f"{shape[0]:,} by {shape[1]:,} pixels"
    bounds, resolution = getattr(area, "bounds", None), getattr(area, "resolution", None)
    if bounds is None or resolution is None or area.bounds_crs != area.crs:
        return f"pixels of {resolution:g}" if resolution is not None and area.crs else None
    rows, columns = (bounds[3] - bounds[1]) / resolution, (bounds[2] - bounds[0]) / resolution
    return f"about {max(1, round(rows)):,} by {max(1, round(columns)):,} pixels"
