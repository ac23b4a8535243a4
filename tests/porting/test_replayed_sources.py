"""Old services over imagery that others publish: replayed providers, under the old ids."""

import contextlib

import numpy as np
import pytest
import rasterio

from landbridge.exceptions import NotFoundError
from landbridge.porting.metadata import Metadata
from landbridge.porting.raster import Raster
from porting.conftest import Fields
from sources import oracle
from sources.columns import COLUMNS, site
from support.replay import replayed
from support.replay.as_source import used

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),
]

NAMES = ("earth-search", "planetary-computer", "usgs")


@pytest.fixture(scope="module", params=NAMES)
def place(service, request):
    with site(request.param, 12, real=False) as running:
        yield running


def in_order(records):
    return sorted(records, key=lambda record: record.published["properties"]["datetime"])


def test_images_are_found_under_the_old_id(place):
    product = place.column.product_id
    found = Metadata().search(products=product, limit=1000)
    wanted = in_order(place.records)
    assert sorted(one["id"] for one in found["features"]) == sorted(f"{product}:{one.id}" for one in wanted)
    acquired = [one["properties"]["acquired"] for one in found["features"]]
    assert acquired == sorted(acquired)
    records = {f"{product}:{one.id}": one for one in wanted}
    for feature in found["features"]:
        published = records[feature["id"]].published["properties"]
        own = feature["properties"]
        assert own["acquired"][:19] == published["datetime"][:19]
        assert own["cloud_fraction"] == pytest.approx(published["eo:cloud_cover"] / 100)
        assert own["sat_id"] == published["platform"]
        assert {"red", "green", "blue", "nir"} <= set(own["bands"])
        assert own["product"] == product


def test_conditions_select_images(place):
    metadata, product = Metadata(), place.column.product_id
    clouds = sorted(one.published["properties"]["eo:cloud_cover"] for one in place.records)
    most = clouds[len(clouds) // 2] / 100
    first, last = (in_order(place.records)[index].published["properties"]["datetime"] for index in (2, -3))

    def matches(record):
        properties = record.published["properties"]
        return properties["eo:cloud_cover"] / 100 <= most and first <= properties["datetime"] < last

    wanted = sorted(f"{product}:{one.id}" for one in place.records if matches(one))
    arguments = {"start_datetime": first, "end_datetime": last, "limit": None}
    assert sorted(metadata.ids(product, cloud_fraction=most, **arguments)) == wanted
    # No source has a fraction of the old platform's own.
    assert sorted(metadata.ids(product, cloud_fraction_0=most, **arguments)) == wanted
    del arguments["limit"]
    assert metadata.summary(product, cloud_fraction=most, **arguments)["count"] == len(wanted)


def test_a_mosaic_with_alpha_has_the_pixels_of_the_files(place):
    product, (lower, upper) = place.column.product_id, place.pair
    resolution = oracle.finest(lower, ["red", "nir"])
    area = oracle.bounds(lower, upper)
    pixels, meta = Raster().ndarray(
        [f"{product}:{lower.id}", f"{product}:{upper.id}"],
        bands=["red", "nir", "alpha"],
        srs=lower.crs,
        bounds=area,
        resolution=resolution,
        order="gdal",
        progress=False,
    )
    layers = [
        oracle.placed(oracle.stacked(one, ["red", "nir"]), one, area, resolution) for one in (upper, lower)
    ]
    wanted = oracle.over(*layers)
    np.testing.assert_array_equal(pixels[:2], wanted.filled(0))
    np.testing.assert_array_equal(pixels[2], ~np.ma.getmaskarray(wanted).all(axis=0))
    assert meta["size"] == [pixels.shape[2], pixels.shape[1]]
    assert 0 < pixels[2].mean() < 1


@pytest.mark.parametrize("name", NAMES[:2])
def test_reflectance_is_that_of_the_scene(service, name):
    with site(name, 4, real=False) as running:
        for record in running.records:
            pixels, _ = Raster().ndarray(
                f"{running.column.product_id}:{record.id}",
                bands=["red"],
                processing_level="surface_reflectance",
                masked=True,
                progress=False,
            )
            wanted = oracle.physical(record, ["red"])[0].clip(0, 1)
            np.testing.assert_allclose(np.ma.filled(pixels, 0), wanted.filled(0), atol=1e-9)


def test_a_file_of_an_image_has_its_own_grid(place, tmp_path):
    record = place.records[0]
    identifier = f"{place.column.product_id}:{record.id}"
    result = Raster().raster(
        identifier, bands=["red"], save=True, outfile_basename=str(tmp_path / "scene"), progress=False
    )
    with rasterio.open(tmp_path / "scene.tif") as opened:
        pixels, transform = opened.read(1), opened.transform
    wanted = oracle.stacked(record, ["red"])[0]
    left, _, _, top = oracle.bounds(record)
    assert (transform.c, transform.f) == (left, top)
    np.testing.assert_array_equal(pixels, wanted.filled(0))
    assert list(result["files"]) == [str(tmp_path / "scene.tif")]


def test_bands_have_old_keys(place):
    bands = Metadata().get_bands_by_product(place.column.product_id)
    assert bands["red"]["srcband"] == 1
    assert bands["red"]["dtype"] == place.bands["red"].data_type
    assert bands["red"]["type"] == "spectral"


def test_a_grid_that_only_the_file_states_is_read_from_it(service):
    with site("lpcloud", 6, real=False) as place:
        record = place.records[0]
        assert place.image(record).geocontext.shape is None
        for resolution in (None, 60):
            pixels, meta = Raster().ndarray(
                place.image(record).id, bands=["red"], resolution=resolution, progress=False
            )
            left, _, _, top = oracle.bounds(record)
            assert meta["geoTransform"] == [left, resolution or 30, 0, top, 0, -(resolution or 30)]
        wanted = oracle.stacked(record, ["red"])[0]
        pixels, meta = Raster().ndarray(place.image(record).id, bands=["red"], progress=False)
        np.testing.assert_array_equal(pixels, wanted.filled(meta["bands"][0]["noDataValue"]))
        # Another reference system has about the same area.
        degrees, _ = Raster().ndarray(
            place.image(record).id, bands=["red"], srs="EPSG:4326", masked=True, progress=False
        )
        assert np.ma.count(degrees) > 0.5 * np.ma.count(wanted)


def test_products_of_several_sources_and_of_ones_own_are_in_one_order(service, fields: Fields):
    with contextlib.ExitStack() as stack:
        providers = [stack.enter_context(replayed(name, 6, real=False)) for name in NAMES[:2]]
        stack.enter_context(used(*providers))
        ids = [f"{name}:{COLUMNS[name].collection}" for name in NAMES[:2]]
        found = Metadata().search(products=[*ids, fields.id], fields=["acquired", "product"])
        acquired = [one["properties"]["acquired"] for one in found["features"]]
        assert acquired == sorted(acquired)
        assert {one["properties"]["product"] for one in found["features"]} == {*ids, fields.id}
        published = [
            len(one.of(COLUMNS[name].collection)) for name, one in zip(NAMES, providers, strict=False)
        ]
        assert len(acquired) == sum(published) + 3
        with pytest.raises(NotFoundError, match="esa:sentinel-2:l2a:v1"):
            Metadata().search(products="sentinel-2:L1C")
