"""Pixels of images that other programs published, read from the asset that has the band."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image, ImageCollection
from landbridge.geo import AOI
from landbridge.raster import RasterError
from support.replay_server import ReplayServer, bare_collection

GRID = AOI(
    bounds=(600000, 4999960, 600040, 5000000), crs="EPSG:32633", bounds_crs="EPSG:32633", resolution=10
)
RING = [[16.2, 45.0], [16.4, 45.0], [16.4, 45.3], [16.2, 45.3], [16.2, 45.0]]
TIFF = "image/tiff; application=geotiff"


@pytest.fixture
def api_of():
    """Serve documents and return a client of that API."""
    started = []

    def make(collections, items):
        started.append(ReplayServer(collections, items))
        return CatalogClient(url=started[-1].url, auth=Auth(user="local", org="local"), retries=0)

    yield make
    for api in started:
        api.stop()


@pytest.fixture
def asset(tmp_path):
    """Write a file with one of these values per band, and return its asset."""

    def make(name, *values, **members):
        path = tmp_path / f"{name}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=4, height=4, count=len(values), dtype="uint16", crs="EPSG:32633",
            transform=from_origin(600000, 5000000, 10, 10),
        ) as file:  # fmt: skip
            for number, value in enumerate(values, 1):
                file.write(np.full((4, 4), value, "uint16"), number)
        return {"href": str(path), "type": TIFF, "roles": ["data"], **members}

    return make


def collection_of(identifier, **item_assets):
    shared = {key: {"type": TIFF, "roles": ["data"], **members} for key, members in item_assets.items()}
    return {**bare_collection(identifier), "item_assets": shared}


def item_of(collection, identifier, **assets):
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identifier,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [],
        "assets": assets,
    }


def named(*names):
    return {"eo:bands": [{"name": name} for name in names]}


def test_bands_are_read_from_their_assets_when_an_item_lacks_some_of_the_collection_s(api_of, asset):
    collection = collection_of("c", atmos={}, blue={}, green={}, red={})
    item = item_of("c", "i", red=asset("r", 3), angles=asset("a", 9), green=asset("g", 2), blue=asset("b", 1))
    image = Image.get("c:i", client=api_of([collection], [item]))
    assert image.ndarray("red green blue", GRID)[:, 0, 0].tolist() == [3, 2, 1]


def test_a_missing_asset_is_an_error_that_names_image_band_and_asset(api_of, asset):
    collection = collection_of("c", red={}, nir={})
    client = api_of([collection], [item_of("c", "i", red=asset("r", 3))])
    image = Image.get("c:i", client=client)
    with pytest.raises(RasterError, match=r"image 'c:i' has no asset 'nir' with band 'nir'"):
        image.ndarray("red nir", GRID)
    images = ImageCollection([image], geocontext=GRID)
    with pytest.raises(RasterError, match=r"image 'c:i' has no asset 'nir' with band 'nir'"):
        images.mosaic("nir")


def test_a_missing_asset_is_masked_in_mosaics_and_stacks_if_other_images_have_it(api_of, asset):
    collection = collection_of("c", red={}, nir={})
    whole = item_of("c", "whole", red=asset("r", 3), nir=asset("n", 4))
    part = item_of("c", "part", red=asset("r2", 5))
    client = api_of([collection], [whole, part])
    images = ImageCollection(Image.get_many(["c:whole", "c:part"], client=client), geocontext=GRID)
    assert images.mosaic("red nir")[:, 0, 0].tolist() == [5, 4]
    stack = images.stack("red nir")
    assert stack[:, :, 0, 0].tolist() == [[3, 4], [5, None]]
    assert np.ma.getmaskarray(images.stack("nir"))[1].all()


def test_a_missing_alpha_band_is_an_error(api_of, asset):
    collection = collection_of("c", red={}, alpha=named("alpha"))
    whole = item_of("c", "whole", red=asset("r", 3), alpha=asset("al", 1))
    part = item_of("c", "part", red=asset("r2", 5))
    client = api_of([collection], [whole, part])
    images = ImageCollection(Image.get_many(["c:whole", "c:part"], client=client), geocontext=GRID)
    with pytest.raises(RasterError, match=r"image 'c:part' has no asset 'alpha'.*mask_alpha=False"):
        images.mosaic("red")
    assert images.mosaic("red", mask_alpha=False)[0, 0, 0] == 5


def test_two_apis_with_one_collection_id_have_bands_of_their_own(api_of, asset):
    one = api_of([collection_of("c", red={})], [item_of("c", "one", a=asset("a", 1), red=asset("r1", 2))])
    shared = collection_of("c", b=named("red", "nir"))
    other = api_of([shared], [item_of("c", "other", b=asset("b", 3, 4, **named("nir", "red")))])
    images = [Image.get("c:one", client=one), Image.get("c:other", client=other)]
    for ordered in (images, images[::-1]):
        stack = ImageCollection(ordered, geocontext=GRID).stack("red")
        assert stack[:, 0, 0, 0].tolist() == [2 if image.name == "one" else 4 for image in ordered]
    with pytest.raises(ValueError, match="nir"):
        ImageCollection(images, geocontext=GRID).stack("nir")


def test_a_collection_that_describes_nothing_has_the_bands_of_its_items(api_of, asset):
    item = item_of("c", "i", red=asset("r", 3), rgb=asset("rgb", 5, 6, **named("x", "y")))
    client = api_of([bare_collection("c")], [item_of("c", "h", red=asset("h", 8)), item])
    assert Image.get("c:i", client=client).ndarray("red x y", GRID)[:, 0, 0].tolist() == [3, 5, 6]
    assert Image.get("c:h", client=client).ndarray("red", GRID)[0, 0, 0] == 8


def test_files_set_and_not_saved_yet_are_read(api_of, asset):
    collection = collection_of("c", red={}, nir={})
    client = api_of([collection], [item_of("c", "i", red=asset("r", 3), nir=asset("n", 4))])
    image = Image.get("c:i", client=client)
    image.files = [{"href": file.href} for file in image.files]
    assert image.ndarray("red nir", GRID)[:, 0, 0].tolist() == [3, 4]
