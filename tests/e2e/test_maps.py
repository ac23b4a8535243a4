"""Maps in a headless Chromium: footprints, pixels, and texts of others that stay texts.

Leaflet comes from npm; the page's other addresses, such as those of the basemap, are not reached.
"""

import io
import json
import shutil
import subprocess
import tarfile

import numpy as np
import pytest
from PIL import Image as Picture

import demo
from datasets import generated
from landbridge.catalog import Image, ImageCollection, Product
from landbridge.geo import DLTile
from landbridge.maps import explore

from .conftest import CHROMIUM

LEAFLET = "leaflet@1.9.4"


@pytest.fixture(scope="session")
def leaflet(tmp_path_factory):
    """Files of Leaflet by name."""
    folder = tmp_path_factory.mktemp("leaflet")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed; `make test-browser` installs it")
    done = subprocess.run([npm, "pack", LEAFLET], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Leaflet could not be fetched: {done.stderr[-300:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return {name: (folder / "package" / "dist" / name).read_bytes() for name in ("leaflet.js", "leaflet.css")}


@pytest.fixture
def page(leaflet):
    pytest.importorskip("playwright", reason="`make test-browser` installs playwright")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; `make test-browser` installs it")
    from playwright import sync_api

    def answer(route):
        name = route.request.url.rpartition("/")[2].partition("?")[0]
        if name in leaflet:
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            route.fulfill(body=leaflet[name], content_type=kind)
        elif route.request.url.startswith(("data:", "blob:", "file:")):
            route.continue_()
        else:
            route.fulfill(body="", content_type="text/plain")

    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        made = chromium.new_page(viewport={"width": 900, "height": 700})
        made.route("**/*", answer)
        yield made
        chromium.close()


def shown(page, drawn, path, name="map"):
    """Open a map, and return its errors and the colors on it."""
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    drawn.save(path / f"{name}.html")
    page.goto(f"file://{path}/{name}.html")
    page.locator(".leaflet-container").wait_for()
    page.wait_for_timeout(1000)
    shot = page.screenshot(path=path / f"{name}.png")
    return failures, np.asarray(Picture.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def test_images_are_drawn_with_their_pixels(page, stack, tmp_path):
    dataset = generated(256, tmp_path)
    product = demo.create_product(Product.namespace_id("maps-landsat"), dataset)
    assert demo.upload_images(product, dataset)
    images = product.images().sort("acquired").collect()
    failures, pixels = shown(page, images[:1].explore(basemap=None), tmp_path, "pixels")
    assert failures == []
    assert page.locator("path.leaflet-interactive").count() == 1
    assert page.locator("img.leaflet-image-layer").count() == 1
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500
    failures, _ = shown(page, product.explore(basemap=None), tmp_path)
    assert failures == []
    assert page.locator("path.leaflet-interactive").count() == len(images)


def test_tiles_are_drawn_together(page, tmp_path):
    shape = {"type": "Polygon", "coordinates": [[[10, 50], [10.1, 50], [10.1, 50.1], [10, 50.1], [10, 50]]]}
    tiles = DLTile.from_shape(shape, 10, 512, 0)
    failures, _ = shown(page, explore(tiles, basemap=None), tmp_path)
    assert failures == []
    assert page.locator("path.leaflet-interactive").count() == len(tiles) > 1


def test_a_name_with_a_script_is_text(page, tmp_path):
    hostile = "local:<script>window.hurt=1</script><img src=x onerror='window.hurt=1'>"
    geometry = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    document = {
        "type": "Feature", "stac_version": "1.1.0", "id": "i", "collection": hostile, "geometry": geometry,
        "properties": {"datetime": "2024-01-01T00:00:00Z"}, "links": [], "assets": {},
    }  # fmt: skip
    images = ImageCollection([Image.from_item(json.loads(json.dumps(document)))])
    failures, _ = shown(page, images.explore(pixels=False, basemap=None), tmp_path)
    assert failures == []
    page.locator("path.leaflet-interactive").hover()
    page.locator(".leaflet-tooltip").wait_for()
    assert "<script>window.hurt=1</script>" in page.locator(".leaflet-tooltip").inner_text()
    assert page.evaluate("window.hurt") is None
