"""Semantics section 4: building searches, and searching for bands on the client."""

import copy

import pytest
import shapely

from landbridge.catalog import Band, Image, ImageUpload, Product
from landbridge.catalog import properties as p
from landbridge.catalog.search.client_side_filter import matches
from landbridge.utils import Properties

names = Properties()  # any name


def test_searches_are_immutable_4_1_4_2():
    search = Product.search().filter(p.name == "a")
    before = search._to_query()
    for other in (
        search.limit(3),
        search.sort("name"),
        search.find_text("x"),
        search.filter(p.is_core == 1),
    ):
        assert other is not search
        assert other._to_query() != before
        assert other._client is search._client
    assert search._to_query() == before
    assert search.limit(3).limit(5)._to_query().limit == 5
    assert search.sort("a").sort("b", ascending=False)._to_query().sort == ("b", False)
    assert copy.deepcopy(search)._to_query() == before


def test_filters_are_anded_and_none_is_no_filter_4_2_4_17():
    search = Product.search().filter(p.name == "a").filter().filter(p.is_core == 1)
    assert search._to_query().expression == {"and": [{"eq": {"name": "a"}}, {"eq": {"is_core": 1}}]}
    with pytest.raises(TypeError):
        Product.search().filter("name")


def test_text_and_area_overwrite_4_2():
    search = Image.search().intersects(shapely.box(0, 0, 1, 1)).find_text("a")
    query = search.intersects(shapely.box(0, 0, 2, 2), match_null_geometry=True).find_text("b")._to_query()
    assert max(query.geometry["coordinates"][0]) == [2.0, 2.0]
    assert (query.text, query.match_null_geometry) == ("b", True)
    assert search._to_query().text == "a"
    assert not search._to_query().match_null_geometry


def test_an_empty_page_ends_the_pages_4_1():
    from landbridge.catalog.client.capabilities import EMBEDDED, Observations
    from landbridge.catalog.client.paging import pages

    following = {"links": [{"rel": "next", "href": "x", "body": {"token": "t"}}]}
    answers = [{"features": [1, 2]} | following, {"features": []} | following]
    service = type(
        "Service",
        (),
        {
            "post": lambda *_args, **_kwargs: answers.pop(0),
            "capabilities": EMBEDDED,
            "observations": Observations(),
        },
    )()
    assert list(pages(service, "POST", "/search", {}, "features")) == [[1, 2]]
    assert answers == []


def test_the_arguments_of_a_search_are_not_changed_4_1():
    geometry = shapely.box(0, 0, 1, 1).__geo_interface__
    params, before = {"a": [1]}, copy.deepcopy(geometry)
    search = Image.search(request_params=params).intersects(geometry).filter(p.product_id == "a")
    params["b"] = 2
    assert search._to_query().params == {"a": [1]}
    assert geometry == before


PINNING = [
    (p.product_id == "a", ("a",)),
    (p.product_id.any_of(["a", "b"]), ("a", "b")),
    ((p.product_id == "a") & (p.name == "x"), ("a",)),
    ((p.name == "x") & p.product_id.any_of(["a", "b"]), ("a", "b")),
    (p.product == "a", ("a",)),
    (((p.product_id == "a") | (p.product == "b")) | (p.product_id == "c"), ("a", "b", "c")),
    (p.product_id.any_of(["a", "b"]) & (p.product_id == "b"), ("b",)),
    ((p.product_id == "a") & (p.product_id == "b"), ()),
]


@pytest.mark.parametrize(("expression", "products"), PINNING)
def test_product_ids_that_pin_a_search_4_6(expression, products):
    assert Image.search().filter(expression)._to_query().products == products


@pytest.mark.parametrize(
    "expression",
    [
        p.product_id != "a",
        p.product_id.prefix("a"),
        (p.product_id == "a") | (p.name == "x"),
        ((p.product_id == "a") & (p.name == "x")) | (p.product_id == "b"),
        p.name == "x",
    ],
)
@pytest.mark.parametrize("cls", [Image, Band, ImageUpload])
def test_searches_without_a_product_are_refused_when_executed_4_6(cls, expression):
    if cls is ImageUpload:
        expression = p.product_id != "a"
    search = cls.search().filter(expression)
    for execute in (search.count, search.collect, lambda: list(search)):
        with pytest.raises(ValueError, match="product_id"):
            execute()


def test_contradicting_products_find_nothing_without_a_request_4_6():
    search = Image.search().filter(p.product_id == "a").filter(p.product_id == "b")
    assert list(search) == []
    assert search.count() == 0


def test_products_by_object_4_11(saved_product):
    assert Image.search().filter(p.product == saved_product())._to_query().products == ("local:p",)
    assert saved_product().images()._to_query().products == ("local:p",)
    assert saved_product().bands()._to_query().sort == ("sort_order", True)
    assert saved_product().image_uploads()._to_query().products == ("local:p",)


@pytest.mark.parametrize("cls", [Product, Image, Band])
def test_unknown_fields_are_refused_when_executed_4_7(cls):
    search = (
        cls.search()
        .filter((p.product_id if cls is not Product else p.name) == "a")
        .filter(Properties().nonsense == 1)
    )
    with pytest.raises(AttributeError, match="nonsense"):
        search.count()


def test_only_some_searches_intersect_4_13():
    assert not hasattr(Product.search(), "intersects")
    assert not hasattr(Band.search(), "intersects")


@pytest.mark.parametrize(
    "geometry",
    [
        shapely.box(0, 0, 1, 1),
        shapely.box(0, 0, 1, 1).__geo_interface__,
        {"type": "Feature", "geometry": shapely.box(0, 0, 1, 1).__geo_interface__, "properties": {}},
    ],
)
def test_intersects_takes_geometries_4_13(geometry):
    query = Image.search().intersects(geometry, match_null_geometry=True)._to_query()
    assert query.geometry["type"] == "Polygon"
    assert query.match_null_geometry


def test_intersects_takes_geocontexts_and_no_junk_4_13():
    from landbridge.geo import AOI

    assert Image.search().intersects(AOI(geometry=shapely.box(0, 0, 1, 1)))._to_query().geometry
    for junk in (5, "POINT (1 1)", {"type": "Nonsense"}, None, {}):
        with pytest.raises(TypeError):
            Image.search().intersects(junk)


def test_band_classes_search_their_type_4_12():
    from landbridge.catalog import MaskBand

    assert MaskBand.search()._to_query().expression == {"eq": {"type": "mask"}}
    assert Band.search()._to_query().expression is None


BAND = {
    "name": "red",
    "type": "spectral",
    "tags": ["a", "b"],
    "empty": [],
    "resolution": {"value": 0.001, "unit": "degrees"},
    "sort_order": 3,
    "created": "2020-01-02T00:00:00Z",
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (p.tags == "a", True),
        (p.tags == "c", False),
        (p.tags != "c", True),
        (p.tags.isnull, False),
        (names.empty.isnull, True),
        (names.missing.isnull, True),
        (names.missing.isnotnull, False),
        (names.missing == None, True),  # noqa: E711 - the operator is what is tested
        (names.missing != 1, False),
        (names.missing < 1, False),
        (p.sort_order >= 3, True),
        (names.sort_order < "x", False),
        (p.resolution > 100, True),
        (p.resolution > 200, False),
        (p.resolution == {"value": 0.001, "unit": "degrees"}, True),
        (p.created < "2020-01-03", True),
        (p.created == "2020-01-02", True),
        (p.name.prefix("re"), True),
        (p.name.like("r%"), True),
        (p.name.ilike("R_D"), True),
        ((p.name == "red") & (p.sort_order == 1), False),
        ((p.name == "red") | (p.sort_order == 1), True),
    ],
)
def test_local_filters_follow_the_rules_of_the_service_4_9(expression, found):
    assert matches(expression.serialize(), BAND) is found
