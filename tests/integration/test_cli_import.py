"""`landbridge import` on the live stack."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from integration.conftest import stac_collection, stac_item
from landbridge.catalog import CatalogClient
from landbridge.cli import main


@pytest.fixture(autouse=True)
def client(stack):
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def run():
    def invoke(*args, code=0):
        result = CliRunner().invoke(main, ["import", *map(str, args)])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def stored(http, collection):
    answer = http.post("/search", json={"collections": [collection], "limit": 1000})
    return sorted(item["id"] for item in answer.json()["features"])


def lines(path, items):
    path.write_text("".join(json.dumps(item) + "\n\n" for item in items))
    return path


def test_a_file_of_lines_is_loaded(run, http, collection, tmp_path):
    path = lines(tmp_path / "items.ndjson", [stac_item(collection, f"i{n}") for n in range(2500)])
    assert run(path) == "2500 items stored, 0 refused, 0 collections made.\n"
    assert (
        http.post("/search", json={"collections": [collection], "limit": 1}).json()["numberMatched"] == 2500
    )
    assert "exist" in run(path, code=1)
    assert run(path, "--upsert").startswith("2500 items stored")


def test_counts_are_printed_as_json(collection, tmp_path):
    path = lines(
        tmp_path / "items.ndjson", [stac_item(collection, "a"), {**stac_item(collection, "b"), "geometry": 1}]
    )
    command = ["import", str(path), "--json", "--rejected", str(tmp_path / "refused.ndjson")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "items_stored": 1,
        "items_refused": 1,
        "items_there": 0,
        "collections_made": 0,
        "collections_refused": 0,
        "collections_there": 0,
    }


def test_a_folder_brings_its_collection_and_all_its_files(run, http, collection, tmp_path):
    new = f"{collection}-new"
    (tmp_path / "catalog.json").write_text(json.dumps({"type": "Catalog", "id": "root"}))
    (tmp_path / "collection.json").write_text(json.dumps(stac_collection(new)))
    deep = tmp_path / "2024" / "05"
    deep.mkdir(parents=True)
    (deep / "one.json").write_text(json.dumps(stac_item(new, "one")))
    features = [stac_item(new, "two"), stac_item(new, "three")]
    (deep / "more.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (deep / "readme.txt").write_text("no STAC")
    assert run(tmp_path) == "3 items stored, 0 refused, 1 collections made.\n"
    assert stored(http, new) == ["one", "three", "two"]
    again = run(tmp_path, "--upsert")
    assert again == "3 items stored, 0 refused, 0 collections made, 1 there already.\n"


def test_stac_geoparquet_is_loaded(run, http, collection, tmp_path):
    source, path = (
        lines(tmp_path / "i.ndjson", [stac_item(collection, f"i{n}") for n in range(5)]),
        tmp_path / "i.parquet",
    )
    subprocess.run(
        [Path(sys.executable).parent / "rustac", "translate", source, path], check=True, timeout=60
    )
    other = f"{collection}-p"
    http.post("/collections", json=stac_collection(other)).raise_for_status()
    assert run(path, "--collection", other).startswith("5 items stored")
    assert stored(http, other) == [f"i{n}" for n in range(5)]
    item = http.get(f"/collections/{other}/items/i3").json()
    assert item["geometry"] == stac_item(other, "i3")["geometry"]
    assert item["properties"]["datetime"] == "2024-05-01T00:00:00Z"


def test_an_item_that_is_wrong_keeps_its_batch_out_and_is_named(run, http, collection, tmp_path):
    items = [stac_item(collection, f"i{n}") for n in range(10)]
    items[7]["geometry"]["coordinates"][0].pop()  # the ring is open
    path = lines(tmp_path / "items.ndjson", items)
    assert "ring" in run(path, code=1)
    assert stored(http, collection) == []
    rejected = tmp_path / "rejected.ndjson"
    output = run(path, "--rejected", rejected, code=1)
    assert "9 items stored, 1 refused" in output
    assert stored(http, collection) == [f"i{n}" for n in range(10) if n != 7]
    assert json.loads(rejected.read_text())["id"] == "i7"


def test_what_is_no_stac_is_said_by_file_and_line(run, collection, tmp_path):
    path = tmp_path / "items.ndjson"
    path.write_text(json.dumps(stac_item(collection, "a")) + "\n{nonsense\n")
    assert f"{path}, line 2 is not JSON" in run(path, code=1)
    (tmp_path / "x.json").write_text("[1]")
    assert "holds no STAC" in run(tmp_path / "x.json", code=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no STAC file" in run(empty, code=1)
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    assert "stac-geoparquet" in run(tmp_path / "x.parquet", code=1)
    item = stac_item(collection, "a")
    del item["collection"]
    assert "--collection" in run(lines(tmp_path / "b.ndjson", [item]), code=1)


def test_lines_bring_their_collections_as_files_of_json_do(run, http, collection, tmp_path):
    new = f"{collection}-lines"
    path = lines(
        tmp_path / "all.ndjson", [stac_item(new, "one"), stac_collection(new), stac_item(new, "two")]
    )
    assert run(path) == "2 items stored, 0 refused, 1 collections made.\n"
    assert stored(http, new) == ["one", "two"]
    only = lines(tmp_path / "only.ndjson", [stac_collection(f"{new}-2")])
    assert run(only) == "0 items stored, 0 refused, 1 collections made.\n"
    assert run(only) == "0 items stored, 0 refused, 0 collections made, 1 there already.\n"


def test_an_import_of_nothing_does_not_end_well(run, tmp_path):
    path = lines(tmp_path / "catalogs.ndjson", [{"type": "Catalog", "id": "root"}])
    assert "There is no STAC Item or Collection" in run(path, code=1)
    (tmp_path / "empty.ndjson").write_text("\n")
    assert "There is no STAC Item or Collection" in run(tmp_path / "empty.ndjson", code=1)


def test_one_refused_collection_does_not_end_the_import_of_others(run, http, collection, tmp_path):
    bad, good, missing = f"{collection}-bad", f"{collection}-good", f"{collection}-missing"
    documents = [
        stac_collection(
            bad, extent={"spatial": {"bbox": [[0, 0]]}, "temporal": {"interval": [[None, None]]}}
        ),
        stac_collection(good),
        *(stac_item(bad, f"b{n}") for n in range(3)),
        stac_item(good, "g"),
        stac_item(missing, "m"),
    ]
    path = lines(tmp_path / "all.ndjson", documents)
    first = run(path, code=1)
    assert bad in first
    assert "extent.spatial.bbox" in first
    assert "--rejected" in first
    assert http.get(f"/collections/{good}").status_code == 404
    rejected = tmp_path / "rejected.ndjson"
    output = run(path, "--rejected", rejected, code=1)
    assert "1 items stored, 4 refused, 1 collections made, 1 collections refused.\n" in output
    assert stored(http, good) == ["g"]
    refused = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [document["id"] for document in refused] == [bad, "b0", "b1", "b2", "m"]


def test_numbers_that_json_has_not_are_said_by_file_and_line(run, collection, tmp_path):
    path = tmp_path / "items.ndjson"
    path.write_text(json.dumps(stac_item(collection, "a", gsd=float("nan"))))
    output = run(path, code=1)
    assert f"{path}, line 1" in output
    assert "NaN" in output


def test_collections_before_stac_1_need_no_type(run, http, collection, tmp_path):
    new = f"{collection}-old"
    old = stac_collection(new, stac_version="0.9.0", stac_extensions=["eo", "item-assets"])
    del old["type"]
    (tmp_path / "collection.json").write_text(json.dumps(old))
    (tmp_path / "catalog.json").write_text(json.dumps({"stac_version": "0.9.0", "id": "root", "links": []}))
    assert run(tmp_path) == "0 items stored, 0 refused, 1 collections made.\n"
    assert http.get(f"/collections/{new}").json()["stac_version"] == "1.1.0"
