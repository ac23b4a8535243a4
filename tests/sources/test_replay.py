"""The replayed providers themselves: other clients read them as they read the real ones."""

import json
import warnings

import httpx
import numpy as np
import pystac_client
import pytest
import rasterio

from support.lazy_import import LazyModule
from support.replay import pixels, replayed
from support.replay.documents import REAL, load, local_address
from support.replay.profiles import PROFILES

odc_stac = LazyModule("odc.stac")

PROVIDERS = sorted(PROFILES)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        # pystac-client tells what an API doesn't declare
        warnings.simplefilter("ignore")
        yield


def search(provider, **body):
    return httpx.post(f"{provider.url}/search", json=body, timeout=60)


@pytest.mark.parametrize("name", PROVIDERS)
def test_another_client_pages_through_every_item_of_a_provider_once(name):
    with replayed(name, 23, real=False) as provider:
        client = pystac_client.Client.open(provider.url)
        for collection in provider.products:
            for method in ("GET", "POST"):
                found = list(client.search(method=method, collections=[collection], limit=5).items())
                assert sorted(item.id for item in found) == sorted(one.id for one in provider.of(collection))


@pytest.mark.parametrize("name", PROVIDERS)
def test_all_real_documents_are_served(name):
    if not REAL.is_dir():
        pytest.skip(f"there are no real documents in {REAL}")
    content = [json.loads(path.read_text()) for path in (REAL / name).glob("*.json")]
    ids = {one["document"]["id"] for file in content for one in file["items"]}
    _, records = load(name, 10)
    # One document of the LP DAAC's is of another producer, with other keys.
    assert ids - {record.id for record in records} <= {"HLS.L30.T19LDD.2022165T144027.v2.0"}


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("name", PROVIDERS)
def test_files_hold_what_their_documents_say(name, real):
    if real and not REAL.is_dir():
        pytest.skip(f"there are no real documents in {REAL}")
    with replayed(name, 9, real=real) as provider:
        for collection, product in provider.products.items():
            record = provider.of(collection)[8]
            item = provider.api.item(record)
            for key in list(product.assets)[:3] + list(product.assets)[-1:]:
                if key not in item["assets"]:
                    continue
                asset, spec = item["assets"][key], record.pixels(key)
                content = provider.files.content("/".join(asset["href"].rsplit("/", 2)[1:]))
                with rasterio.MemoryFile(content) as memory, memory.open() as dataset:
                    wanted = pixels.values(record.id, key, spec, product.finest)
                    np.testing.assert_array_equal(dataset.read(), wanted)
                    told = asset.get("proj:transform")
                    assert told is None or told[:6] == list(dataset.transform)[:6]
                    assert asset.get("proj:shape", list(dataset.shape)) == list(dataset.shape)
                    crs, _ = record.grid(key)
                    assert dataset.crs.to_string() == crs


@pytest.mark.parametrize("name", ["earth-search", "deafrica", "dea"])
def test_odc_stac_reads_a_provider(name):
    with replayed(name, 10, real=False) as provider:
        collection, product = next(iter(provider.products.items()))
        client = pystac_client.Client.open(provider.url)
        record = provider.of(collection)[0]
        (item,) = client.search(collections=[collection], ids=[record.id]).items()
        for asset in item.assets.values():
            if asset.href.startswith("s3:"):
                asset.href = asset.href.replace("s3:/", provider.files.url)
        key = product.bands["red"].asset
        loaded = odc_stac.load([item], bands=[key])
        spec = record.pixels(key)
        wanted = pixels.values(record.id, key, spec, product.finest)[0]
        # Floats with NaN if the document tells neither data type nor nodata
        found = np.nan_to_num(loaded[key].values[0], nan=spec.nodata)
        np.testing.assert_array_equal(found, wanted)


def test_copies_have_other_places_days_and_clouds():
    _, records = load("earth-search", 64, real=False)
    copies = [record for record in records if record.collection == "sentinel-2-c1-l2a"]
    assert len({record.id for record in copies}) == 64
    assert len({tuple(record.bbox) for record in copies}) == 8
    assert len({record.properties["datetime"] for record in copies}) == 64
    assert len({record.properties["eo:cloud_cover"] for record in copies}) == 64


# --- what an API answers


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("planetary-computer", {}, 422),
        ("planetary-computer", {"collections": ["naip"], "limit": 1001}, 400),
        ("planetary-computer", {"collections": ["naip"], "limit": 0}, 400),
        ("dea", {"query": {"eo:cloud_cover": {"lt": 5}}}, 400),
        ("dea", {"bbox": [0, 0, 0, 1, 1, 1]}, 400),
        ("dea", {"ids": ["a-scene"]}, 400),
        ("dea", {"limit": 1001}, 400),
        ("lpcloud", {"limit": 5001}, 400),
        ("lpcloud", {"sortby": [{"field": "properties.eo:cloud_cover", "direction": "asc"}]}, 400),
        ("swisstopo", {"query": {"eo:cloud_cover": {"lt": 5}}}, 400),
        ("earth-search", {"bbox": [0, 0, 1, 1], "intersects": {"type": "Point", "coordinates": [0, 0]}}, 400),
    ],
)
def test_what_a_provider_refuses(name, body, status):
    with replayed(name, 2, real=False) as provider:
        assert search(provider, **body).status_code == status


@pytest.mark.parametrize(("name", "largest"), [("earth-search", 267), ("usgs", 500)])
def test_a_page_that_is_too_large_fails(name, largest):
    with replayed(name, largest + 10, real=False) as provider:
        collection = next(iter(provider.products))
        body = {"collections": [collection]}
        assert search(provider, **body, limit=largest).status_code == 200
        assert search(provider, **body, limit=largest + 1).status_code == 502


@pytest.mark.parametrize(("name", "clamped"), [("lpcloud", 100), ("swisstopo", 100)])
def test_a_large_page_is_cut_silently(name, clamped):
    with replayed(name, clamped + 10, real=False) as provider:
        collection = next(iter(provider.products))
        answer = search(provider, collections=[collection], limit=clamped + 5).json()
        assert len(answer["features"]) == clamped


CLOUDLESS = {
    "query": {"query": {"eo:cloud_cover": {"lt": 30.5}}},
    "cql2-json": {
        "filter-lang": "cql2-json",
        "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 30.5]},
    },
    "cql2-text": {"filter-lang": "cql2-text", "filter": '"eo:cloud_cover" < 30.5'},
}


@pytest.mark.parametrize("language", CLOUDLESS)
@pytest.mark.parametrize("name", PROVIDERS)
def test_filters_are_evaluated_refused_or_ignored(name, language):
    with replayed(name, 20, real=False) as provider:
        collection = next(iter(provider.products))
        records = provider.of(collection)
        answer = search(provider, collections=[collection], limit=100, **CLOUDLESS[language])
        profile = PROFILES[name]
        if language in profile.refused or (profile.strict_query and language == "query"):
            assert answer.status_code == 400
            return
        low = {one.id for one in records if one.properties["eo:cloud_cover"] < 30.5}
        wanted = low if language in profile.languages else {one.id for one in records}
        assert {one["id"] for one in answer.json()["features"]} == wanted
        assert 0 < len(low) < len(records)


def test_cmr_compares_inclusively_and_ignores_other_properties():
    with replayed("lpcloud", 20, real=False) as provider:
        records = provider.of("HLSL30_2.0")
        cover = records[5].properties["eo:cloud_cover"]
        query = {"eo:cloud_cover": {"lt": cover}, "platform": {"eq": "no such platform"}}
        found = search(provider, collections=["HLSL30_2.0"], limit=100, query=query).json()["features"]
        assert {one["id"] for one in found} == {
            one.id for one in records if one.properties["eo:cloud_cover"] <= cover
        }


def test_a_sorted_search_of_usgs_repeats_its_first_page():
    with replayed("usgs", 9, real=False) as provider:
        body = {"collections": ["landsat-c2l2-sr"], "limit": 3}
        body["sortby"] = [{"field": "properties.datetime", "direction": "asc"}]
        first = search(provider, **body).json()
        (link,) = [one for one in first["links"] if one["rel"] == "next"]
        again = httpx.post(link["href"], json=link["body"]).json()
        assert [one["id"] for one in again["features"]] == [one["id"] for one in first["features"]]


def test_sorted_pages_of_planetary_computer_lose_equal_values():
    with replayed("planetary-computer", 210, real=False) as provider:
        client = pystac_client.Client.open(provider.url)
        # 101 covers for 210 items
        found = list(client.search(collections=["hls2-s30"], sortby="eo:cloud_cover", limit=20).items())
        assert 0 < len(found) < 210
        assert len(list(client.search(collections=["hls2-s30"], limit=20).items())) == 210


@pytest.mark.parametrize("name", PROVIDERS)
def test_counts(name):
    with replayed(name, 12, real=False) as provider:
        collection = next(iter(provider.products))
        answer = search(provider, collections=[collection], limit=5).json()
        counts = PROFILES[name].counts
        assert answer.get("numberMatched") == (12 if "numberMatched" in counts else None)
        assert answer.get("context", {}).get("matched") == (12 if "context" in counts else None)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_conditioned_search_finds_what_lies_there(name):
    with replayed(name, 20, real=False) as provider:
        collection = next(iter(provider.products))
        records = provider.of(collection)
        west, south, east, north = records[0].bbox
        point = {"type": "Point", "coordinates": [(west + east) / 2, (south + north) / 2]}
        found = {
            one["id"]
            for one in search(provider, collections=[collection], intersects=point, limit=50).json()[
                "features"
            ]
        }
        assert records[0].id in found
        assert len(found) < 20
        day = records[-1].properties["datetime"][:10]
        some = search(provider, collections=[collection], datetime=f"{day}T00:00:00Z/..", limit=50).json()
        assert {one["id"] for one in some["features"]} == {
            one.id for one in records if one.properties["datetime"] >= day
        }


def test_fields_are_chosen_or_not():
    body = {"fields": {"include": ["id", "properties.datetime"], "exclude": ["assets"]}, "limit": 1}
    with replayed("earth-search", 2, real=False) as provider:
        (item,) = search(provider, **body).json()["features"]
        assert set(item) == {"type", "id", "collection", "properties"}
        assert set(item["properties"]) == {"datetime"}
    with replayed("lpcloud", 2, real=False) as provider:
        (item,) = search(provider, **body).json()["features"]
        assert item["assets"]


# --- who may read the files


def href(provider, collection, key, *, alternate=None):
    asset = provider.api.item(provider.of(collection)[0])["assets"][key]
    return (asset["alternate"][alternate] if alternate else asset)["href"]


def test_a_blob_needs_a_valid_signature():
    with replayed("planetary-computer", 2, real=False) as provider:
        address = href(provider, "sentinel-2-l2a", "B04")
        assert httpx.get(address).status_code == 409
        endpoint = f"{provider.url}/api/sas/v1/token"
        foreign = httpx.get(f"{endpoint}/naipeuwest/naip").json()["token"]
        assert httpx.get(f"{address}?{foreign}").status_code == 403
        token = httpx.get(f"{endpoint}/sentinel2l2a01/sentinel2-l2").json()["token"]
        assert httpx.get(f"{address}?{token}").status_code == 200
        provider.files.expire()
        assert httpx.get(f"{address}?{token}").status_code == 403
        provider.files.token_seconds = -1
        token = httpx.get(f"{endpoint}/sentinel2l2a01/sentinel2-l2").json()["token"]
        assert httpx.get(f"{address}?{token}").status_code == 403


def test_earthdata_answers_a_stranger_with_a_page():
    with replayed("lpcloud", 2, real=False) as provider:
        address = href(provider, "HLSL30_2.0", "B04")
        stranger = httpx.get(address, follow_redirects=True)
        assert stranger.status_code == 200
        assert stranger.headers["Content-Type"] == "text/html"
        known = httpx.get(address, headers={"Authorization": f"Bearer {provider.files.token}"})
        assert known.content[:2] == b"II"
        assert httpx.get(address, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_requester_pays_bucket_needs_keys_and_consent():
    obstore = pytest.importorskip("obstore")
    from obstore.store import S3Store

    with replayed("usgs", 2, real=False) as provider:
        bucket, _, path = href(provider, "landsat-c2l2-sr", "red", alternate="s3")[5:].partition("/")
        settings = {
            "endpoint": provider.files.url,
            "region": "us-west-2",
            "access_key_id": provider.files.key,
            "secret_access_key": "secret",
            "virtual_hosted_style_request": False,
            "client_options": {"allow_http": True},
        }
        paid = S3Store(bucket, **settings, request_payer=True)
        assert bytes(obstore.get_range(paid, path, start=0, end=2)) == b"II"
        for wrong in (settings, {**settings, "access_key_id": "another", "request_payer": True}):
            with pytest.raises(Exception, match=r"403|AccessDenied|lacked"):
                obstore.get(S3Store(bucket, **wrong), path)


def test_addresses_of_s3_stay():
    assert local_address("s3://eodata/a/b.jp2", "http://files") == "s3://eodata/a/b.jp2"
    assert (
        local_address("https://naipeuwest.blob.core.windows.net/naip/a.tif", "http://files")
        == "http://files/naipeuwest/naip/a.tif"
    )
