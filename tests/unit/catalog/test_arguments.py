"""Arguments of user scripts: lists as indexes, invalid GeoJSON, impossible comparisons."""

import ast

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from landbridge.auth import Auth
from landbridge.catalog import (
    BandType,
    Blob,
    CatalogClient,
    Image,
    ImageUpload,
    Product,
    ProductCollection,
    SpectralBand,
)
from landbridge.catalog import properties as p
from landbridge.exceptions import BadRequestError
from landbridge.geo import AOI
from landbridge.utils import DotDict, DotList, Properties

names = Properties()  # any name


def products(*names):
    return ProductCollection([Product(id=name) for name in names])


@pytest.mark.parametrize(
    "index",
    [[0, 2], (0, 2), np.array([0, 2]), [True, False, True], np.array([True, False, True]), [-3, -1],
     range(0, 3, 2)],
)  # fmt: skip
def test_a_list_of_positions_or_a_mask_is_assigned_to(index):
    collection = products("a", "b", "c")
    collection[index] = products("x", "y")
    assert [one.id for one in collection] == ["x", "b", "y"]
    collection[index] = Product(id="same")
    assert [one.id for one in collection] == ["same", "b", "same"]
    assert [one.id for one in collection[index]] == ["same", "same"]


def test_assignments_that_do_not_fit_change_nothing():
    collection = products("a", "b", "c")
    with pytest.raises(ValueError, match="1 items to a list of 2"):
        collection[[0, 1]] = products("x")
    with pytest.raises(ValueError, match="required type"):
        collection[[0, 1]] = [Product(id="x"), 5]
    with pytest.raises(IndexError):
        collection[[0, 3]] = products("x", "y")
    assert [one.id for one in collection] == ["a", "b", "c"]


INVALID = [
    {"type": "Polygon"}, {"type": "Nope", "coordinates": [1]}, {"a": 1},
    {"type": "Point", "coordinates": ["a", 1]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, {"type": "Feature", "geometry": None},
    {"type": "Polygon", "coordinates": 5}, {"type": 5, "coordinates": []},
    {"type": "FeatureCollection", "features": [{}]},
    {"type": "LineString", "coordinates": [[0, 0]]}, {"type": "Polygon", "coordinates": [[["x"]]]}, {},
]  # fmt: skip


@pytest.mark.parametrize("document", INVALID, ids=str)
def test_invalid_geojson_is_a_value_error(document):
    for use in (
        lambda: AOI(geometry=document),
        lambda: AOI().assign(geometry=document),
        lambda: Image.search().intersects(document),
        lambda: Image(geometry=document),
        lambda: Image(geometry=shapely.box(0, 0, 1, 1)).coverage(document),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
            use()


def test_a_geometry_may_be_assigned_before_bounds_in_another_system():
    disc = shapely.Point(15, 0.5).buffer(0.1)
    aoi = AOI(bounds_crs="EPSG:32633", crs="EPSG:32633", resolution=10).assign(geometry=disc)
    assert (aoi.geometry, aoi.bounds, aoi.bounds_crs) == (disc, None, "EPSG:32633")
    whole = aoi.assign(bounds=(480000, 40000, 520000, 70000))
    assert (whole.bounds, whole.geometry) == ((480000, 40000, 520000, 70000), disc)
    assert aoi.assign(geometry=disc, bounds="update").bounds == disc.bounds
    with pytest.raises(ValueError, match="bounds"):
        _ = aoi.raster_params
    with pytest.raises(ValueError, match="bounds_crs"):
        AOI(geometry=disc, bounds_crs="EPSG:32633")


def test_an_upload_has_the_ids_of_its_image():
    upload = ImageUpload(image=Image(id="org:p:i"))
    assert (upload.image_id, upload.product_id) == ("org:p:i", "org:p")
    with pytest.raises(ValueError, match="image_id"):
        upload.image_id = "org:p:j"
    assert ImageUpload(image_id="org:p:i", image=Image(id="org:p:i")).image_id == "org:p:i"


@pytest.mark.parametrize(
    ("search", "expression", "attribute"),
    [
        (Product, p.is_core == 1.25, "is_core"),
        (Product, p.is_core == "true", "is_core"),
        (Product, p.is_core != 2, "is_core"),
        (Product, p.name == 5, "name"),
        (Product, p.image_index_name.any_of(["a", 1]), "image_index_name"),
        (Product, (p.name == "a") & (names.is_core == 1.25), "is_core"),
        (
            Product,
            (p.name == "a") | (names.revisit_period_minutes_min > "often"),
            "revisit_period_minutes_min",
        ),
        (Image, (p.product_id == "a") & (names.geometry == shapely.Point(1, 2)), "geometry"),
        (
            Image,
            (p.product_id == "a") & (names.geometry != {"type": "Point", "coordinates": [1, 2]}),
            "geometry",
        ),
        (Image, (p.product_id == "a") & (names.cloud_fraction < "low"), "cloud_fraction"),
        (SpectralBand, (p.product_id == "a") & (p.sort_order == True), "sort_order"),  # noqa: E712 - tested
        (Blob, p.geometry == shapely.Point(1, 2), "geometry"),
    ],
)
def test_a_comparison_that_no_object_can_satisfy_is_refused_and_does_not_find_nothing(
    search, expression, attribute
):
    with pytest.raises(BadRequestError, match=f"'{attribute}'"):
        search.search().filter(expression).count()


@pytest.mark.parametrize("value", [True, False, 0, 1, 1.0, np.bool_(True)])
def test_truth_may_be_compared_with(value):
    query = Product.search().filter(p.is_core == value)._to_query()
    assert query.expression == {"eq": {"is_core": value}}
    SpectralBand.search().filter((p.product_id == "a") & (p.type == BandType.MASK))._to_query()


def test_blobs_exist_by_their_names_too(monkeypatch):
    asked = []
    monkeypatch.setattr(type(Blob._resource), "get", lambda _self, _client, one, *_: asked.append(one))
    client = CatalogClient(url="http://127.0.0.1:9", auth=Auth(user="local", org="local"))
    assert not Blob.exists(namespace="local:x", name="n", client=client)
    assert not Blob.exists("data/local:x/n", client)
    assert not Blob.exists(name="n", storage_type="logs", client=client)
    assert asked == ["data/local:x/n", "data/local:x/n", "logs/local:local/n"]
    with pytest.raises(TypeError, match="either"):
        Blob.exists(client=client)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(st.text(max_size=3), PLAIN, max_size=4), st.lists(PLAIN, max_size=3))
def test_the_text_of_a_dotted_dict_is_a_literal_of_it(mapping, values):
    assert ast.literal_eval(str(DotDict(mapping))) == mapping
    assert ast.literal_eval(str(DotList(values))) == values


def test_the_text_of_a_dotted_dict_is_indented():
    dotted = DotDict(a={"b": [{"c": 1}]}, d="x", e={}, f=[])
    assert dotted.a.b[0].c == 1
    assert str(dotted).splitlines() == [
        "{", "  'a': {", "    'b': [", "      {", "        'c': 1", "      }", "    ]", "  },", "  'd': 'x',",
        "  'e': {},", "  'f': []", "}",
    ]  # fmt: skip
    assert repr(dotted).startswith("DotDict({'a'")
