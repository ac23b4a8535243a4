"""Fixtures for the examples of the documentation: the product of the demo, and replayed sources."""

import pytest

import demo
from datasets import generated
from landbridge.catalog import CatalogClient, Product
from support.notebooks import remove_products_of_pages
from support.replay import replayed
from support.replay.as_source import used


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
