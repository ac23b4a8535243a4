"""The tests that docs/development/expectations.md names exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "development" / "expectations.md"
ROW = re.compile(r"^\| .* \| `(?P<path>[^`:]+)::(?P<test>\w+)` \|$")


def rows():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|---"))
    return [line for line in lines[start + 1 :] if line.startswith("|")]


@pytest.mark.parametrize("row", rows())
def test_a_row_names_a_test_that_exists(row):
    match = ROW.match(row)
    assert match, row
    tree = ast.parse((TESTS / match["path"]).read_text(encoding="utf-8"))
    assert match["test"] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_page_has_rows():
    assert len(rows()) >= 25
