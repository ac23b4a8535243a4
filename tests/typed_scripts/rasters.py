"""A user's script on pixels. It is checked by mypy and pyright, never run.

Each `type: ignore` is an error that the checkers must find: without it they report an unused comment.
"""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from xarray import DataArray, Dataset

from landbridge.catalog import Image, ImageCollection, ImageUpload, ResampleAlgorithm
from landbridge.geo import AOI, DLTile, GeoContext

Pixels = np.ma.MaskedArray[Any, np.dtype[Any]]


def read_an_image(image: Image, area: AOI, with_info: bool) -> None:
    assert_type(image.ndarray("red nir"), Pixels)
    assert_type(image.ndarray(["red"], area, bands_axis=-1, resampler=ResampleAlgorithm.CUBIC), Pixels)
    assert_type(image.ndarray("red", area, raster_info=True), tuple[Pixels, dict[str, Any]])
    pixels, info = image.ndarray("red", raster_info=True)
    assert_type(pixels.filled(0).shape[0], Any)
    assert_type(info, dict[str, Any])
    assert_type(image.ndarray("red", raster_info=with_info), Pixels | tuple[Pixels, dict[str, Any]])
    assert_type(image.to_xarray("red"), DataArray)
    assert_type(image.to_dataset("red nir"), Dataset)
    assert_type(image.download("red", dest="red.tif"), str | Path)
    assert_type(image.upload("scene.tif"), ImageUpload)
    assert_type(image.coverage(area), float)
    image.ndarray(1)  # type: ignore[call-overload]
    image.ndarray("red", geocontext="here")  # type: ignore[call-overload]
    image.ndarray("red", bands_axes=1)  # type: ignore[call-overload]


def read_images(images: ImageCollection, tile: DLTile) -> None:
    assert_type(images.geocontext, GeoContext | None)
    assert_type(images.stack("red", tile), Pixels)
    assert_type(images.stack("red", flatten="acquired.month", method="median"), Pixels)
    assert_type(images.stack("red", raster_info=True), tuple[Pixels, list[dict[str, Any]]])
    assert_type(images.mosaic("red"), Pixels)
    assert_type(images.mosaic("red", tile, raster_info=True), tuple[Pixels, dict[str, Any]])
    assert_type(images.to_xarray("red"), DataArray)
    assert_type(images.download("red"), list[str | Path])
    assert_type(images.download_mosaic("red"), str | Path)
    assert_type(images.filter_coverage(tile), ImageCollection[Image])
    images.mosaic("red", resolution="30m")  # type: ignore[call-overload]
