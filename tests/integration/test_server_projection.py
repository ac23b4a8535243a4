"""Items are served with `proj:epsg` for programs that know no `proj:code`."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import rasterio

from integration.conftest import stac_collection, stac_item

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

CODE = "EPSG:32621"


@pytest.fixture
def item(http: httpx.Client, collection: str) -> dict[str, Any]:
    """Return an item with `proj:code` in its properties and another in an asset."""
    asset = {"href": "https://a.example/b.tif", "proj:code": "EPSG:4326", "proj:shape": [2, 2]}
    sent = {**stac_item(collection, "one", **{"proj:code": CODE}), "assets": {"a": asset}}
    http.post(f"/collections/{collection}/items", json=sent).raise_for_status()
    return sent


def get(http: httpx.Client, item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/collections/{item['collection']}/items/{item['id']}").json()
    return found


def stored(stack: Any, item: dict[str, Any]) -> dict[str, Any]:
    import psycopg

    with psycopg.connect(stack.database) as conn:
        row = conn.execute(
            "SELECT content FROM pgstac.items WHERE collection = %s", (item["collection"],)
        ).fetchone()
    assert row is not None
    return dict(row[0])


def test_every_route_with_items_shows_both_members(http: httpx.Client, item: dict[str, Any]) -> None:
    collection = item["collection"]
    for found in (
        get(http, item),
        http.get(f"/collections/{collection}/items").json()["features"][0],
        http.post("/search", json={"collections": [collection]}).json()["features"][0],
        http.patch(f"/collections/{collection}/items/one", json={"properties": {"title": "x"}}).json(),
    ):
        assert (found["properties"]["proj:code"], found["properties"]["proj:epsg"]) == (CODE, 32621)
        assert (found["assets"]["a"]["proj:code"], found["assets"]["a"]["proj:epsg"]) == ("EPSG:4326", 4326)


def test_derived_members_are_not_stored(stack: Any, http: httpx.Client, item: dict[str, Any]) -> None:
    path = f"/collections/{item['collection']}/items/one"
    http.put(path, json=get(http, item)).raise_for_status()
    http.patch(path, json={"properties": {"title": "x"}}).raise_for_status()
    http.patch(path, json=[{"op": "add", "path": "/properties/description", "value": "x"}]).raise_for_status()
    assert "proj:epsg" not in json.dumps(stored(stack, item))


def test_an_epsg_of_its_own_stays(http: httpx.Client, item: dict[str, Any]) -> None:
    path = f"/collections/{item['collection']}/items/one"
    http.patch(path, json={"properties": {"proj:epsg": 3857}}).raise_for_status()
    http.put(path, json=get(http, item)).raise_for_status()
    assert get(http, item)["properties"]["proj:epsg"] == 3857


def test_a_change_of_the_code_changes_both(http: httpx.Client, item: dict[str, Any]) -> None:
    path = f"/collections/{item['collection']}/items/one"
    http.patch(path, json={"properties": {"proj:code": "EPSG:3857"}}).raise_for_status()
    assert get(http, item)["properties"]["proj:epsg"] == 3857
    document = get(http, item)
    document["properties"]["proj:code"] = "EPSG:32622"
    http.put(path, json=document).raise_for_status()
    assert get(http, item)["properties"]["proj:epsg"] == 32622


def test_the_derived_member_can_be_filtered_and_selected(http: httpx.Client, item: dict[str, Any]) -> None:
    search = {"collections": [item["collection"]], "filter": "proj:epsg = 32621", "filter-lang": "cql2-text"}
    found = http.post("/search", json={**search, "fields": {"include": ["properties.proj:epsg"]}}).json()
    assert [one["properties"] for one in found["features"]] == [{"proj:epsg": 32621}]
    query = {"collections": [item["collection"]], "query": {"proj:epsg": {"eq": "32621"}}}
    assert http.post("/search", json=query).json()["numberMatched"] == 1


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdal-bin is not installed")
def test_gdal_reads_a_search_as_a_mosaic(
    stack: Any, http: httpx.Client, geotiff: Callable[..., Path], tmp_path: Path
) -> None:
    name = f"local:stacit-{tmp_path.name[-8:]}".replace("_", "-").lower()
    http.post("/collections", json={**stac_collection(name), "bands": []}).raise_for_status()
    path = geotiff()
    with rasterio.open(path) as file:
        members = {
            "proj:shape": list(file.shape),
            "proj:transform": list(file.transform)[:6],
            "proj:bbox": list(file.bounds),
        }
    asset = {"href": f"https://a.example/{path.name}", "type": "image/tiff; application=geotiff"}
    sent = stac_item(name, "one", **{"proj:code": CODE, **members})
    http.post(f"/collections/{name}/items", json={**sent, "assets": {"red": asset}}).raise_for_status()
    # A file of the search, with the pixels of this machine in place of those of a.example.
    page = http.get("/search", params={"collections": name}).text.replace(
        "https://a.example", str(path.parent)
    )
    (tmp_path / "search.json").write_text(page)
    command = ["gdalinfo", "-json", f'STACIT:"{tmp_path / "search.json"}":asset=red']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    info = json.loads(done.stdout)
    assert info["size"] == [members["proj:shape"][1], members["proj:shape"][0]]
    assert "32621" in info["coordinateSystem"]["wkt"]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_stackstac_takes_the_crs_from_the_items(http: httpx.Client, item: dict[str, Any]) -> None:
    stackstac = pytest.importorskip("stackstac")
    found = get(http, item)
    found["assets"] = {"a": {"href": "https://a.example/b.tif", "type": "image/tiff"}}
    found["properties"].update({"proj:shape": [2, 2], "proj:transform": [10, 0, 600000, 0, -10, 4200000]})
    assert stackstac.stack([found], bounds_latlon=None, resolution=10).attrs["crs"] == "epsg:32621"
