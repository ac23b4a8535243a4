"""Filters on attributes have the same meaning in CQL2 and on objects."""

from __future__ import annotations

import re

import cql2 as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.mappings import cql2, ids, image, product, times

# Few values, so that they meet: equal ones, neighbours, and what wildcards and escapes would confuse.
WORDS = ("abc", "a_c", "a%c", "ABC", "a\\c", "a.c", "ab")
FRACTIONS = (0.0, 0.07, 0.29, 1.0)
ANGLES = (-20.0, 0.0, 45.5, 90.0, 90.5, 400.0)
INSTANTS = ("2019-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "2020-02-01T00:00:00.500000Z")
DATES = (*INSTANTS, "2020", "2020-02", "2020-01-01T01:00:00+01:00")
LISTS = ([], ["a"], ["b", "c"], ["a", "b"])
IDS = ("o:p:i", "o:p:j", "o:q:i", "o:p:i.2", "q:p")

# What an attribute may be, and what it may be compared with.
VALUES = {
    "cloud_fraction": (FRACTIONS, FRACTIONS),
    "view_angle": (ANGLES, ANGLES),
    "azimuth_angle": (ANGLES, ANGLES),
    "fill_fraction": (FRACTIONS, FRACTIONS),
    "satellite_id": (WORDS, WORDS),
    "provider_id": (WORDS, WORDS),
    "acquired": (INSTANTS, DATES),
    "acquired_end": (INSTANTS, DATES),
    "published": (INSTANTS, DATES),
    "tags": (LISTS, ("a", "b")),
    "id": (IDS, IDS),
    "name": (("i", "j", "i.2", "p"), ("i", "j", "i.2", "i_2")),
    "product_id": (("o:p", "o:q", "q"), ("o:p", "o:q", "q", "o_p")),
}
STRINGS = ("satellite_id", "provider_id", "name", "product_id")
PREFIXES = {
    name: {text[:length] for text in VALUES[name][1] for length in range(1, len(text) + 1)}  # type: ignore[index]
    for name in (*STRINGS, "id")
}
PATTERNS = ("a_c", "a\\_c", "a%", "A%C", "a\\%c", "%c", "%", "_", "i.2", "i_2", "o:%", "a\\\\c", "a.c")
NUMBERS_AND_DATES = (
    "cloud_fraction",
    "view_angle",
    "azimuth_angle",
    "fill_fraction",
    "acquired",
    "acquired_end",
    "published",
)


def _leaves(name):
    """Return every comparison of one attribute."""
    wanted = VALUES[name][1]
    yield {"isnull": name}
    yield {"isnotnull": name}
    for value in wanted:
        yield {"eq": {name: value}}
        yield {"ne": {name: value}}
    if name in NUMBERS_AND_DATES:
        for bound in ("gt", "gte", "lt", "lte"):
            yield from ({"range": {name: {bound: value}}} for value in wanted)
        pairs = [(low, high) for low in wanted for high in wanted]
        yield from ({"range": {name: {"gte": low, "lt": high}}} for low, high in pairs)
    yield from ({"prefix": {name: prefix}} for prefix in sorted(PREFIXES.get(name, ())))
    if name in STRINGS:
        yield from ({operator: {name: pattern}} for operator in ("like", "ilike") for pattern in PATTERNS)


LEAVES = st.sampled_from([leaf for name in VALUES for leaf in _leaves(name)])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda operator, parts: {operator: parts},
        st.sampled_from(["and", "or"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)


def _object(values):
    """Return an image with these attributes, a consistent id, and a time of acquisition."""
    product_id, name = ids.split(
        values.get("id") or f"{values.get('product_id', 'o:p')}:{values.get('name', 'i')}"
    )
    start = {"acquired": INSTANTS[0], **values}
    return {**start, "id": f"{product_id}:{name}", "product_id": product_id, "name": name}


OPTIONAL = [name for name in VALUES if name not in ("id", "name", "product_id", "acquired")]
OBJECTS = st.fixed_dictionaries(
    {"id": st.sampled_from(IDS), "acquired": st.sampled_from(INSTANTS)},
    optional={name: st.sampled_from(VALUES[name][0]) for name in OPTIONAL},
).map(_object)


def truth(expression, attributes):
    """Return True if the object matches, else False; None if a value is missing, as in SQL."""
    ((operator, operand),) = expression.items()
    if operator in ("and", "or"):
        parts = [truth(part, attributes) for part in operand]
        deciding = operator == "or"
        if deciding in parts:
            return deciding
        return None if None in parts else not deciding
    if operator in ("isnull", "isnotnull"):
        return (attributes.get(operand) in (None, [])) == (operator == "isnull")
    ((name, wanted),) = operand.items()
    value = attributes.get(name)
    if value is None:
        return None
    return TESTS[operator](value, wanted, name)


def _ordered(value, name):
    return times.parse(value) if name in ("acquired", "acquired_end", "published") else value


def _equal(value, wanted, name):
    return wanted in value if isinstance(value, list) else _ordered(value, name) == _ordered(wanted, name)


def _in_range(value, bounds, name):
    value = _ordered(value, name)
    tests = {"gt": value.__gt__, "gte": value.__ge__, "lt": value.__lt__, "lte": value.__le__}
    return all(tests[bound](_ordered(limit, name)) for bound, limit in bounds.items())


def _is_like(value, pattern, flags=0):
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return re.fullmatch(
        "".join({"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts), value, flags
    )


TESTS = {
    "eq": _equal,
    "ne": lambda value, wanted, name: not _equal(value, wanted, name),
    "range": _in_range,
    "prefix": lambda value, wanted, _: value.startswith(wanted),
    "like": lambda value, wanted, _: _is_like(value, wanted) is not None,
    "ilike": lambda value, wanted, _: _is_like(value, wanted, re.IGNORECASE) is not None,
}


def matches(expression, item):
    try:
        return oracle.Expr(expression).matches(item)
    except Exception as error:  # noqa: BLE001 - the oracle's own class is not exported
        # It has no third truth value: an unknown outcome is an error, and no match.
        assert "Could not reduce" in str(error)  # noqa: PT017
        return False


@pytest.mark.parametrize("name", VALUES)
def test_each_comparison_means_the_same_in_cql2(name):
    objects = [_object({name: value}) for value in VALUES[name][0]]
    if name in OPTIONAL:
        objects.append(_object({}))
    items = [image.to_stac(one) for one in objects]
    wrong = [
        (leaf, one)
        for leaf in _leaves(name)
        for one, item in zip(objects, items, strict=True)
        if matches(cql2.to_cql2(leaf, "image"), item) is not (truth(leaf, one) is True)
    ]
    assert wrong == []


@settings(max_examples=300)
@given(expression=EXPRESSIONS, attributes=OBJECTS)
def test_combined_comparisons_mean_the_same_in_cql2(expression, attributes):
    item = image.to_stac(attributes)
    assert matches(cql2.to_cql2(expression, "image"), item) is (truth(expression, attributes) is True)


@given(expression=EXPRESSIONS)
def test_every_filter_is_valid_cql2(expression):
    assert oracle.Expr(cql2.to_cql2(expression, "image")).validate() is None, "it raises for what is invalid"


def test_values_take_the_unit_of_their_property():
    assert cql2.to_cql2({"range": {"cloud_fraction": {"lt": 0.29}}}, "image") == {
        "op": "<",
        "args": [{"property": "eo:cloud_cover"}, 29.0],
    }
    degree = cql2.to_cql2(
        {"range": {"resolution_min": {"lte": {"value": 0.001, "unit": "degrees"}}}}, "product"
    )
    assert degree == {"op": "<=", "args": [{"property": "catalog:resolution_min"}, 111.111]}
    assert cql2.to_cql2({"eq": {"resolution_min": 60}}, "product")["args"][1] == 60


def test_product_attributes_are_members_of_the_collection():
    expression = {
        "and": [
            {"eq": {"is_core": True}},
            {"eq": {"owners": "org:o"}},
            {"range": {"end_datetime": {"lt": "2016"}}},
        ]
    }
    assert cql2.to_cql2(expression, "product") == {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "catalog:is_core"}, True]},
            {"op": "a_contains", "args": [{"property": "catalog:owners"}, ["org:o"]]},
            {
                "op": "<",
                "args": [{"property": "catalog:end_datetime"}, {"timestamp": "2016-01-01T00:00:00Z"}],
            },
        ],
    }
    collection = product.to_stac({"id": "o:p", "is_core": True, "owners": ["org:o"], "end_datetime": "2015"})
    for part in cql2.to_cql2(expression, "product")["args"]:
        assert part["args"][0]["property"] in collection


def test_comparison_with_none_finds_missing_values():
    assert cql2.to_cql2({"eq": {"satellite_id": None}}, "image") == cql2.to_cql2(
        {"isnull": "satellite_id"}, "image"
    )
    assert cql2.to_cql2({"ne": {"tags": None}}, "image") == cql2.to_cql2({"isnotnull": "tags"}, "image")


@pytest.mark.parametrize("name", ["extra_properties", "files", "geotrans", "nothing", "clouds"])
def test_an_attribute_that_cannot_be_filtered_by_is_named(name):
    with pytest.raises(AttributeError, match=name):
        cql2.to_cql2({"eq": {name: 1}}, "image")


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ({"range": {"acquired": {"gt": ""}}}, "acquired.*''"),
        ({"eq": {"published": "junk"}}, "published.*'junk'"),
        ({"eq": {"cloud_fraction": "many"}}, "cloud_fraction.*'many'"),
        ({"eq": {"satellite_id": ["a"]}}, "satellite_id"),
        ({"prefix": {"satellite_id": 1}}, "satellite_id"),
        ({"like": {"cloud_fraction": "1%"}}, "cloud_fraction"),
        ({"range": {"tags": {"gt": "a"}}}, "tags"),
        ({"range": {"cloud_fraction": {"above": 1}}}, "above"),
        ({"eq": {"id": "nocolon"}}, "nocolon"),
        ({"between": {"cloud_fraction": 1}}, "between"),
        ({"and": []}, "and"),
        ({}, "operator"),
    ],
)
def test_an_invalid_value_or_operator_is_named(expression, named):
    with pytest.raises(ValueError, match=named):
        cql2.to_cql2(expression, "image")


def test_sorts_name_the_properties():
    assert cql2.sortby("cloud_fraction", True, "image") == [
        {"field": "properties.eo:cloud_cover", "direction": "asc"}
    ]
    assert cql2.sortby("name", False, "image") == [{"field": "id", "direction": "desc"}]
    assert [one["field"] for one in cql2.sortby("id", True, "image")] == ["collection", "id"]
    assert cql2.sortby("start_datetime", True, "product") == [
        {"field": "catalog:start_datetime", "direction": "asc"}
    ]
    for name in ("tags", "nothing", "geometry"):
        with pytest.raises(AttributeError, match=name):
            cql2.sortby(name, True, "image")


def test_bands_are_not_searched():
    with pytest.raises(ValueError, match="band"):
        cql2.to_cql2({"eq": {"type": "mask"}}, "band")
