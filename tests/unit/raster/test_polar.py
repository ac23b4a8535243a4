"""Strongly curved grids: each pixel is resampled by the scale that it has at its own place."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer

from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, read_image


@pytest.mark.parametrize("name", ["bilinear", "cubic", "cubicspline", "lanczos", "average"])
def test_polar_grids_have_the_scales_of_each_place(tmp_path, name):
    """EPSG:3413 from 0.25 degrees: with one scale for all rms was 2.31, GDAL's is 0.17 on such ground."""

    def smooth(lon, lat):
        lon, lat = np.radians(lon), np.radians(lat)
        return 100 + 50 * np.sin(3 * lon) * np.cos(lat) ** 2 + 30 * np.cos(8 * lat)

    lon, lat = np.meshgrid(-180 + 0.125 + 0.25 * np.arange(1440), 90 - 0.125 - 0.25 * np.arange(240))
    path = tmp_path / "polar.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=240, width=1440, dtype="float32", crs="EPSG:4326",
        transform=Affine(0.25, 0, -180, 0, -0.25, 90),
    ) as dataset:  # fmt: skip
        dataset.write(smooth(lon, lat).astype("float32")[None])
    half = 2_400_000
    context = AOI(
        bounds=(-half, -half, half, half), bounds_crs="EPSG:3413", crs="EPSG:3413", resolution=25_000,
        align_pixels=False,
    )  # fmt: skip
    raster = read_image(
        Source("a", (str(path),), {"b": Band("b", "Float32")}), Request(("b",), context, resampler=name)
    )
    assert not raster.mask.any()
    rows, columns = np.indices(raster.geobox.shape) + 0.5
    places = Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True).transform(
        *(raster.geobox.transform @ (columns, rows))
    )
    assert np.sqrt(((raster.data[0] - smooth(*places)) ** 2).mean()) < 0.05


@pytest.mark.parametrize("name", ["bilinear", "lanczos", "average", "mode"])
def test_polar_grids_do_not_depend_on_blocks(tmp_path, name, monkeypatch):
    values = np.random.default_rng(0).integers(1, 250, (1, 60, 180)).astype("uint8")
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=60, width=180, dtype="uint8", crs="EPSG:4326",
        transform=Affine(2, 0, -180, 0, -0.5, 90),
    ) as dataset:  # fmt: skip
        dataset.write(values)
    source = Source("a", (str(path),), {"b": Band("b", "Byte")})
    half = 2_000_000
    context = AOI(
        bounds=(-half, -half, half, half), bounds_crs="EPSG:3413", crs="EPSG:3413", resolution=50_000,
        align_pixels=False,
    )  # fmt: skip
    request = Request(("b",), context, resampler=name, data_type="Float32")
    whole = read_image(source, request)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.BLOCK", 33)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.SMALLEST_BLOCK", 33)
    parts = read_image(source, request)
    assert not whole.mask.any()
    assert (parts.mask == whole.mask).all()
    off = np.abs(parts.data - whole.data)
    # A sample on the border of two pixels may go either way by the last digits.
    assert (off > 0.05).mean() < 0.01
