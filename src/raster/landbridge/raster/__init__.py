"""Raster engine: plans, reads, mosaics, masks, scales and writes pixels of files.

The package works on files, bands and grids; the catalog supplies them. Each public name is imported on first
use, so that importing the package stays fast. The modules import in one direction only, from `api` down to
`array_types`; the contract "raster-layers" in `pyproject.toml` lists the order.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landbridge.raster.api import mosaic, mosaic_pages, read_image, stack, stacked
    from landbridge.raster.errors import (
        RasterError,
        RenderCancelledError,
        RenderDeadlineError,
        TooManyImagesError,
    )
    from landbridge.raster.model import Band, Request, Source
    from landbridge.raster.odc import odc_driver
    from landbridge.raster.output.lazy import filled_stack, lazy_stack
    from landbridge.raster.output.raster import Raster
    from landbridge.raster.output.writer import download, download_mosaic, write
    from landbridge.raster.pixel_cache import PixelCache
    from landbridge.raster.plan.scaling import ScalingMode, collection_scaling_parameters, scaling_parameters
    from landbridge.raster.runtime.cancel_token import CancelToken

_MODULES = {
    "Band": "model",
    "CancelToken": "runtime.cancel_token",
    "PixelCache": "pixel_cache",
    "Raster": "output.raster",
    "RasterError": "errors",
    "RenderCancelledError": "errors",
    "RenderDeadlineError": "errors",
    "Request": "model",
    "ScalingMode": "plan.scaling",
    "Source": "model",
    "TooManyImagesError": "errors",
    "collection_scaling_parameters": "plan.scaling",
    "download": "output.writer",
    "download_mosaic": "output.writer",
    "filled_stack": "output.lazy",
    "lazy_stack": "output.lazy",
    "mosaic": "api",
    "mosaic_pages": "api",
    "odc_driver": "odc",
    "read_image": "api",
    "scaling_parameters": "plan.scaling",
    "stack": "api",
    "stacked": "api",
    "write": "output.writer",
}

__all__ = [
    "Band",
    "CancelToken",
    "PixelCache",
    "Raster",
    "RasterError",
    "RenderCancelledError",
    "RenderDeadlineError",
    "Request",
    "ScalingMode",
    "Source",
    "TooManyImagesError",
    "collection_scaling_parameters",
    "download",
    "download_mosaic",
    "filled_stack",
    "lazy_stack",
    "mosaic",
    "mosaic_pages",
    "odc_driver",
    "read_image",
    "scaling_parameters",
    "stack",
    "stacked",
    "write",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("landbridge-raster")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, *_MODULES]
