"""Tiles beside those of rio-tiler, which titiler-pgstac renders with: the same but for its approximations.

rio-tiler warps by GDAL with an error of up to 0.125 pixels, so that the nearest pixel may be the neighbor of
the exact one. Below full resolution, they may also choose another overview.
"""

from __future__ import annotations

import io

import morecantile
import numpy as np
import pytest
from rio_tiler.io import Reader

from landbridge.stac_api.tiles.formats import Format
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.parameters import parse

CENTER = (6.3, 71.75)
"""A place that both images have."""
FULL_RESOLUTION = 10


@pytest.mark.parametrize("zoom", [8, 9, 10, 11, 12])
def test_pixels_are_those_of_rio_tiler_or_of_a_neighbor(renderer, zoom):
    tms = morecantile.tms.get("WebMercatorQuad")
    tile = tms.tile(*CENTER, zoom)
    grid = Grid(tuple(tms.xy_bounds(tile)), "EPSG:3857", 256, 256)
    view = parse([("bands", "nir")], [renderer.product], Format.NPY)
    values, mask = np.load(io.BytesIO(renderer.render(view, grid, renderer.items[:1]).body))
    with Reader(str(renderer.store / "images/scenes/east/v1/data.tif")) as reader:
        other = reader.tile(tile.x, tile.y, tile.z, indexes=[4])
    theirs = other.array.filled(0)[0]
    valid, drawn = mask > 0, ~np.ma.getmaskarray(other.array)[0]
    assert (valid == drawn).mean() > 0.98
    if zoom < FULL_RESOLUTION:
        return  # overviews of other factors may be chosen
    both = valid & drawn
    assert (values == theirs)[both].mean() > 0.9
    shifts = [np.roll(theirs, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    same_or_neighbor = np.any([shifted == values for shifted in shifts], axis=0)
    inside = (slice(1, -1), slice(1, -1))
    assert same_or_neighbor[inside][both[inside]].mean() > 0.99
