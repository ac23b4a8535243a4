"""GeoContexts and odc-geo's GeoBoxes: each is made of the other without a loss."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from landbridge.geo import AOI, DLTile, XYZTile

SIZES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
METERS = st.floats(0.01, 5000, allow_subnormal=False)


@given(SIZES, METERS, st.floats(-2e7, 2e7), st.floats(-9e6, 9e6))
def test_a_grid_of_square_pixels_survives_the_way_through_an_aoi(shape, step, left, top):
    grid = GeoBox(shape, Affine(step, 0, left, 0, -step, top), "EPSG:3857")
    assert AOI.from_geobox(grid).geobox == grid


@given(SIZES, METERS, METERS, st.floats(100_000, 900_000), st.floats(0, 9e6))
def test_a_grid_of_other_pixels_survives_but_for_rounding(shape, width, height, left, top):
    grid = GeoBox(shape, Affine(width, 0, left, 0, -height, top), "EPSG:32633")
    found = AOI.from_geobox(grid).geobox
    assert found.shape == grid.shape
    assert found.crs == grid.crs
    assert np.allclose(found.transform, grid.transform, rtol=1e-6)


def test_a_grid_with_its_system_as_wkt_survives():
    wkt = "+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84 +units=m"
    grid = GeoBox((3, 4), Affine(10, 0, 5, 0, -10, 7), wkt)
    assert AOI.from_geobox(grid).geobox == grid


def test_a_grid_across_the_antimeridian_survives():
    grid = GeoBox((10, 20), Affine(0.5, 0, 175, 0, -0.5, 5), "EPSG:4326")
    assert AOI.from_geobox(grid).geobox == grid


def test_tiles_have_a_geobox_too():
    tile = DLTile.from_latlon(40, -100, 10, 256, 8)
    assert tile.geobox.shape.yx == (272, 272)
    assert str(tile.geobox.crs) == tile.crs
    assert XYZTile(1, 1, 2).geobox.shape.yx == (256, 256)


@pytest.mark.parametrize(
    "transform", [Affine(10, 1, 0, 1, -10, 0), Affine(10, 0, 0, 0, 10, 0), Affine(-10, 0, 0, 0, -10, 0)]
)
def test_a_rotated_or_mirrored_grid_is_refused(transform):
    with pytest.raises(ValueError, match="rows from north to south"):
        AOI.from_geobox(GeoBox((2, 2), transform, "EPSG:32633"))


def test_a_grid_without_a_system_and_another_object_are_refused():
    with pytest.raises(ValueError, match="has no crs"):
        AOI.from_geobox(GeoBox((2, 2), Affine(1, 0, 0, 0, -1, 0), None))
    with pytest.raises(TypeError, match=r"odc\.geo GeoBox"):
        AOI.from_geobox("EPSG:4326")


def test_an_incomplete_aoi_has_no_geobox():
    with pytest.raises(ValueError, match="no resolution and no shape"):
        _ = AOI(bounds=(0, 0, 1, 1), crs="EPSG:4326").geobox
