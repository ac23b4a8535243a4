"""CQL2 text has the meaning of the CQL2 JSON that it was made from, as an independent parser reads it."""

import cql2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings.cql2 import geometry_filter, text_filter, to_cql2
from landbridge.mappings.cql2_text import to_text

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
numbers = st.one_of(
    st.integers(-1000, 1000), st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from([1e-7, 1e20])
)
names = st.sampled_from(
    ["eo:cloud_cover", "platform", "with space", 'a"b', "in", "date", "x-y", "proj:code.a"]
)


def node(operator, *args):
    return st.builds(lambda *parts: {"op": operator, "args": list(parts)}, *args)


properties = names.map(lambda name: {"property": name})
filters = st.recursive(
    st.one_of(
        *(
            node(operator, properties, st.one_of(numbers, texts))
            for operator in ("=", "<>", "<", "<=", ">", ">=")
        ),
        node("isNull", properties),
        node("like", properties, texts),
        node("in", properties, st.lists(texts, min_size=1, max_size=3)),
        node(">=", properties, st.just({"timestamp": "2024-01-01T00:00:00Z"})),
    ),
    lambda inner: st.one_of(
        node("and", inner, inner),
        node("or", inner, inner),
        node("not", inner),
        node("or", inner, inner, inner),
    ),
    max_leaves=5,
)


@given(filters)
def test_the_text_of_a_filter_is_parsed_to_the_same_filter(document):
    parsed = cql2.parse_text(to_text(document)).to_json()
    assert _flat(parsed) == _flat(document)


def _flat(document):
    """Return a filter with ORs and ANDs of all their terms, and numbers as floats."""
    if isinstance(document, dict) and "op" in document:
        args = [_flat(arg) for arg in document["args"]]
        if document["op"] in ("and", "or"):
            args = [
                part
                for arg in args
                for part in (
                    arg["args"] if isinstance(arg, dict) and arg.get("op") == document["op"] else [arg]
                )
            ]
        return {"op": document["op"], "args": args}
    if isinstance(document, (int, float)) and not isinstance(document, bool):
        return pytest.approx(float(document), rel=1e-12)
    return document


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (to_cql2({"eq": {"tags": "a"}}, "image"), "A_CONTAINS(keywords, ('a'))"),
        (to_cql2({"ilike": {"satellite_id": "L%"}}, "image"), "CASEI(platform) LIKE CASEI('L%')"),
        (to_cql2({"isnotnull": "published"}, "image"), "NOT (published IS NULL)"),
        (text_filter("it's", "blob"), "CASEI(title) LIKE CASEI('%it''s%')"),
        (
            geometry_filter({"type": "MultiPoint", "coordinates": [[0, 1e-7], [2, 3.5]]}),
            "S_INTERSECTS(geometry, MULTIPOINT(0 0.0000001, 2 3.5))",
        ),
        (
            geometry_filter(
                {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]}
            ),
            "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(1 2)))",
        ),
        ({"op": "between", "args": [{"property": "a"}, 1, 2]}, "a BETWEEN 1 AND 2"),
    ],
)
def test_texts(document, text):
    assert text in to_text(document)
    cql2.parse_text(to_text(document))


@pytest.mark.parametrize("document", [{"op": "+", "args": [1, 2]}, {"op": None}, None, {}])
def test_what_has_no_text_is_refused(document):
    with pytest.raises(ValueError, match="CQL2 text"):
        to_text(document)
