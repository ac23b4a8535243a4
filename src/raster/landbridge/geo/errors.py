"""Errors of tiles and shapes."""

from landbridge.errors import LandbridgeError


class InvalidLatLonError(LandbridgeError, ValueError):
    """Latitude or longitude that is out of range or of the wrong type."""


class InvalidRowColError(LandbridgeError, ValueError):
    """Row or column of the wrong type."""


class InvalidShapeError(LandbridgeError, ValueError):
    """Shape that is not a polygon in longitude and latitude."""


class InvalidTileError(LandbridgeError, ValueError):
    """Tile or tile key that is not valid."""
