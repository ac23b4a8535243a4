"""Every statement of the specification that this version promises has a test, or a reason why not."""

import pytest

from semantics.coverage import SPECIFICATION, measure, numbers, specified, statements

# Uploads and the service's own duties, but for rastering, have suites of their own.
OTHERS = {"10", "14"}
NONE_OF_OTHERS = {"14.12"}


def test_every_statement_is_tested_or_untestable():
    coverage = measure()
    assert not coverage.missing, str(coverage)
    assert not set(coverage.untestable) & set(coverage.tests), "what has a test is not untestable"


def test_the_list_has_the_numbers_of_the_specification():
    if not SPECIFICATION.is_file():
        pytest.skip(f"the specification is not at {SPECIFICATION}")
    wanted = [
        number
        for number in specified(SPECIFICATION.read_text())
        if number in NONE_OF_OTHERS
        or (number.split(".")[0] not in OTHERS and number not in {"12.8", "12.9", "12.10"})
    ]
    assert list(statements()) == wanted


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
