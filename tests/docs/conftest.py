"""Fixtures for the examples of the documentation: the product of the demo, and replayed sources."""

import re

import pytest

import demo
from datasets import generated
from landbridge.catalog import CatalogClient, Product
from support.replay import replayed
from support.replay.as_source import used

# The demo's product and those that the pages make
PRODUCTS_OF_PAGES = re.compile(r"local:(demo-landsat|guide-|scenes$)|acme:scenes$")


def remove_products_of_pages():
    for product in list(Product.search()):
        if PRODUCTS_OF_PAGES.match(product.id):
            deletion = product.delete_related_objects()
            if deletion is not None:
                deletion.wait_for_completion(timeout=60)
            product.delete()


@pytest.fixture(scope="module")
def demo_product(stack, tmp_path_factory):
    """Make the product of `make demo` from small scenes."""
    CatalogClient.clear_all_default_clients()
    remove_products_of_pages()
    dataset = generated(200, tmp_path_factory.mktemp("scenes"))
    product = demo.create_product(Product.namespace_id(dataset.name), dataset)
    assert demo.upload_images(product, dataset)
    yield
    remove_products_of_pages()
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def replayed_sources(monkeypatch):
    """Use all shipped sources, and replay Earth Search on this machine."""
    with replayed("earth-search", 16, real=False) as provider, used(provider):
        monkeypatch.delenv("LANDBRIDGE_SOURCES")
        yield
        # `used` restores the variable that it found.
        monkeypatch.undo()
