"""The page about maps has every parameter of the routes, and no other."""

import re
from pathlib import Path

from landbridge.stac_api.access.tile_tokens import PARAMETER
from landbridge.stac_api.tiles.api.query import CONDITIONS, GROUPS, names
from landbridge.stac_api.tiles.parameters import PARAMETERS

PAGE = Path(__file__).parents[3] / "docs" / "tiles.md"


def test_the_page_has_all_parameters():
    table = PAGE.read_text().partition("## Parameters")[2].partition("## ")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    described = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    groups = [one for group in GROUPS.values() for one in group]
    assert described == {*names([*PARAMETERS, *CONDITIONS, *groups]), PARAMETER}
