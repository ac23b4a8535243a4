"""Maps in a headless Chromium: footprints, pixels, and texts of others that stay texts.

Leaflet comes from npm; other addresses, such as those of the basemap, are not reached.
"""

import json

import demo
from datasets import generated
from landbridge.catalog import Image, ImageCollection, Product
from landbridge.geo import DLTile
from landbridge.maps import explore

from .conftest import colors


def shown(page, drawn, path, name="map"):
    """Open a map, and return its errors and the number of its colors."""
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    drawn.save(path / f"{name}.html")
    page.goto(f"file://{path}/{name}.html")
    page.locator(".leaflet-container").wait_for()
    page.wait_for_timeout(1000)
    shot = page.screenshot(path=path / f"{name}.png")
    return failures, colors(shot)


def test_images_are_drawn_with_their_pixels(offline_page, stack, tmp_path):
    dataset = generated(256, tmp_path)
    product = demo.create_product(Product.namespace_id("maps-landsat"), dataset)
    assert demo.upload_images(product, dataset)
    images = product.images().sort("acquired").collect()
    failures, count = shown(offline_page, images[:1].explore(basemap=None), tmp_path, "pixels")
    assert failures == []
    assert offline_page.locator("path.leaflet-interactive").count() == 1
    assert offline_page.locator("img.leaflet-image-layer").count() == 1
    assert count > 500
    failures, _ = shown(offline_page, product.explore(basemap=None), tmp_path)
    assert failures == []
    assert offline_page.locator("path.leaflet-interactive").count() == len(images)


def test_tiles_are_drawn_together(offline_page, tmp_path):
    shape = {"type": "Polygon", "coordinates": [[[10, 50], [10.1, 50], [10.1, 50.1], [10, 50.1], [10, 50]]]}
    tiles = DLTile.from_shape(shape, 10, 512, 0)
    failures, _ = shown(offline_page, explore(tiles, basemap=None), tmp_path)
    assert failures == []
    assert offline_page.locator("path.leaflet-interactive").count() == len(tiles) > 1


def test_a_name_with_a_script_is_text(offline_page, tmp_path):
    hostile = "local:<script>window.hurt=1</script><img src=x onerror='window.hurt=1'>"
    geometry = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    document = {
        "type": "Feature", "stac_version": "1.1.0", "id": "i", "collection": hostile, "geometry": geometry,
        "properties": {"datetime": "2024-01-01T00:00:00Z"}, "links": [], "assets": {},
    }  # fmt: skip
    images = ImageCollection([Image.from_item(json.loads(json.dumps(document)))])
    failures, _ = shown(offline_page, images.explore(pixels=False, basemap=None), tmp_path)
    assert failures == []
    offline_page.locator("path.leaflet-interactive").hover()
    offline_page.locator(".leaflet-tooltip").wait_for()
    assert "<script>window.hurt=1</script>" in offline_page.locator(".leaflet-tooltip").inner_text()
    assert offline_page.evaluate("window.hurt") is None
