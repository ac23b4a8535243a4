"""Semantics section 4, statements 8, 9, 18 and 19: filters as expressions."""

import asyncio
import copy
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog import BandType, Product, Resolution
from landbridge.utils import Properties
from landbridge.utils.expressions import AndExpression, Expression, RangeExpression

p = Properties()


@pytest.mark.parametrize(
    ("expression", "serialized"),
    [
        (p.x == 1, {"eq": {"x": 1}}),
        (1 == p.x, {"eq": {"x": 1}}),  # noqa: SIM300 - the reflected form is what is tested
        (p.x != 1, {"ne": {"x": 1}}),
        (p.x < 1, {"range": {"x": {"lt": 1}}}),
        (1 > p.x, {"range": {"x": {"lt": 1}}}),  # noqa: SIM300 - as above
        (p.x <= 1, {"range": {"x": {"lte": 1}}}),
        (p.x > 1, {"range": {"x": {"gt": 1}}}),
        (p.x >= 1, {"range": {"x": {"gte": 1}}}),
        (np.float64(1.5) <= p.x, {"range": {"x": {"gte": 1.5}}}),
        (p.x.any_of([1]), {"eq": {"x": 1}}),
        (p.x.any_of(iter([1, 2])), {"or": [{"eq": {"x": 1}}, {"eq": {"x": 2}}]}),
        (p.x.in_([1, 2]), {"or": [{"eq": {"x": 1}}, {"eq": {"x": 2}}]}),
        (p.x.prefix("a"), {"prefix": {"x": "a"}}),
        (p.x.startswith("a"), {"prefix": {"x": "a"}}),
        (p.x.like("a%"), {"like": {"x": "a%"}}),
        (p.x.ilike("a%"), {"ilike": {"x": "a%"}}),
        (p.x.isnull, {"isnull": "x"}),
        (p.x.isnotnull, {"isnotnull": "x"}),
        (p.x == BandType.MASK, {"eq": {"x": "mask"}}),
        (p.x < datetime(2020, 1, 1, tzinfo=UTC), {"range": {"x": {"lt": "2020-01-01T00:00:00+00:00"}}}),
        (p.product == Product(id="a"), {"eq": {"product": "a"}}),
        (
            p.resolution > Resolution("60m"),
            {"range": {"resolution": {"gt": {"value": 60, "unit": "meters"}}}},
        ),
        ((p.x == 1) & (p.y == 2), {"and": [{"eq": {"x": 1}}, {"eq": {"y": 2}}]}),
        ((p.x == 1) | (p.y == 2), {"or": [{"eq": {"x": 1}}, {"eq": {"y": 2}}]}),
    ],
)
def test_operators_4_8(expression, serialized):
    assert expression.serialize() == serialized
    assert Expression.parse(serialized).serialize() == serialized


@pytest.mark.parametrize(
    ("expression", "bounds"),
    [
        (1 <= p.x < 2, {"gte": 1, "lt": 2}),
        (2 > p.x >= 1, {"lt": 2, "gte": 1}),
        (datetime(2020, 1, 1, tzinfo=UTC) < p.x < datetime(2021, 1, 1, tzinfo=UTC), None),
        ("2020" < p.x < "2021", {"gt": "2020", "lt": "2021"}),
        (np.float32(1) < p.x < np.int64(2), {"gt": 1.0, "lt": 2}),
    ],
)
def test_chained_comparisons_keep_both_bounds_4_8(expression, bounds):
    ((operator, content),) = expression.serialize().items()
    assert operator == "range"
    assert len(content["x"]) == 2
    assert bounds is None or content["x"] == bounds


def test_a_chain_with_an_equality_or_the_same_bound_twice_keeps_both_4_8():
    equal, twice = 1 < p.x == 2, 1 < p.x > 2
    assert equal.serialize() == {"and": [{"range": {"x": {"gt": 1}}}, {"eq": {"x": 2}}]}
    assert twice.serialize() == {"and": [{"range": {"x": {"gt": 1}}}, {"range": {"x": {"gt": 2}}}]}


def test_chained_comparisons_that_pytest_rewrites_are_an_error_and_not_half_of_them_4_8():
    # pytest makes `and` of them: both comparisons are made before the first is asked for its truth.
    with pytest.raises(TypeError, match="assign a chained comparison"):
        assert (1 <= p.x < 2).serialize()
    chained = (1 <= p.x < 2) & (p.y == 3)
    assert chained.parts[0].parts == {"gte": 1, "lt": 2}  # type: ignore[attr-defined]


def test_asking_for_the_truth_of_an_expression_changes_no_other_4_18():
    x = p.x
    first = x > 1
    second = x < 5
    used = second & (p.y == 1)
    with pytest.raises(TypeError):
        bool(first)
    assert used.serialize() == {"and": [{"range": {"x": {"lt": 5}}}, {"eq": {"y": 1}}]}
    first.serialize()
    third = x < 7
    assert third.serialize() == {"range": {"x": {"lt": 7}}}


COMBINED = {
    "and": lambda q, r: (q > 1) and (r < 5),
    "and of one property": lambda q, _: (q > 1) and (q < 5),
    "or": lambda q, r: (q == 1) or (r == 2),
    "not": lambda q, _: not (q > 1),
    "if": lambda q, _: 1 if q > 1 else 2,
    "while": lambda q, _: [None for _ in iter(lambda: bool(q != 1), True)],
    "in": lambda q, _: q in ["a", "b"],
    "and of chains": lambda q, r: (0 < q < 1) and (0 < r < 1),
    "if of a chain": lambda q, _: 1 if 0 < q < 1 else 2,
    "all": lambda q, r: all([q > 1, r < 2]),
    "and of combined ones": lambda q, r: ((q > 1) & (r < 2)) and (q.isnull),
    "not of a test for null": lambda q, _: not q.isnull,
}


@pytest.mark.parametrize("way", COMBINED)
def test_python_s_own_logic_between_expressions_is_a_type_error_that_names_the_operators_4_8(way):
    for q, r in ((p.x, p.y), (p.x, p.x)):
        with pytest.raises(TypeError, match=r"`&` and `\|`"):
            COMBINED[way](q, r)
        after = q < 9
        assert after.serialize() == {"range": {"x": {"lt": 9}}}
        chain = 0 < q <= 3
        assert chain.serialize() == {"range": {"x": {"gt": 0, "lte": 3}}}


def test_a_chain_that_an_error_ended_leaves_nothing_behind_4_8():
    x = p.x

    def bound(fails):
        if fails:
            raise LookupError("no bound")
        return (1 < x < 2, 5)[1]

    def chained(fails):
        try:
            return 0 < x < bound(fails)
        except LookupError:
            return x < 7

    for fails, bounds in ((True, {"lt": 7}), (False, {"gt": 0, "lt": 5}), (True, {"lt": 7})):
        assert chained(fails).serialize() == {"range": {"x": bounds}}


def test_a_bound_that_runs_the_same_chain_inside_does_not_lose_the_outer_one_4_8():
    x = p.x

    def chained(depth):
        return depth < x < 10 + len(inner(depth))

    def inner(depth):
        return [chained(depth - 1).serialize()] if depth else []

    assert chained(3).serialize() == {"range": {"x": {"gt": 3, "lt": 11}}}


def test_threads_that_chain_comparisons_of_one_property_do_not_meet_4_8():
    x = p.x
    gate = threading.Barrier(8)

    def bound(value):
        gate.wait(timeout=60)
        return value

    def chained(number):
        return [(number < x < bound(number + 100 + turn)).serialize() for turn in range(50)]

    with ThreadPoolExecutor(8) as pool:
        for number, made in enumerate(pool.map(chained, range(8))):
            assert made == [{"range": {"x": {"gt": number, "lt": number + 100 + turn}}} for turn in range(50)]


def test_chains_hold_in_every_kind_of_code_4_8():
    x, wanted = p.x, {"range": {"x": {"gt": 0, "lt": 1}}}

    def generated():
        yield 0 < x < 1

    async def awaited():
        async def one():
            return 1

        return 0 < x < await one()

    class Body:
        made = 0 < x < 1

    many = "\n".join(f"a{number} = {number}.5" for number in range(400))  # the jumps need extended arguments
    space = {"x": x}
    exec(f"{many}\nmade = 0 < x < 1\nlist(map(str, [{'x, ' * 400}]))", space)
    made = [
        *generated(), asyncio.run(awaited()), Body.made, *(0 < y < 1 for y in [x]), eval("0 < x < 1"),
        *[0 < x < 1 for _ in range(1)], {"a": 0 < x < 1}["a"], (0 < x < 1) & (0 < x < 1), space["made"],
        (0 < p.x < 1), (1 > x > 0), 0 < SimpleNamespace(q=x).q < 1,
    ]  # fmt: skip
    for one in made:
        parts = one.parts if isinstance(one, AndExpression) else [one]
        assert all(part.is_same(Expression.parse(wanted)) for part in parts)
    assert eval("0 < x < 1 and 2", {"x": 0.5}) == 2


def test_bounds_and_values_cannot_be_changed_from_outside_4_18():
    chosen, bounds = ["a"], {"gt": 1}
    equal, ranged = p.x == chosen, RangeExpression("x", bounds)
    chosen.append("b")
    bounds["lt"] = 2
    assert equal.serialize() == {"eq": {"x": ["a"]}}
    assert ranged.serialize() == {"range": {"x": {"gt": 1}}}
    with pytest.raises(TypeError):
        ranged.parts["lt"] = 5  # type: ignore[index]
    with pytest.raises(AttributeError):
        ranged.parts = {}  # type: ignore[misc]


def test_a_reused_property_does_not_gather_bounds_4_8():
    x = p.x
    first, second = x > 1, x < 5
    assert first.serialize() == {"range": {"x": {"gt": 1}}}
    assert second.serialize() == {"range": {"x": {"lt": 5}}}
    both = 0 <= x < 9
    assert both.serialize() == {"range": {"x": {"gte": 0, "lt": 9}}}
    assert (x < 5).serialize() == {"range": {"x": {"lt": 5}}}


def test_any_of_nothing_is_refused_4_8():
    with pytest.raises(ValueError, match="at least one"):
        p.x.any_of([])


def test_negation_is_a_type_error_4_8():
    with pytest.raises(TypeError):
        _ = ~(p.x == 1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = (p.x == 1) & 5  # type: ignore[operator]


def test_combining_changes_neither_side_4_18():
    both = (p.a == 1) & (p.b == 2)
    before = both.serialize()
    more = both & (p.c == 3)
    _ = both | (p.d == 4)
    assert both.serialize() == before
    assert len(more.parts) == 3
    with pytest.raises(AttributeError):
        both.parts = ()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        (p.a == 1).value = 5  # type: ignore[attr-defined]


def test_expressions_copy_4_18():
    expression = 1 <= p.x < 2
    assert copy.deepcopy(expression).serialize() == expression.serialize()


VALUES = st.integers(-3, 3) | st.text(max_size=3)
LEAVES = st.one_of(
    st.builds(lambda name, value: getattr(p, name) == value, st.sampled_from("abc"), VALUES),
    st.builds(lambda name, value: getattr(p, name) != value, st.sampled_from("abc"), VALUES),
    st.builds(lambda name, value: getattr(p, name) >= value, st.sampled_from("abc"), st.integers()),
    st.builds(lambda name: getattr(p, name).isnull, st.sampled_from("abc")),
    st.builds(lambda name, text: getattr(p, name).prefix(text), st.sampled_from("abc"), st.text(max_size=2)),
)
TREES = st.recursive(
    LEAVES, lambda inner: st.builds(lambda a, b, both: a & b if both else a | b, inner, inner, st.booleans())
)


@given(TREES)
def test_serialized_expressions_parse_back_4_19(tree):
    assert Expression.parse(tree.serialize()).is_same(tree)


@given(TREES, TREES)
def test_operands_never_change_4_18(one, other):
    before = one.serialize(), other.serialize()
    _ = one & other, one | other, other & one
    assert (one.serialize(), other.serialize()) == before


def test_sameness_ignores_the_order_of_parts_4_19():
    assert ((p.a == 1) & (p.b == 2)).is_same((p.b == 2) & (p.a == 1))
    assert not ((p.a == 1) & (p.b == 2)).is_same((p.b == 2) | (p.a == 1))
    assert not ((p.a == 1) & (p.a == 1)).is_same((p.a == 1) & (p.b == 2))
    assert not (p.a == 1).is_same(p.a != 1)


def test_json_text_parses_and_junk_does_not_4_19():
    assert Expression.parse('{"eq": {"a": 1}}').is_same(p.a == 1)
    for junk in ({"nonsense": 1}, {}, {"eq": {"a": 1}, "ne": {"a": 1}}, [1], [], [[]], "[]", "null", None, 5):
        with pytest.raises(ValueError, match="operator"):
            Expression.parse(junk)
    for junk in ({"eq": 1}, {"eq": {}}, {"and": 5}, {"range": {"a": 1}}, {"range": {"a": {"no": 1}}},
                 {"isnull": 1}, {"eq": {"a": 1, "b": 2}}, "{", b"\xff"):  # fmt: skip
        with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
            Expression.parse(junk)


def test_a_list_parses_as_expressions_that_must_all_hold_4_19():
    parts = [{"eq": {"a": 1}}, {"or": [{"eq": {"b": 1}}, {"isnull": "b"}]}]
    wanted = (p.a == 1) & ((p.b == 1) | p.b.isnull)
    assert Expression.parse(parts).is_same(wanted)
    assert Expression.parse(json.dumps(parts)).is_same(wanted)
    assert Expression.parse(parts[:1]).is_same(p.a == 1)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        (p.a == 1, True),
        (p.a != 1, False),
        (0 < p.a <= 1, True),
        (p.a > 1, False),
        (p.name.prefix("ab"), True),
        (p.name.like("a_c%"), True),
        (p.name.like("A_C%"), False),
        (p.name.ilike("A_C%"), True),
        (p.name.like(r"a\_c"), False),
        (p.none.isnull, True),
        (p.none.isnotnull, False),
        (p.none == 1, False),
        (p.tags == "x", True),
        (p.tags == "y", False),
        (p.tags != "x", False),
        (p.tags != "y", True),
        (p.none != 1, False),
        (p.when == "2020-01-02", True),
        (p.when == "2020-01-02T00:00:00Z", True),
        (p.when == date(2020, 1, 2), True),
        (p.when >= datetime(2020, 1, 1, tzinfo=UTC), True),
        (p.when < "2020-01-01", False),
        ((p.a == 1) & (p.name == "no"), False),
        ((p.a == 1) | (p.name == "no"), True),
    ],
)
def test_evaluation_follows_the_rules_of_the_service_4_19_5_8(expression, holds):
    thing = SimpleNamespace(a=1, name="abcd", none=None, tags=["x"], when=datetime(2020, 1, 2, tzinfo=UTC))
    assert expression.evaluate(thing) is holds


def test_missing_values_satisfy_no_comparison_5_8():
    thing = SimpleNamespace(none=None, tags=["x"], name="x")
    assert not (p.none < 1).evaluate(thing)
    assert ((p.none < 1) | (p.name == "x")).evaluate(thing)
    with pytest.raises(TypeError):
        (p.name < 1).evaluate(thing)
    with pytest.raises(TypeError):
        (p.tags < "y").evaluate(thing)


def test_properties_may_be_restricted_4_19():
    some = Properties("a", "b")
    assert isinstance((some.a == 1) & (some.b == 2), AndExpression)
    with pytest.raises(AttributeError, match="a, b"):
        _ = some.c
