"""A mosaic of images of one's own catalog and of two sources."""

import contextlib

import numpy as np
import pytest

from landbridge.catalog import Image, ImageCollection, Product
from sources import oracle
from sources.columns import area
from support.replay import replayed
from support.replay.as_source import used


@pytest.mark.filterwarnings("ignore")
def test_a_mosaic_mixes_two_sources_and_the_own_catalog(banded, uploaded):
    with contextlib.ExitStack() as stack:
        first, second = (
            stack.enter_context(replayed(name, 8, real=False))
            for name in ("earth-search", "planetary-computer")
        )
        stack.enter_context(used(first, second))
        upper, lower = first.of("sentinel-2-c1-l2a")[0], second.of("sentinel-2-l2a")[2]
        whole = oracle.bounds(upper, lower)
        left, bottom, right, top = whole
        mine = np.zeros((2, round((top - bottom) / 10), round((right - left) / 10)), "uint16")
        mine[:, 60:100, 50:350] = 777
        grid = {"cs_code": upper.crs, "geotrans": (left, 10, 0, top, 0, -10)}
        images = [
            Image.get(f"planetary-computer:sentinel-2-l2a:{lower.id}"),
            Image.get(f"earth-search:sentinel-2-c1-l2a:{upper.id}"),
            uploaded(banded, "mine", mine, **grid),
        ]
        found = ImageCollection(images).mosaic("red", geocontext=area(upper, lower, resolution=10))
        layers = [oracle.placed(oracle.stacked(one, ["red"]), one, whole, 10) for one in (upper, lower)]
        wanted = oracle.over(np.ma.masked_equal(mine[:1], 0), oracle.over(*layers))
        np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
        np.testing.assert_array_equal(found.filled(0), wanted.filled(0))
        # The own catalog is found beside the sources.
        assert Product.get(banded.id).id == banded.id
        assert Product.get("earth-search:sentinel-2-c1-l2a") is not None
