"""GeoContexts: where, in which coordinate reference system and on which grid pixels are wanted."""

from landbridge.geo.aoi import AOI
from landbridge.geo.context import GeoContext
from landbridge.geo.dltile import DLTile
from landbridge.geo.xyz import XYZTile

__all__ = ["AOI", "DLTile", "GeoContext", "XYZTile"]
