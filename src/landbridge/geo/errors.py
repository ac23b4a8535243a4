"""Errors of the tiling schemes."""


class InvalidLatLonError(ValueError):
    """A latitude or longitude is out of range or of the wrong type."""


class InvalidRowColError(ValueError):
    """A row or column is of the wrong type."""


class InvalidShapeError(ValueError):
    """A shape to be tiled is not a polygon in longitude and latitude."""


class InvalidTileError(ValueError):
    """A tile or tile key that does not exist."""
