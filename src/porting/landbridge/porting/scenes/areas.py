"""Areas of geocontexts in longitude and latitude."""

from __future__ import annotations

from typing import Any

from landbridge.geo import AOI
from landbridge.geo.crs import is_wgs84
from landbridge.geo.longitudes import cut_at_antimeridian

__all__ = ["lonlat_area"]


def lonlat_area(area: Any) -> Any:
    """Return an area in longitude and latitude: for an AOI of bounds in another system, their outline.

    Any other area is returned unchanged.

    Examples
    --------
    >>> from landbridge.geo import AOI
    >>> from landbridge.porting.scenes.areas import lonlat_area
    >>> area = AOI(bounds=(500000, 0, 500100, 100), bounds_crs="EPSG:32631", crs="EPSG:32631", resolution=10)
    >>> [round(value, 4) for value in lonlat_area(area).bounds]
    [3.0, 0.0, 3.0009, 0.0009]
    """
    if not isinstance(area, AOI) or area.geometry is not None or area.bounds is None:
        return area
    if area.bounds_crs is None or is_wgs84(area.bounds_crs):
        return area
    import pyproj
    import shapely

    left, bottom, right, top = area.bounds
    # Straight edges in a projected reference system are curves in longitude and latitude.
    step = max(right - left, top - bottom) / 20 or 1
    ring = shapely.segmentize(shapely.box(left, bottom, right, top), step)
    to_degrees = pyproj.Transformer.from_crs(area.bounds_crs, 4326, always_xy=True)
    corners = [to_degrees.transform(x, y) for x, y in ring.exterior.coords]
    found = shapely.Polygon(corners)
    west, _, east, _ = found.bounds
    if east - west > 180:  # it crosses the antimeridian
        found = shapely.Polygon([(lon + 360 * (lon < 0), lat) for lon, lat in corners])
    return cut_at_antimeridian(found)
