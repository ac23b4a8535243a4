"""Documents that others published: accepted and served as they were sent, or refused with a reason."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from integration.conftest import stac_collection, stac_item
from landbridge.catalog import CatalogClient, Image, Product, properties
from landbridge.cli import main
from support.foreign_documents import (
    WRITES,
    bulk_item,
    foreign_collection,
    foreign_item,
    fresh,
    post_features,
    post_item,
    stored,
)

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
REFUSED = {
    # An empty polygon inside a MultiPolygon
    "S1A_EW_GRDM_1SSH_20150129T081916_20150129T081938_004383_005598": "geometry",
}
SQUARE = {"type": "Polygon", "coordinates": [[[10, 10], [11, 10], [11, 11], [10, 11], [10, 10]]]}
EO, VIEW, PROJECTION, FILE = (
    f"https://stac-extensions.github.io/{name}/v{version}/schema.json"
    for name, version in (("eo", "1.1.0"), ("view", "1.0.0"), ("projection", "1.2.0"), ("file", "2.1.0"))
)


@pytest.fixture
def client(stack):
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


@pytest.fixture
def make(http):
    def post(document: dict[str, Any]) -> dict[str, Any]:
        answer = http.post("/collections", json=document)
        assert answer.status_code == 201, answer.text
        return http.get(f"/collections/{document['id']}").json()

    return post


# Extents


@pytest.mark.parametrize(
    "boxes",
    [
        [[-124.784, 24.744, -66.951, 49.346], [-156.003, 19.059, -154.809, 20.127]],
        [[170, -20, -170, -10]],
        [[170, -20, -170, -10], [-10, 0, 10, 5], [175, -20, -175, -10]],
        [[0, -90, 360, 90]],
        [[-180, 85, 180, -56]],
        [[170, -20, 0, -170, -10, 100]],
        [[-180, -90, 180, 90], [179, 0, -179, 1]],
    ],
)
def test_boxes_of_an_extent_come_back_as_they_were_sent(http, make, boxes):
    extent = {"spatial": {"bbox": boxes}, "temporal": {"interval": [[None, None]]}}
    document = foreign_collection(extent=extent)
    assert make(document)["extent"] == extent
    assert http.put(f"/collections/{document['id']}", json=document).status_code == 200
    answer = http.patch(f"/collections/{document['id']}", json={"title": "Other"})
    assert answer.json()["extent"] == extent


@pytest.mark.parametrize(
    "boxes",
    [[[0, 0]], [[0, 0, 1]], [[0, 0, 1, None]], [["a", 0, 1, 1]], [5], [[0, -91, 1, 1]], [[-400, 0, 0, 1]]],
)
def test_a_box_that_is_none_is_refused_by_its_member(http, boxes):
    extent = {"spatial": {"bbox": boxes}, "temporal": {"interval": [[None, None]]}}
    answer = http.post("/collections", json=foreign_collection(extent=extent))
    assert answer.status_code == 400
    assert "extent.spatial.bbox" in answer.json()["description"]


@pytest.mark.parametrize(
    ("box", "inside", "outside"),
    [
        (
            [170, -20, -170, -10],
            [[175, -15, 176, -14], [-176, -15, -175, -14], [179, -15, -179, -14]],
            [0, -15, 1, -14],
        ),
        ([170, -20, 0, -170, -10, 9], [[175, -15, 176, -14], [-176, -15, -175, -14]], [100, -15, 101, -14]),
        ([0, -20, 360, -10], [[-100, -15, -99, -14], [100, -15, 101, -14]], [0, 0, 1, 1]),
        ([170, -20, 190, -10], [[175, -15, 176, -14], [-176, -15, -175, -14]], [0, -15, 1, -14]),
        ([10, -20, 20, -10], [[15, -15, 16, -14]], [-15, -15, -14, -14]),
    ],
)
def test_a_collection_is_found_where_its_box_lies(http, make, box, inside, outside):
    extent = {"spatial": {"bbox": [box]}, "temporal": {"interval": [[None, None]]}}
    name = make(foreign_collection(extent=extent))["id"]

    def found(bounds):
        params = {"bbox": ",".join(map(str, bounds)), "limit": 1000}
        answer = http.get("/collections", params=params)
        return name in {document["id"] for document in answer.json()["collections"]}

    assert all(map(found, inside))
    assert not found(outside)


@pytest.mark.parametrize("box", [[170, -10, -170, 10], [170, -10, 0, -170, 10, 100]])
@pytest.mark.parametrize("write", WRITES)
def test_a_box_of_an_item_over_the_antimeridian_comes_back(http, make, write, box):
    west = [[[170, -10], [180, -10], [180, 10], [170, 10], [170, -10]]]
    east = [[[-180, -10], [-170, -10], [-170, 10], [-180, 10], [-180, -10]]]
    geometry = {"type": "MultiPolygon", "coordinates": [west, east]}
    sent = foreign_item(make(foreign_collection())["id"], geometry=geometry, bbox=box)
    answer = write(http, sent)
    assert answer.is_success, answer.text
    assert stored(http, sent)["bbox"] == box
    assert stored(http, sent)["geometry"] == geometry
    for bounds, found in (([175, 0, 176, 1], True), ([-176, 0, -175, 1], True), ([0, 0, 1, 1], False)):
        page = http.post("/search", json={"collections": [sent["collection"]], "bbox": bounds}).json()
        assert bool(page["features"]) == found


# Versions and extensions


OLD_ITEM = {
    "stac_version": "0.8.1",
    "stac_extensions": ["eo", "commons", "checksum", "dtr"],
    "properties": {
        "datetime": "2018-06-05T10:00:27.464000Z",
        "eo:platform": "sentinel-2",
        "eo:instrument": "MSI",
        "eo:epsg": 32635,
        "eo:cloud_cover": 88.459539,
        "eo:gsd": 10,
        "eo:sun_azimuth": -148.8,
        "dtr:start_datetime": "2018-06-05T10:00:00Z",
        "dtr:end_datetime": "2018-06-05T10:00:30Z",
    },
    "assets": {
        "B02": {"href": "https://x.invalid/B02.jp2", "eo:bands": [1], "checksum:multihash": "90e40210"},
        "B99": {"href": "https://x.invalid/B99.jp2", "eo:bands": [98]},
    },
}
OLD_COLLECTION = {
    "stac_version": "0.8.1",
    "stac_extensions": ["eo", "commons"],
    "license": "proprietary",
    "summaries": {"gsd": {"min": 1, "max": 2}},
    "properties": {
        "eo:bands": [{"name": "B01"}, {"name": "B02", "common_name": "blue"}],
        "eo:off_nadir": 0.5,
    },
}


@pytest.mark.parametrize("write", WRITES)
def test_a_document_of_stac_0_8_is_served_as_stac_1_1(http, make, client, write):
    made = make(foreign_collection(**OLD_COLLECTION))
    assert made["stac_version"] == "1.1.0"
    assert made["summaries"]["gsd"] == {"minimum": 1, "maximum": 2}
    assert write(http, foreign_item(made["id"], **OLD_ITEM)).is_success
    (item,) = http.get(f"/collections/{made['id']}/items").json()["features"]
    assert item["stac_version"] == "1.1.0"
    assert {EO, VIEW, PROJECTION, FILE} <= set(item["stac_extensions"])
    assert {
        "datetime": "2018-06-05T10:00:27.464000Z",
        "start_datetime": "2018-06-05T10:00:00Z",
        "platform": "sentinel-2",
        "instruments": ["MSI"],
        "gsd": 10,
        "view:sun_azimuth": -148.8,
        "view:off_nadir": 0.5,
        "eo:cloud_cover": 88.459539,
        "proj:code": "EPSG:32635",
    }.items() <= item["properties"].items()
    assert item["assets"]["B02"]["eo:bands"] == [{"name": "B02", "common_name": "blue"}]
    assert item["assets"]["B02"]["file:checksum"] == "90e40210"
    assert "98" in item["assets"]["B99"]["eo:bands"][0]["description"]
    image = Image.get(f"{made['id']}:{item['id']}")
    assert image.cs_code == "EPSG:32635"
    assert image.satellite_id == "sentinel-2"


@pytest.mark.parametrize(
    "version", ["0.9.0", "1.0.0-beta.1", "1.0.0-beta.2", "1.0.0-rc.1", "1.0.0-rc.4", "1.0.0"]
)
@pytest.mark.parametrize("write", WRITES)
def test_short_names_of_extensions_become_their_urls(http, make, version, write):
    made = make(
        foreign_collection(stac_version=version, stac_extensions=["item-assets", "no-such-extension"])
    )
    assert "no-such-extension" in made["stac_extensions"]
    sent = foreign_item(
        made["id"], stac_version=version, stac_extensions=["eo", "projection", "view", "mine"]
    )
    sent["properties"] |= {"eo:cloud_cover": 5, "proj:epsg": 32635, "view:off_nadir": 1}
    assert write(http, sent).is_success
    item = stored(http, sent)
    assert {EO, PROJECTION, VIEW, "mine"} <= set(item["stac_extensions"])
    assert item["properties"]["proj:code"] == "EPSG:32635"


def test_a_document_of_stac_1_0_keeps_its_extensions_as_they_are(http, make):
    name = make(foreign_collection())["id"]
    first = "https://stac-extensions.github.io/projection/v1.0.0/schema.json"
    sent = foreign_item(name, stac_version="1.0.0", stac_extensions=[first])
    sent["properties"]["proj:epsg"] = 32635
    assert post_item(http, sent).status_code == 201
    item = stored(http, sent)
    assert item["stac_extensions"] == [first]
    assert item["properties"]["proj:epsg"] == 32635


# Values of others


@pytest.mark.parametrize(
    ("member", "value", "attribute"),
    [
        ("view:sun_azimuth", -148.8, "solar_azimuth_angle"),
        ("view:azimuth", 365.5, "azimuth_angle"),
        ("view:off_nadir", -3.25, "view_angle"),
        ("view:incidence_angle", 91, "incidence_angle"),
        ("view:sun_elevation", -95, "solar_elevation_angle"),
        ("platform", "", "satellite_id"),
    ],
)
@pytest.mark.parametrize("write", WRITES)
def test_a_value_beyond_an_extensions_range_is_served_and_read_as_sent(
    http, make, client, write, member, value, attribute
):
    name = make(foreign_collection())["id"]
    sent = foreign_item(name)
    sent["properties"][member] = value
    answer = write(http, sent)
    assert answer.is_success, answer.text
    assert stored(http, sent)["properties"][member] == value
    assert getattr(Image.get(f"{name}:{sent['id']}"), attribute) == value
    found = Image.search().filter(properties.product_id == name)
    assert [image.name for image in found.filter(getattr(properties, attribute) == value)] == [sent["id"]]


def test_bands_in_an_array_of_a_preview_come_back_and_hide_no_other_band(http, make, client):
    name = make(foreign_collection())["id"]
    nested = [[{"data_type": "uint8", "spatial_resolution": 320}, {"data_type": "uint8"}]]
    sent = foreign_item(
        name,
        assets={
            "red": {
                "href": "https://x.invalid/r.tif",
                "roles": ["data"],
                "raster:bands": [{"data_type": "int8"}],
            },
            "preview": {"href": "https://x.invalid/p.tif", "roles": ["overview"], "raster:bands": nested},
        },
    )
    assert post_item(http, sent).status_code == 201
    assert stored(http, sent)["assets"] == sent["assets"]
    assert Image.get(f"{name}:{sent['id']}").name == sent["id"]
    described = {key: {"title": key, **asset} for key, asset in sent["assets"].items()}
    for asset in described.values():
        del asset["href"]
    other = make(foreign_collection(item_assets=described))["id"]
    red = Product.get(other).get_band("red")
    assert red.data_type == "Int8"


def test_a_product_of_others_has_as_many_tags_as_its_collection_has_keywords(http, make, client):
    words = [f"word {number}" for number in range(120)]
    name = make(foreign_collection(keywords=words))["id"]
    product = Product.get(name)
    assert list(product.tags) == words
    product.tags.append("one more")
    product.save()
    assert http.get(f"/collections/{name}").json()["keywords"] == [*words, "one more"]
    item = foreign_item(name)
    item["properties"]["keywords"] = words
    assert post_item(http, item).status_code == 201
    assert list(Image.get(f"{name}:{item['id']}").tags) == words


# Geometries and ids


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "geometry",
    [None, {"type": "GeometryCollection", "geometries": []}, {"type": "MultiPolygon", "coordinates": []}],
)
def test_an_item_without_a_geometry_has_null_on_every_route(http, make, client, write, geometry):
    name = make(foreign_collection())["id"]
    sent = foreign_item(name, geometry=geometry)
    del sent["bbox"]
    answer = write(http, sent)
    assert answer.is_success, answer.text
    other = foreign_item(name)
    assert post_item(http, other).status_code == 201
    item = stored(http, sent)
    assert item["geometry"] is None
    assert "bbox" not in item
    path = f"/collections/{name}/items"
    newest = [{"field": "id", "direction": "desc"}]
    pages = [http.get(path), http.get("/search", params={"collections": name}), *(
        http.post("/search", json={"collections": [name], **asked})
        for asked in ({}, {"ids": [sent["id"], other["id"]]}, {"sortby": newest})
    )]  # fmt: skip
    for page in pages:
        found = {feature["id"]: feature for feature in page.json()["features"]}
        assert found[sent["id"]]["geometry"] is None
        assert found[other["id"]]["geometry"] is not None
    boxed = http.post("/search", json={"collections": [name], "bbox": [-180, -90, 180, 90]}).json()
    assert [feature["id"] for feature in boxed["features"]] == [other["id"]]
    # Its neighbour's area is the collection's.
    assert http.get(f"/collections/{name}").json()["extent"]["spatial"]["bbox"] == [[10, 10, 11, 11]]
    image = Image.get(f"{name}:{sent['id']}")
    assert image.geometry is None
    search = Image.search().filter(properties.product_id == name)
    assert {one.name for one in search} == {sent["id"], other["id"]}
    assert {one.name for one in search.intersects(SQUARE)} == {other["id"]}
    assert {one.name for one in search.intersects(SQUARE, match_null_geometry=True)} == {
        sent["id"],
        other["id"],
    }
    assert http.delete(f"{path}/{sent['id']}").status_code == 204


def test_a_patch_takes_a_geometry_away_and_gives_it_back(http, make):
    name = make(foreign_collection())["id"]
    sent = foreign_item(name)
    assert post_item(http, sent).status_code == 201
    path = f"/collections/{name}/items/{sent['id']}"
    gone = http.patch(path, json={"geometry": None})
    assert gone.status_code == 200, gone.text
    assert gone.json()["geometry"] is None
    assert "bbox" not in stored(http, sent)
    assert http.patch(path, json={"properties": {"gsd": 3}}).status_code == 200
    assert stored(http, sent)["geometry"] is None
    again = http.patch(path, json={"geometry": SQUARE})
    assert again.status_code == 200, again.text
    assert stored(http, sent)["geometry"] == SQUARE
    assert stored(http, sent)["bbox"] == [10, 10, 11, 11]


NO_GEOMETRIES = [
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
    {"type": "Point", "coordinates": [[0, 0]]},
    {"type": "Point", "coordinates": [None, 0]},
    {"type": "Point"},
    {"coordinates": [0, 0]},
    {"type": "Line", "coordinates": [[0, 0], [1, 1]]},
    {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": []}]},
    {"type": "Point", "coordinates": [2e6, 0]},
    {"type": "LineString", "coordinates": [[0, 0, 0], [1, 1]]},
    {"type": "Feature", "geometry": None},
    [0, 0],
    "POINT (0 0)",
]


@pytest.mark.parametrize("geometry", NO_GEOMETRIES, ids=range(len(NO_GEOMETRIES)))
@pytest.mark.parametrize("merged", [True, False], ids=["merge patch", "JSON patch"])
def test_a_patched_geometry_is_checked_as_a_posted_one(http, make, geometry, merged):
    name = make(foreign_collection())["id"]
    sent = foreign_item(name)
    assert post_item(http, sent).status_code == 201
    whole = post_item(http, foreign_item(name, geometry=geometry))
    patch = {"geometry": geometry} if merged else [{"op": "add", "path": "/geometry", "value": geometry}]
    # What a merge patch leaves out it keeps: only a geometry that is named whole is that of a POST.
    if merged and isinstance(geometry, dict) and len({"type", "coordinates"} & geometry.keys()) < 2:
        patch["geometry"] = {"type": None, "coordinates": None, **geometry}  # type: ignore[call-overload]
    answer = http.patch(f"/collections/{name}/items/{sent['id']}", json=patch)
    assert (whole.status_code, answer.status_code) == (400, 400)
    assert "geometry" in answer.json()["description"]
    assert stored(http, sent)["geometry"] == sent["geometry"]


def test_a_merged_geometry_with_a_member_of_another_type_is_refused_and_stored_without_it(http, make):
    name = make(foreign_collection())["id"]
    sent = foreign_item(name)
    assert post_item(http, sent).status_code == 201
    path = f"/collections/{name}/items/{sent['id']}"
    parts = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]}
    mixed = http.patch(path, json={"geometry": parts})  # the polygon's coordinates stay
    assert mixed.status_code == 400
    assert "coordinates" in mixed.json()["description"]
    whole = http.patch(path, json={"geometry": {"coordinates": None, **parts}})
    assert whole.status_code == 200, whole.text
    assert whole.json()["geometry"] == stored(http, sent)["geometry"] == parts


def test_an_image_of_the_catalog_keeps_its_geometry(http, make):
    name = make(stac_collection(fresh()))["id"]
    item = stac_item(name, "ours", **{"catalog:class": "Image"})
    assert post_item(http, item).status_code == 201
    answer = http.patch(f"/collections/{name}/items/ours", json={"geometry": None})
    assert answer.status_code == 400
    assert "geometry" in answer.json()["description"]


def test_a_box_without_a_geometry_and_no_geometry_member_are_refused(http, make):
    name = make(foreign_collection())["id"]
    answer = post_item(http, foreign_item(name, geometry=None))
    assert answer.status_code == 400
    assert "bbox" in answer.json()["description"]
    item = foreign_item(name)
    del item["geometry"], item["bbox"]
    answer = post_item(http, item)
    assert answer.status_code == 400
    assert "geometry" in answer.json()["description"]


@pytest.mark.parametrize("write", [post_item, bulk_item, post_features])
def test_an_id_with_a_slash_is_refused_with_the_reason(http, make, write):
    name = make(foreign_collection())["id"]
    answer = write(http, foreign_item(name, id="2024/05/a"))
    assert answer.status_code == 400
    assert "URL path" in answer.json()["description"]
    answer = http.post("/collections", json={**foreign_collection(), "id": "local:a/b"})
    assert answer.status_code == 400
    assert "URL path" in answer.json()["description"]


# Numbers, texts and dates at their ends


REFUSED_VALUES = {
    "123456789012345678901234567890": "64 bits",
    "18446744073709551616": "64 bits",
    "-9223372036854775809": "64 bits",
    "1" * 5000: "",
    "1e400": "",
    "NaN": "NaN",
    "-Infinity": "Infinity",
    '"\\ud800"': "surrogate",
    '"\\udc00 low"': "surrogate",
    '"\\u0000"': "NUL",
}


def sent_as_text(http, write, item, value):
    """Write an item in which `value`, which no JSON of Python's gives, stands for "@"."""
    content = json.dumps(item).replace('"@"', value).encode()
    path = f"/collections/{item['collection']}"
    method, path, content = {
        "post": ("POST", f"{path}/items", content),
        "put": ("PUT", f"{path}/items/{item['id']}", content),
        "bulk": ("POST", f"{path}/bulk_items", b'{"items": {"%s": %s}}' % (item["id"].encode(), content)),
        "merge": ("PATCH", f"{path}/items/{item['id']}", b'{"properties": {"value": %s}}' % value.encode()),
        "patch": (
            "PATCH",
            f"{path}/items/{item['id']}",
            b'[{"op": "add", "path": "/properties/value", "value": {"a": [%s]}}]' % value.encode(),
        ),
    }[write]
    return http.request(method, path, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("write", ["post", "put", "bulk", "merge", "patch"])
@pytest.mark.parametrize(("value", "said"), REFUSED_VALUES.items(), ids=range(len(REFUSED_VALUES)))
def test_a_value_that_cannot_be_kept_is_refused(http, make, write, value, said):
    item = foreign_item(make(foreign_collection())["id"])
    if write not in ("post", "bulk"):
        assert post_item(http, item).status_code == 201
    item["properties"]["value"] = [{"a": "@"}]
    answer = sent_as_text(http, write, item, value)
    assert answer.status_code == 400
    assert said in answer.json()["description"]
    collection = json.dumps({**foreign_collection(), "value": "@"}).replace('"@"', value)
    answer = http.post("/collections", content=collection, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert said in answer.json()["description"]


@pytest.mark.parametrize("write", ["post", "put", "bulk", "merge", "patch"])
@pytest.mark.parametrize(
    "value", ["18446744073709551615", "-9223372036854775808", "1e16", "5e-324", "-0.0", "1e308"]
)
def test_a_number_that_can_be_kept_is(http, make, write, value):
    item = foreign_item(make(foreign_collection())["id"])
    if write not in ("post", "bulk"):
        assert post_item(http, item).status_code == 201
    item["properties"]["value"] = [{"a": "@"}]
    answer = sent_as_text(http, write, item, value)
    assert answer.is_success, answer.text
    found = stored(http, item)["properties"]["value"]
    while not isinstance(found, int | float):
        found = found[0] if isinstance(found, list) else found["a"]
    assert found == json.loads(value)


def test_extra_properties_keep_each_number_and_its_type(client, make):
    kept = {
        "minus zero": -0.0,
        "large": 1e16,
        "list": [1e17, {"a": -0.0}, 1.0, 1],
        "most": 2**64 - 1,
        "least": -(2**63),
        "object": {"catalog:float": "1"},
        "null": None,
    }
    product = Product(id=fresh(), name="P", extra_properties=kept)
    product.save()
    image = Image(product=product, name="i", acquired="2024", storage_state="remote", geometry=SQUARE)
    image.extra_properties = kept
    image.save()
    for read in (Product.get(product.id), Image.get(image.id)):
        found = read.serialize()["extra_properties"]
        assert {key: repr(value) for key, value in found.items()} == {k: repr(v) for k, v in kept.items()}


FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize("moment", [FIRST, "0001-01-01T00:00:00.000001Z", "9999-12-31T00:00:00Z", LAST])
@pytest.mark.parametrize("write", WRITES)
def test_an_image_is_found_at_its_moment_at_the_ends_of_time(http, make, client, moment, write):
    name = make(foreign_collection())["id"]
    item = foreign_item(name)
    item["properties"]["datetime"] = moment
    answer = write(http, item)
    assert answer.is_success, answer.text
    assert post_item(http, foreign_item(name)).status_code == 201
    assert stored(http, item)["properties"]["datetime"] == moment
    asked = [
        {"datetime": moment},
        {"datetime": f"{moment}/{moment}"},
        {"datetime": f"../{moment}" if moment < "1000" else f"{moment}/.."},
        {"filter": {"op": "=", "args": [{"property": "datetime"}, {"timestamp": moment}]}},
        {"filter": {"op": "t_equals", "args": [{"property": "datetime"}, {"timestamp": moment}]}},
        {"filter": {"op": "t_during", "args": [{"property": "datetime"}, {"interval": ["..", ".."]}]},
         "ids": [item["id"]]},
    ]  # fmt: skip
    for one in asked:
        body = {"collections": [name], **one, **({"filter-lang": "cql2-json"} if "filter" in one else {})}
        answer = http.post("/search", json=body)
        assert [feature["id"] for feature in answer.json()["features"]] == [item["id"]], one
    search = Image.search().filter(properties.product_id == name)
    exact = datetime.fromisoformat(moment)
    for expression in (
        properties.acquired == moment,
        properties.acquired == exact,
        (properties.acquired >= exact) & (properties.acquired <= exact),
        exact <= properties.acquired <= exact,
    ):
        assert [image.name for image in search.filter(expression)] == [item["id"]]


@pytest.mark.parametrize("path", ["/search", "/collections"])
@pytest.mark.parametrize(
    "asked",
    [
        {"datetime": "0001-01-01T00:00:00+05:00"},
        {"datetime": "9999-12-31T23:59:59-05:00"},
        {"bbox": "nan,0,1,1"},
        {"bbox": "1e400,0,1,1"},
        {"bbox": "0,0,inf,1"},
    ],
)
def test_a_search_beyond_the_ends_is_refused(http, path, asked):
    assert http.get(path, params=asked).status_code == 400
    if path == "/search" and "datetime" in asked:
        assert http.post(path, json=asked).status_code == 400


@pytest.mark.parametrize(
    "name", ["a\x07", "a\u202eb", "a\u200b", "\ufeffa", "a ", " a", "a\n", "a\u2028b"], ids=ascii
)
@pytest.mark.parametrize("write", [post_item, bulk_item, post_features])
def test_an_id_that_looks_like_another_is_refused(http, make, write, name):
    collection = make(foreign_collection())["id"]
    answer = write(http, foreign_item(collection, id=name))
    assert answer.status_code == 400
    assert "id" in answer.json()["description"]
    named = f" {fresh()}" if name == " a" else f"{fresh()}{name}"
    answer = http.post("/collections", json={**foreign_collection(), "id": named})
    assert answer.status_code == 400
    answer = http.post(
        "/collections", json=stac_collection(fresh(), title=name, **{"catalog:class": "Product"})
    )
    assert answer.status_code == 400
    assert "name" in answer.json()["description"]


# All that there is


def shared_documents() -> list[dict[str, Any]]:
    found = []
    for path in sorted((SHARED / "stac").glob("*json")):
        lines = path.read_text().splitlines() if path.suffix == ".ndjson" else [path.read_text()]
        found += [json.loads(line) for line in lines]
    for path in sorted((SHARED / "sources" / "documents").rglob("*.json")):
        kept = json.loads(path.read_text())
        found += [entry["document"] for entry in kept["collections"] + kept["items"]]
    return found


def without(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without members that the server owns, and without nulls."""
    owned = {"links", "stac_version", "stac_extensions", "created", "updated", "license"}
    filled = {key: value for key, value in _filled(document).items() if key not in owned}
    if "properties" in filled:
        filled["properties"] = {k: v for k, v in filled["properties"].items() if k not in owned - {"license"}}
    return filled


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in value.items() if inner is not None and inner != "𒍟※"}
    return [_filled(inner) for inner in value] if isinstance(value, list) else value


def lost(sent: Any, got: Any, path: str = "") -> list[str]:
    """Return the places of members that were sent and did not come back."""
    if isinstance(sent, dict) and isinstance(got, dict):
        return [
            place
            for key, value in sent.items()
            for place in (lost(value, got[key], f"{path}/{key}") if key in got else [f"{path}/{key}"])
        ]
    if isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        return [place for one, other in zip(sent, got, strict=True) for place in lost(one, other, path)]
    return [] if sent == got else [path]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents of ../shared are not here")
def test_every_real_document_comes_back_or_is_refused_with_a_reason(http, make):
    refused, missing = {}, {}
    for document in shared_documents():
        sent = copy.deepcopy(document)
        if sent.get("type") != "Feature":
            sent["id"], url = (name := fresh()), f"/collections/{name}"
            answer = http.post("/collections", json=sent)
        else:
            sent["collection"] = make(foreign_collection())["id"]
            url = f"/collections/{sent['collection']}/items/{sent['id']}"
            answer = post_item(http, sent)
        if answer.status_code != 201:
            assert answer.status_code == 400
            refused[document["id"]] = answer.json()["description"]
            continue
        old = not str(sent["stac_version"]).startswith(("1.0.0", "1.1")) or "-" in sent["stac_version"]
        got = http.get(url).json()
        if not old and (places := lost(without(sent), without(got))):
            missing[document["id"]] = places
        put = http.put(url, json=got)
        assert put.status_code == 200, put.text
        if not old and (places := lost(without(got), without(http.get(url).json()))):
            missing[document["id"]] = places
        change = {"note": "x"} if "extent" in got else {"properties": {"note": "x"}}
        again = http.patch(url, json=change)
        assert again.status_code == 200, again.text
        if not old and (places := lost(without(got), without(again.json()))):
            missing[document["id"]] = places
    assert refused.keys() == REFUSED.keys()
    assert all(member in refused[name] for name, member in REFUSED.items())
    assert missing == {}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents of ../shared are not here")
def test_every_real_document_is_imported_or_written_to_the_file_of_the_refused(http, client, make, tmp_path):
    parent, names = make(foreign_collection())["id"], set()
    documents = shared_documents()
    for number, document in enumerate(documents):
        if document.get("type") == "Feature":
            document["collection"], document["id"] = parent, f"{number}-{document['id']}"
        else:
            document["id"] = fresh()
            names.add(document["id"])
    path, rejected = tmp_path / "all.ndjson", tmp_path / "rejected.ndjson"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    result = CliRunner().invoke(main, ["import", str(path), "--rejected", str(rejected)])
    refused = [json.loads(line)["id"].partition("-")[2] for line in rejected.read_text().splitlines()]
    assert sorted(refused) == sorted(REFUSED)
    stored_items = len(documents) - len(names) - len(refused)
    said = f"{stored_items} items stored, {len(refused)} refused, {len(names)} collections made.\n"
    assert result.output.endswith(said)
    assert result.exit_code == 1
    found = http.post("/search", json={"collections": [parent], "limit": 1}).json()
    assert found["numberMatched"] == stored_items
