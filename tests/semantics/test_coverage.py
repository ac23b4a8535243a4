"""Each statement of the page of semantics has a test, or a reason why not."""

import itertools

import pytest

from semantics.coverage import measure, numbers, statements


def test_every_statement_is_tested_or_untestable():
    coverage = measure()
    assert not coverage.missing, str(coverage)
    assert not set(coverage.untestable) & set(coverage.tests), "what has a test is not untestable"


def test_every_number_that_a_test_cites_is_on_the_page():
    coverage = measure()
    unknown = {number: tests for number, tests in coverage.tests.items() if number not in coverage.statements}
    assert not unknown


def test_the_numbers_of_the_page_have_no_gaps():
    pairs = [tuple(map(int, number.split("."))) for number in statements()]
    sections = [[n for _, n in group] for _, group in itertools.groupby(pairs, key=lambda pair: pair[0])]
    assert len(sections) == 14
    assert sections == [list(range(1, len(section) + 1)) for section in sections]


@pytest.mark.parametrize(
    ("name", "docstring", "found"),
    [
        ("test_9_10_keys", None, {"9.10"}),
        ("test_what_it_does_1_9_2_13", None, {"1.9", "2.13"}),
        ("test_what_it_does", "Semantics 1.9, 2.13 and 4.1.", {"1.9", "2.13", "4.1"}),
        ("test_8_bands", "Takes 1.5 seconds.", set()),
    ],
)
def test_numbers_are_read_from_names_and_docstrings(name, docstring, found):
    assert numbers(name, docstring) == found
