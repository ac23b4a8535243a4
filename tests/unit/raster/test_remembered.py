"""Functions of two grids that are run once for the same ones."""

import itertools

from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.geobox import cached_per_grid_pair
from landbridge.raster.grids.grid_footprint import ground_footprint
from landbridge.raster.grids.pixel_scales import scale_of


def grid(shape=(20, 30), x=500_000.0, step=10.0, epsg=32633):
    """Make a grid anew each time."""
    return GeoBox(shape, Affine(step, 0, x, 0, -step, 5_000_000), f"EPSG:{epsg}")


DIFFERENT = [{}, {"shape": (20, 31)}, {"x": 500_010.0}, {"step": 20.0}, {"epsg": 32634}]


def test_equal_grids_share_an_answer_and_different_ones_do_not():
    asked = []

    @cached_per_grid_pair
    def noted(source, target):
        asked.append((source, target))
        return len(asked)

    pairs = list(itertools.product(DIFFERENT, DIFFERENT))
    answers = [noted(grid(**source), grid(**target)) for source, target in pairs]
    assert answers == list(range(1, len(pairs) + 1))
    assert [noted(grid(**source), grid(**target)) for source, target in pairs] == answers
    assert len(asked) == len(pairs)


def test_a_failure_is_not_remembered():
    asked = []

    @cached_per_grid_pair
    def failing(source, target):
        asked.append((source, target))
        raise ValueError("no place")

    for _ in range(2):
        try:
            failing(grid(), grid())
        except ValueError:
            continue
    assert len(asked) == 2


def test_scales_and_footprints_follow_the_grids():
    assert scale_of(grid(), grid(step=20.0)) == (2.0, 2.0)
    assert scale_of(grid(step=20.0), grid()) == (0.5, 0.5)
    assert ground_footprint(grid()).equals(ground_footprint(grid()))
    assert ground_footprint(grid()).disjoint(ground_footprint(grid(epsg=32634)))
