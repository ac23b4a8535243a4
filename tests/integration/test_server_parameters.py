"""Parameters, members and `query` values of a search: each is followed, or refused by its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.conftest import stac_collection

if TYPE_CHECKING:
    import httpx


def found(http: httpx.Client, collection: str, **members: Any) -> list[str]:
    answer = http.post("/search", json={"collections": [collection], "limit": 100, **members})
    assert answer.status_code == 200, answer.text
    return sorted(item["id"] for item in answer.json()["features"])


@pytest.fixture
def covers(add_items: Any) -> None:
    """Nine items whose numbers and texts are all the number of the item."""
    add_items(
        *(
            {
                "eo:cloud_cover": n,
                "x:number": n,
                "platform": str(n),
                "x:text": str(n),
                "published": f"2024-01-0{n + 1}T00:00:00Z",
            }
            for n in range(9)
        )
    )


def names(*numbers: int) -> list[str]:
    return [f"item-{number:04d}" for number in numbers]


@pytest.mark.usefixtures("covers")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"eo:cloud_cover": {"lt": "3"}}, names(0, 1, 2)),
        ({"eo:cloud_cover": {"lt": 3}}, names(0, 1, 2)),
        ({"properties.eo:cloud_cover": {"gte": "7.5"}}, names(8)),
        ({"eo:cloud_cover": {"in": ["3", 4]}}, names(3, 4)),
        ({"eo:cloud_cover": {"neq": "3"}}, names(0, 1, 2, 4, 5, 6, 7, 8)),
        ({"platform": {"eq": 3}}, names(3)),
        ({"platform": {"in": [3, "4"]}}, names(3, 4)),
        ({"x:number": {"lt": "3"}}, names(0, 1, 2)),
        ({"x:number": {"in": ["3", 4]}}, names(3, 4)),
        ({"x:text": {"eq": "3"}}, names(3)),
        ({"x:text": {"in": ["3", "4"]}}, names(3, 4)),
        ({"published": {"lte": "2024-01-02"}}, names(0, 1)),
        ({"published": {"gt": "2024-01-08T01:00:00+01:00"}}, names(8)),
        ({"datetime": {"eq": "2024-05-01T00:00:00Z"}}, names(*range(9))),
        ({"datetime": {"gt": "2024-06-01"}}, []),
    ],
    ids=str,
)
def test_a_value_of_query_takes_the_type_of_its_property(
    http: httpx.Client, collection: str, query: dict[str, Any], expected: list[str]
) -> None:
    assert found(http, collection, query=query) == expected
    by_get = http.get("/search", params={"collections": collection, "query": json.dumps(query), "limit": 100})
    assert sorted(item["id"] for item in by_get.json()["features"]) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"eo:cloud_cover": {"lt": "few"}},
        {"eo:cloud_cover": {"lt": True}},
        {"eo:cloud_cover": {"lt": "NaN"}},
        {"eo:cloud_cover": {"in": ["3", "few"]}},
        {"eo:cloud_cover": {"in": "3"}},
        {"datetime": {"lt": "yesterday"}},
        {"published": {"lt": 2024}},
        {"platform": {"eq": False}},
    ],
    ids=str,
)
def test_a_value_of_query_that_is_not_of_its_type_is_refused(
    http: httpx.Client, query: dict[str, Any]
) -> None:
    answer = http.post("/search", json={"query": query})
    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["description"]


@pytest.mark.usefixtures("covers")
def test_a_number_as_text_finds_the_same_items_as_the_number(http: httpx.Client, collection: str) -> None:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        name=st.sampled_from(["eo:cloud_cover", "x:number", "x:missing"]),
        operator=st.sampled_from(["eq", "neq", "lt", "lte", "gt", "gte"]),
        number=st.one_of(st.integers(-2, 12), st.floats(-2, 12, width=16)),
    )
    def check(name: str, operator: str, number: float) -> None:
        sent, text = ({name: {operator: value}} for value in (number, str(number)))
        assert found(http, collection, query=text) == found(http, collection, query=sent)

    check()


SEARCHES = ["/search", "/aggregate", "/collections/{}/aggregate"]


@pytest.mark.parametrize("path", SEARCHES)
@pytest.mark.parametrize(
    "member", ["collection", "q", "bbox_crs", "filter_expr", "filters", "datetimes", "page", "crs", "offset"]
)
def test_a_member_that_a_search_does_not_know_is_refused_by_its_name(
    http: httpx.Client, collection: str, path: str, member: str
) -> None:
    answer = http.post(path.format(collection), json={member: "x"})
    assert answer.status_code == 400
    assert repr(member) in answer.json()["description"]


@pytest.mark.parametrize(
    "path", [*SEARCHES, "/collections", "/collections/{}/items"], ids=lambda path: path.strip("/")
)
@pytest.mark.parametrize("name", ["collection", "bbox-crs", "filters", "page", "crs", "Limit"])
def test_a_parameter_that_a_route_does_not_know_is_refused_by_its_name(
    http: httpx.Client, collection: str, path: str, name: str
) -> None:
    answer = http.get(path.format(collection), params={name: "x"})
    assert answer.status_code == 400
    assert repr(name) in answer.json()["description"]


def test_the_error_for_a_misspelt_member_suggests_the_right_one(http: httpx.Client) -> None:
    answer = http.post("/search", json={"collection": "x"})
    assert "Did you mean 'collections'?" in answer.json()["description"]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/search", {"collections": ["a", "b"]}),
        ("/search", {"ids": ["a", "b"]}),
        ("/collections", {"limit": ["1", "2"]}),
        ("/aggregate", {"collections": ["a", "b"]}),
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(
    http: httpx.Client, path: str, parameters: dict[str, list[str]]
) -> None:
    answer = http.get(path, params=parameters)
    assert answer.status_code == 400
    assert "more than once" in answer.json()["description"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"_": "1700000000"},
        {"f": "json"},
        {"filter": "id = 'x'", "filter-lang": "cql2-text"},
        {"filter": "id = 'x'", "filter-crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
        {"limit": "1", "sortby": "-datetime", "fields": "id,-links", "datetime": "2024-01-01T00:00:00Z/.."},
        {"query": '{"eo:cloud_cover": {"lt": 3}}', "bbox": "0,0,1,1"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/search", "/collections", "/collections/{}/items"])
def test_parameters_that_clients_add_are_accepted(
    http: httpx.Client, collection: str, path: str, parameters: dict[str, str]
) -> None:
    answer = http.get(path.format(collection), params=parameters)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/search", "/aggregate"])
def test_a_filter_in_other_coordinates_is_refused(http: httpx.Client, path: str) -> None:
    body = {
        "filter": {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [0, 0, 1, 1]}]},
        "filter-crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
    }
    answer = http.post(path, json=body)
    assert answer.status_code == 400
    assert "filter-crs" in answer.json()["description"]


SPATIAL = ["s_intersects", "s_contains", "s_crosses", "s_disjoint", "s_equals", "s_overlaps", "s_touches"]


@pytest.mark.parametrize("name", ["footprint", "eo:cloud_cover", "datetime", "properties.geom"])
@pytest.mark.parametrize("function", [*SPATIAL, "s_within"])
def test_a_spatial_function_of_another_type_is_refused(http: httpx.Client, function: str, name: str) -> None:
    point = {"type": "Point", "coordinates": [0, 0]}
    for args in ([{"property": name}, point], [point, {"property": name}]):
        for filter_ in (
            {"op": function, "args": args},
            {"op": "not", "args": [{"op": function, "args": args}]},
        ):
            for path in ("/search", "/aggregate"):
                answer = http.post(path, json={"filter": filter_})
                assert answer.status_code == 400, answer.text
                assert "geometry" in answer.json()["description"]


@pytest.mark.parametrize("function", ["t_after", "t_before", "t_during", "t_intersects"])
def test_a_temporal_function_of_another_type_is_refused(http: httpx.Client, function: str) -> None:
    args = [{"property": "eo:cloud_cover"}, {"interval": ["2020-01-01", "2021-01-01"]}]
    answer = http.post("/search", json={"filter": {"op": function, "args": args}})
    assert answer.status_code == 400
    assert "eo:cloud_cover" in answer.json()["description"]


def test_a_hundred_collections_are_on_the_first_page(http: httpx.Client) -> None:
    for number in range(12):
        http.post("/collections", json=stac_collection(f"local:page-{number}"))
    answer = http.get("/collections", params={"filter": "id like 'local:page-%'"}).json()
    assert answer["numberReturned"] == answer["numberMatched"] == 12
    limit = next(
        one
        for one in http.get("/api").json()["paths"]["/collections"]["get"]["parameters"]
        if one["name"] == "limit"
    )
    assert limit["schema"]["default"] == 100
