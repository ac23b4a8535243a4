"""Fixtures: objects as a service would return them, without a service."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from landbridge.auth import Auth
from landbridge.catalog import Band, CatalogClient, Image, Product
from landbridge.catalog.stac.bands import band_records
from landbridge.mappings import band, image, product


@pytest.fixture(autouse=True)
def client() -> Iterator[CatalogClient]:
    """A client without a service: a test that makes a request fails."""
    unreachable = CatalogClient(url="http://127.0.0.1:9", retries=0, auth=Auth(user="local", org="local"))
    CatalogClient.set_default_client(unreachable)
    yield unreachable
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def saved_product(client: CatalogClient) -> Callable[..., Product]:
    def make(**attributes: Any) -> Product:
        record = product.to_stac({"id": "local:p", "name": "P", **attributes})
        return Product._from_record(record, client)

    return make


@pytest.fixture
def saved_image(client: CatalogClient) -> Callable[..., Image]:
    def make(**attributes: Any) -> Image:
        known = {"id": "local:p:i", "name": "i", "product_id": "local:p", "acquired": "2020-01-02T00:00:00Z"}
        return Image._from_record(image.to_stac(known | attributes), client)

    return make


@pytest.fixture
def saved_band(client: CatalogClient) -> Callable[..., Band]:
    def make(**attributes: Any) -> Band:
        known = {
            "name": "b",
            "product_id": "local:p",
            "type": "spectral",
            "data_type": "UInt16",
            "band_index": 0,
        }
        collection = product.to_stac({"id": "local:p", "name": "P"})
        collection["bands"] = [band.to_stac(known | attributes)]
        return Band._from_record(band_records(collection)[0], client)

    return make
