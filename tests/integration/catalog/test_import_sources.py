"""`landbridge import` by reference from sources, on the live stack and replayed providers."""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
import rustac
from click.testing import CliRunner
from shapely.geometry import box, shape

from integration.conftest import stac_collection
from landbridge import sources
from landbridge.catalog import Image, Product
from landbridge.catalog.pixels import engine_inputs
from landbridge.cli import main
from landbridge.mappings.sources import shipped
from landbridge.mappings.sources.documents import SourceDocuments
from landbridge.mappings.sources.model import SourceTable
from support.catalog_files import make_item, write_catalog
from support.published_bands import expected
from support.replay import replayed
from support.replay.documents import REAL
from support.replay.products import Band

PROVIDERS = ("earth-search", "planetary-computer", "usgs", "cdse", "lpcloud", "dea", "deafrica")


@pytest.fixture
def run():
    def invoke(*args, code=0):
        result = CliRunner().invoke(main, ["import", *map(str, args)])
        assert result.exit_code == code, result.output
        return result.output.splitlines()[-1] + "\n" if code == 0 else result.output

    return invoke


@pytest.fixture
def added():
    """Add a replayed provider as the source of its table."""
    names = []

    def add(provider):
        sources.add(replace(shipped(provider.name), url=provider.url))
        names.append(provider.name)
        return provider.name

    yield add
    for name in names:
        sources.remove(name)


@pytest.fixture
def target(new_id):
    return f"local:{new_id()}"


def stored(http, collection):
    """Return the Items of a collection in the catalog, by id."""
    found, body = {}, {"collections": [collection], "limit": 1000}
    while True:
        page = http.post("/search", json=body).json()
        for item in page["features"]:
            assert item["id"] not in found
            found[item["id"]] = item
        following = [link for link in page["links"] if link["rel"] == "next"]
        if not following:
            return found
        body = following[0]["body"]


@pytest.mark.parametrize("real", [True, False], ids=["real documents", "own documents"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_each_band_has_the_file_of_its_asset(run, added, http, new_id, name, real):
    if real and not REAL.is_dir():
        pytest.skip(f"there are no real documents in {REAL}")
    with replayed(name, 9, real=real) as provider:
        source = added(provider)
        table = sources.get(source)
        for collection, published in provider.products.items():
            rows = [row for row in table.products if row.collection == collection]
            for identifier in [table.product_id(row) for row in rows] or [f"{source}:{collection}"]:
                target = f"local:{new_id()}"
                documents = {record.id: provider.api.item(record) for record in provider.of(collection)}
                wanted = {
                    key
                    for key, item in documents.items()
                    if SourceDocuments(table).has_item(item, identifier)
                }
                output = run(source, "--collection", identifier, "--as", target)
                assert output == f"{len(wanted)} items stored, 0 refused, 1 collections made.\n"
                images = list(Product.get(target).images())
                assert {image.name for image in images} == wanted
                assert check_bands(images, documents, published) > 0 or not wanted


def check_bands(images, documents, published):
    """Check that each band is read from the asset that the provider says; return the number of bands."""
    checked = 0
    for image, inputs in zip(images, engine_inputs.sources(images), strict=True):
        assets = documents[image.name]["assets"]
        for name in inputs.bands:
            # A band that the provider's table does not rename has the key of its asset.
            band = published.bands.get(name) or (Band(name) if name in published.assets else None)
            if name == "thermal" and published.collection.startswith(
                "landsat"
            ):  # lwir of Landsat 4 to 7, lwir11 of Landsat 8 and 9
                band = Band(inputs.bands[name].asset)
                assert band.asset in ("lwir", "lwir11")
            if band is None:
                continue
            place = inputs.place(name)
            listed = assets.get(band.asset, {}).get("eo:bands")
            if band.asset not in assets or (listed and band.index and band.index >= len(listed)):
                assert place is None, (image.id, name)  # such as the near infrared of some of NAIP's images
                continue
            assert place is not None, (image.id, name)
            assert inputs.files[place[0]] == assets[band.asset]["href"], (image.id, name)
            if published.assets[band.asset].count > 1:
                assert place[1] == band.index
            checked += 1
    return checked


def test_pixels_of_imported_images_are_read(run, added, target, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCES", "earth-search")
    with replayed("earth-search", 4, real=False) as provider:
        run(added(provider), "--collection", "esa:sentinel-2:l2a:v1", "--as", target)
        image = next(iter(Product.get(target).images().sort("id")))
        origin = Image.get(f"esa:sentinel-2:l2a:v1:{image.name}")
        for scaling in (None, "physical"):
            own, far = (each.ndarray("red nir", scaling=scaling, resolution=20) for each in (image, origin))
            assert (own == far).all()
            assert own.count()
        assert image.provider_url == f"{provider.url}/collections/sentinel-2-c1-l2a/items/{image.name}"


def test_conditions_select_items(run, added, http, target):
    with replayed("earth-search", 40, real=False) as provider:
        source = added(provider)
        records = provider.of("sentinel-2-c1-l2a")
        west, south, east, north = records[3].bbox
        options = ("--collection", "sentinel-2-c1-l2a", "--as", target)
        options += ("--bbox", f"{west},{south},{east},{north}", "--filter", "eo:cloud_cover < 60")
        options += ("--datetime", f"{records[3].properties['datetime']}/..")
        wanted = {
            record.id
            for record in records
            if shape(record.geometry).intersects(box(*records[3].bbox))
            and record.properties["eo:cloud_cover"] < 60
            and record.properties["datetime"] >= records[3].properties["datetime"]
        }
        assert 1 < len(wanted) < 30
        run(source, *options)
        assert set(stored(http, target)) == wanted


def test_a_repeated_import_adds_what_is_missing(run, added, http, target):
    with replayed("earth-search", 20, real=False) as provider:
        source = added(provider)
        options = ("--collection", "sentinel-2-c1-l2a", "--as", target)
        run(source, *options, "--filter", "eo:cloud_cover < 50")
        before = stored(http, target)
        assert 0 < len(before) < 20
        assert run(source, *options) == (
            f"{20 - len(before)} items stored, 0 refused, 0 collections made, 1 there already, "
            f"{len(before)} items there already.\n"
        )
        after = stored(http, target)
        assert len(after) == 20
        updated = {name: item["properties"]["updated"] for name, item in after.items() if name in before}
        assert updated == {name: item["properties"]["updated"] for name, item in before.items()}
        assert run(source, *options, "--upsert").startswith("20 items stored")


def test_a_killed_import_is_completed_without_loss_or_doubles(run, added, http, stack, target, monkeypatch):
    monkeypatch.setattr("landbridge.cli.import_sources._GROUP", 10)
    with replayed("earth-search", 100, real=False) as provider:
        stopped, release, searches = threading.Event(), threading.Event(), []

        def stop_answering(method, path):
            if path == "/search":
                searches.append(path)
                if len(searches) == 4:  # the pages before were read; the one before was stored, or is
                    stopped.set()
                    release.wait()

        provider.api.faults.append(stop_answering)
        code = (
            "from dataclasses import replace\n"
            "from landbridge import sources\n"
            "from landbridge.cli import import_sources, main\n"
            "from landbridge.mappings.sources import shipped\n"
            "import_sources._GROUP = 10\n"
            "table = shipped('earth-search')\n"
            "rules = replace(table.api, page_size=10)\n"
            f"sources.add(replace(table, url={provider.url!r}, api=rules))\n"
            f"main(['import', 'earth-search', '--collection', 'sentinel-2-c1-l2a', '--as', {target!r}])\n"
        )
        with subprocess.Popen([sys.executable, "-c", code]) as process:
            try:
                assert stopped.wait(120)
                # Two pages were yielded before the third was awaited: their items are stored meanwhile.
                for _ in range(600):
                    if process.poll() is not None or len(stored(http, target)) >= 10:
                        break
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
                release.set()
        provider.api.faults.clear()
        part = stored(http, target)
        assert 10 <= len(part) < 100
        run(added(provider), "--collection", "sentinel-2-c1-l2a", "--as", target)
        whole = stored(http, target)
        assert set(whole) == {record.id for record in provider.of("sentinel-2-c1-l2a")}
        assert all(whole[name]["properties"] == item["properties"] for name, item in part.items())


def test_a_product_with_other_bands_is_refused(run, added, target):
    with (
        replayed("earth-search", 2, real=False) as first,
        replayed("planetary-computer", 2, real=False) as two,
    ):
        run(added(first), "--collection", "sentinel-2-c1-l2a", "--as", target)
        output = run(added(two), "--collection", "sentinel-2-l2a", "--as", target, code=1)
        assert "Import into another product" in output


def test_a_collection_that_the_source_lacks_is_named(run, added, target):
    with replayed("earth-search", 1, real=False) as provider:
        source = added(provider)
        assert "has no collection 'nothing'" in run(source, "--collection", "nothing", code=1)
        assert "--collection" in run(source, code=2)
    assert "There is no source 'elsewhere'" in run("elsewhere", code=1)
    assert "CQL2" in run(source, "--collection", "x", "--filter", "a <", code=1)


def test_a_static_catalog_is_imported(run, http, tmp_path, new_id):
    target = f"local:{new_id()}"
    address = write_catalog(tmp_path / "cat")
    output = run(address, "--collection", "a", "--as", target, "--filter", "eo:cloud_cover >= 10")
    assert output.startswith("20 items stored")
    item = stored(http, target)["i12"]
    assert item["assets"]["red"]["href"] == str(tmp_path / "cat/a/2024/i12/red.tif")


def test_a_parquet_file_is_imported_in_part(run, http, tmp_path, new_id):
    target = f"local:{new_id()}"
    path = tmp_path / "items.parquet"
    rustac.write_sync(str(path), [make_item(number, "whatever") for number in range(50)])
    http.post("/collections", json=stac_collection(target)).raise_for_status()
    output = run(path, "--as", target, "--bbox", "10.2,0,20.1,1", "--datetime", "2024-01-15T00:00:00Z/..")
    assert output.startswith("7 items stored")
    assert set(stored(http, target)) == {f"i{number}" for number in range(14, 21)}


def test_signatures_are_not_stored(run, http, tmp_path, new_id):
    target = f"local:{new_id()}"
    item = make_item(1, target)
    item["assets"]["red"]["href"] = "https://a.blob.core.windows.net/c/red.tif?se=2030&sig=5ecret"
    (tmp_path / "items.json").write_text(json.dumps(item))
    (tmp_path / "collection.json").write_text(json.dumps(stac_collection(target)))
    run(tmp_path / "collection.json", tmp_path / "items.json")
    assert stored(http, target)["i1"]["assets"]["red"]["href"] == "https://a.blob.core.windows.net/c/red.tif"


@pytest.mark.parametrize("name", [*PROVIDERS, "swisstopo"])
def test_bands_of_collections_without_a_row_have_the_files_of_their_documents(
    run, http, new_id, tmp_path, name
):
    if not REAL.is_dir():
        pytest.skip(f"there are no real documents in {REAL}")
    with replayed(name, 1) as provider:
        sources.add(SourceTable(name, provider.url))
        try:
            others = {record.collection for record in provider.records} - set(provider.products)
            for collection in sorted(others):
                target = f"local:{new_id()}"
                documents = {record.id: provider.api.item(record) for record in provider.of(collection)}
                # The service refuses geometries that GeoJSON does not have: one document has a part without
                # points.
                broken = {key for key, item in documents.items() if [] in item["geometry"]["coordinates"]}
                rejected = tmp_path / "rejected.ndjson"
                options = ("--collection", collection, "--as", target, "--rejected", rejected)
                run(name, *options, code=1 if broken else 0)
                assert {json.loads(line)["id"] for line in rejected.read_text().splitlines()} == broken
                documents = {key: item for key, item in documents.items() if key not in broken}
                published = http.get(f"{provider.url}/collections/{collection}").json()
                images = list(Product.get(target).images())
                assert {image.name for image in images} == set(documents)
                for image, inputs in zip(images, engine_inputs.sources(images), strict=True):
                    item = documents[image.name]
                    for band in inputs.bands:
                        places = expected(band, published, item)
                        found = inputs.place(band)
                        if found is None:
                            assert not places, (image.id, band)
                        elif places:
                            # Relative hrefs have become absolute.
                            hrefs = {
                                (item["assets"][key]["href"].replace("../", ""), index)
                                for key, index in places
                            }
                            file, index = inputs.files[found[0]], found[1]
                            assert any(file.endswith(href) and index == other for href, other in hrefs), (
                                image.id,
                                band,
                            )
        finally:
            sources.remove(name)


def test_a_named_product_gets_the_prefix_that_a_saved_one_gets(run, tmp_path, new_id):
    name, address = new_id(), write_catalog(tmp_path / "cat", 3)
    for report in ("3 items stored, 0 refused, 1 collections made.", "3 items there already"):
        assert report in run(address, "--collection", "a", "--as", name)
    assert Product.get(f"local:{name}").images().count() == 3
    assert Product.get(name) is None
    run(address, "--collection", "a", "--as", f"earthrise:{name}")
    assert Product.get(f"earthrise:{name}").images().count() == 3
