"""The part of a search that is sent to an API finds every item that satisfies the search, on every API."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.catalog import properties as p
from landbridge.catalog.client.capabilities import Capabilities
from landbridge.catalog.search.conditions import conditions_of
from landbridge.catalog.search.pushdown import push_down
from landbridge.catalog.search.query import Query
from landbridge.mappings import image

LANGUAGES = frozenset({"cql2-json"})
OPERATORS = frozenset(
    {"and", "or", "not", "=", "<>", "<", "<=", ">", ">=", "isNull", "like", "casei", "in", "between"}
)
START = datetime(2024, 1, 1, tzinfo=UTC)

MOMENTS = st.integers(0, 6).map(lambda hours: (START + timedelta(hours=hours)).isoformat())
CLOUDS = st.sampled_from([0, 0.1, 0.25, 0.5, 1])
SATELLITES = st.sampled_from(["S2A", "S2B", "s2a", "100%", "a_b", "a\\b"])
NAMES = st.sampled_from(["one", "one-two", "two"])
IDS = st.builds("{}:{}".format, st.sampled_from(["p", "p", "q"]), NAMES)

IMAGES = st.fixed_dictionaries(
    {"id": IDS, "acquired": MOMENTS},
    optional={"cloud_fraction": CLOUDS, "satellite_id": SATELLITES},
)


def compared(attribute, values):
    """Draw a comparison of an attribute with a value of its own kind."""
    ways = st.sampled_from(["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"])
    return st.builds(lambda way, value: getattr(getattr(p, attribute), way)(value), ways, values)


EQUALITIES = st.builds(lambda value: p.satellite_id == value, SATELLITES) | st.builds(
    lambda value: p.cloud_fraction == value, CLOUDS
)
TERMS = st.one_of(
    # Several values of one property, or of two.
    st.builds(lambda one, other: one | other, EQUALITIES, EQUALITIES),
    compared("cloud_fraction", CLOUDS),
    compared("acquired", MOMENTS),
    st.builds(lambda low, high: (low < p.cloud_fraction) & (high >= p.cloud_fraction), CLOUDS, CLOUDS),
    EQUALITIES,
    st.builds(lambda value: p.satellite_id != value, SATELLITES),
    st.lists(SATELLITES, min_size=1, max_size=3).map(p.satellite_id.any_of),
    SATELLITES.map(lambda value: p.satellite_id.prefix(value[:2])),
    st.sampled_from(["S2_", "%b", "a\\_b", "S%"]).map(p.satellite_id.like),
    st.sampled_from([p.satellite_id.isnull, p.satellite_id.isnotnull, p.cloud_fraction.isnull]),
    IDS.map(lambda whole: p.id == whole),
    compared("name", NAMES),
    st.lists(NAMES, min_size=1, max_size=2).map(p.name.any_of),
)
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.builds(lambda a, b: a & b, inner, inner) | st.builds(lambda a, b: a | b, inner, inner),
    max_leaves=5,
)
APIS = st.builds(
    Capabilities,
    filter_languages=st.sampled_from([LANGUAGES, frozenset()]),
    operators=st.sampled_from(
        [OPERATORS, OPERATORS - {"or"}, OPERATORS - {"like", "casei"}, OPERATORS - {"isNull"}]
    ),
    query=st.booleans(),
    filter_properties=st.sampled_from(
        [None, frozenset({"eo:cloud_cover"}), frozenset({"platform", "datetime"})]
    ),
)


# An API that takes its request at its word


def value_of(item, name):
    if name in ("id", "collection"):
        return item[name]
    return item["properties"].get(name)


def evaluated(node, item):  # noqa: C901, PLR0911 - a case for each operator
    """Return the value of a CQL2 expression; None is unknown, as in SQL."""
    if not isinstance(node, dict):
        return node
    if "property" in node:
        return value_of(item, node["property"])
    if "timestamp" in node:
        return node["timestamp"]
    operator = node["op"]
    values = [evaluated(arg, item) for arg in node["args"]]
    if operator == "and":
        return False if False in values else None if None in values else True
    if operator == "or":
        return True if True in values else None if None in values else False
    if operator == "isNull":
        return values[0] is None
    if None in values:
        return None
    if operator == "not":
        return not values[0]
    if operator == "casei":
        return values[0].casefold()
    if operator == "like":
        return like(values[1], values[0])
    return OF_OPERATOR[operator](*map(comparable, values))


def comparable(value):
    is_date = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value)
    return datetime.fromisoformat(value) if is_date else value


OF_OPERATOR = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OF_QUERY = {
    "eq": OF_OPERATOR["="],
    "neq": OF_OPERATOR["<>"],
    "lt": OF_OPERATOR["<"],
    "lte": OF_OPERATOR["<="],
    "gt": OF_OPERATOR[">"],
    "gte": OF_OPERATOR[">="],
    "startsWith": lambda a, b: a.startswith(b),
    "in": lambda a, b: a in b,
}


def like(pattern, text):
    tokens = re.findall(r"\\.|%|_|[^\\%_]+", pattern, re.DOTALL)
    named = {"%": ".*", "_": "."}
    regex = "".join(named.get(one) or re.escape(one[1:] if one[0] == "\\" else one) for one in tokens)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def finds(members, item):
    """Return whether a search with these members has an item."""
    if "ids" in members and item["id"] not in members["ids"]:
        return False
    if "datetime" in members:
        first, last = members["datetime"].split("/")
        moment = comparable(item["properties"]["datetime"])
        if first != ".." and moment < comparable(first):
            return False
        if last != ".." and moment > comparable(last):
            return False
    if "filter" in members and evaluated(members["filter"], item) is not True:
        return False
    for name, tests in members.get("query", {}).items():
        value = value_of(item, name)
        if value is None or not all(OF_QUERY[test](value, wanted) for test, wanted in tests.items()):
            return False
    return True


def conditions(expression):
    return conditions_of(Query(expression=expression.serialize()), "image")


@settings(max_examples=150)
@given(EXPRESSIONS, APIS, st.lists(IMAGES, min_size=1, max_size=4))
def test_no_item_that_satisfies_a_search_is_missing_from_the_answer(expression, known, records):
    wanted = conditions(expression)
    pushed = push_down(wanted, known)
    assert {*map(id, pushed.answered)} | {*map(id, pushed.unanswered)} == {*map(id, wanted)}
    for record in records:
        item = image.to_stac(record)
        attributes = image.from_stac(item)
        if all(condition.accepts(attributes) for condition in wanted):
            assert not pushed.is_empty
            assert finds(pushed.members, item)
    if not known.filter_languages:
        assert "filter" not in pushed.members
    if pushed.members.get("query"):
        assert known.query
        assert not known.filter_languages


@settings(max_examples=150)
@given(EXPRESSIONS, APIS, st.lists(IMAGES, min_size=1, max_size=4))
def test_a_count_that_is_asked_for_is_that_of_the_items_that_satisfy_the_search(expression, known, records):
    wanted = conditions(expression)
    pushed = push_down(wanted, known, exact=True)
    if pushed.unanswered or pushed.inexact or pushed.is_empty:
        return
    for record in records:
        item = image.to_stac(record)
        is_wanted = all(condition.accepts(image.from_stac(item)) for condition in wanted)
        assert finds(pushed.members, item) == is_wanted


@settings(max_examples=100)
@given(compared("acquired", MOMENTS), compared("acquired", MOMENTS))
def test_the_interval_that_is_sent_is_that_of_all_conditions(one, other):
    wanted = conditions(one & other)
    pushed = push_down(wanted, Capabilities(), exact=True)
    for hours in range(7):
        moment = (START + timedelta(hours=hours)).isoformat()
        item = image.to_stac({"id": "p:one", "acquired": moment})
        is_wanted = all(condition.accepts(image.from_stac(item)) for condition in wanted)
        is_found = not pushed.is_empty and finds(pushed.members, item)
        assert is_found or not is_wanted
        if not pushed.inexact and not pushed.unanswered:
            assert is_found == is_wanted


@pytest.mark.parametrize(
    ("expression", "is_empty"),
    [
        ((p.acquired > "2024-02-01") & (p.acquired < "2024-01-01"), True),
        ((p.acquired > "2024-01-01") & (p.acquired < "2024-02-01"), False),
        ((p.id == "p:one") & (p.id == "p:two"), True),
        ((p.id == "p:one") & (p.name == "one"), False),
    ],
)
def test_contradictions_ask_nothing(expression, is_empty):
    assert push_down(conditions(expression), Capabilities()).is_empty == is_empty


def test_two_values_of_one_test_are_not_sent_as_one():
    known = Capabilities(query=True)
    pushed = push_down(conditions((p.satellite_id != "a") & (p.satellite_id != "b")), known)
    assert pushed.members == {"query": {"platform": {"neq": "a"}}}
    assert len(pushed.unanswered) == 1
