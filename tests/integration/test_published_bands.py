"""Bands of real documents after `landbridge import`: each band's file is what its document says."""

import copy
import json

import pytest
from click.testing import CliRunner

from landbridge.catalog import CatalogClient, Image
from landbridge.catalog.pixels.engine_inputs import sources
from landbridge.cli import main
from support.published_bands import expected
from support.replay_server import SHARED, bare_collection, published

pytestmark = pytest.mark.skipif(
    not (SHARED / "sources").is_dir(), reason=f"there are no real documents in {SHARED}"
)
POINT = {"type": "Point", "coordinates": [10, 10]}
SETS = {name: (collections, items) for name, collections, items in published()} if SHARED.is_dir() else {}


@pytest.fixture(autouse=True)
def client(stack):
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


def about_bands(document, kind):
    """Return a document with what it says of bands, and the rest plain: versions, places and times."""
    world = bare_collection("")["extent"]
    rest = {"extent": world} if kind == "Collection" else {"geometry": POINT, "bbox": [10, 10, 10, 10]}
    plain = {**document, "type": kind, "stac_version": "1.0.0", **rest}
    plain["stac_extensions"] = [url for url in document.get("stac_extensions", []) if "://" in url]
    if kind == "Feature":
        plain["properties"] = {name: value for name, value in document["properties"].items() if value != ""}
        for asset in plain["assets"].values():
            if isinstance((asset.get("raster:bands") or [None])[0], list):
                asset["raster:bands"] = asset["raster:bands"][0]
    return plain


@pytest.mark.parametrize("name", SETS)
def test_each_band_of_an_imported_item_is_read_from_the_asset_that_its_document_says(
    name, client, http, collection, tmp_path
):
    # The ids are made unique: data sets of several providers have the same.
    collections, items = copy.deepcopy(SETS[name])
    if not items:
        pytest.skip("no item was published")
    for document in collections:
        document["id"] = f"{collection}-{document['id']}"
    for item in items:
        item["collection"] = f"{collection}-{item['collection']}"
    collections = [about_bands(document, "Collection") for document in collections]
    items = [about_bands(document, "Feature") for document in items]
    for number, document in enumerate([*collections, *items]):
        (tmp_path / f"{number:03}.json").write_text(json.dumps(document))
    result = CliRunner().invoke(main, ["import", str(tmp_path)])
    assert result.exit_code == 0, result.output
    by_id = {one["id"]: one for one in collections}
    for item in items:
        image = Image.get(f"{item['collection']}:{item['id']}", client=client)
        (source,) = sources([image])
        assert source.bands, item["id"]
        right = 0
        for band in source.bands:
            place = source.place(band)
            wanted = expected(band, by_id[item["collection"]], item)
            found = {
                (key, place[1])
                for key, asset in item["assets"].items()
                if place and asset["href"] == source.files[place[0]]
            }
            assert found <= wanted, (item["id"], band)
            assert bool(found) == bool(wanted), (item["id"], band)
            right += bool(found)
        assert right > 0, item["id"]
    # Other clients find each band by what is stored.
    for document in collections:
        for entry in http.get(f"/collections/{document['id']}").json()["bands"]:
            assert "catalog:file_index" not in entry
            assert entry["catalog:asset"] in document["item_assets"]
            assert isinstance(entry["catalog:band_index"], int)
