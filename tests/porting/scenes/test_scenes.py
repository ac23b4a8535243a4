"""Scenes on the embedded stack: what scripts in the manner of the old client read."""

import datetime as dt
import warnings

import numpy as np
import pytest
import rasterio
import shapely

from descarteslabs import scenes
from descarteslabs.catalog import properties as p
from landbridge.catalog import Product
from landbridge.exceptions import NotFoundError
from landbridge.porting.arguments.errors import UnsupportedArgumentError
from landbridge.porting.metadata import Metadata

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


def names(found):
    return [scene.properties.id.rpartition(":")[2] for scene in found]


@pytest.fixture(scope="module")
def search(product, area):
    """Search of the product, with further arguments."""
    return lambda **options: scenes.search(area, products=product, **options)


@pytest.fixture(scope="module")
def found(search):
    return search(query=p.sat_id == "S2A")


def test_a_search_returns_scenes_in_order_of_time_and_a_context(search, area):
    collection, ctx = search()
    assert names(collection) == ["first", "second", "third", "neighbor"]
    assert isinstance(collection, scenes.SceneCollection)
    assert (ctx.crs, ctx.resolution, ctx.align_pixels) == ("EPSG:32615", 20.0, True)
    assert shapely.equals(ctx.geometry, shapely.geometry.shape(area))


def test_the_context_is_that_of_the_catalog(search, area, product):
    images = Product.get(product).images().intersects(area).sort("acquired").collect()
    assert search()[1] == images.geocontext


def test_a_context_that_is_given_and_complete_comes_back(product):
    tile = scenes.DLTile.from_latlon(40, -90, resolution=20, tilesize=64, pad=0)
    collection, ctx = scenes.search(tile, product)
    assert ctx is tile
    assert len(collection) == 4
    assert collection.mosaic("red", ctx).shape == (1, 64, 64)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"cloud_fraction": 0.3}, ["first", "third", "neighbor"]),
        ({"start_datetime": "2019-06-08"}, ["third", "neighbor"]),
        ({"start_datetime": dt.datetime.fromisoformat("2019-06-08T17:00")}, ["third", "neighbor"]),
        ({"start_datetime": "2019-06-04", "end_datetime": "2019-07"}, ["third", "neighbor"]),
        ({"start_datetime": "2020"}, []),
        ({"end_datetime": "2019-06-03 17:05"}, ["first"]),
        ({"end_datetime": "2019-06-03T17:05:00"}, ["first"]),
        ({"end_datetime": dt.date(2019, 6, 8)}, ["first", "second"]),
        ({"limit": 2}, ["first", "second"]),
        ({"limit": None, "sort_order": "desc"}, ["neighbor", "third", "second", "first"]),
        ({"sort_field": "cloud_fraction"}, ["third", "first", "neighbor", "second"]),
        ({"query": p.sat_id == "S2B"}, ["neighbor"]),
        ({"query": [p.cloud_fraction > 0.05, p.cloud_fraction < 0.5]}, ["first", "neighbor"]),
        ({"storage_state": "remote"}, []),
        (
            {"date_field": "processed", "start_datetime": "2020-01-01"},
            ["first", "second", "third", "neighbor"],
        ),
    ],
)
def test_conditions_select_scenes(search, options, wanted):
    assert names(search(**options)[0]) == wanted


def test_nothing_found_gives_an_empty_collection_and_the_area(search):
    collection, ctx = search(start_datetime="2031-01-01")
    assert len(collection) == 0
    assert repr(collection) == "SceneCollection of 0 scenes"
    assert (ctx.crs, ctx.resolution) == (None, None)
    assert ctx.geometry is not None


def test_a_product_that_is_gone_is_named_with_its_replacement(area, product):
    with pytest.raises(NotFoundError, match="Collection 2"):
        scenes.search(area, "landsat:LC08:01:T1:TOAR")
    with pytest.raises(ValueError, match="`products`"):
        scenes.search(area, [])
    with pytest.raises(ValueError, match="`aoi`"):
        scenes.search({}, product)
    with pytest.raises(NotImplementedError, match="Natural Earth"):
        scenes.search("north-america_united-states_iowa", product)
    with pytest.raises(NotImplementedError, match=r"random\.sample"):
        scenes.search(area, product, randomize=True)


def test_properties_have_the_old_keys(found, product):
    scene = found[0][0]
    properties = scene.properties
    assert properties.id == properties.key == f"{product}:first"
    assert properties.product == product
    assert properties.acquired == "2019-06-03T17:00:00Z"
    assert properties.date == dt.datetime(2019, 6, 3, 17)  # noqa: DTZ001 - as scripts compare it
    assert properties["cloud_fraction"] == 0.1
    assert properties.crs == "EPSG:32615"
    assert "+zone=15" in properties.proj4
    assert properties.raster_size == [60, 60]
    assert properties.sat_id == "S2A"
    assert len(properties.geotrans) == 6
    assert list(properties.bands) == ["red", "green", "nir"]
    assert properties.bands.nir.srcband == 3
    assert properties.bands.red.dtype == "UInt16"
    assert properties.bands["red"]["default_range"] == [0, 4000]
    assert properties.bands.red.resolution == 20
    assert "geometry" not in properties
    assert scene.geometry.contains(shapely.Point(-90, 40))
    assert scene.__geo_interface__["type"] == "Polygon"
    assert repr(scene).splitlines()[:2] == [f'Scene "{product}:first"', f'  * Product: "{product}"']


def test_the_bands_of_a_product_are_read_once(found):
    collection, _ = found
    assert collection[0].properties.bands is not None
    assert collection[0].properties is collection[0].properties
    assert collection[0]._bands is collection[2]._bands


def test_scenes_are_grouped_filtered_sorted_and_mapped(found, area):
    collection, _ = found
    groups = [(day, names(group)) for day, group in collection.groupby("properties.date.day")]
    assert groups == [(3, ["first", "second"]), (8, ["third"])]
    groups = collection.groupby(lambda scene: scene.properties.cloud_fraction < 0.2)
    assert [(key, names(group)) for key, group in groups] == [
        (False, ["second"]), (True, ["first", "third"]),
    ]  # fmt: skip
    assert list(collection.each.properties.date.day) == [3, 3, 8]
    assert names(collection.filter(lambda scene: scene.properties.date.day == 8)) == ["third"]
    by_clouds = collection.sorted("properties.cloud_fraction", reverse=True)
    assert names(by_clouds) == ["second", "first", "third"]
    assert isinstance(by_clouds, scenes.SceneCollection)
    # Half of the second scene is empty, which its footprint leaves out.
    assert names(collection.filter_coverage(area)) == ["first", "third"]
    assert names(collection.filter_coverage(area, 0.4)) == ["first", "second", "third"]
    wide = shapely.Point(-90, 40).buffer(1)
    assert len(collection.filter_coverage(wide)) == 0
    assert names(collection.filter_coverage(wide, minimum_coverage=1e-6)) == ["first", "second", "third"]
    assert list(collection.map(lambda scene: scene.properties.sat_id)) == ["S2A"] * 3
    assert repr(collection).splitlines() == [
        "SceneCollection of 3 scenes",
        "  * Dates: Jun 03, 2019 to Jun 08, 2019",
        "  * Products: local:old-scenes: 3",
    ]
    with pytest.raises(ValueError, match="not of required type Scene"):
        scenes.SceneCollection([1])


def test_pixels_are_those_of_the_catalog(found, product, area):
    collection, ctx = found
    images = Product.get(product).images().intersects(area).sort("acquired").collect()[:3]
    for scene, image in zip(collection, images, strict=True):
        pixels = scene.ndarray("red nir", ctx)
        assert pixels.shape[0] == 2
        np.testing.assert_array_equal(pixels, image.ndarray("red nir", ctx))
    stack = collection.stack(["red", "nir"], ctx)
    np.testing.assert_array_equal(stack, images.stack(["red", "nir"], ctx))
    level = np.ma.median(stack[:, 0], axis=(1, 2))
    np.testing.assert_array_equal(level, [100, 200, 300])
    mosaic, info = collection.mosaic("red", ctx, raster_info=True, bands_axis=-1)
    assert mosaic.shape == (*stack.shape[2:], 1)
    assert set(np.unique(mosaic.compressed())) == {300}
    assert info["size"] == [stack.shape[3], stack.shape[2]]


def test_layers_of_a_flattened_stack_are_mosaics_of_groups_of_scenes(found):
    collection, ctx = found
    by_day = collection.stack("red", ctx, flatten="properties.date.day")
    assert by_day.shape[0] == 2
    # The upper half of the second scene is empty, so that the first one is seen.
    assert sorted(np.unique(by_day[0].compressed())) == [100, 200]
    same = collection.stack("red", ctx, flatten=[lambda scene: scene.properties.date.day])
    np.testing.assert_array_equal(by_day, same)
    keys = ["properties.date.month", "properties.cloud_fraction"]
    by_clouds = collection.stack("red", ctx, flatten=keys)
    assert [int(np.ma.median(layer)) for layer in by_clouds] == [300, 100, 200]


def test_arguments_reach_the_catalog(found):
    collection, ctx = found
    scaled = collection[0].ndarray("red", ctx, scaling="display", mask_nodata=False)
    assert scaled.dtype == np.uint8
    assert collection.mosaic("red", ctx, data_type="Float64").dtype == np.float64
    assert collection.stack("red nir", ctx, bands_axis=-1).shape[-1] == 2
    assert collection.scaling_parameters("red", scaling="display") == ([(0, 4000, 0, 255)], "Byte")
    assert collection[0].scaling_parameters("red", scaling="display") == ([(0, 4000, 0, 255)], "Byte")
    coarse = collection[0].ndarray("red", ctx.assign(resolution=60))
    assert coarse.size < collection[0].ndarray("red", ctx).size
    with pytest.raises(ValueError, match="thermal"):
        collection.mosaic("thermal", ctx)
    with pytest.raises(TypeError, match=r"resample.*resampler"):
        collection.mosaic("red", ctx, resample="near")
    with pytest.raises(TypeError):
        collection.mosaic("red")
    with pytest.raises(ValueError, match="no images"):
        scenes.SceneCollection().mosaic("red", ctx)


def test_a_scene_by_its_id_has_the_context_of_its_pixels(product):
    scene, ctx = scenes.Scene.from_id(f"{product}:third")
    assert (ctx.geometry, ctx.shape, ctx.align_pixels) == (None, None, False)
    assert (ctx.crs, ctx.bounds_crs, ctx.resolution) == ("EPSG:32615", "EPSG:32615", 20.0)
    pixels = scene.ndarray("red green", ctx)
    assert pixels.shape == (2, 60, 60)
    assert np.all(pixels[1] == 301)
    assert scene.ndarray("red", ctx.assign(resolution=120)).shape == (1, 10, 10)
    with pytest.raises(NotFoundError, match="no-such-image"):
        scenes.Scene.from_id(f"{product}:no-such-image")


def test_files_hold_the_pixels(found, tmp_path):
    collection, ctx = found
    path = collection[0].download("red nir", ctx, dest=str(tmp_path / "one.tif"))
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), np.ma.filled(collection[0].ndarray("red", ctx)[0], 0))
    paths = collection.download("red", ctx, dest=str(tmp_path / "all"))
    assert len(paths) == len(set(paths)) == 3
    for each, level in zip(paths, (100, 200, 300), strict=True):
        with rasterio.open(each) as file:
            assert file.read().max() == level
    again = collection.download_all("red", ctx, dest=[tmp_path / f"{index}.tif" for index in range(3)])
    assert [path.name for path in again] == ["0.tif", "1.tif", "2.tif"]
    mosaic = collection.download_mosaic("red", ctx, dest=str(tmp_path / "mosaic.tif"), nodata=0)
    with rasterio.open(mosaic) as file:
        assert file.nodata == 0
        assert file.read().max() == 300


def test_pictures_are_drawn_by_the_same_function(found):
    from descarteslabs.utils import display

    assert scenes.display is display


def test_each_call_warns_at_the_users_line_and_names_the_call_to_use(product, area):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecationWarning)
        collection, ctx = scenes.search(area, product, limit=1)
        collection.mosaic("red", ctx)
        collection.stack("red", ctx, flatten="properties.date.day")
        collection[0].ndarray("red", ctx)
        scenes.Scene.from_id(f"{product}:first")
        list(collection.each.ndarray("red", ctx))
    ours = [
        one
        for one in caught
        if issubclass(one.category, DeprecationWarning) and "deprecated" in str(one.message)
    ]
    assert {one.filename for one in ours} == {__file__}
    texts = [str(one.message) for one in ours]
    assert len(texts) == 6
    for text, use in zip(
        texts,
        (
            "Product.get",
            "ImageCollection.mosaic",
            "ImageCollection.stack",
            "Image.ndarray",
            "Image.get",
            "Image.ndarray",
        ),
        strict=True,
    ):
        assert use in text


def test_an_area_of_bounds_in_a_projected_system_is_searched(product, area):
    _, ctx = scenes.Scene.from_id(f"{product}:third")
    found, same = scenes.search(ctx, product)
    assert same == ctx
    assert names(found) == ["first", "second", "third", "neighbor"]
    left, bottom, _, top = ctx.bounds
    beside = ctx.assign(bounds=(left - 9000, bottom, left - 8000, top))
    assert len(scenes.search(beside, product)[0]) == 0
    assert found[2].coverage(ctx) == pytest.approx(1, abs=1e-3)
    assert found[2].coverage(beside) == 0
    assert names(found.filter_coverage(ctx, 0.99)) == ["first", "third"]


def test_bounds_across_the_antimeridian_are_two_narrow_parts():
    from shapely.geometry import Point

    from landbridge.porting.scenes.areas import lonlat_area

    area = scenes.AOI(bounds=(800000, 8000000, 1000000, 8100000), bounds_crs="EPSG:32760", crs="EPSG:32760")
    found = lonlat_area(area)
    assert found.area < 3
    assert found.contains(Point(179.95, -17.7))
    assert found.contains(Point(-179.95, -17.7))


def test_alpha_of_a_product_without_it_is_1_where_a_band_has_data(found):
    collection, ctx = found
    second, info = collection[1].ndarray("red nir alpha", ctx, raster_info=True)
    empty = np.ma.getmaskarray(collection[1].ndarray("red", ctx)[0])
    assert 0 < empty.sum() < empty.size
    np.testing.assert_array_equal(second.data[2], ~empty)
    np.testing.assert_array_equal(np.ma.getmaskarray(second), np.stack([empty] * 3))
    assert [band["description"]["name"] for band in info["bands"]] == ["red", "nir", "alpha"]
    assert [band["band"] for band in info["bands"]] == [1, 2, 3]
    plain = collection[1].ndarray("red alpha", ctx, mask_nodata=False, mask_alpha=False)
    assert not np.ma.isMaskedArray(plain)
    # Half of the pixels hold nodata, and those outside of the area are 0.
    np.testing.assert_array_equal(plain[1], ~empty)
    only = collection[1].ndarray(["alpha"], ctx, mask_alpha=False)
    np.testing.assert_array_equal(only.data[0], ~empty)
    last = collection[1].ndarray("red alpha", ctx, bands_axis=-1)
    assert last.shape == (*empty.shape, 2)


def test_a_mask_by_alpha_can_be_asked_of_a_product_without_it(found):
    collection, ctx = found
    masked = collection.stack("red nir", ctx, mask_nodata=False, mask_alpha=True)
    np.testing.assert_array_equal(
        np.ma.getmaskarray(masked), np.ma.getmaskarray(collection.stack("red nir", ctx))
    )
    same = collection.mosaic("red", ctx, mask_alpha=True)
    np.testing.assert_array_equal(same, collection.mosaic("red", ctx))


def test_alpha_is_not_scaled(found):
    collection, ctx = found
    stack, infos = collection.stack(
        ["red", "alpha"], ctx, scaling=[(0, 400, 0, 255), None], data_type="Byte", raster_info=True
    )
    assert stack.dtype == np.uint8
    assert set(np.unique(stack.data[:, 1])) == {0, 1}
    assert len(infos) == 3
    assert infos[0]["bands"][1]["description"]["type"] == "mask"
    with pytest.raises(ValueError, match="last band"):
        collection.stack("alpha red", ctx)


def test_products_and_bands_are_those_of_the_metadata_service(product):
    metadata = Metadata()
    assert scenes.get_product(product) == metadata.get_product(product)
    assert scenes.get_band(f"{product}:nir") == metadata.get_band(f"{product}:nir")
    assert [band.name for band in scenes.search_bands(product)] == ["red", "green", "nir"]
    assert scenes.search_bands([product], limit=1, wavelength=None) == metadata.bands(product, limit=1)
    assert product in [each.id for each in scenes.search_products(["red", "nir"], text="Scenes")]
    assert product not in [each.id for each in scenes.search_products("swir")]
    assert len(scenes.search_products(limit=1)) == 1
    with pytest.raises(NotFoundError, match="usda:cdl:v1"):
        scenes.get_product("cdl")
    with pytest.raises(NotFoundError, match="swir"):
        scenes.get_band(f"{product}:swir")
    for call in (scenes.get_derived_band, scenes.search_derived_bands):
        with pytest.raises(UnsupportedArgumentError, match="NumPy"):
            call("derived:ndvi")


def test_functions_for_products_and_bands_name_the_call_of_today(product):
    calls = {
        "scenes.get_product": lambda: scenes.get_product(product),
        "scenes.get_band": lambda: scenes.get_band(f"{product}:red"),
        "scenes.search_bands": lambda: scenes.search_bands(product),
        "scenes.search_products": lambda: scenes.search_products(limit=1),
    }
    for name, call in calls.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        (warning,) = caught
        assert str(warning.message).startswith(f"{name} is deprecated. Use ")
        assert warning.filename == __file__
