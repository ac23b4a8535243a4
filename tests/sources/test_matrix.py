"""The matrix of sources, each cell a test: what `make sources` prints."""

import pytest

from sources.cells import CELLS
from sources.columns import COLUMNS, site


@pytest.fixture(scope="module", params=list(COLUMNS))
def running(request):
    with site(request.param) as one:
        yield one


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cell", CELLS)
def test_cell(running, cell):
    CELLS[cell](running)
