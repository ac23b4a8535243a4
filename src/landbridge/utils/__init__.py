"""Tools beside the catalog: pictures, dicts with attributes, and the names that filters are made of."""

from landbridge.utils.display import display, save_image
from landbridge.utils.dotdict import DotDict, DotList
from landbridge.utils.properties import Properties

__all__ = ["DotDict", "DotList", "Properties", "display", "save_image"]
