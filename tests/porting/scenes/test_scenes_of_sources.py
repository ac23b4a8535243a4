"""Scenes of a public source, replayed: an old product id gives today's images, with right pixels."""

import numpy as np
import pytest

from descarteslabs import scenes
from sources import oracle
from sources.columns import COLUMNS, RGB, Site, area
from support.replay import replayed
from support.replay.as_source import used

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def site():
    column = COLUMNS["earth-search"]
    with replayed("earth-search", 8, real=False) as provider, used(provider):
        yield Site(column, provider)


def same(found, wanted):
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_array_equal(np.ma.filled(found, 0), np.ma.filled(wanted, 0))


def test_a_script_of_2019_gets_images_of_today(site):
    first, second = site.pair
    grid = area(first, second, resolution=oracle.finest(first, RGB))
    found, ctx = scenes.search(grid, "esa:sentinel-2:l2a:v1", limit=None)
    assert ctx == grid
    assert {scene.properties.id.rpartition(":")[2] for scene in found} >= {first.id, second.id}
    pair = scenes.SceneCollection(
        next(scene for scene in found if scene.properties.id.endswith(record.id))
        for record in (first, second)
    )
    assert {"red", "nir", "scl"} <= set(pair[0].properties.bands)
    whole, resolution = oracle.bounds(first, second), oracle.finest(first, RGB)
    layers = [
        oracle.placed(oracle.stacked(record, RGB), record, whole, resolution) for record in (first, second)
    ]
    same(pair.stack("red green blue", ctx), np.ma.stack(layers))
    same(pair.mosaic(RGB, ctx), oracle.over(layers[1], layers[0]))


def test_the_context_of_a_geometry_has_the_finest_resolution_and_the_system_of_the_scenes(site):
    record = site.records[0]
    point = area(record, resolution=10).geometry or _middle(record)
    found, ctx = scenes.search(point, "esa:sentinel-2:l2a:v1")
    assert len(found) > 0
    assert (ctx.crs, ctx.resolution) == (record.crs, 10)


def _middle(record):
    from pyproj import Transformer
    from shapely.geometry import Point

    left, bottom, right, top = oracle.bounds(record)
    to_degrees = Transformer.from_crs(record.crs, 4326, always_xy=True)
    return Point(to_degrees.transform((left + right) / 2, (bottom + top) / 2)).buffer(0.002)


def test_a_scene_whose_document_states_no_grid_has_that_of_its_files():
    column = COLUMNS["lpcloud"]
    with replayed("lpcloud", 2, real=False) as provider, used(provider):
        record = Site(column, provider).records[0]
        scene, ctx = scenes.Scene.from_id(f"{column.product_id}:{record.id}")
        assert (ctx.crs, ctx.resolution, ctx.geometry) == (record.crs, 30, None)
        found = scene.ndarray("red", ctx)
        wanted = oracle.stacked(record, ["red"])
        assert set(np.unique(wanted.compressed())) == set(np.unique(found.compressed()))
