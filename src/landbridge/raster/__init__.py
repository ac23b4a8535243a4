"""Pixels: plan → read → mosaic → mask → scale → write.

The package knows files, bands and grids; where they come from is for the catalog to say. Nothing heavy is
loaded before the first of its names is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landbridge.raster.engine import mosaic, read_image, stack, stacked
    from landbridge.raster.errors import RasterError
    from landbridge.raster.lazy import filled_stack, lazy_stack
    from landbridge.raster.scale import ScalingMode, collection_scaling_parameters, scaling_parameters
    from landbridge.raster.types import Band, Raster, Request, Source
    from landbridge.raster.writer import download, download_mosaic, write

_HOMES = {
    "Band": "types",
    "Raster": "types",
    "RasterError": "errors",
    "Request": "types",
    "ScalingMode": "scale",
    "Source": "types",
    "collection_scaling_parameters": "scale",
    "download": "writer",
    "download_mosaic": "writer",
    "filled_stack": "lazy",
    "lazy_stack": "lazy",
    "mosaic": "engine",
    "read_image": "engine",
    "scaling_parameters": "scale",
    "stack": "engine",
    "stacked": "engine",
    "write": "writer",
}

__all__ = [
    "Band",
    "Raster",
    "RasterError",
    "Request",
    "ScalingMode",
    "Source",
    "collection_scaling_parameters",
    "download",
    "download_mosaic",
    "filled_stack",
    "lazy_stack",
    "mosaic",
    "read_image",
    "scaling_parameters",
    "stack",
    "stacked",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, *_HOMES]
