"""Rasters on the live stack: their geocontexts, and the files that they are read from."""

import numpy as np

from landbridge.catalog import Image, Product
from landbridge.catalog import properties as p

SHAPE = (40, 60)


def test_the_geocontext_of_an_image_is_its_grid_9_9(images):
    context = images[0].geocontext
    assert context.shape == SHAPE
    assert context.bounds == (600000, 6998800, 601800, 7000000)
    assert (context.crs, context.bounds_crs, context.align_pixels) == ("EPSG:32621", "EPSG:32621", False)
    assert context.geometry.equals(images[0].geometry)
    assert images[0].geocontext is context


def test_the_geocontext_of_a_search_is_completed_from_the_images_5_10(pair):
    area = pair.get_image("early").geometry
    images = pair.images().intersects(area).collect()
    context = images.geocontext
    assert (context.crs, context.resolution, context.shape) == ("EPSG:32621", 30, None)
    assert context.geometry.equals(area)
    assert images[0:1].geocontext is context
    mosaic = images.mosaic("red")
    assert mosaic.mask.any()
    assert images.mosaic("red", resolution=60).shape[1] < mosaic.shape[1]


def test_pixels_are_read_from_the_store_on_this_machine(images, stack):
    from landbridge.catalog.pixels.engine_inputs import sources

    (address,) = sources(images[0:1])[0].files
    assert address.startswith(str(stack.store))
    from landbridge.catalog.pixels.engine_inputs import _address

    prefix = f"{stack.url}/assets/"
    for href in (f"{prefix}../state.json", f"{prefix}%2e%2e/state.json", f"{prefix}/etc/passwd"):
        assert _address(href, prefix, stack.store) == href


def test_pixels_are_the_same_over_http(images, stack):
    from landbridge.auth import Auth
    from landbridge.catalog import CatalogClient

    client = CatalogClient(stack.url, auth=Auth(token=stack.token))
    far = Image.get(images[0].id, client=client)
    assert np.array_equal(far.ndarray("red nir"), images[0].ndarray("red nir"))
    client.close()


def test_the_guide_in_ten_lines(pair):
    product = Product.get(pair.id)
    search = product.images().filter("2020-01-01" <= p.acquired < "2021-01-01").sort("acquired")
    images = search.intersects(product.get_image("early").geometry).collect()
    assert list(images.each.acquired.month) == [1, 2]
    assert [(month, len(group)) for month, group in images.groupby("acquired.month")] == [(1, 1), (2, 1)]
    assert images.stack("red nir", flatten="acquired.month").shape[:2] == (2, 2)
