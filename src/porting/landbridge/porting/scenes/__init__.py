"""The Scenes client, over images of the Catalog.

`search` returns scenes and a geocontext. A `Scene` is an image with the old `properties`, and a
`SceneCollection` is a list of scenes that are read together. `properties.date` is in UTC without a time zone,
so that scripts can compare it with `datetime(2020, 1, 1)`.
"""

from landbridge.geo import AOI, DLTile, GeoContext, XYZTile
from landbridge.porting.scenes.scene import Scene
from landbridge.porting.scenes.scene_collection import SceneCollection
from landbridge.porting.scenes.search import search
from landbridge.utils import display, save_image

__all__ = [
    "AOI",
    "DLTile",
    "GeoContext",
    "Scene",
    "SceneCollection",
    "XYZTile",
    "display",
    "save_image",
    "search",
]
