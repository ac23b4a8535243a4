"""Cutlines, burnt on a grid by many threads at once."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from landbridge.raster.grids.cutlines import mask_outside


@pytest.fixture
def restless():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_do_not_mix_up_the_warnings_of_the_process(restless):
    grid = GeoBox.from_bbox((0, 0, 640, 640), "EPSG:32612", resolution=10)
    cutline = box(100, 100, 400, 400)
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        masks = list(pool.map(lambda _: mask_outside(cutline, grid, all_touched=False), range(300)))
    assert {int((~mask).sum()) for mask in masks} == {900}
    assert warnings.filters == before
