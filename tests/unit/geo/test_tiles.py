"""Section 9 of the semantics, statements 10 to 16."""

import json
import math

import pytest
from shapely.geometry import GeometryCollection, MultiPolygon, Point, Polygon, box, mapping

from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.geo.errors import (
    InvalidLatLonError,
    InvalidRowColError,
    InvalidShapeError,
    InvalidTileError,
)
from landbridge.geo.utm_grid import UtmGrid

KEY = "128:16:960.0:15:-1:37"


def test_9_10_keys():
    assert DLTile.from_key("128:16:10:15:-1:37").key == "128:16:10.0:15:-1:37"
    assert DLTile.from_key(KEY + ":and more").key == KEY
    assert DLTile.from_key("128:16:960.0:5:-1:37").key == "128:16:960.0:05:-1:37"
    assert DLTile.from_latlon(-10, 3, 10, 100, 0).tj < 0
    assert DLTile.from_latlon(-10, 3, 10, 100, 0).crs == "EPSG:32631"


@pytest.mark.parametrize(
    "key", ["128:16:5:15:-1:37", "128:16", "", "128:16:960.0:61:0:0", "0:16:960.0:1:0:0"]
)
def test_9_10_invalid_keys(key):
    with pytest.raises(InvalidTileError):
        DLTile.from_key(key)


def test_9_11_from_latlon_checks_its_numbers():
    for lat, lon in ((90.1, 0), (-91, 0), (0, 180.1), (0, -181)):
        with pytest.raises(InvalidLatLonError):
            DLTile.from_latlon(lat, lon, 10, 256, 0)
    with pytest.raises(InvalidTileError):
        DLTile.from_latlon(0, 180, 10, 256, 0)
    for resolution, tilesize, pad in ((0, 256, 0), (10, 0, 0), (10, 256, -1)):
        with pytest.raises(InvalidTileError):
            DLTile.from_latlon(0, 0, resolution, tilesize, pad)


def test_9_12_a_square_degree_at_the_equator_takes_36_tiles():
    keys = DLTile.from_shape(box(0, 0, 1, 1), 100, 256, 0, keys_only=True)
    assert len(keys) == len(set(keys)) == 36
    assert keys[0] == "256:0:100.0:31:-11:-1"


@pytest.mark.parametrize(
    "shape",
    [
        mapping(box(0, 0, 1, 1)),
        MultiPolygon([box(0, 0, 1, 1)]),
        {"type": "Feature", "geometry": mapping(box(0, 0, 1, 1)), "properties": {}},
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": mapping(box(0, 0, 1, 1)), "properties": {}}],
        },
        [box(0, 0, 1, 0.5), box(0, 0.5, 1, 1)],
        json.dumps(mapping(box(0, 0, 1, 1))),
    ],
)
def test_9_12_shapes_of_every_form_take_the_same_tiles(shape):
    tiles = DLTile.from_shape(shape, 100, 256, 0)
    assert {t.key for t in tiles} == set(DLTile.from_shape(box(0, 0, 1, 1), 100, 256, 0, keys_only=True))


@pytest.mark.parametrize(
    "shape", [Point(0, 0), box(170, 0, 190, 1), 5, "no json", [], GeometryCollection([box(0, 0, 1, 1)])]
)
def test_9_12_other_shapes_are_refused(shape):
    with pytest.raises(InvalidShapeError):
        DLTile.from_shape(shape, 100, 256, 0)


def test_9_12_tiles_come_from_each_zone_that_is_crossed():
    zones = {tile.zone for tile in DLTile.from_shape(box(5.5, 10, 6.5, 10.5), 100, 256, 0)}
    assert zones == {31, 32}


def test_9_12_a_shape_that_also_touches_a_zone_by_a_line_is_tiled():
    # Its intersection with zone 31 is a polygon and a line: a GeometryCollection.
    u_shape = Polygon([(5, 0), (6, 0), (6, 1), (7, 1), (7, 3), (6, 3), (6, 2.5), (5, 2.5), (5, 0)])
    assert {tile.zone for tile in DLTile.from_shape(u_shape, 1000, 64, 0)} == {31, 32}


def test_9_12_many_tiles_warn():
    tiles = DLTile.iter_from_shape(box(0, 40, 5, 45), 10, 64, 0)
    assert next(tiles).tilesize == 64
    with pytest.warns(UserWarning, match="iter_from_shape"):
        DLTile.from_shape(box(0, 0, 2, 2), 10, 64, 0, keys_only=True)


def test_9_12_every_point_of_a_shape_is_in_a_tile():
    shape = box(11.9, 46.3, 12.4, 46.6)
    keys = set(DLTile.from_shape(shape, 10, 512, 0, keys_only=True))
    for step in range(11):
        lon, lat = 11.9 + 0.05 * step, 46.3 + 0.03 * step
        assert DLTile.from_latlon(lat, lon, 10, 512, 0).key in keys


def test_9_13_bounds_include_the_padding():
    tile = DLTile.from_key(KEY)
    assert tile.bounds == (361760, 4531200, 515360, 4684800)
    assert tile.crs == tile.bounds_crs == "EPSG:32615"
    assert tile.geotrans == (361760, 960, 0, 4684800, 0, -960)
    assert tile.tile_extent == 160
    assert tile.bounds[2] - tile.bounds[0] == tile.tile_extent * tile.resolution
    assert (tile.zone, tile.ti, tile.tj, tile.pad, tile.tilesize) == (15, -1, 37, 16, 128)
    assert "+zone=15" in tile.proj4
    assert tile.wkt.startswith("PROJCS")


def test_9_14_subtiles_go_row_by_row_from_the_top_left():
    tile = DLTile.from_key("128:0:10.0:15:-1:37")
    tiles = list(tile.subtile(2))
    assert [t.tilesize for t in tiles] == [64] * 4
    assert tiles[0].bounds[0] == tile.bounds[0]
    assert tiles[0].bounds[3] == tile.bounds[3]
    assert tiles[3].bounds[2] == tile.bounds[2]
    assert tiles[3].bounds[1] == tile.bounds[1]
    assert len(list(DLTile.from_key(KEY).subtile(8, resolution=480, pad=2, keys_only=True))) == 64
    assert next(DLTile.from_key(KEY).subtile(2)).pad == 16


@pytest.mark.parametrize("arguments", [{"subdivide": 3}, {"subdivide": 2, "resolution": 7}])
def test_9_14_subtiles_must_fit(arguments):
    with pytest.raises(InvalidTileError):
        list(DLTile.from_key(KEY).subtile(**arguments))


def test_9_14_assign_takes_only_pad_and_all_touched():
    tile = DLTile.from_key(KEY).assign(pad=0)
    assert tile.key == "128:0:960.0:15:-1:37"
    assert tile.assign(all_touched=True).all_touched is True
    with pytest.raises(TypeError):
        tile.assign(resolution=10)  # type: ignore[call-arg]


def test_9_15_rows_and_columns_to_latitudes_and_longitudes_and_back():
    tile = DLTile.from_key(KEY)
    lats, lons = tile.rowcol_to_latlon([5, 0], [6, 159])
    assert tile.latlon_to_rowcol(lats, lons) == [(5, 0), (6, 159)]
    (lat,), (lon,) = tile.rowcol_to_latlon(5, 6)
    assert (lat, lon) == pytest.approx((lats[0], lons[0]))
    assert tile.latlon_to_rowcol(0.0, -93.0)[0][0] > 160


def test_9_15_pairs_must_be_of_one_type_and_length():
    tile = DLTile.from_key(KEY)
    for pair in ((5, 6.0), ([1], 2), ([1, 2], [3])):
        with pytest.raises(InvalidRowColError):
            tile.rowcol_to_latlon(*pair)
        with pytest.raises(InvalidLatLonError):
            tile.latlon_to_rowcol(*pair)


def test_9_16_raster_params_of_tiles_have_no_cutline():
    assert DLTile.from_key(KEY).raster_params == {"dltile": KEY, "align_pixels": False}
    assert DLTile.from_key(KEY, all_touched=True).raster_params["cutline_all_touched"] is True
    assert "cutline" not in XYZTile(0, 0, 1).raster_params


def test_9_16_xyz_tiles():
    tile = XYZTile(1, 2, 3, all_touched=True)
    assert tile.crs == tile.bounds_crs == "EPSG:3857"
    assert tile.tilesize == 256
    assert tile.resolution == pytest.approx(2 * math.pi * 6378137 / 2**3 / 256)
    assert tile.align_pixels is False
    assert tile.parent() == XYZTile(0, 1, 2)
    assert tile.parent().all_touched is False
    assert all(child.parent() == tile and not child.all_touched for child in tile.children())
    assert XYZTile(0, 0, 0).geometry.bounds == pytest.approx((-180, -85.0511287798, 180, 85.0511287798))
    assert not hasattr(tile, "assign")
    assert not hasattr(tile, "shape")
    with pytest.raises(TypeError):
        XYZTile(0, 0, 0).parent()


def test_a_tile_is_made_from_its_feature():
    geometry = DLTile.from_key(KEY).__geo_interface__
    feature = {"type": "Feature", "geometry": geometry, "properties": {"key": KEY}}
    assert DLTile(feature).key == KEY
    assert list(DLTile(feature).bounds) == [361760, 4531200, 515360, 4684800]


def test_grids_are_read_from_the_front_of_a_key():
    assert UtmGrid.from_key(KEY) == UtmGrid(960.0, 128, 16)
    assert UtmGrid(960.0, 128, 16).utm_tile_extent == 153600


@pytest.mark.parametrize(("lon", "zone"), [(179.999, 60), (-179.999, 1)])
def test_a_tile_across_the_antimeridian_keeps_its_width(lon, zone):
    tile = DLTile.from_latlon(-17, lon, 100, 256, 16)
    west, _, east, _ = tile.geometry.bounds
    assert tile.zone == zone
    assert east - west < 0.4
    assert west < (180 if lon > 0 else -180) < east
    # It is itself among the tiles of its own area, beside those of the other zone.
    keys = DLTile.from_shape(tile, 100, 256, 16, keys_only=True)
    assert tile.key in keys
    assert {key.split(":")[3] for key in keys} == {"01", "60"}


def test_a_shape_cut_at_the_antimeridian_takes_the_tiles_of_both_sides():
    sides = [box(179.7, -17, 180, -16.5), box(-180, -17, -179.7, -16.5)]
    keys = DLTile.from_shape(MultiPolygon(sides), 100, 256, 0, keys_only=True)
    assert sorted(keys) == sorted(
        key for side in sides for key in DLTile.from_shape(side, 100, 256, 0, keys_only=True)
    )
    for area in (AOI(bounds=(179.7, -17, -179.7, -16.5)), AOI(box(179.7, -17, 180.3, -16.5))):
        assert sorted(DLTile.from_shape(area, 100, 256, 0, keys_only=True)) == sorted(keys)
