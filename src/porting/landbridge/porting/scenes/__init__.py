"""The Scenes client, over images of the Catalog.

`search` returns scenes and a geocontext. A `Scene` is an image with the old `properties`, and a
`SceneCollection` is a list of scenes that are read together. `properties.date` is in UTC without a time zone,
so that scripts can compare it with `datetime(2020, 1, 1)`.

Pixels and files are those of `Image` and `ImageCollection`, which took over all methods of scenes; so are the
names of files that `download` and `download_mosaic` write.
"""

from landbridge.geo import AOI, DLTile, GeoContext, XYZTile
from landbridge.porting.scenes.products import (
    get_band,
    get_derived_band,
    get_product,
    search_bands,
    search_derived_bands,
    search_products,
)
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
    "get_band",
    "get_derived_band",
    "get_product",
    "save_image",
    "search",
    "search_bands",
    "search_derived_bands",
    "search_products",
]
