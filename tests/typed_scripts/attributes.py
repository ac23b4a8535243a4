"""A user's script on attributes. It is checked by mypy and pyright, never run.

Each `type: ignore` is an error that the checkers must find: without it they report an unused comment.
"""

from datetime import UTC, date, datetime
from typing import Any, assert_type

import numpy as np
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from landbridge.catalog import (
    Band,
    Blob,
    ClassBand,
    File,
    Image,
    ImageUpload,
    MaskBand,
    Product,
    Resolution,
    SpectralBand,
)
from landbridge.catalog.model.attributes import Attribute
from landbridge.geo import AOI


def read_an_image(image: Image) -> None:
    assert_type(image.id, str)
    assert_type(image.name, str)
    assert_type(image.product_id, str)
    assert_type(image.product, Product)
    assert_type(image.product.name, str)
    assert_type(image.acquired, datetime)
    assert_type(image.acquired.year, int)
    assert_type(image.acquired_end, datetime | None)
    assert_type(image.created, datetime | None)
    assert_type(image.date, datetime)
    assert_type(image.geometry, BaseGeometry)
    assert_type(image.cloud_fraction, float | None)
    assert_type(image.x_pixels, int | None)
    assert_type(image.cs_code, str | None)
    assert_type(image.storage_state, str | None)
    assert_type(image.geotrans, tuple[float, float, float, float, float, float] | None)
    assert_type([tag.upper() for tag in image.tags or ()], list[str])
    assert_type([file.href for file in image.files or ()], list[str])
    assert_type([bits + 0.5 for bits in image.bits_per_pixel or ()], list[float])
    assert_type((image.extra_properties or {}).get("mine"), Any | None)
    assert_type(image.geocontext, AOI)
    assert_type(Image.cloud_fraction.name, str)
    assert_type(image.delete(), None)
    assert_type(Image.delete("mine:scene"), bool)
    image.cloud_fracton  # type: ignore[attr-defined]
    image.cloud_fraction + 1  # type: ignore[operator]
    image.acquired.yaer  # type: ignore[attr-defined]


def change_an_image(image: Image) -> None:
    image.cloud_fraction = 1
    image.cloud_fraction = np.float32(0.5)
    image.cloud_fraction = None
    image.acquired = "2024-01-31"
    image.acquired = date(2024, 1, 31)
    image.acquired = datetime.now(UTC)
    image.geometry = box(0, 0, 1, 1)
    image.geometry = {"type": "Point", "coordinates": [0, 0]}
    image.geometry = AOI(bounds=(0, 0, 1, 1), bounds_crs="EPSG:4326")
    image.geotrans = (0, 10, 0, 0, 0, -10)
    image.files = [File(href="s3://bucket/a.tif"), {"href": "s3://bucket/b.tif"}]
    image.tags = ["a", "b"]
    image.extra_properties = {"quality": [1, 2]}
    del image.tags
    image.cloud_fraction = "no"  # type: ignore[assignment]
    image.acquired = 2024  # type: ignore[assignment]
    image.x_pixels = 1.5  # type: ignore[assignment]
    image.geometry = "POINT (0 0)"  # type: ignore[assignment]
    image.tags = [1]  # type: ignore[list-item]
    image.created = datetime.now(UTC)  # type: ignore[assignment]
    image.cloud_fracton = 0.5  # type: ignore[attr-defined]


def edit_a_list(image: Image) -> None:
    if image.tags is not None:
        image.tags.append("c")
        image.tags.append(1)  # type: ignore[arg-type]
    image.tags.append("d")  # type: ignore[union-attr]


def read_other_objects(product: Product, band: SpectralBand, blob: Blob, upload: ImageUpload) -> None:
    assert_type(product.description, str | None)
    assert_type(product.start_datetime, datetime | None)
    assert_type(product.is_core, bool | None)
    assert_type(product.resolution_min, Resolution | None)
    assert_type(Resolution("30m").value, float)
    assert_type(Resolution("30m").unit, str)
    assert_type(band.type, str)
    assert_type(band.data_type, str | None)
    assert_type(band.data_range, tuple[float, float] | None)
    assert_type(band.wavelength_nm_center, float | None)
    assert_type(band.physical_range_unit, str | None)
    assert_type(blob.name, str)
    assert_type(blob.size_bytes, int | None)
    assert_type(blob.hash, str | None)
    assert_type(blob.geometry, BaseGeometry | None)
    assert_type(upload.status, str)
    assert_type(upload.image, Image)
    assert_type([event.message for event in upload.events or ()], list[str | None])
    product.resolution_min = "30m"  # type: ignore[assignment]
    band.resolution = "30m"
    band.resolution = {"value": 30, "unit": "meters"}
    band.resolution = 30  # type: ignore[assignment]
    band.data_range = [0, 10000]
    band.data_range = ("low", "high")  # type: ignore[assignment]
    band.processing_levels = {"default": "toa", "toa": [{"function": "gain_bias"}]}
    blob.wavelength_nm_center  # type: ignore[attr-defined]


def tell_classes_of_bands_apart(band: Band) -> None:
    if isinstance(band, MaskBand):
        assert_type(band.is_alpha, bool | None)
    elif isinstance(band, ClassBand) and band.class_labels is not None:
        assert_type(band.class_labels[0], str)
    band.is_alpha  # type: ignore[attr-defined]


def declarations() -> None:
    assert_type(Image.cs_code, Attribute[str | None, str | None])
