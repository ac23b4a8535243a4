"""Searches on APIs that answer only a part of them: the result is right, or an error says why not."""

import contextlib
import warnings

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, ClientSideSearchWarning, Image, Product, SearchWarning
from landbridge.catalog import properties as p
from landbridge.catalog.client import http
from landbridge.catalog.stac import checked_search, item_checks
from landbridge.exceptions import BadRequestError, LandbridgeError, MethodNotAllowedError
from landbridge.mappings.sources.model import ApiRules, ProductRow, SourceTable
from support.model_api import STYLES, ModelApi

EVERYTHING = ("item-search", "query", "sort", "fields", "cql2-json")


def item(number, collection="c", geometry="point", **properties):
    places = {
        "point": {"type": "Point", "coordinates": [number % 40, number % 20]},
        "none": None,
        "box": shapely.box(number % 40, 0, number % 40 + 5, 5).__geo_interface__,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"i{number:04}",
        "collection": collection,
        "geometry": places[geometry],
        "properties": {"datetime": f"2024-01-{number % 28 + 1:02}T00:00:00Z", **properties},
        "assets": {"red": {"href": "https://x.invalid/red.tif", "file:size": 10}},
        "links": [],
    }


@pytest.fixture
def api():
    started = []

    def start(*args, **kwargs):
        started.append(ModelApi(*args, **kwargs))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def connect(server, rules=None, products=()):
    table = None if rules is None else SourceTable("model", server.url, api=rules, products=products)
    return CatalogClient(url=server.url, auth=Auth(token="t"), retries=0, source=table)


def search(client, product="c"):
    return Image.search(client=client).filter(p.product_id == product)


def names(found):
    return [image.name for image in found]


def bodies(server):
    return [query for _, query in server.searches]


CLOUDS = [item(number, **{"eo:cloud_cover": number % 100, "platform": "landsat-8"}) for number in range(600)]
CLEAR = [one["id"] for one in CLOUDS if one["properties"]["eo:cloud_cover"] < 20]


# Conditions


@pytest.mark.parametrize("large", [0, 1_000_000])
@pytest.mark.parametrize(
    ("declares", "member"), [("query", "query"), ("cql2-json", "filter"), ("cql2-text", "filter")]
)
def test_an_api_that_can_filter_is_asked_to(api, monkeypatch, declares, member, large):
    monkeypatch.setattr(http, "_LARGE", large)
    server = api(CLOUDS, declares=["item-search", declares])
    client = connect(server)
    assert names(search(client).filter(p.cloud_fraction < 0.2)) == CLEAR
    first = bodies(server)[0]
    if declares == "query":
        assert first["query"] == {"eo:cloud_cover": {"lte": 20.0}}
    assert member in first
    assert "filter" not in first or "query" not in first
    assert len(server.searches) == 1


def test_an_api_without_filters_is_read_in_full_with_a_warning(api):
    server = api(CLOUDS)
    with pytest.warns(
        ClientSideSearchWarning, match="cannot filter by cloud_fraction: 600 items were read, of which 120"
    ):
        assert names(search(connect(server)).filter(p.cloud_fraction < 0.2)) == CLEAR
    assert not any({"filter", "query"} & body.keys() for body in bodies(server))


def test_dates_names_and_places_are_asked_of_any_api(api):
    server = api(CLOUDS)
    client = connect(server)
    found = (
        search(client)
        .filter("2024-01-02" <= p.acquired < "2024-01-04")
        .filter(p.name.any_of(["i0001", "i0002"]))
    )
    found = found.intersects(shapely.box(0, 0, 1.5, 1.5))
    assert names(found) == ["i0001"]
    (body,) = bodies(server)
    assert body["datetime"] == "2024-01-02T00:00:00Z/2024-01-04T00:00:00Z"
    assert body["ids"] == ["i0001", "i0002"]
    assert body["intersects"]["type"] == "Polygon"
    assert names(search(client).filter(p.acquired > "2024-01-05").filter(p.acquired < "2024-01-04")) == []
    assert names(search(client).filter(p.name == "i0001").filter(p.name == "i0002")) == []
    assert len(server.searches) == 1


def test_a_long_geometry_is_sent_by_get_as_its_box(api):
    server = api(CLOUDS, methods=("GET",))
    client = connect(server)
    client.observations.post_failed = True
    circle = shapely.Point(5, 5).buffer(3.5, quad_segs=100)
    found = search(client).intersects(circle)
    corners = {one["id"] for one in CLOUDS if one["geometry"]["coordinates"] in ([2, 2], [8, 8])}
    inside = {one["id"] for one in CLOUDS if one["geometry"]["coordinates"] in ([3, 3], [5, 5], [7, 7])}
    assert corners
    assert inside <= set(names(found))
    assert not corners & set(names(found))
    assert found.count() == len(names(found))
    assert bodies(server)[0]["bbox"] == "1.5,1.5,8.5,8.5"
    small = search(client).intersects(shapely.box(1.5, 1.5, 8.5, 8.5))
    assert corners <= set(names(small))
    assert "intersects" in bodies(server)[-1]


def test_only_the_properties_of_the_rules_are_sent(api):
    server = api(CLOUDS, declares=EVERYTHING)
    client = connect(server, ApiRules(filter="query", filter_properties=("eo:cloud_cover",)))
    found = search(client, "model:c").filter(p.cloud_fraction < 0.2).filter(p.satellite_id == "landsat-8")
    with pytest.warns(ClientSideSearchWarning, match="cannot filter by satellite_id: 126 items"):
        assert names(found) == CLEAR
    assert bodies(server)[0]["query"] == {"eo:cloud_cover": {"lte": 20.0}}
    assert "filter" not in bodies(server)[0]


def test_the_images_of_a_source_have_its_product_ids_when_conditions_are_checked(api):
    server = api(CLOUDS, declares=EVERYTHING)
    row = ProductRow("c", ids=("esa:product",))
    client = connect(server, ApiRules(), (row,))
    (image,) = search(client, "esa:product").filter(p.id == "esa:product:i0003")
    assert image.id == "esa:product:i0003"
    assert bodies(server)[-1]["ids"] == ["i0003"]
    assert bodies(server)[-1]["collections"] == ["c"]


def test_a_reader_is_told_when_too_many_items_would_be_read(api, monkeypatch):
    monkeypatch.setattr(item_checks.ItemCheck.__init__, "__defaults__", (None, 400))
    server = api(CLOUDS)
    with pytest.raises(BadRequestError, match="stopped after 500 items, of which 100 match"):
        list(search(connect(server)).filter(p.cloud_fraction < 0.2))
    # The first images come without reading further.
    with pytest.warns(ClientSideSearchWarning, match="250 items"):
        assert names(search(connect(server)).filter(p.cloud_fraction < 0.2).limit(5)) == CLEAR[:5]


def test_images_without_a_geometry_can_be_matched(api):
    server = api([item(1), item(2, geometry="none"), item(30, geometry="box")], declares=EVERYTHING)
    place = shapely.box(0, 0, 3, 3)
    assert names(search(connect(server)).intersects(place)) == ["i0001"]
    with pytest.warns(ClientSideSearchWarning, match="geometry: 3 items"):
        found = names(search(connect(server)).intersects(place, match_null_geometry=True))
    assert found == ["i0001", "i0002"]


# APIs that do not do what they declare


@pytest.mark.parametrize("declares", ["query", "cql2-json"])
def test_an_api_that_ignores_its_filter_is_found_out(api, declares):
    server = api(CLOUDS, declares=["item-search", declares], has=["datetime", "collections"])
    client = connect(server)
    found = search(client).filter(p.cloud_fraction < 0.2)
    with pytest.warns(ClientSideSearchWarning, match="does not filter by cloud_fraction as it declares"):
        assert names(found) == CLEAR
    with pytest.warns(ClientSideSearchWarning):
        assert found.count() == len(CLEAR)
    nearly_all = search(client).filter(p.cloud_fraction < 0.999)
    assert nearly_all.count() == len(list(nearly_all)) == 600
    most = search(client).filter(p.cloud_fraction < 0.985)
    assert most.count() == len(list(most)) == 594


def test_an_api_that_ignores_everything_is_found_out(api):
    server = api([*CLOUDS[:50], *(item(number, "other") for number in range(50, 90))], has=["x"])
    client = connect(server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SearchWarning)
        assert names(search(client)) == [one["id"] for one in CLOUDS[:50]]
        assert names(search(client).filter(p.acquired < "2024-01-03")) == ["i0000", "i0001", "i0028", "i0029"]
        assert names(search(client).intersects(shapely.box(-1, -1, 1.5, 1.5))) == [
            "i0000",
            "i0001",
            "i0040",
            "i0041",
        ]
        assert names(
            Image.get_many(["c:i0003", "c:i0044", "c:none"], ignore_missing=True, client=client)
        ) == [
            "i0003",
            "i0044",
        ]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [1, 3, None])
def test_an_api_that_ignores_the_order_is_found_out(api, ascending, limit):
    items = [item(number, **{"eo:cloud_cover": number * 37 % 100}) for number in range(100)]
    server = api(items, declares=EVERYTHING, has=["collections"])
    client = connect(server)
    wanted = sorted(range(100), key=lambda number: number * 37 % 100, reverse=not ascending)[:limit]
    with pytest.warns(ClientSideSearchWarning, match="cannot sort by cloud_fraction: 100 items"):
        assert names(search(client).sort("cloud_fraction", ascending).limit(limit)) == [
            f"i{number:04}" for number in wanted
        ]
    assert client.observations.sorts == {"cloud_fraction": False}


# Order


@pytest.mark.parametrize("large", [0, 1_000_000])
@pytest.mark.parametrize("ascending", [True, False])
def test_an_api_sorts_and_values_that_are_missing_come_last(api, monkeypatch, ascending, large):
    monkeypatch.setattr(http, "_LARGE", large)  # from which size on items are parsed one by one
    items = [
        item(number, **({} if number % 5 == 0 else {"eo:cloud_cover": number * 37 % 100}))
        for number in range(300)
    ]
    server = api(items, declares=EVERYTHING)
    client = connect(server)
    found = [image.cloud_fraction for image in search(client).sort("cloud_fraction", ascending)]
    known = [value for value in found if value is not None]
    assert known == sorted(known, reverse=not ascending)
    assert found[len(known) :] == [None] * 60
    assert len(found) == 300
    assert len(server.searches) == 3  # two pages and a look at the other end
    first = next(iter(search(client).sort("cloud_fraction", ascending).limit(1)))
    assert first.cloud_fraction == found[0]
    assert len(server.searches) == (4 if ascending else 10)  # the API returns 60 items without a value first


def test_the_client_sorts_if_the_rules_say_so(api):
    server = api(CLOUDS, declares=EVERYTHING)
    client = connect(server, ApiRules(sort=False))
    for limit in (None, 300):
        with pytest.warns(ClientSideSearchWarning, match="cannot sort by acquired: 600 items"):
            found = names(search(client, "model:c").sort("acquired", ascending=False).limit(limit))
        assert found[:2] == ["i0027", "i0055"]
        assert len(found) == (limit or 600)
    assert not any("sortby" in body for body in bodies(server))


def test_one_page_is_sorted_by_an_api_that_loses_items_between_sorted_pages(api):
    server = api(CLOUDS, declares=EVERYTHING)
    client = connect(server, ApiRules(sort=False))
    for requests in (2, 1):  # the first search looks at the other end too
        before = len(server.searches)
        found = names(search(client, "model:c").sort("acquired", ascending=False).limit(2))
        assert found == ["i0027", "i0055"]
        assert len(server.searches) - before == requests
    # An API that refuses or ignores the order is read in full.
    for wrong in ({"has": ["collections"]}, {"declares": ["item-search"]}):
        server.configure(CLOUDS, **({"declares": EVERYTHING} | wrong))
        with pytest.warns(ClientSideSearchWarning, match="cannot sort by acquired: 600 items"):
            found = names(
                search(connect(server, ApiRules(sort=False)), "model:c").sort("acquired", False).limit(2)
            )
        assert found == ["i0027", "i0055"]


# Counts and summaries


@pytest.mark.parametrize("stated", ["numberMatched", "context", None])
def test_counts(api, stated):
    server = api(CLOUDS, declares=EVERYTHING, stated=stated)
    client = connect(server)
    assert search(client).count() == 600
    # The first asks for a collection that cannot exist: the API restricts its answers to collections.
    assert len(server.searches) == 1 + (1 if stated else 4)
    if not stated:
        assert bodies(server)[-1]["fields"] == {"include": ["id", "collection"]}
    for condition, number in [
        (p.cloud_fraction < 0.2, 120),
        (p.cloud_fraction < 0.8, 480),
        (p.cloud_fraction <= 0.8, 486),
        ((p.acquired >= "2024-01-02") & (p.acquired < "2024-01-20"), 389),
    ]:
        assert search(client).filter(condition).count() == number


def test_an_id_counts_only_in_its_product(api):
    """An API is asked for the ids of Items, which are of any Collection."""
    server = api([item(1), item(2), item(1, "d")], declares=EVERYTHING)
    client = connect(server)
    assert search(client).filter(p.id == "c:i0001").count() == 1
    assert search(client).filter(p.id == "d:i0001").count() == 0
    assert search(client).filter((p.id == "d:i0001") | (p.id == "c:i0002")).count() == 1
    contradiction = (p.name == "i0002") & (p.id == "c:i0001")
    assert search(client).filter((p.name == "i0001") | contradiction).count() == 1
    with pytest.raises(BadRequestError, match="cannot filter by id exactly"):
        search(client).filter(p.id == "d:i0001").to_item_search()


def test_a_count_that_the_rules_call_wrong_is_not_believed(api):
    server = api(CLOUDS)
    server._found({})
    client = connect(server, ApiRules(count=False))
    assert search(client, "model:c").count() == 600
    assert len(server.searches) == 3


def test_a_count_of_too_many_items_is_refused(api, monkeypatch):
    monkeypatch.setattr(checked_search.CheckedSearch.reduced, "__defaults__", (500,))
    server = api(CLOUDS, stated=None)
    with pytest.raises(BadRequestError, match="more than 500 do"):
        search(connect(server)).count()


@pytest.mark.parametrize("declares", [("item-search",), EVERYTHING])
def test_summaries_add_up_the_images_that_match(api, declares):
    server = api(CLOUDS, declares=declares)
    with contextlib.ExitStack() as stack:
        if "query" not in declares:
            stack.enter_context(pytest.warns(ClientSideSearchWarning))
        found = search(connect(server)).filter(p.cloud_fraction < 0.2).summary()
    assert (found.count, found.bytes, found.products) == (120, 1200, ["c"])


def test_an_api_that_needs_a_product_is_not_asked_without(api):
    server = api(CLOUDS)
    with pytest.raises(BadRequestError, match=r"filter by p\.product_id"):
        Image.search(client=connect(server, ApiRules(requires_collections=True))).summary()


# Products and bands


def test_products_are_filtered_here_and_found_by_text(api):
    collections = [
        {
            "type": "Collection",
            "id": "a",
            "title": "First",
            "description": "Landsat scenes",
            "keywords": ["x"],
        },
        {"type": "Collection", "id": "b", "title": "Second", "description": "Sentinel scenes"},
    ]
    server = api([], collections=collections)
    client = connect(server)
    assert [one.id for one in Product.search(client=client)] == ["a", "b"]
    assert [one.id for one in Product.search(client=client).filter(p.name == "Second")] == ["b"]
    assert [one.id for one in Product.search(client=client).filter(p.tags == "x")] == ["a"]
    assert [one.id for one in Product.search(client=client).find_text("SCENES land")] == ["a"]
    assert [one.id for one in Product.search(client=client).sort("name", ascending=False)] == ["b", "a"]
    assert Product.search(client=client).filter(p.name != "First").count() == 1
    assert [one.id for one in Product.search(client=client).limit(1)] == ["a"]
    assert {path for _, path, *_ in server.requests} == {"/", "/collections"}


# Writes


def test_a_catalog_that_can_only_be_read_says_what_to_do(api):
    server = api([item(1)])
    client = connect(server)
    (image,) = search(client)
    image.cloud_fraction = 0.5
    with pytest.raises(MethodNotAllowedError, match=r"(?s)can only be read.*copy_to"):
        image.save()
    with pytest.raises(MethodNotAllowedError, match="can only be read"):
        Image(product_id="c", name="new", acquired="2024-01-01", client=client).save()
    with pytest.raises(MethodNotAllowedError, match="can only be read"):
        Product(id="new", name="New", client=client).save()
    with pytest.raises(MethodNotAllowedError, match="can only be read"):
        image.delete()
    before = len(server.requests)
    sourced = connect(server, ApiRules())
    (image,) = search(sourced, "model:c")
    image.cloud_fraction = 0.5
    with pytest.raises(MethodNotAllowedError, match="can only be read"):
        image.save()
    assert {method for method, *_ in server.requests[before:]} == {"GET", "POST"}


# Random searches on APIs with random capabilities

_moments = st.sampled_from(
    ["2024-01-01T00:00:00Z", "2024-01-01T12:00:00.5Z", "2024-03-01T00:00:00Z", "2024-12-31T23:59:59Z"]
)
_texts = st.sampled_from(["landsat-8", "LANDSAT_8", "sentinel-2a", "it's", "a%b", "a_b"])
_numbers = st.sampled_from([0, 5, 19.999, 20, 20.0, 20.001, 50, 99.5, 100])
_properties = st.fixed_dictionaries(
    {},
    optional={
        "eo:cloud_cover": st.one_of(_numbers, _numbers.map(str), st.none()),
        "platform": st.one_of(_texts, st.none()),
        "view:sun_elevation": _numbers,
        "view:off_nadir": st.one_of(st.sampled_from([0, 5, 20]), st.none()),
        "created": _moments,
        "keywords": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    },
)
_dates = st.one_of(
    _moments.map(lambda moment: {"datetime": moment}),
    st.tuples(_moments, _moments).map(
        lambda both: {"datetime": None, "start_datetime": min(both), "end_datetime": max(both)}
    ),
)
_places = st.one_of(
    st.none(),
    st.builds(lambda x, y: shapely.Point(x, y).__geo_interface__, st.integers(0, 9), st.integers(0, 9)),
    st.builds(
        lambda x, y: shapely.box(x, y, x + 3, y + 3).__geo_interface__, st.integers(0, 9), st.integers(0, 9)
    ),
)


@st.composite
def _items(draw):
    found = []
    for number in range(draw(st.integers(0, 25))):
        one = item(number, draw(st.sampled_from(["c", "c", "d"])))
        one["properties"] = draw(_properties) | draw(_dates)
        one["geometry"] = draw(_places)
        found.append(one)
    return found


def _of(attribute, values, ordered=True):
    kinds = [
        values.map(lambda value: attribute == value),
        values.map(lambda value: attribute != value),
        st.lists(values, min_size=1, max_size=3).map(attribute.any_of),
        st.just(attribute.isnull),
        st.just(attribute.isnotnull),
    ]
    if ordered:
        kinds += [
            values.map(lambda value: attribute < value),
            values.map(lambda value: attribute >= value),
            st.tuples(values, values).map(lambda both: both[0] < attribute <= both[1]),
        ]
    return st.one_of(kinds)


_fractions = st.sampled_from([0, 0.05, 0.19999, 0.2, "0.2", 0.5, 1])
_expressions = st.recursive(
    st.one_of(
        _of(p.cloud_fraction, _fractions),
        _of(p.satellite_id, _texts, ordered=False),
        st.sampled_from(["land%", "%8", "a\\%b", "A_B", "it's%"]).map(p.satellite_id.like),
        st.sampled_from(["land%", "%8", "A_B"]).map(p.satellite_id.ilike),
        st.sampled_from(["land", "a%", "LANDSAT_"]).map(p.satellite_id.prefix),
        _of(p.solar_elevation_angle, st.sampled_from([5, 20, "20", 50])),
        _of(p.view_angle, st.sampled_from([0, 5, 10])),
        _of(p.acquired, _moments),
        _of(p.created, _moments),
        _of(p.tags, st.sampled_from(["a", "b"]), ordered=False),
        _of(p.name, st.sampled_from(["i0000", "i0003", "x"]), ordered=False),
    ),
    lambda inner: st.builds(
        lambda one, other, both: one & other if both else one | other, inner, inner, st.booleans()
    ),
    max_leaves=4,
)
_CLASSES = ("query", "sort", "fields", "cql2-json", "cql2-text")
_servers = st.fixed_dictionaries(
    {
        "declares": st.sets(st.sampled_from(_CLASSES)),
        "style": st.sampled_from(STYLES),
        "largest": st.sampled_from([3, 7, 1000]),
        "refusal": st.sampled_from([None, 400, 413]),
        "methods": st.sampled_from([("GET", "POST"), ("GET",), ("GET", "POST")]),
        "stated": st.sampled_from(["numberMatched", "context", None]),
    }
)


@pytest.fixture(scope="module")
def model():
    server = ModelApi([])
    yield server
    server.stop()


@given(
    items=_items(),
    server=_servers,
    lies=st.booleans(),
    has=st.sets(st.sampled_from([*_CLASSES, "intersects", "datetime", "ids"])),
    expression=st.none() | _expressions,
    place=st.none() | st.just(shapely.box(2, 2, 6, 6)),
    match_null=st.booleans(),
    order=st.none()
    | st.tuples(st.sampled_from(["acquired", "cloud_fraction", "satellite_id", "name"]), st.booleans()),
    limit=st.none() | st.integers(1, 12),
)
@settings(max_examples=60 if LONG else 12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_search_on_any_api_is_the_search_of_all_its_items(
    model, items, server, lies, has, expression, place, match_null, order, limit
):
    honest = set(server["declares"]) | {"intersects", "datetime", "ids", "collections"}
    model.configure(items, has=has | {"collections"} if lies else honest, **server)
    client = connect(model)
    everything = [Image._from_record(one, client) for one in items if one["collection"] == "c"]
    wanted = [image for image in everything if _matches(image, expression, place, match_null)]
    found = search(client)
    if expression is not None:
        found = found.filter(expression)
    if place is not None:
        found = found.intersects(place, match_null)
    if order is not None:
        found = found.sort(*order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SearchWarning)
        try:
            result = list(found.limit(limit))
            count = found.count()
        except LandbridgeError:
            # A page of three items is smaller than the sizes that are tried.
            assert server["refusal"] is not None
            assert server["largest"] < 10
            return
    assert count == len(wanted)
    assert len(result) == min(len(wanted), limit or len(wanted))
    assert {image.id for image in result} <= {image.id for image in wanted}
    if order is not None:
        keys = [_key(image, order[0]) for image in wanted]
        assert [_key(image, order[0]) for image in result] == _sorted(keys, order[1])[:limit]


def _matches(image, expression, place, match_null):
    if place is not None:
        if image.geometry is None:
            if not match_null:
                return False
        elif not image.geometry.intersects(place):
            return False
    return expression is None or _evaluate(expression, image)


def _evaluate(expression, image):
    """Evaluate an expression; texts of numbers are numbers, as for the service."""
    if hasattr(expression, "parts") and isinstance(expression.parts, tuple):
        parts = [_evaluate(part, image) for part in expression.parts]
        return all(parts) if type(expression).__name__.startswith("And") else any(parts)
    if getattr(expression, "name", "") in ("cloud_fraction", "solar_elevation_angle"):
        text = repr(expression.serialize())
        expression = type(expression).parse(eval(text.replace("'0.2'", "0.2").replace("'20'", "20")))
    return expression.evaluate(image)


def _key(image, name):
    value = getattr(image, name)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _sorted(keys, ascending):
    known = sorted((key for key in keys if key is not None), reverse=not ascending)
    return known + [None] * (len(keys) - len(known))
