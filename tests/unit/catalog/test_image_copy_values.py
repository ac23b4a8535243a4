"""Stored values of copies."""

import numpy as np
import pytest
import rasterio

from landbridge.catalog.image_copy_values import CopyError, add_to_values, shift_of_values
from landbridge.raster import Band, Source
from support.scenes import write_cog

STORED = (0, 10000)


def band(scale, offset):
    return Band("red", data_range=STORED, physical_range=tuple(value * scale + offset for value in STORED))


def source(scale, offset, **radiometry):
    return Source("p:x", ("x.tif",), {"red": band(scale, offset)}, radiometry=radiometry)


@pytest.mark.parametrize(
    ("image", "product", "expected"),
    [
        (source(1e-4, -0.1), band(1e-4, -0.1), 0),
        (source(1e-4, 0), band(1e-4, -0.1), 1000),
        (source(1e-4, -0.1, red=(1e-4, 0.0)), band(1e-4, -0.1), 1000),
        (source(1e-4, -0.1), band(1e-4, 0), -1000),
        (source(1e-4, -0.1), Band("red"), 0),
    ],
)
def test_values_are_shifted_by_the_difference_of_the_offsets(image, product, expected):
    assert shift_of_values("red", image, product) == expected


@pytest.mark.parametrize("product", [band(2e-4, -0.1), band(1e-4, -0.10005)])
def test_values_that_cannot_be_kept_are_refused(product):
    with pytest.raises(CopyError, match="cannot be kept"):
        shift_of_values("red", source(1e-4, -0.1), product)


def test_valid_pixels_of_one_band_change(tmp_path):
    values = write_cog(tmp_path / "x.tif")
    with rasterio.open(tmp_path / "x.tif", "r+") as dataset:
        values[:, :5] = 0
        dataset.write(values)
    add_to_values(tmp_path / "x.tif", ("red", "nir"), {"red": 0, "nir": 1000}, "p:x")
    with rasterio.open(tmp_path / "x.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), values[0])
        np.testing.assert_array_equal(dataset.read(2), np.where(values[1] == 0, 0, values[1] + 1000))


@pytest.mark.parametrize("shift", [-5000, 60000])
def test_pixels_are_not_clipped(tmp_path, shift):
    write_cog(tmp_path / "x.tif", bands=1)
    with pytest.raises(CopyError, match="cannot hold"):
        add_to_values(tmp_path / "x.tif", ("red",), {"red": shift}, "p:x")


def test_valid_pixels_do_not_become_nodata(tmp_path):
    write_cog(tmp_path / "x.tif", bands=1)
    with rasterio.open(tmp_path / "x.tif", "r+") as dataset:
        dataset.write(np.full((1, 64, 64), 1000, "uint16"))
    with pytest.raises(CopyError, match="nodata"):
        add_to_values(tmp_path / "x.tif", ("red",), {"red": -1000}, "p:x")
