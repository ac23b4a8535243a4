"""A user's script on new objects and filters. It is checked by mypy and pyright, never run.

Each `type: ignore` is an error that the checkers must find: without it they report an unused comment.
"""

from datetime import UTC, datetime
from typing import assert_type

import numpy as np

from landbridge.catalog import (
    Blob,
    DataType,
    File,
    Image,
    ImageUploadOptions,
    MaskBand,
    Product,
    Resolution,
    SpectralBand,
    properties,
)
from landbridge.catalog import properties as p
from landbridge.utils.expressions import (
    AndExpression,
    EqExpression,
    Expression,
    IsNullExpression,
    OrExpression,
)


def make_objects(product: Product) -> None:
    Product(id="fields", name="Fields", tags=["docs"], start_datetime="2024-01-01")
    band = SpectralBand(product=product, name="red", band_index=0, data_type=DataType.UINT16)
    band.update(data_range=(0, 10000), resolution="30m", wavelength_nm_center=665)
    MaskBand(product_id=product.id, name="valid", is_alpha=True)
    image = Image(product=product, name="scene", acquired=datetime.now(UTC), cloud_fraction=np.float64(0.5))
    image.update(tags=["checked"])
    Blob(namespace="docs", name="notes.txt", geometry={"type": "Point", "coordinates": [0, 0]})
    assert_type(Product.get_or_create("fields", name="Fields"), Product)
    Product(nmae="Fields")  # type: ignore[call-arg]
    Product(name=1)  # type: ignore[arg-type]
    Product(resolution_min="30m")  # type: ignore[call-arg]
    SpectralBand(is_alpha=True)  # type: ignore[call-arg]
    SpectralBand(wavelength_nm_center="red")  # type: ignore[arg-type]
    Image(acquired=2024)  # type: ignore[arg-type]
    Image(product="fields")  # type: ignore[arg-type]
    image.update(cloud_fracton=0.5)  # type: ignore[call-arg]
    image.update(cloud_fraction="no")  # type: ignore[arg-type]
    Product.get_or_create("fields", tags=[1])  # type: ignore[list-item]


def make_values() -> None:
    assert_type(File(href="s3://bucket/a.tif", size_bytes=10).size_bytes, int | None)
    Resolution("30m")
    Resolution(value=30, unit="meters")
    ImageUploadOptions(overviews=[2, 4], overview_resampler="average")
    File(herf="s3://bucket/a.tif")  # type: ignore[call-arg]
    Resolution(30)  # type: ignore[arg-type]
    Resolution(value="30")  # type: ignore[arg-type]
    ImageUploadOptions(overviews=[0.5])  # type: ignore[list-item]


def filter_objects(product: Product) -> None:
    assert_type(p.cloud_fraction < 0.2, Expression)
    assert_type(0.1 < p.cloud_fraction <= 0.2, Expression)
    assert_type("2024-01-01" <= p.acquired, Expression)
    assert_type(p.acquired >= datetime.now(UTC), Expression)
    assert_type((p.cloud_fraction < 0.2) & (p.tags == "checked"), AndExpression)
    assert_type(p.product == product, Expression)
    assert_type(p.name != "scene", Expression)
    assert_type(p.satellite_id.isnull, IsNullExpression)
    assert_type(p.name.any_of(["red", "nir"]), EqExpression | OrExpression)
    Image.search().filter(p.name.prefix("2024") | p.provider_id.like("S2_")).sort("acquired")
    properties.cloud_fracton  # type: ignore[attr-defined]
    p.cloud_fraction < "cloudy"  # type: ignore[operator]
    p.acquired < 2024  # type: ignore[operator]
    p.cloud_fraction.prefix("0")  # type: ignore[misc]
    Image.search().filter(p.geometry == "POINT (0 0)")  # type: ignore[arg-type]
    p.name.any_of([1])  # type: ignore[list-item]
