"""Points, and areas smaller than a pixel, read by the default geocontext of a search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pyproj import Transformer
from shapely.geometry import Point, box

from conftest import LONG
from landbridge.catalog import ImageCollection
from landbridge.geo import AOI

SHAPE = (110, 150)
# Every pixel value is its index; 0 would be nodata.
VALUES = (1 + np.arange(SHAPE[0] * SHAPE[1], dtype="uint16")).reshape(SHAPE)
GRIDS = {
    "on multiples of the resolution": ("EPSG:32621", (600000, 20, 0, 5000000, 0, -20), "20m"),
    "half a pixel off": ("EPSG:32621", (600010, 20, 0, 5000010, 0, -20), "20m"),
    "a third of a pixel off, upside down": ("EPSG:32633", (500006.7, 20, 0, 4000000, 0, 20), "20m"),
    "finer than the bands say": ("EPSG:32721", (600003, 29.9971, 0, 5000010, 0, -29.9971), "30m"),
    "geographic": ("EPSG:4326", (-70.05, 0.1, 0, 41.3, 0, -0.1), "0.1deg"),
    "geographic, centers on whole degrees": ("EPSG:4326", (19.875, 0.25, 0, 60.125, 0, -0.25), "0.25deg"),
    "polar": ("EPSG:3413", (-1000012.5, 25, 0, -500012.5, 0, -25), "25m"),
    "bands in meters, pixels in degrees": ("EPSG:4326", (10.00013, 2.7e-4, 0, 50.1, 0, -2.7e-4), "30m"),
}
MANY = 10_000 // len(GRIDS) if LONG else 25
_numbers = itertools.count()


@pytest.fixture
def gridded(product, add_value_band, uploaded):
    """Upload an image on a grid, for a product with one band."""

    def make(crs, geotrans, resolution, name="i"):
        if name == "i":
            add_value_band(resolution=resolution)
        return uploaded(product, name, VALUES, cs_code=crs, geotrans=geotrans)

    return make


def places(crs, geotrans, count, inset=0.0):
    """Return points on an image: fractional rows and columns, longitudes and latitudes."""
    random = np.random.default_rng(next(_numbers))
    rows, columns = (random.uniform(0, size, count) for size in SHAPE)
    if inset:
        rows, columns = (np.floor(n) + random.uniform(inset, 1 - inset, count) for n in (rows, columns))
    x0, a, _, y0, _, e = geotrans
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        x0 + a * columns, y0 + e * rows
    )
    return list(zip(rows.astype(int), columns.astype(int), lon, lat, strict=True))


@pytest.mark.parametrize("grid", GRIDS)
def test_a_point_reads_the_pixel_around_it(gridded, product, grid):
    crs, geotrans, resolution = GRIDS[grid]
    image = gridded(crs, geotrans, resolution)
    for number, (row, column, lon, lat) in enumerate(places(crs, geotrans, MANY)):
        if number < 5:
            images = product.images().intersects(Point(lon, lat)).collect()
        else:
            images = ImageCollection([image], geocontext=Point(lon, lat))
        found, info = images.stack("v", raster_info=True)
        assert found.tolist() == [[[[VALUES[row, column]]]]]
        # The pixel equals the image's pixel.
        assert info[0]["geoTransform"][0] == pytest.approx(geotrans[0] + column * geotrans[1], abs=1e-6)


@pytest.mark.parametrize("grid", GRIDS)
def test_an_area_smaller_than_a_pixel_reads_the_pixel_around_it(gridded, grid):
    crs, geotrans, resolution = GRIDS[grid]
    image = gridded(crs, geotrans, resolution)
    to_ground = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    x, y = to_ground.transform(geotrans[0] + geotrans[1] * np.arange(2), [geotrans[3], geotrans[3]])
    small = 0.02 * np.hypot(x[1] - x[0], y[1] - y[0])
    for row, column, lon, lat in places(crs, geotrans, MANY, inset=0.2):
        area = box(lon - small, lat - small, lon + small, lat + small)
        found = ImageCollection([image], geocontext=area).mosaic("v")
        assert found.tolist() == [[[VALUES[row, column]]]]


def test_a_point_on_the_line_between_two_pixels_belongs_to_the_right_lower_one(gridded):
    crs, geotrans, resolution = GRIDS["geographic, centers on whole degrees"]
    image = gridded(crs, geotrans, resolution)
    for row, column in ((0, 0), (3, 4), (109, 149)):
        point = Point(geotrans[0] + column * geotrans[1], geotrans[3] + row * geotrans[5])
        assert ImageCollection([image], geocontext=point).mosaic("v").tolist() == [[[VALUES[row, column]]]]
    # An image includes its left and upper edges only.
    edge = Point(geotrans[0] + 150 * geotrans[1], geotrans[3] + 5 * geotrans[5])
    assert ImageCollection([image], geocontext=edge).mosaic("v").mask.all()


def test_an_area_gets_the_images_own_pixels(gridded):
    crs, geotrans, resolution = GRIDS["half a pixel off"]
    image = gridded(crs, geotrans, resolution)
    area = AOI(geometry=image.geometry.centroid.buffer(0.004))
    images = ImageCollection([image], geocontext=area)
    found, info = images.mosaic("v", raster_info=True)
    left, top = info["geoTransform"][0], info["geoTransform"][3]
    assert ((left - 600010) % 20, (top - 5000010) % 20) == (0, 0)
    row, column = round((5000010 - top) / 20), round((left - 600010) / 20)
    own = VALUES[row : row + found.shape[1], column : column + found.shape[2]]
    assert not found.mask.all()
    assert np.array_equal(found[0].compressed(), own[~np.ma.getmaskarray(found)[0]])
    assert images.geocontext.align_pixels is True  # type: ignore[attr-defined]
    assert images.geocontext.assign(resolution=40).grid_origin == images.geocontext.grid_origin  # type: ignore[attr-defined]
    assert images.geocontext.assign(crs="EPSG:32620").grid_origin is None  # type: ignore[attr-defined]


def test_images_without_a_common_grid_each_read_the_pixel_around_a_point(gridded):
    one = ("EPSG:32621", (600000, 20, 0, 5000000, 0, -20))
    x, y = Transformer.from_crs("EPSG:32621", "EPSG:32620", always_xy=True).transform(601500, 4998900)
    zone = ("EPSG:32620", (round(x) - 1500, 20, 0, round(y) + 1100, 0, -20))
    others = [("EPSG:32621", (600007, 20, 0, 5000009, 0, -20)), zone]
    images = [gridded(*one, "20m"), *(gridded(*other, "20m", name=f"o{i}") for i, other in enumerate(others))]
    read = 0
    for _, _, lon, lat in places(*one, MANY):
        stack = ImageCollection(images, geocontext=Point(lon, lat)).stack("v")
        assert stack.shape == (3, 1, 1, 1)
        for layer, (crs, geotrans) in zip(stack, [one, *others], strict=True):
            x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
            column, row = int((x - geotrans[0]) // geotrans[1]), int((y - geotrans[3]) // geotrans[5])
            inside = 0 <= row < SHAPE[0] and 0 <= column < SHAPE[1]
            assert layer.tolist() == [[[VALUES[row, column] if inside else None]]]
            read += inside
    assert read > 2 * MANY
