"""Geometries: accepted ones can be read, searched, counted, patched and deleted; all routes accept the same.

A geometry comes in at eight places: an item's by POST, PUT, either kind of patch and in bulk, a blob's, an
announced upload's, `intersects` by GET and POST, the literals of CQL2 as text and JSON, a collection's boxes.
"""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge.mappings import InvalidDocument, blob
from landbridge.mappings.geometry import check_geometry
from landbridge.stac_api.core.settings import Settings

from .conftest import stac_collection, stac_item
from .test_server_deletions import ended
from .test_server_uploads import draft

POINT = {"type": "Point", "coordinates": [10.5, 10.5]}
SQUARE = [[10, 10], [11, 10], [11, 11], [10, 11], [10, 10]]
NESTED = {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": [POINT]}]}
OVERLAPPING = {
    "type": "MultiPolygon",
    "coordinates": [[SQUARE], [[[x + 0.5, y + 0.5] for x, y in SQUARE]]],
}
WORLD = {"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}
PARTS = {"type": "GeometryCollection", "geometries": [POINT, {"type": "Polygon", "coordinates": [SQUARE]}]}
PREDICATES = ("intersects", "contains", "crosses", "disjoint", "equals", "overlaps", "touches", "within")
REFUSED = {
    "nested": NESTED,
    "beyond a million": {"type": "Point", "coordinates": [1e6 + 1, 0]},
    "1e300": {"type": "LineString", "coordinates": [[0, 0], [1e300, 0]]},
    "mixed dimensions": {"type": "LineString", "coordinates": [[0, 0], [1, 1, 5]]},
    "mixed dimensions of parts": {
        "type": "MultiPolygon",
        "coordinates": [[SQUARE], [[[x, y, 1] for x, y in SQUARE]]],
    },
    "four numbers": {"type": "Point", "coordinates": [1, 2, 3, 4]},
    "unclosed": {"type": "Polygon", "coordinates": [SQUARE[:4]]},
    "empty ring": {"type": "Polygon", "coordinates": [[]]},
    "wrong nesting": {"type": "Polygon", "coordinates": SQUARE},
    "another crs": {**POINT, "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}},
}


@pytest.fixture(scope="module")
def shelf(http: Any) -> str:
    """Return a collection for all cases of a test."""
    name = f"local:geometries-{uuid.uuid4().hex[:8]}"
    http.post("/collections", json=stac_collection(name, bands=[])).raise_for_status()
    return name


def foreign_item(collection: str, geometry: Any) -> dict[str, Any]:
    item = stac_item(collection, f"i{uuid.uuid4().hex}")
    del item["bbox"], item["properties"]["catalog:storage_state"]
    return {**item, "geometry": geometry}


def url(item: dict[str, Any]) -> str:
    return f"/collections/{item['collection']}/items/{item['id']}"


def writes(http: Any, collection: str, geometry: Any) -> dict[str, httpx.Response]:
    """Return the answer of each way to write an item or a blob with a geometry."""

    def stored() -> dict[str, Any]:
        item = foreign_item(collection, POINT)
        http.post(f"/collections/{collection}/items", json=item).raise_for_status()
        return item

    def new() -> dict[str, Any]:
        return foreign_item(collection, geometry)

    items, (one, two, three) = f"/collections/{collection}/items", (stored(), stored(), stored())
    two_of_bulk = [new(), new()]
    name = {"storage_type": "data", "namespace": "local:tests", "name": uuid.uuid4().hex}
    blob_item = {**blob.to_stac(name), "geometry": geometry}
    upload = {**draft(collection, uuid.uuid4().hex), "geometry": geometry}
    remote = {**blob_item, "assets": {"data": {"href": "https://example.org/a"}}}
    return {
        "POST": http.post(items, json=new()),
        "FeatureCollection": http.post(items, json={"type": "FeatureCollection", "features": [new()]}),
        "bulk": http.post(
            f"/collections/{collection}/bulk_items",
            json={"items": {item["id"]: item for item in two_of_bulk}},
        ),
        "PUT": http.put(url(one), json={**one, "geometry": geometry}),
        "merge patch": http.patch(
            url(two), json={"geometry": {"coordinates": None, "geometries": None, **geometry}}
        ),
        "JSON Patch": http.patch(url(three), json=[{"op": "add", "path": "/geometry", "value": geometry}]),
        "blob": http.post("/blobs", json={"item": blob_item}),
        "blob's item": http.post("/collections/blobs:data/items", json=remote),
        "upload": http.post("/uploads", json={"item": upload, "files": [{"name": "a.tif", "size": 1}]}),
    }


def searches(http: Any, collection: str, geometry: Any) -> dict[str, httpx.Response]:
    """Return the answer of each way to search by a geometry."""
    literal = {"op": "s_intersects", "args": [{"property": "geometry"}, geometry]}
    where = {"collections": collection}
    return {
        "intersects, POST": http.post("/search", json={"collections": [collection], "intersects": geometry}),
        "intersects, GET": http.get("/search", params={**where, "intersects": json.dumps(geometry)}),
        "CQL2 JSON": http.post(
            "/search", json={"collections": [collection], "filter": literal, "filter-lang": "cql2-json"}
        ),
        "aggregate": http.post(
            "/aggregate",
            json={"collections": [collection], "intersects": geometry, "aggregations": ["total_count"]},
        ),
    }


@pytest.mark.parametrize("geometry", REFUSED.values(), ids=REFUSED)
def test_unreadable_geometries_are_refused_in_every_place(http: Any, shelf: str, geometry: Any) -> None:
    for way, answer in {**writes(http, shelf, geometry), **searches(http, shelf, geometry)}.items():
        assert answer.status_code == 400, (way, answer.text)
        assert "geometr" in answer.text, (way, answer.text)
        assert "coordinates" in answer.text or "geometries" in answer.text or "crs" in answer.text, (
            way,
            answer.text,
        )


@pytest.mark.parametrize(
    "literal",
    ["GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)))", "POINT(2000000 0)", "POLYGON((0 0, 1 0, 1 1))"],
)
def test_so_are_literals_of_cql2_text(http: Any, shelf: str, literal: str) -> None:
    params = {
        "collections": shelf,
        "filter": f"S_INTERSECTS(geometry, {literal})",
        "filter-lang": "cql2-text",
    }
    assert http.get("/search", params=params).status_code == 400


@pytest.mark.parametrize("box", [[0, 0, 2e6, 1], [0, -2e6, 1, 1], [0, 0, 1, 1e300]])
def test_so_are_boxes_beyond_a_million(http: Any, shelf: str, box: list[float]) -> None:
    document = stac_collection(f"{shelf}-box")
    document["extent"]["spatial"]["bbox"] = [box]
    assert http.post("/collections", json=document).status_code == 400
    assert http.post("/search", json={"collections": [shelf], "bbox": box}).status_code == 400
    literal = {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": box}]}
    assert http.post("/search", json={"collections": [shelf], "filter": literal}).status_code == 400


COORDINATES = st.one_of(
    st.floats(-180, 180, allow_nan=False), st.integers(-3, 3), st.sampled_from([0.1, 1e-7, 1e6, -1e6, 1e-300])
)
PLACES = st.tuples(COORDINATES, COORDINATES).map(list)
LINES = st.lists(PLACES, min_size=2, max_size=5)
RINGS = st.lists(PLACES, min_size=3, max_size=5).map(lambda ring: [*ring, ring[0]])
# Most are invalid by OGC's rules, which GeoJSON does not require: they cross and cover themselves.
POLYGONS = st.lists(RINGS, min_size=1, max_size=2)
SHAPES = {
    "Point": PLACES,
    "MultiPoint": st.lists(PLACES, min_size=1, max_size=3),
    "LineString": LINES,
    "MultiLineString": st.lists(LINES, min_size=1, max_size=3),
    "Polygon": POLYGONS,
    "MultiPolygon": st.lists(POLYGONS, min_size=1, max_size=3),
}
SIMPLE = st.sampled_from(sorted(SHAPES)).flatmap(
    lambda kind: st.fixed_dictionaries({"type": st.just(kind), "coordinates": SHAPES[kind]})
)


def with_heights(geometry: Any) -> Any:
    if isinstance(geometry, dict):
        return {key: with_heights(value) for key, value in geometry.items()}
    if isinstance(geometry, list) and not isinstance(geometry[0], list | dict):
        return [*geometry, 12.5]
    return [with_heights(one) for one in geometry] if isinstance(geometry, list) else geometry


COLLECTIONS = st.lists(SIMPLE, min_size=1, max_size=3).map(
    lambda parts: {"type": "GeometryCollection", "geometries": parts}
)
FLAT = SIMPLE | COLLECTIONS
GEOMETRIES = (
    FLAT
    | FLAT.map(with_heights)
    | FLAT.map(lambda geometry: {**geometry, "bbox": [0, 0, 1, 1]})
    | st.lists(COLLECTIONS, min_size=1, max_size=2).map(
        lambda parts: {"type": "GeometryCollection", "geometries": parts}
    )
    | SIMPLE.map(lambda geometry: {**geometry, "coordinates": [geometry["coordinates"]]})
)


@settings(max_examples=150 if LONG else 6, suppress_health_check=list(HealthCheck))
@given(geometry=GEOMETRIES)
@example({"type": "LineString", "coordinates": [[0.0, 0.0], [3.3333333333333335e-05, 9.192233126457933e-08]]})
def test_accepted_geometries_can_be_read_searched_counted_patched_and_deleted(
    http: Any, geometry: Any
) -> None:
    shelf = f"local:geometries-{uuid.uuid4().hex[:8]}"
    http.post("/collections", json=stac_collection(shelf)).raise_for_status()
    answers = writes(http, shelf, geometry)
    codes = {way: answer.status_code for way, answer in answers.items()}
    assert set(codes.values()) <= {200, 201, 400}, {way: one.text for way, one in answers.items()}
    try:
        check_geometry(geometry)
    except InvalidDocument:
        assert set(codes.values()) == {400}, codes
    stored = {way for way, code in codes.items() if code < 300} - {"blob", "upload"}
    # Announcements end before the database is asked.
    assert stored in (set(), set(answers) - {"blob", "upload"}), codes
    found = http.post("/search", json={"collections": [shelf], "limit": 100})
    assert found.status_code == 200, found.text
    items = found.json()["features"]
    assert len(items) == (7 if stored else 3)
    if stored:
        assert all(item["geometry"] == geometry for item in items)
    assert http.get("/search", params={"collections": shelf, "limit": 100}).status_code == 200
    for probe in (POINT, WORLD, PARTS, OVERLAPPING, geometry):
        for way, answer in searches(http, shelf, probe).items():
            fine = {200} if probe is not geometry or stored else {200, 400}
            assert answer.status_code in fine, (way, answer.text)
    for predicate in PREDICATES:
        for probe in (WORLD, OVERLAPPING):
            literal = {"op": f"s_{predicate}", "args": [{"property": "geometry"}, probe]}
            answer = http.post("/search", json={"collections": [shelf], "filter": literal})
            assert answer.status_code == 200, (predicate, answer.text)
    count = {"collections": [shelf], "aggregations": ["total_count"]}
    assert http.post("/aggregate", json=count).json()["aggregations"][0]["value"] == len(items)
    assert http.get(f"/collections/{shelf}").status_code == 200
    for item in items:
        assert http.get(url(item)).json()["geometry"] == item["geometry"]
        answer = http.patch(url(item), json={"properties": {"x:a": 1}})
        assert answer.status_code == 200, answer.text
        assert answer.json()["geometry"] == item["geometry"]
    for item in items[1:]:
        assert http.delete(url(item)).status_code == 204
    assert http.post(f"/collections/{shelf}/deletion").status_code == 202
    assert ended(http, shelf)["status"] == "SUCCESS"
    assert http.delete(f"/collections/{shelf}").status_code == 204
    if codes["blob's item"] < 300:
        name = answers["blob's item"].json()["id"]
        assert http.delete(f"/collections/blobs:data/items/{name}").status_code == 204


# Geometries that the API refuses, stored by SQL
UNREADABLE = {
    "nested": "ST_GeomFromText('GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(10.5 10.5)))', 4326)",
    "curve": "ST_GeomFromText('CIRCULARSTRING(10 10,10.5 10.6,11 10)', 4326)",
    "another reference system": "ST_SetSRID(ST_MakePoint(10.5, 10.5), 0)",
    "infinite": "ST_SetSRID(ST_MakeLine(ST_MakePoint('Infinity', 10), ST_MakePoint(10.5, 10.5)), 4326)",
    "not a number": "ST_SetSRID(ST_MakePoint('NaN', 10), 4326)",
    "1e300": "ST_SetSRID(ST_MakePoint(1e300, 10), 4326)",
}


def plant(stack: Any, item: dict[str, Any], geometry: str) -> None:
    """Give a stored item a geometry, past all that keeps it out."""
    with psycopg.connect(stack.database, options="-c search_path=pgstac,public", autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        query = f"UPDATE pgstac.items SET geometry = {geometry} WHERE collection = %s AND id = %s"
        conn.execute(query, (item["collection"], item["id"]))


@pytest.fixture
def planted(http: Any, stack: Any, collection: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """An item with an unreadable geometry, between two readable ones."""
    items = [{**stac_item(collection, name)} for name in ("a", "b", "c")]
    for item in items:
        http.post(f"/collections/{collection}/items", json=item).raise_for_status()
    plant(stack, items[1], UNREADABLE[request.param])
    return items[1]


@pytest.mark.parametrize("planted", UNREADABLE, indirect=True)
def test_an_unreadable_row_does_not_end_the_searches_of_others(
    http: Any, stack: Any, planted: dict[str, Any]
) -> None:
    collection = planted["collection"]
    with httpx.Client(base_url=stack.private_url, timeout=60) as anonymous:
        for caller in (http, anonymous):
            page = caller.post("/search", json={"collections": [collection]})
            if caller is anonymous and page.status_code in (401, 403):
                continue
            assert page.status_code == 200, page.text
            if found := page.json()["features"]:
                assert [item["id"] for item in found] == ["c", "b", "a"] or len(found) == 3
    found = http.get(f"/collections/{collection}/items").json()["features"]
    assert len(found) == 3
    square = stac_item(collection, "a")["geometry"]
    by_name = {item["id"]: item for item in found}
    assert by_name["a"]["geometry"] == by_name["c"]["geometry"] == square
    assert by_name["b"]["properties"]["datetime"] == planted["properties"]["datetime"]
    for probe in (WORLD, POINT, PARTS, OVERLAPPING):
        for way, answer in searches(http, collection, probe).items():
            assert answer.status_code == 200, (way, answer.text)
            if way != "aggregate":
                assert {"a", "c"} <= {item["id"] for item in answer.json()["features"]}, way
    for predicate in PREDICATES:
        literal = {"op": f"s_{predicate}", "args": [{"property": "geometry"}, WORLD]}
        answer = http.post("/search", json={"collections": [collection], "filter": literal})
        assert answer.status_code == 200, (predicate, answer.text)
    count = {"collections": [collection], "aggregations": ["total_count"]}
    assert http.post("/aggregate", json=count).json()["aggregations"][0]["value"] == 3
    assert http.get(url(planted)).status_code == 200
    assert http.get("/collections").status_code == 200
    answer = http.patch(
        url(planted), json={"properties": {"x:a": 1}, "geometry": {**POINT, "geometries": None}}
    )
    assert answer.status_code == 200, answer.text
    plant(stack, planted, "ST_SetSRID(ST_MakePoint('Infinity', 10), 4326)")
    assert http.delete(url(planted)).status_code == 204
    (box,) = http.get(f"/collections/{collection}").json()["extent"]["spatial"]["bbox"]
    assert box == [10, 10, 11, 11]


@pytest.mark.parametrize("planted", UNREADABLE, indirect=True)
def test_an_unreadable_row_can_be_deleted_with_all_of_its_product(
    http: Any, stack: Any, planted: dict[str, Any]
) -> None:
    collection = planted["collection"]
    assert http.post(f"/collections/{collection}/deletion").status_code == 202
    assert ended(http, collection)["status"] == "SUCCESS"
    assert http.get(f"/collections/{collection}/items").json()["features"] == []


def test_unreadable_rows_are_found_and_mended_if_that_can_be(http: Any, stack: Any, collection: str) -> None:
    from landbridge.stac_api.__main__ import doctor

    chosen = Settings(
        database_url=stack.database, store_url=stack.store.as_uri(), token=stack.token, worker=False
    )
    items = {
        f"{collection}/{number}": stac_item(collection, str(number)) for number in range(len(UNREADABLE))
    }
    for item, geometry in zip(items.values(), UNREADABLE.values(), strict=True):
        http.post(f"/collections/{collection}/items", json=item).raise_for_status()
        plant(stack, item, geometry)

    def findings(**options: Any) -> dict[str, str]:
        found = [one for one in asyncio.run(doctor(chosen, **options)) if one.subject in items]
        assert len({one.subject for one in found}) == len(found)
        return {one.subject: one.detail for one in found}

    before = findings()
    assert before.keys() == items.keys()
    shown = {subject: http.get(url(item)).json()["geometry"] for subject, item in items.items()}
    beyond_repair = {subject: detail for subject, detail in before.items() if "repair" not in detail}
    assert 0 < len(beyond_repair) < len(before)
    assert findings(repair=True) == beyond_repair
    for subject in before.keys() - beyond_repair.keys():
        assert http.get(url(items[subject])).json()["geometry"] == shown[subject] is not None
        check_geometry(shown[subject])
    for subject, detail in beyond_repair.items():
        assert "write it anew" in detail
        body = [{"op": "add", "path": "/geometry", "value": POINT}]
        http.patch(url(items[subject]), json=body).raise_for_status()
    assert findings() == {}


def test_coordinates_come_back_to_the_last_bit(http: Any, shelf: str) -> None:
    given_ = [0.1, 1 / 3, 1e-300, math.pi, 179.99999999999997, -1e6, 123456.78901234567, 5e-324]
    geometry = {"type": "MultiPoint", "coordinates": [[one, -one] for one in given_]}
    item = foreign_item(shelf, geometry)
    http.post(f"/collections/{shelf}/items", json=item).raise_for_status()
    assert http.get(url(item)).json()["geometry"] == geometry
