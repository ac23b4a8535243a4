"""Grids and tiles of the old module `common.dltile`."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from descarteslabs.common.dltile import Grid, InvalidTileError, Tile
from landbridge.geo import DLTile

TILE = "128:16:960.0:15:-1:37"
TILES = st.builds(
    Tile, st.builds(Grid, st.sampled_from([1.5, 10, 960]), st.integers(1, 2048), st.integers(0, 64)),
    st.integers(1, 60), st.integers(-20, 20), st.integers(-400, 400),
)  # fmt: skip


@given(TILES)
def test_a_tile_is_that_of_its_key_and_of_the_geocontext(tile):
    assert Tile.from_key(tile.key) == tile
    context = tile.geocontext
    assert isinstance(context, DLTile)
    assert (context.key, context.bounds, context.crs) == (tile.key, tile.utm_bounds, tile.srs)


@given(TILES, st.integers(1, 4))
def test_parts_of_a_tile_cover_it(tile, parts):
    if tile.tilesize % parts:
        with pytest.raises(InvalidTileError):
            tile.subtile(parts)
        return
    small = tile.assign(pad=0).subtile(parts)
    assert len(small) == parts**2
    assert shapely.union_all([each.utm_polygon for each in small]).bounds == pytest.approx(
        tile.utm_bounds_unpadded
    )
    assert tile.assign(pad=0).subtile(parts, row=parts - 1, col=0) == [small[parts * (parts - 1)]]
    assert tile.subtile(parts, row=0)[0].pad == tile.pad


def test_the_members_of_a_tile():
    tile = Tile.from_key(TILE)
    assert tile.assign(resolution=480, tilesize=256).utm_bounds_unpadded == tile.utm_bounds_unpadded
    assert tile.utm_polygon_unpadded.bounds == tile.utm_bounds_unpadded
    assert tile.polygon.contains(tile.polygon_unpadded)
    assert tile.geometry == tile.polygon
    assert tile.polygon_unpadded.contains(shapely.Point(tile.center))
    # The middle is a corner of four pixels.
    (row,), (column,) = tile.lonlat_to_rowcol(*tile.center)
    assert {row, column} <= {79, 80}
    assert tile.feature["properties"]["key"] == TILE


def test_the_tiles_of_a_grid():
    grid = Grid.from_key("256:0:100.0")
    assert type(grid) is Grid
    shape = shapely.box(0, 0, 1, 1)
    keys = list(grid.tiles_from_shape(shape, keys_only=True))
    assert len(keys) == 36
    assert keys[0] == "256:0:100.0:31:-11:-1"
    assert [tile.key for tile in grid.tiles_from_shape(shape)] == keys
    assert isinstance(grid.tile_from_lonlat(0.5, 0.5), Tile)
