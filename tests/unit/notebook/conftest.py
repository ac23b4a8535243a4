"""Fixtures: a client without a service, so that a view that makes a request fails."""

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient


@pytest.fixture(autouse=True, scope="module")
def client():
    unreachable = CatalogClient(url="http://127.0.0.1:9", retries=0, auth=Auth(user="local", org="local"))
    CatalogClient.set_default_client(unreachable)
    return unreachable
