"""Utilities: pictures of arrays, dicts with attributes, and properties for filters."""

from landbridge.utils.display import display, save_image
from landbridge.utils.dotdict import DotDict, DotList
from landbridge.utils.properties import Properties

__all__ = ["DotDict", "DotList", "Properties", "display", "save_image"]
