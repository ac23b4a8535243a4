"""Results of the parts of a search, merged into one order."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog.search.merge import merged, merged_totals
from landbridge.catalog.search.summaries import Totals

VALUES = st.lists(st.one_of(st.none(), st.integers(-3, 3)), max_size=6)


def ordered(values, ascending):
    """Return the values in the order of a search: those that are missing come last in both directions."""
    known = sorted((value for value in values if value is not None), reverse=not ascending)
    return known + [None] * (len(values) - len(known))


@given(st.lists(VALUES, max_size=4), st.booleans())
def test_sorted_parts_are_merged_into_one_sorted_result(parts, ascending):
    streams = [iter([SimpleNamespace(n=value) for value in ordered(part, ascending)]) for part in parts]
    found = [each.n for each in merged(streams, ("n", ascending))]
    assert found == ordered([value for part in parts for value in part], ascending)


@given(st.lists(VALUES, max_size=4))
def test_parts_without_an_order_follow_one_another(parts):
    streams = [iter([SimpleNamespace(n=value) for value in part]) for part in parts]
    assert [each.n for each in merged(streams, None)] == [value for part in parts for value in part]


def test_totals_of_parts_are_added():
    totals = merged_totals([Totals(2, 10, {"a": None}), Totals(3, 5, {"b": None, "a": None})])
    assert (totals.count, totals.bytes, list(totals.groups)) == (5, 15, ["a", "b"])
