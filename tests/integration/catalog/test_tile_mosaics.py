"""A tile of the service has the pixels of `ImageCollection.mosaic` on the tile's grid, value for value."""

import io

import httpx
import morecantile
import numpy as np
import pytest

from conftest import LONG
from integration.catalog.conftest import new_product, upload_array
from landbridge.catalog import Image
from landbridge.catalog import properties as p
from landbridge.geo import AOI

SETS = ("WebMercatorQuad", "WorldCRS84Quad", "UTM31WGS84Quad", "UPSArcticWGS84Quad")
CENTER = (6.3, 71.75)
SIDE, PIXEL = 256, 240.0
PLACES = (("EPSG:32632", 380_000.0, 8_000_000.0), ("EPSG:32631", 580_000.0, 7_985_000.0))
STYLES = (
    ({}, {}),
    ({"scaling": "display"}, {"scaling": "display", "data_type": "Byte"}),
    ({"rescale": "200,3000"}, {"scaling": [(200, 3000)] * 2, "data_type": "Byte"}),
    ({"resampling": "bilinear"}, {"resampler": "bilinear"}),
    ({"method": "mean"}, {"method": "mean"}),
)


@pytest.fixture(scope="module")
def scenes(stack):
    """A product with two overlapping images, uploaded, of which the second is newer."""
    product = new_product("red", "nir")
    for number, (crs, left, top) in enumerate(PLACES):
        random = np.random.default_rng(number)
        pixels = (
            random.integers(1, 4000, (2, SIDE // 8, SIDE // 8)).repeat(8, 1).repeat(8, 2).astype("uint16")
        )
        pixels[:, : SIDE // 4, : SIDE // 4] = 0
        upload_array(
            product,
            f"image-{number}",
            pixels,
            acquired=f"2024-0{number + 1}-01T00:00:00Z",
            geotrans=[left, PIXEL, 0, top, 0, -PIXEL],
            cs_code=crs,
        )
    return product


@pytest.mark.parametrize("set_id", SETS)
def test_a_tile_is_the_mosaic_of_the_client(scenes, set_id):
    search = Image.search().filter(p.product_id == scenes.id)
    images = search.sort("acquired").collect()
    tms = morecantile.tms.get(set_id)
    crs = "OGC:CRS84" if tms.crs.to_epsg() is None else f"EPSG:{tms.crs.to_epsg()}"
    random = np.random.default_rng(len(set_id))
    for _ in range(40 if LONG else 3):
        query, options = STYLES[random.integers(len(STYLES))]
        zoom = int(random.integers(6, 12))
        place = CENTER + random.uniform(-0.5, 0.5, 2)
        tile = tms.tile(place[0], place[1], zoom)
        address = scenes.tiles_url("red nir", extension="npy", tile_matrix_set=set_id, **query)
        url = address.format(z=tile.z, x=tile.x, y=tile.y)
        answer = httpx.get(url, timeout=120)
        assert answer.status_code == 200, answer.text
        *found, mask = np.load(io.BytesIO(answer.content))
        grid = AOI(bounds=tuple(tms.xy_bounds(tile)), bounds_crs=crs, crs=crs, shape=mask.shape)
        whole = images.mosaic("red nir", geocontext=grid, **options)
        np.testing.assert_array_equal(found, whole.filled(0), err_msg=url)
        np.testing.assert_array_equal(mask > 0, ~np.ma.getmaskarray(whole).all(0), err_msg=url)
