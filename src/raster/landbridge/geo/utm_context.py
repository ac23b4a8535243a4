"""Properties of the GeoContext of a tile in a UTM zone."""

from typing import Any

from shapely.geometry import Polygon

from landbridge.geo.context import GeoContext
from landbridge.geo.utm_grid import UtmTile


class UtmContext(GeoContext):
    """GeoContext of a UTM tile, which its subclass sets."""

    __slots__ = ("_tile",)
    _fields = ("key",)
    _tile: UtmTile

    @property
    def key(self) -> str:
        """Key of the form `tilesize:pad:resolution:zone:ti:tj`."""
        return self._tile.key

    @property
    def resolution(self) -> float:
        """Side of a pixel in meters."""
        return self._tile.resolution

    @property
    def tilesize(self) -> int:
        """Side without padding, in pixels."""
        return self._tile.tilesize

    @property
    def pad(self) -> int:
        """Padding on each side, in pixels."""
        return self._tile.pad

    @property
    def tile_extent(self) -> int:
        """Side with padding, in pixels."""
        return self._tile.tile_extent

    @property
    def zone(self) -> int:
        """UTM zone, 1 to 60; the northern one on both hemispheres."""
        return self._tile.zone

    @property
    def ti(self) -> int:
        """Column, counted from the zone's central meridian."""
        return self._tile.path

    @property
    def tj(self) -> int:
        """Row, counted from the equator."""
        return self._tile.row

    @property
    def crs(self) -> str:
        """Coordinate reference system of the zone, `EPSG:326zz`."""
        return self._tile.srs

    @property
    def bounds_crs(self) -> str:
        """Coordinate reference system of the bounds, the same as `crs`."""
        return self._tile.srs

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(min x, min y, max x, max y) with padding, in meters of `crs`."""
        return self._tile.utm_bounds

    @property
    def geometry(self) -> Polygon:
        """Outline with padding, in longitude and latitude."""
        return self._tile.polygon

    @property
    def geotrans(self) -> tuple[float, float, float, float, float, float]:
        """Affine transformation of the padded tile, in GDAL's order."""
        return self._tile.geotransform

    @property
    def proj4(self) -> str:
        """Coordinate reference system as a PROJ string."""
        return self._tile.proj4

    @property
    def wkt(self) -> str:
        """Coordinate reference system as WKT."""
        return self._tile.wkt

    @property
    def raster_params(self) -> dict[str, Any]:
        """Parameters that describe the grid to a raster service, as a dict; the outline masks no pixels."""
        return {**super().raster_params, "dltile": self.key, "align_pixels": False}

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        return self.geometry.__geo_interface__

    def _field_texts(self) -> dict[str, str]:
        names = (
            "key",
            "resolution",
            "tilesize",
            "pad",
            "crs",
            "bounds",
            "bounds_crs",
            "zone",
            "ti",
            "tj",
            "all_touched",
        )
        return {name: repr(getattr(self, name)) for name in names}
