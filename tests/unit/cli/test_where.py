"""`--where`: Python expressions become the filters that the same lines of a script make, and nothing else."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog import Image, properties
from landbridge.cli.filters.where import WhereError, parse_where

NAMES = sorted(Image._attribute_types)

NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=12)
VALUES = NUMBERS | TEXTS
ATTRIBUTES = st.sampled_from(NAMES).map(lambda name: f"p.{name}")
ORDERS = st.sampled_from(["<", "<=", ">", ">="])


@st.composite
def comparisons(draw):
    attribute, value = draw(ATTRIBUTES), draw(VALUES)
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return f"{attribute} {draw(ORDERS)} {value!r}"
    if kind == 1:
        return f"{value!r} {draw(ORDERS)} {attribute}"
    if kind == 2:
        other = draw(st.none() | st.booleans() | VALUES)
        return f"{attribute} {draw(st.sampled_from(['==', '!=']))} {other!r}"
    if kind == 3:
        return f"{value!r} {draw(ORDERS)} {attribute} {draw(ORDERS)} {draw(VALUES)!r}"
    if kind == 4:
        method = draw(st.sampled_from(["prefix", "startswith", "like", "ilike"]))
        return f"{attribute}.{method}({draw(TEXTS)!r})"
    method, values = draw(st.sampled_from(["any_of", "in_"])), draw(st.lists(VALUES, min_size=1, max_size=4))
    return f"{attribute}.{method}({values!r})"


TESTS = st.builds("{}.{}".format, ATTRIBUTES, st.sampled_from(["isnull", "isnotnull"]))
CONDITIONS = st.recursive(
    comparisons() | TESTS,
    lambda inner: st.builds("({}) {} ({})".format, inner, st.sampled_from("&|"), inner),
    max_leaves=6,
)


@given(CONDITIONS)
def test_an_expression_is_the_filter_that_python_makes_of_it(text):
    made = eval(text, {"p": properties})
    assert parse_where(text, NAMES).serialize() == made.serialize()


@given(st.text(alphabet="p.xname()&|<>=!~'\"\\ 01e,[]{}:@lambda\n\té", max_size=60) | st.text(max_size=40))
def test_any_other_text_is_an_error_with_a_position(text):
    found = None
    try:
        parse_where(text, NAMES)
    except WhereError as error:
        found = error
    assert found is None or (found.line >= 1 and str(found).endswith("^"))


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("p.cloud_fracton < 0.2", 0, "Did you mean 'cloud_fraction'?"),
        ("cloud_fraction < 0.2", 0, "Write p.cloud_fraction."),
        ("(p.name == 'é') & (p.nme == 1)", 19, "'nme' does not exist"),
        ("p.cloud_fraction < 0.2 and p.name == 'x'", 0, "use &"),
        ("p.cloud_fraction < 0.2 & p.name == 'x'", 19, "put each comparison in ()"),
        ("not p.name == 'x'", 0, "cannot be negated"),
        ("p.name in ['x']", 10, "any_of"),
        ("p.name.any_of([])", 14, "a list of values"),
        ("p.name.lik('x')", 0, "Did you mean 'like'?"),
        ("p.name.like(3)", 12, "takes a text"),
        ("p.name.like('a', 'b')", 0, "takes one value"),
        ("p.acquired < None", 13, "has no order"),
        ("p.cloud_fraction < 1e999", 19, "too large"),
        ("p.cloud_fraction < p.name", 19, "A text"),
        ("1 < 2", 4, "An attribute"),
        ("p.name", 0, "A comparison"),
        ("p.name == b'x'", 10, "A text"),
        ("p.name == 'x' if p.name else 1", 0, "A comparison"),
        ("__import__('os').system('true')", 0, "Method 'system' does not exist"),
        ("(lambda: 1)()", 0, "Functions cannot be called"),
        ("p.name == f'{1}'", 10, "A text"),
    ],
)
def test_an_error_marks_its_position(text, column, part):
    with pytest.raises(WhereError) as caught:
        parse_where(text, NAMES)
    assert part in caught.value.problem
    assert caught.value.column == column
    assert str(caught.value).splitlines()[-1] == "  " + " " * column + "^"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("text", ["p.name == 'x", "p.name == ", "", "p.name = 'x'", "p.name == 'x'; 1"])
def test_a_text_that_is_no_expression_is_an_error(text):
    with pytest.raises(WhereError, match="is no Python expression"):
        parse_where(text, NAMES)


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "p.name == 1" + ")" * 5000, "-" * 10_000 + "1 < p.name", "p" * 30_000]
)
def test_a_text_that_is_too_deep_or_long_is_an_error(text):
    with pytest.raises(WhereError):
        parse_where(text, NAMES)


def test_spaces_and_lines_around_an_expression_do_not_matter():
    assert parse_where("  p.name == 'x'\n", NAMES).serialize() == {"eq": {"name": "x"}}
    lines = "(\n (p.name == 'x')\n & (p.tags == 'y'))"
    assert parse_where(lines, NAMES).serialize() == {"and": [{"eq": {"name": "x"}}, {"eq": {"tags": "y"}}]}
    with pytest.raises(WhereError) as caught:
        parse_where(lines.replace("tags", "tag"), NAMES)
    assert (caught.value.line, caught.value.column) == (3, 4)
