"""Rasters of any grid compared with GDAL, which reads the same pixels by itself."""

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin
from rasterio.warp import reproject, transform_bounds

from conftest import LONG
from landbridge.porting.raster import Raster
from porting.conftest import COLUMNS, CRS, LEFT, PIXEL, ROWS, TOP

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning"),
]

RIGHT, BOTTOM = LEFT + COLUMNS * PIXEL, TOP - ROWS * PIXEL
# Reference systems with the side of a pixel of about 30 m.
SYSTEMS = {CRS: 30.0, "EPSG:4326": 3e-4, "EPSG:3857": 38.0, "EPSG:32613": 30.0}


@st.composite
def grids(draw):
    """Draw bounds that overlap the images, in a reference system, with a resolution or a size."""
    system = draw(st.sampled_from(sorted(SYSTEMS)))
    whole = transform_bounds(CRS, system, LEFT, BOTTOM, RIGHT, TOP)
    width, height = whole[2] - whole[0], whole[3] - whole[1]
    x, y = (draw(st.floats(-0.3, 0.7)) for _ in range(2))
    share = draw(st.floats(0.2, 1.0))
    left, bottom = whole[0] + x * width, whole[1] + y * height
    grid = {"srs": system, "bounds": (left, bottom, left + share * width, bottom + share * height)}
    if draw(st.booleans()):
        columns, rows = (draw(st.integers(1, 60)) for _ in range(2))
        return {**grid, "dimensions": (columns, rows)}
    size = SYSTEMS[system] * draw(st.floats(0.4, 3))
    return {**grid, "resolution": size, "align_pixels": draw(st.booleans())}


def warped(pixels, meta, system):
    """Return the pixels on the grid of a raster, as GDAL puts them there."""
    columns, rows = meta["size"]
    target = np.zeros((rows, columns), pixels.dtype)
    reproject(
        pixels,
        target,
        src_transform=from_origin(LEFT, TOP, PIXEL, PIXEL),
        src_crs=CRS,
        src_nodata=0,
        dst_transform=rasterio.Affine.from_gdal(*meta["geoTransform"]),
        dst_crs=system,
        dst_nodata=0,
        tolerance=0,
    )
    return target


@settings(max_examples=300 if LONG else 12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(grid=grids(), names=st.permutations(["january", "july"]), with_alpha=st.booleans())
def test_any_grid_has_the_pixels_that_gdal_puts_there(fields, grid, names, with_alpha):
    bands = ["red", "alpha"] if with_alpha else ["red"]
    pixels, meta = Raster().ndarray(
        [fields.image(name) for name in names], bands=bands, order="gdal", progress=False, **grid
    )
    lower, upper = (warped(fields.pixels[name][0], meta, grid["srs"]) for name in names)
    wanted = np.where(upper == 0, lower, upper)
    red = pixels[0] if with_alpha else pixels
    assert red.shape == wanted.shape
    # Centers that lie on the edge of a pixel may be rounded to either side.
    assert np.count_nonzero(red != wanted) <= 0.005 * wanted.size
    if with_alpha:
        np.testing.assert_array_equal(pixels[1], red != 0)
    left, bottom, right, top = grid["bounds"]
    origin = meta["geoTransform"]
    if "dimensions" in grid:
        assert tuple(meta["size"]) == grid["dimensions"]
        assert (origin[0], origin[3]) == pytest.approx((left, top))
    elif not grid["align_pixels"]:
        assert (origin[0], origin[3]) == pytest.approx((left, top))
        assert abs(meta["size"][0] - (right - left) / grid["resolution"]) <= 1
        assert abs(meta["size"][1] - (top - bottom) / grid["resolution"]) <= 1
    else:
        lines = [origin[0] / grid["resolution"], origin[3] / grid["resolution"]]
        assert lines == pytest.approx([round(line) for line in lines])
        assert origin[0] <= left + 1e-6 * grid["resolution"]
        assert origin[3] >= top - 1e-6 * grid["resolution"]
