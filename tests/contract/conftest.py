"""A product of generated scenes for the tests of other STAC clients."""

import pytest

import demo
from datasets import generated
from landbridge.catalog import Product


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Six scenes in two UTM zones, one GeoTIFF each."""
    return generated(256, tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="session")
def product(stack, dataset):
    """Those scenes, uploaded through the object API."""
    product = demo.create_product(Product.namespace_id("contract-landsat"), dataset)
    # The guide's examples look for the demo's words and tags.
    product.update(name="Scenes for other clients", description="Generated scenes", tags=["contract"])
    product.save()
    assert demo.upload_images(product, dataset)
    return product
