"""GeoContexts: the area, the coordinate reference system and the grid of the pixels that you ask for.

`AOI` is any area of interest, `DLTile` a tile of a UTM zone, `XYZTile` a tile of a web map, and `GeoContext`
their base class. Shapely is loaded when one of them is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landbridge.geo.aoi import AOI
    from landbridge.geo.context import GeoContext
    from landbridge.geo.dltile import DLTile
    from landbridge.geo.xyz import XYZTile

_MODULES = {"AOI": "aoi", "DLTile": "dltile", "GeoContext": "context", "XYZTile": "xyz"}

__all__ = ["AOI", "DLTile", "GeoContext", "XYZTile"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
