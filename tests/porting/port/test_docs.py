"""The pages on porting show what the command does."""

import re
from pathlib import Path

import pytest

from landbridge.porting import services
from landbridge.porting.arguments.gone_products import GONE_PRODUCTS
from landbridge.porting.stubs import HostedService
from porting.port.ported import port

PAGES = Path(__file__).parents[3] / "docs" / "porting"
PAIR = re.compile(r"```python\n(.*?)```\n\nbecomes\n\n```python\n(.*?)```", re.DOTALL)
PAIRS = [
    pytest.param(*found.groups(), id=f"{page.stem}-{number}")
    for page in sorted(PAGES.glob("*.md"))
    for number, found in enumerate(PAIR.finditer(page.read_text()))
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_script_becomes_what_the_page_shows(before, after):
    assert port(before) == after


def test_there_are_pairs_of_each_generation():
    assert {one.id.partition("-")[0] for one in PAIRS} == {"catalog", "index", "scenes", "services"}


def test_all_that_is_gone_is_listed():
    page = (PAGES / "gone.md").read_text()
    hosted = [one.name for one in vars(services).values() if isinstance(one, HostedService)]
    assert len(hosted) > 5
    assert [name for name in hosted if f"| {name} |" not in page] == []
    assert [pattern for pattern, _ in GONE_PRODUCTS if f"`{pattern}`" not in page] == []
