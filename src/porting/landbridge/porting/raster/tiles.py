"""DLTiles as the GeoJSON Features of the Raster service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.porting.old_keys.table import to_plain
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from landbridge.geo import DLTile

__all__ = ["tile_feature"]


def tile_feature(tile: DLTile) -> DotDict:
    """Return a tile as a GeoJSON Feature.

    Examples
    --------
    >>> from landbridge.geo import DLTile
    >>> from landbridge.porting.raster.tiles import tile_feature
    >>> feature = tile_feature(DLTile.from_key("2048:16:30.0:15:-4:81"))
    >>> list(feature.properties.outputBounds)
    [253760.0, 4976160.0, 316160.0, 5038560.0]
    """
    return DotDict(
        {
            "type": "Feature",
            "geometry": to_plain(tile.geometry),
            "properties": {
                "cs_code": tile.crs,
                "geotrans": list(tile.geotrans),
                "key": tile.key,
                "outputBounds": list(tile.bounds),
                "pad": tile.pad,
                "proj4": tile.proj4,
                "resolution": tile.resolution,
                "ti": tile.ti,
                "tilesize": tile.tilesize,
                "tj": tile.tj,
                "wkt": tile.wkt,
                "zone": tile.zone,
            },
        }
    )
