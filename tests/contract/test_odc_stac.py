"""odc-stac reads pixels over HTTP from the API's items, without Landbridge's client."""

import numpy as np
import pytest
import rasterio
from pystac_client import Client
from pystac_client.warnings import strict

from support.lazy_import import LazyModule

odc_stac = LazyModule("odc.stac")


@pytest.fixture
def items(stack, product):
    with strict():
        yield list(Client.open(stack.private_url).search(collections=[product.id], sortby="+id").items())


def test_assets_are_http_addresses(items, stack):
    for item in items:
        for asset in item.assets.values():
            assert asset.href.startswith(f"{stack.private_url}assets/")


def test_a_band_is_loaded_by_its_name(items, dataset):
    (item,) = [item for item in items if item.id == dataset.images[0].name]
    loaded = odc_stac.load([item], bands=["red"])
    (path,) = dataset.images[0].files()
    with rasterio.open(path) as file:
        expected = file.read(3)
    np.testing.assert_array_equal(loaded.red.squeeze().to_numpy(), expected)
    assert loaded.red.odc.crs.to_epsg() == 32612


def test_the_items_of_two_zones_are_loaded_into_one_grid(items):
    loaded = odc_stac.load(items, bands=["red", "nir"], crs="EPSG:32612", resolution=120, groupby="id")
    assert loaded.red.shape[0] == len(items) == 6
    for layer in loaded.red.to_numpy():
        assert (layer != 0).any()
