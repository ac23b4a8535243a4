"""Requests that stock stac-fastapi-pgstac answers wrongly or fails on, each with the right answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods

from integration.conftest import stac_collection, stac_item
from landbridge.mappings import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    Add = Callable[..., list[dict[str, Any]]]


def found(http: httpx.Client, collection: str, **body: Any) -> list[str]:
    answer = http.post("/search", json={"collections": [collection], "limit": 1000, **body})
    assert answer.status_code == 200, answer.text
    return sorted(item["id"] for item in answer.json()["features"])


def load(database: str, *items: dict[str, Any]) -> None:
    """Store items past the API, as an operator may with pgstac's own Loader."""
    with PgstacDB(dsn=database) as db:
        Loader(db).load_items(iter(items), insert_mode=Methods.upsert)


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def prop(name: str) -> dict[str, str]:
    return {"property": name}


# Places
def test_a_box_across_the_antimeridian_is_the_narrow_one(
    http: httpx.Client, collection: str, add_items: Add
) -> None:
    add_items({"corner": (178, 0)}, {"corner": (-180, 0)}, {"corner": (0, 0)}, {"corner": (170, 0)})
    box = [178.5, -1, -179.5, 2]
    assert found(http, collection, bbox=box) == ["item-0000", "item-0001"]
    assert found(http, collection, filter=op("s_intersects", prop("geometry"), {"bbox": box})) == [
        "item-0000",
        "item-0001",
    ]
    answer = http.get("/search", params={"collections": collection, "bbox": "178.5,-1,-179.5,2"}).json()
    assert answer["numberMatched"] == 2


def test_heights_do_not_count_in_a_box_or_a_geometry(
    http: httpx.Client, collection: str, add_items: Add
) -> None:
    add_items({"corner": (10, 10)}, {"corner": (30, 10)})
    assert found(http, collection, bbox=[9, 9, 0, 12, 12, 9000]) == ["item-0000"]
    point = {"type": "Point", "coordinates": [10.5, 10.5, 1000]}
    assert found(http, collection, intersects=point) == ["item-0000"]
    high = stac_item(collection, "high")
    high["geometry"] = {"type": "Point", "coordinates": [30.5, 10.5, 250]}
    assert http.post(f"/collections/{collection}/items", json=high).status_code == 201
    assert found(http, collection, bbox=[30, 10, 31, 11]) == ["high", "item-0001"]
    assert http.get(f"/collections/{collection}/items/high").json()["geometry"] == high["geometry"]


def test_bbox_literals_and_every_spatial_function_take_geometries_of_all_types(
    http: httpx.Client, collection: str, add_items: Add
) -> None:
    add_items({})
    whole = stac_item(collection, "several")
    whole["geometry"] = {"type": "GeometryCollection", "geometries": [whole["geometry"]]}
    assert http.post(f"/collections/{collection}/items", json=whole).status_code == 201
    for name in ("s_contains", "s_crosses", "s_disjoint", "s_equals", "s_overlaps", "s_touches", "s_within"):
        answer = http.post(
            "/search",
            json={
                "collections": [collection],
                "filter": op(name, prop("geometry"), {"bbox": [0, 0, 50, 50]}),
            },
        )
        assert answer.status_code == 200, (name, answer.text)
    assert found(http, collection, filter=op("s_within", prop("geometry"), {"bbox": [0, 0, 50, 50]})) == [
        "item-0000"
    ]


# Filters
@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (op("in", prop("eo:cloud_cover"), []), []),
        (op("between", prop("eo:cloud_cover"), [10, 20]), ["item-0001", "item-0002"]),
        (op(">", prop("x:when"), {"timestamp": "2020-01-01T00:00:00Z"}), ["item-0000"]),
        (op("=", prop("x:when"), {"date": "2021-05-01"}), ["item-0000"]),
        (op("<", prop("x:unknown"), 5), []),
        (op("not", op("<", prop("x:unknown"), 5)), []),
        (op("isNull", prop("x:unknown")), ["item-0000", "item-0001", "item-0002"]),
        (op("=", prop("x:dotted.key"), 1), ["item-0001"]),
        (op("=", prop("x:nested.key"), 2), ["item-0001"]),
        (op("=", prop('it\'s "odd" $1 \\'), 3), ["item-0002"]),
        (op("<", prop("x:small"), prop("x:large")), ["item-0002"]),
        (op("in", prop("id"), [f"item-{number:04d}" for number in range(2, 5000)]), ["item-0002"]),
        (op("and"), ["item-0000", "item-0001", "item-0002"]),
        ({"lte": [prop("eo:cloud_cover"), 10]}, ["item-0000", "item-0001"]),
        ({"and": [{"gt": [prop("eo:cloud_cover"), 0]}, {"lt": [prop("eo:cloud_cover"), 20]}]}, ["item-0001"]),
        ("eo:cloud_cover >= 10 AND eo:cloud_cover < 20", ["item-0001"]),
    ],
    ids=str,
)
def test_a_filter_gives_the_same_items_in_every_language(
    http: httpx.Client, collection: str, add_items: Add, filter_: Any, expected: list[str]
) -> None:
    add_items(
        {"eo:cloud_cover": 0, "x:when": "2021-05-01T00:00:00Z"},
        {"eo:cloud_cover": 10, "x:dotted.key": 1, "x:nested": {"key": 2}},
        {"eo:cloud_cover": 20, 'it\'s "odd" $1 \\': 3, "x:small": 9, "x:large": 10},
    )
    assert found(http, collection, filter=filter_) == expected


@pytest.mark.parametrize(
    "filter_",
    [
        op("no_such_operator", prop("id"), 1),
        op("like", prop("id"), prop("platform")),
        op("like", prop("id"), "a\\"),
        op("=", prop("id")),
        op("=", prop(""), 1),
        op("=", {"property": 3}, 1),
        op(">", prop("datetime"), {"timestamp": "yesterday"}),
        op("t_during", prop("datetime"), {"interval": ["2020-01-01"]}),
        op("s_intersects", prop("geometry"), {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
        op("s_intersects", prop("geometry"), {"bbox": [1, 2, 3]}),
        op("=", {"function": {"name": "f"}}, 1),
        op("a_contains", prop("x"), [prop("y")]),
        {"args": [1]},
        {},
        "eo:cloud_cover <",
        "'just text'",
    ],
    ids=str,
)
def test_a_filter_that_makes_no_sense_is_a_bad_request_that_says_why(
    http: httpx.Client, filter_: Any
) -> None:
    answer = http.post("/search", json={"filter": filter_})
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["description"]) > 10


def test_a_filter_too_deep_to_be_read_is_refused_before_it_is(http: httpx.Client) -> None:
    deep: Any = op("=", prop("id"), "x")
    for _ in range(400):
        deep = op("not", deep)
    for filter_ in (
        deep,
        "(" * 5000 + "id = 'x'" + ")" * 5000,
        " OR ".join(["id = 'x'"] * 20_000),
        "not " * 5000 + "TRUE",
    ):
        answer = http.post("/search", json={"filter": filter_})
        assert answer.status_code == 400
        assert "too large" in answer.json()["description"]
    # No client nests so deep; a hundred levels are answered.
    deep = op("=", prop("id"), "x")
    for _ in range(100):
        deep = op("not", deep)
    assert http.post("/search", json={"filter": deep}).status_code == 200


def test_query_and_filter_both_hold(http: httpx.Client, collection: str, add_items: Add) -> None:
    add_items(*({"eo:cloud_cover": cover, "platform": f"sat-{cover}"} for cover in range(6)))
    query = {"eo:cloud_cover": {"gte": 2, "lt": 5}, "platform": {"startsWith": "sat"}}
    assert found(http, collection, query=query, filter="platform <> 'sat-3'") == ["item-0002", "item-0004"]
    for operator, value, expected in [
        ("endsWith", "-1", ["item-0001"]),
        ("contains", "t-2", ["item-0002"]),
        ("in", ["sat-0", "sat-5"], ["item-0000", "item-0005"]),
        ("neq", "sat-0", [f"item-000{n}" for n in range(1, 6)]),
    ]:
        assert found(http, collection, query={"platform": {operator: value}}) == expected
    assert http.post("/search", json={"query": {"platform": {"almost": 1}}}).status_code == 400


def test_one_odd_item_poisons_no_search(
    stack: Any, http: httpx.Client, collection: str, add_items: Add
) -> None:
    add_items(*({"view:sun_elevation": number} for number in (5, 10, 1)))
    odd = stac_item(
        collection, "odd", **{"view:sun_elevation": "high", "published": "never", "x": {"y": [1]}}
    )
    load(stack.database, odd)
    assert found(http, collection, filter="view:sun_elevation < 6") == ["item-0000", "item-0002"]
    assert (
        found(http, collection, filter=op(">", prop("published"), {"timestamp": "2020-01-01T00:00:00Z"}))
        == []
    )
    assert found(http, collection, filter="x > 3 OR x + 1 = 2 OR x LIKE 'a%'") == []
    for field in ("view:sun_elevation", "published", "x", "x.y"):
        for direction in ("asc", "desc"):
            assert len(found(http, collection, sortby=[{"field": field, "direction": direction}])) == 4
    bad = stac_item(collection, "bad")
    bad["geometry"]["coordinates"][0].pop()  # the ring is open
    with pytest.raises(psycopg.Error, match="geometry of item bad"):
        load(stack.database, bad)
    assert len(found(http, collection, bbox=[-180, -90, 180, 90])) == 4


# Orders
def _numeric() -> list[str]:
    return sorted(
        row.property_name
        for row in tables.load("image").rows.values()
        if row.sort
        and row.property_name
        and (row.queryable or row.schema).get("type") in ("number", "integer")
    )


def test_every_numeric_attribute_is_sorted_as_numbers(
    http: httpx.Client, collection: str, add_items: Add
) -> None:
    names = _numeric()
    assert len(names) > 10
    values = [0.5, 9, 0.25, 10, 0.125, 1]
    # Fractions up to 1 are ordered by these alone.
    add_items(
        *(
            {name: value if value <= 1 or "fraction" not in name else value / 100 for name in names}
            for value in values
        )
    )
    for name in [*names, "x:unknown"]:
        for direction in ("asc", "desc"):
            body = {
                "collections": [collection],
                "sortby": [{"field": f"properties.{name}", "direction": direction}],
                "limit": 4,
            }
            items, token = [], None
            while True:
                page = http.post("/search", json=body | ({"token": token} if token else {})).json()
                items += page["features"]
                token = next((link["body"]["token"] for link in page["links"] if link["rel"] == "next"), None)
                if token is None:
                    break
            assert len({item["id"] for item in items}) == 6
            got = [item["properties"].get(name, 0) for item in items]
            assert got == sorted(got, reverse=direction == "desc"), name


def test_numbers_of_unregistered_properties_are_sorted_as_numbers(
    http: httpx.Client, collection: str, add_items: Add
) -> None:
    add_items(*({"x:count": value} for value in (10, 9, 100, 1.5)))
    page = http.post(
        "/search", json={"collections": [collection], "sortby": [{"field": "x:count", "direction": "asc"}]}
    )
    assert [item["properties"]["x:count"] for item in page.json()["features"]] == [1.5, 9, 10, 100]


def test_paging_continues_after_an_item_whose_sort_key_changed(
    http: httpx.Client, collection: str, add_items: Add
) -> None:
    add_items(*({"eo:cloud_cover": number} for number in range(9)))
    body = {
        "collections": [collection],
        "sortby": [{"field": "eo:cloud_cover", "direction": "asc"}],
        "limit": 3,
    }
    link = next(one for one in http.post("/search", json=body).json()["links"] if one["rel"] == "next")
    moved = {"properties": {"eo:cloud_cover": 99}}
    assert http.patch(f"/collections/{collection}/items/item-0002", json=moved).status_code == 200
    second = http.post(link["href"], json=link["body"]).json()
    assert [item["id"] for item in second["features"]] == ["item-0003", "item-0004", "item-0005"]
    other = http.post(link["href"], json={**link["body"], "sortby": [{"field": "id", "direction": "asc"}]})
    assert other.status_code == 400
    assert "sortby" in other.json()["description"]


# Ids and documents
@pytest.mark.parametrize("name", ["a:b", "a b", "a?b#c%d&e+f", "quote'\"", "ünï", "{x}", "a,b"])
def test_ids_of_any_characters_come_back(http: httpx.Client, collection: str, name: str) -> None:
    assert http.post(f"/collections/{collection}/items", json=stac_item(collection, name)).status_code == 201
    (item,) = http.post("/search", json={"collections": [collection], "ids": [name]}).json()["features"]
    itself = next(link["href"] for link in item["links"] if link["rel"] == "self")
    assert http.get(itself).json()["id"] == name
    assert http.delete(itself).status_code == 204


@pytest.mark.parametrize("name", ["a/b", "..", ".", "", "x" * 2000, "line\nbreak", 7])
def test_ids_that_fit_no_url_are_refused(http: httpx.Client, collection: str, name: Any) -> None:
    answer = http.post(f"/collections/{collection}/items", json=stac_item(collection, name))
    assert answer.status_code == 400
    assert "id" in answer.json()["description"]


def test_nul_is_refused_in_every_place(http: httpx.Client, collection: str) -> None:
    nul = "a\x00b"
    requests = [
        http.post(f"/collections/{collection}/items", json=stac_item(collection, nul)),
        http.post(f"/collections/{collection}/items", json=stac_item(collection, "x", note=nul)),
        http.post("/search", json={"ids": [nul]}),
        http.post("/search", json={"filter": op("=", prop("id"), nul)}),
        http.post("/search", json={"filter": op("=", prop(nul), 1)}),
        http.post("/search", json={"sortby": [{"field": nul, "direction": "asc"}]}),
        http.get("/search", params={"collections": nul}),
        http.get("/collections", params={"q": nul}),
        http.get("/collections/a%00b"),
    ]
    assert [answer.status_code for answer in requests] == [400] * len(requests)


def test_limits_and_offsets_out_of_range_are_refused_or_capped(http: httpx.Client) -> None:
    for params in ({"limit": 0}, {"limit": -1}, {"limit": "many"}):
        assert http.get("/search", params=params).status_code == 400
        assert http.get("/collections", params=params).status_code == 400
    assert http.get("/collections", params={"offset": -1}).status_code == 400
    assert http.get("/search", params={"limit": 1_000_000, "collections": "none"}).status_code == 200


def test_a_bulk_upsert_keeps_when_an_item_was_created(http: httpx.Client, collection: str) -> None:
    body = {"items": {"a": stac_item(collection, "a")}, "method": "upsert"}
    path = f"/collections/{collection}"
    assert http.post(f"{path}/bulk_items", json=body).status_code == 200
    first = http.get(f"{path}/items/a").json()["properties"]
    body["items"]["a"]["properties"]["eo:cloud_cover"] = 5  # type: ignore[index]
    assert http.post(f"{path}/bulk_items", json=body).status_code == 200
    second = http.get(f"{path}/items/a").json()["properties"]
    assert second["eo:cloud_cover"] == 5
    assert second["created"] == first["created"]


def test_a_partition_that_a_loader_narrowed_takes_any_date_again(
    stack: Any, http: httpx.Client, collection: str
) -> None:
    load(stack.database, stac_item(collection, "a", datetime="2020-01-01T00:00:00.5Z"))
    for number, moment in enumerate(["2020-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2050-01-01T00:00:00Z"]):
        items = {f"b{number}": stac_item(collection, f"b{number}", datetime=moment)}
        answer = http.post(f"/collections/{collection}/bulk_items", json={"items": items}, timeout=10)
        assert answer.status_code == 200, answer.text
    assert len(found(http, collection)) == 4


def test_an_item_moved_in_time_is_replaced_and_not_doubled(http: httpx.Client, collection: str) -> None:
    for moment in ("2020-01-01T00:00:00Z", "2021-06-01T00:00:00Z"):
        items = {"a": stac_item(collection, "a", datetime=moment)}
        body = {"items": items, "method": "upsert"}
        assert http.post(f"/collections/{collection}/bulk_items", json=body).status_code == 200
    assert found(http, collection) == ["a"]


# Fields
@pytest.mark.parametrize(
    ("fields", "has", "lacks"),
    [
        ({"include": ["properties.eo:cloud_cover"]}, ["id", "collection", "type"], ["assets", "geometry"]),
        ({"exclude": ["geometry"]}, ["assets", "properties", "links"], ["geometry"]),
        ({"include": ["geometry"], "exclude": ["geometry"]}, ["geometry"], ["assets"]),
        ({"include": ["properties.eo:cloud_cover"], "exclude": ["properties"]}, ["properties"], ["assets"]),
        ({"include": [], "exclude": ["geometry"]}, ["assets", "links", "bbox"], ["geometry"]),
        ({"include": [], "exclude": []}, ["assets", "geometry", "properties"], []),
        ({"exclude": ["id", "type"]}, ["id", "type"], []),
    ],
    ids=str,
)
def test_fields_are_included_before_they_are_excluded(
    http: httpx.Client, collection: str, add_items: Add, fields: Any, has: list[str], lacks: list[str]
) -> None:
    add_items({"eo:cloud_cover": 3, "platform": "one"})
    answer = http.post("/search", json={"collections": [collection], "fields": fields})
    assert answer.headers["content-type"] == "application/geo+json"
    (item,) = answer.json()["features"]
    assert set(has) <= set(item)
    assert not set(lacks) & set(item)
    if fields.get("include") == ["properties.eo:cloud_cover"]:
        assert item["properties"] == {"eo:cloud_cover": 3}


def test_collections_show_the_fields_asked_for(http: httpx.Client, collection: str) -> None:
    params = {"filter": f"id = '{collection}'", "fields": "title"}
    (shown,) = http.get("/collections", params=params).json()["collections"]
    assert set(shown) == {"id", "type", "title"}


# Extents
def test_an_extent_follows_the_items_that_come_and_go(
    stack: Any, http: httpx.Client, collection: str
) -> None:
    def extent() -> Any:
        return http.get(f"/collections/{collection}").json()["extent"]

    path = f"/collections/{collection}/items"
    assert extent()["spatial"]["bbox"] == [[-180, -90, 180, 90]]
    load(stack.database, stac_item(collection, "a", corner=(10, 10), datetime="2020-01-01T00:00:00Z"))
    http.post(path, json=stac_item(collection, "b", corner=(-30, 40), datetime="2021-01-01T00:00:00Z"))
    assert extent()["spatial"]["bbox"] == [[-30, 10, 11, 41]]
    assert extent()["temporal"]["interval"] == [["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]]
    (listed,) = http.get("/collections", params={"filter": f"id = '{collection}'"}).json()["collections"]
    assert listed["extent"] == extent()
    ids = [
        one["id"]
        for one in http.get("/collections", params={"bbox": "-29,40,-28,41", "limit": 1000}).json()[
            "collections"
        ]
    ]
    assert collection in ids
    ids = [
        one["id"]
        for one in http.get("/collections", params={"bbox": "100,40,101,41", "limit": 1000}).json()[
            "collections"
        ]
    ]
    assert collection not in ids
    assert http.delete(f"{path}/b").status_code == 204
    assert extent()["spatial"]["bbox"] == [[10, 10, 11, 11]]
    assert extent()["temporal"]["interval"] == [["2020-01-01T00:00:00Z"] * 2]
    http.patch(f"{path}/a", json={"properties": {"datetime": "2022-01-01T00:00:00Z"}}).raise_for_status()
    assert extent()["temporal"]["interval"] == [["2022-01-01T00:00:00Z"] * 2]


def test_the_own_interval_of_a_collection_stays_and_the_shown_extent_is_not_stored(
    stack: Any, http: httpx.Client, collection: str
) -> None:
    path = f"/collections/{collection}"
    http.post(f"{path}/items", json=stac_item(collection, "a")).raise_for_status()
    document = http.get(path).json()
    http.put(path, json={**document, "title": "Again"}).raise_for_status()
    with psycopg.connect(stack.database) as conn:
        query = "SELECT content->'extent' FROM pgstac.collections WHERE id = %s"
        (stored,) = conn.execute(query, (collection,)).fetchone()
    assert stored == stac_collection(collection)["extent"]
    said = {**document["extent"], "temporal": {"interval": [["2000-01-01T00:00:00Z", None]]}}
    http.put(path, json={**document, "extent": said}).raise_for_status()
    assert http.get(path).json()["extent"]["temporal"]["interval"] == [["2000-01-01T00:00:00Z", None]]
