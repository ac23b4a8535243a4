"""Values that the database cannot store are refused by their attribute; all others are unchanged."""

from __future__ import annotations

import math
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog import AttributeValidationError, Blob, Product, properties
from landbridge.exceptions import BadRequestError
from landbridge.mappings import InvalidDocument, band, blob, cql2, extra_properties, image, product, values
from landbridge.mappings.diffs import json_equal

REFUSED = {
    "nan": (math.nan, "nan"),
    "inf": (math.inf, "inf"),
    "-inf": (-math.inf, "-inf"),
    "above 64 bits": (2**64, "18446744073709551616"),
    "below 64 bits": (-(2**63) - 1, "-9223372036854775809"),
    "thousands of digits": (10**5000, "16610 bits"),
    "half a pair": ("a\ud800", "surrogate"),
    "NUL": ("a\x00", "NUL"),
}
PLACES = {
    "alone": lambda value: value,
    "in a list": lambda value: [1, [value]],
    "in an object": lambda value: {"a": {"b": value}},
    "in a list of objects": lambda value: [{"a": [value]}],
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("value", "said"), REFUSED.values(), ids=REFUSED)
def test_extra_properties_refuse_unstorable_values_on_assignment(place, value, said):
    with pytest.raises(AttributeValidationError, match=said) as refused:
        Product(id="p", extra_properties={"key": place(value)})
    assert "key" in str(refused.value)
    one = Product(id="p", extra_properties={"list": [], "object": {}})
    with pytest.raises(AttributeValidationError, match=said):
        one.extra_properties["key"] = place(value)
    with pytest.raises(AttributeValidationError, match=said):
        one.extra_properties["list"].append(place(value))
    with pytest.raises(AttributeValidationError, match=said):
        one.extra_properties["object"]["key"] = place(value)
    assert one.extra_properties == {"list": [], "object": {}}


@pytest.mark.parametrize("key", ["a\ud800", "a\x00"])
def test_extra_properties_refuse_names_that_cannot_be_stored(key):
    with pytest.raises(AttributeValidationError, match="extra_properties"):
        Product(id="p", extra_properties={key: 1})


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("value", "said"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(
    ("convert", "base"),
    [
        (product.to_stac, {"id": "local:p", "name": "P"}),
        (image.to_stac, {"id": "local:p:i", "acquired": "2020"}),
        (band.to_stac, {"name": "b"}),
        (blob.to_stac, {"storage_type": "data", "namespace": "n", "name": "b"}),
    ],
)
def test_the_mapping_writes_nothing_that_cannot_be_stored(convert, base, place, value, said):
    with pytest.raises(InvalidDocument, match="extra_properties") as refused:
        convert({**base, "extra_properties": {"key": place(value)}})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("attribute", "make"),
    [
        ("cloud_fraction", lambda value: value),
        ("area", lambda value: value),
        ("reflectance_scale", lambda value: [1.0, value]),
        ("brightness_temperature_k1_k2", lambda value: [[1.0, value]]),
        ("geotrans", lambda value: [0, 1, 0, 0, 0, value]),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_attributes_of_numbers_are_finite(attribute, make, value):
    with pytest.raises(InvalidDocument, match=attribute):
        image.to_stac({"id": "local:p:i", "acquired": "2020", attribute: make(value)})


def test_nodata_may_be_no_number():
    stored = band.to_stac({"name": "b", "nodata": math.nan})
    assert stored["nodata"] == "nan"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("attribute", ["cloud_fraction", "area"])
def test_a_filter_with_nan_or_infinity_is_refused(attribute, value):
    expression = getattr(properties, attribute) == value
    with pytest.raises(ValueError, match=attribute):
        cql2.to_cql2(expression.serialize(), "image")


# JSON as PostgreSQL's numeric has it: no sign of a zero, no exponent.
def stored(value):
    if isinstance(value, dict):
        return {key: stored(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [stored(inner) for inner in value]
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return orjson.loads(text.removeprefix("-") if value == 0 else text)
    return value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(values.MIN_INTEGER, values.MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 1e16, -1e16, 1e22, 2.0**63, 2.0**64, 1e300, 5e-324, 1e15, 9007199254740993])
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
            | st.sampled_from(["catalog:null", "catalog:float", "catalog:float~", "catalog:null~~"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_numbers_keep_their_value_and_type_in_a_round_trip(value):
    written = extra_properties.encode({"key": value})
    assert values.problem(written) is None
    back = extra_properties.decode(stored(orjson.loads(orjson.dumps(written))))["key"]
    assert json_equal(back, value)
    assert repr(back) == repr(orjson.loads(orjson.dumps(value))) or repr(back) == repr(value)


NAMES = [
    "a\x07",
    "a\u202eb",
    "a\u200b",
    "\ufeffa",
    "a ",
    " a",
    "a\n",
    "a\u2028b",
    "a\xa0",
    "a\x7f",
    "a\ud800",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_ids_and_names_refuse_invisible_characters(name):
    with pytest.raises(AttributeValidationError, match="id"):
        Product(id=name)
    with pytest.raises(AttributeValidationError, match="name"):
        Product(id="p", name=name)
    with pytest.raises(AttributeValidationError, match="name"):
        Product(id="p").name = name
    with pytest.raises((ValueError, BadRequestError), match="name"):
        Blob(namespace="n", name=name).save()


@pytest.mark.parametrize("name", ["é", "日本", "a b", "😀", "Σ", "a-b_c.d:e"])
def test_ids_and_names_may_be_of_any_language(name):
    assert Product(id=name, name=name).id == name
