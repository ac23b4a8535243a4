"""Tiles that cover an area: those whose box intersects it, each once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box
from shapely.geometry import Point

from landbridge.catalog.tile_export.tile_range import TileRange, tile_bounds
from landbridge.geo import XYZTile

LONGITUDES = st.floats(-180, 180, allow_subnormal=False).map(lambda value: round(value, 6))
LATITUDES = st.floats(-85, 85, allow_subnormal=False).map(lambda value: round(value, 6))


@st.composite
def bounds(draw):
    west, east = draw(LONGITUDES), draw(LONGITUDES)
    south, north = sorted((draw(LATITUDES), draw(LATITUDES)))
    return (west, south, east + (1e-3 if east - west in (0, -360) else 0), north + 1e-3)


@given(bounds(), st.integers(0, 4))
@settings(max_examples=30)
def test_the_tiles_are_those_that_the_bounds_intersect(given_bounds, zoom):
    west, south, east, north = given_bounds
    if east > 180:
        west, east = west - 1, 180.0
    boxes = [box(west, south, east, north)] if west < east else [
        box(west, south, 180, north), box(-180, south, east, north)
    ]  # fmt: skip
    tiles = list(TileRange.of_bounds(zoom, zoom, (west, south, east, north)))
    assert (
        len(tiles) == len(set(tiles)) == TileRange.of_bounds(zoom, zoom, (west, south, east, north)).count()
    )
    size = 1 << zoom
    for column in range(size):
        for row in range(size):
            shape = box(*tile_bounds(zoom, column, row))
            shared = max(shape.intersection(one).area for one in boxes)
            if (zoom, column, row) in tiles:
                assert any(shape.distance(one) < 1e-6 for one in boxes)
            else:
                assert shared < 1e-4


@given(st.integers(0, 20).flatmap(lambda z: st.tuples(st.just(z), *[st.integers(0, (1 << z) - 1)] * 2)))
def test_bounds_of_a_tile_are_those_of_the_geo_package(tile):
    zoom, column, row = tile
    expected = XYZTile(x=column, y=row, z=zoom).geometry.bounds
    assert tile_bounds(*tile) == pytest.approx(expected, abs=1e-9)


def test_an_area_across_the_antimeridian_has_tiles_on_both_sides():
    tiles = set(TileRange.of_bounds(3, 3, (170, -10, -170, 10)))
    assert {column for _, column, _ in tiles} == {0, 7}
    assert set(TileRange.of_bounds(3, 3, (170, -10, 190, 10))) == tiles
    assert list(TileRange.of_bounds(0, 0, (170, -10, 190, 10))) == [(0, 0, 0)]


@given(bounds(), st.integers(0, 4))
@settings(max_examples=30)
def test_longitudes_from_0_to_360_have_the_same_tiles(given_bounds, zoom):
    west, south, east, north = given_bounds
    if east - west == 360:
        east -= 1e-3  # one line of longitude can be the west end of the whole belt only
    from_zero = west % 360, south, east % 360 or 360, north
    assert set(TileRange.of_bounds(zoom, zoom, from_zero)) == set(
        TileRange.of_bounds(zoom, zoom, given_bounds)
    )


def test_a_box_that_begins_at_the_antimeridian_has_the_tiles_east_of_it():
    for given_bounds in [(180, 0, -170, 5), (180, 0, 190, 5), (-180, 0, -170, 5), (180.5, 0, 190, 5)]:
        assert {column for _, column, _ in TileRange.of_bounds(5, 5, given_bounds)} == {0}


def test_a_shape_leaves_out_the_tiles_that_it_does_not_touch():
    disk = Point(10, 50).buffer(1)
    whole = TileRange.of_bounds(4, 11, disk.bounds)
    some = set(TileRange.of_bounds(4, 11, disk.bounds, disk))
    assert some < set(whole)
    assert all(disk.intersects(box(*tile_bounds(*tile))) for tile in some)
    assert not any(disk.intersects(box(*tile_bounds(*tile))) for tile in set(whole) - some)


def test_a_shape_across_the_antimeridian_keeps_its_tiles_on_both_sides():
    shape = box(175, -10, 185, 10)
    columns = {column for _, column, _ in TileRange.of_bounds(4, 4, shape.bounds, shape)}
    assert columns == {0, 15}


@pytest.mark.parametrize(
    ("zooms", "given_bounds"),
    [
        ((5, 4), (0, 0, 1, 1)),
        ((-1, 4), (0, 0, 1, 1)),
        ((0, 40), (0, 0, 1, 1)),
        ((0, 1), (0, 1, 1, 0)),
        ((0, 1), (math.nan, 0, 1, 1)),
        ((0, 1), (-200, 0, 1, 1)),
        ((0, 1), (0, 86, 1, 89)),
    ],
)
def test_ranges_that_do_not_exist_are_refused(zooms, given_bounds):
    with pytest.raises(ValueError, match=r"zooms|bounds"):
        TileRange.of_bounds(zooms[0], zooms[1], given_bounds)


def test_counting_does_not_list_the_tiles():
    assert TileRange.of_bounds(0, 22, (-180, -85.06, 180, 85.06)).count() == (4**23 - 1) // 3
