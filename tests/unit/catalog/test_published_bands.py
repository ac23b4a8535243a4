"""Bands of real documents, read from an API that serves them: each band has the file of its document."""

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image
from landbridge.catalog.pixels.engine_inputs import sources
from support.published_bands import expected
from support.replay_server import SHARED, ReplayServer, published

needs_real_documents = pytest.mark.skipif(
    not (SHARED / "sources").is_dir(), reason=f"there are no real documents in {SHARED}"
)
SETS = {name: (collections, items) for name, collections, items in published()} if SHARED.is_dir() else {}


def found_places(source, item):
    """Return {band: {(asset key, index)}} of an engine's source, by the hrefs of the published Item."""
    found = {}
    for name in source.bands:
        place = source.place(name)
        found[name] = (
            {
                (key, place[1])
                for key, asset in item["assets"].items()
                if asset["href"] == source.files[place[0]]
            }
            if place
            else set()
        )
    return found


def check_item(image, collection, item):
    """Assert that each band of an image has its location in the documents; return their number."""
    (source,) = sources([image])
    right = 0
    assert source.bands, f"no bands: {item['id']}"
    for name, places in found_places(source, item).items():
        wanted = expected(name, collection, item)
        assert places <= wanted, (item["id"], name)
        assert bool(places) == bool(wanted), (item["id"], name)
        right += bool(places)
    return right


@needs_real_documents
@pytest.mark.parametrize("name", SETS)
def test_each_band_of_a_published_item_is_read_from_the_asset_that_its_document_says(name):
    collections, items = SETS[name]
    if not items:
        pytest.skip("no item was published")
    api = ReplayServer(collections, items)
    try:
        client = CatalogClient(url=api.url, auth=Auth(user="local", org="local"), retries=0)
        by_id = {one["id"]: one for one in collections}
        for item in items:
            image = Image.get(f"{item['collection']}:{item['id']}", client=client)
            assert check_item(image, by_id[item["collection"]], item) > 0
    finally:
        api.stop()
