"""Errors of the tiling schemes."""

from landbridge.errors import LandbridgeError


class InvalidLatLonError(LandbridgeError, ValueError):
    """A latitude or longitude is out of range or of the wrong type."""


class InvalidRowColError(LandbridgeError, ValueError):
    """A row or column is of the wrong type."""


class InvalidShapeError(LandbridgeError, ValueError):
    """A shape to be tiled is not a polygon in longitude and latitude."""


class InvalidTileError(LandbridgeError, ValueError):
    """A tile or tile key that does not exist."""
