"""Addresses of tiles from the object API: the service renders the images that the objects are."""

import html
import io
import re

import httpx
import morecantile
import numpy as np
import pytest

from landbridge.catalog import Image, ImageCollection, Product
from landbridge.catalog import properties as p
from landbridge.exceptions import BadRequestError
from landbridge.maps import explore

ZOOM = 11


def values_of(url, image):
    """The values of all tiles around an image."""
    found = set()
    west, south, east, north = image.geometry.buffer(0.1).bounds
    for tile in morecantile.tms.get("WebMercatorQuad").tiles(west, south, east, north, [ZOOM]):
        answer = httpx.get(url.format(z=tile.z, x=tile.x, y=tile.y), timeout=60)
        assert answer.status_code == 200, answer.text
        pixels, mask = np.load(io.BytesIO(answer.content))
        found |= set(np.unique(pixels[mask > 0]).tolist())
    return found


def test_addresses_of_all_kinds_of_objects_give_their_tiles(pair_of_module, images):
    early, later = images
    search = Image.search().filter(p.product_id == pair_of_module)
    for shown, values in (
        (Product.get(pair_of_module), {100, 1000}),
        (early, {100}),
        (search, {100, 1000}),
        (search.filter(p.acquired > "2020-02-01"), {1000}),
        (search.sort("acquired"), {100, 1000}),
        (ImageCollection([early]), {100}),
        (images, {100, 1000}),
    ):
        assert values_of(shown.tiles_url("red", extension="npy"), later) == values
    assert values_of(early.tiles_url(expression="nir-red", extension="npy"), early) == {100}


def test_what_has_no_tiles_is_refused_with_the_reason(pair_of_module):
    with pytest.raises(BadRequestError, match="limit"):
        Image.search().filter(p.product_id == pair_of_module).limit(1).tiles_url()
    with pytest.raises(BadRequestError, match="not saved"):
        Image(name="new", product_id=pair_of_module).tiles_url()
    with pytest.raises(BadRequestError, match="one service"):
        ImageCollection([]).tiles_url()


def test_maps_show_the_tiles_of_images_and_searches(pair_of_module, images):
    search = Image.search().filter(p.product_id == pair_of_module)
    for shown, values in (
        (search.filter(p.acquired > "2020-02-01"), {1000}),
        (images[0], {100}),
        (images, {100, 1000}),
    ):
        text = shown.explore(bands="red", scaling="raw", tiles=True).get_root().render()
        assert "data:image/png" not in text
        (address,) = re.findall(r'"(http[^"]*/tiles/WebMercatorQuad/[^"]*)"', text)
        url = html.unescape(address.replace("\\u0026", "&")).replace(".png", ".npy")
        assert values_of(url, images[1]) == values


def test_tiles_of_a_map_that_the_service_cannot_render_are_refused(pair_of_module):
    with pytest.raises(BadRequestError, match="limit"):
        Image.search().filter(p.product_id == pair_of_module).limit(1).explore(tiles=True)
    with pytest.raises(BadRequestError, match="not saved"):
        Image(name="new", product_id=pair_of_module).explore(tiles=True)


def test_a_map_of_a_product_has_its_tiles(pair_of_module):
    text = explore(Product.get(pair_of_module)).get_root().render()
    assert "/tiles/WebMercatorQuad/{z}/{x}/{y}.png" in text
