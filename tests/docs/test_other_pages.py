"""Runs the Python examples of pages outside the guide, each on what its text says is there."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landbridge.catalog import Image, Product, SpectralBand
from landbridge.catalog import properties as p

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Pages whose examples other tests run
ELSEWHERE = ("guide/", "porting/")


def scenes():
    product = Product.get(Product.namespace_id("demo-landsat"))
    images = product.images().collect()
    return {"product": product, "images": images, "image": images[0], "search": product.images(), "p": p}


def of_acme():
    Product(id="acme:scenes", name="Scenes").save()
    return {"Product": Product}


def watched():
    Product(id="local:scenes", name="Scenes").save()
    return {"area": scenes()["image"].geometry}


def file_that_is_no_image():
    Path("scene.tif").write_bytes(b"no image")
    return {"image": Image(product=scenes()["product"], name="broken", acquired="2020-01-01")}


def files():
    product = Product(id="guide-many", name="Many")
    product.save()
    ranges = {"data_range": (0, 255), "display_range": (0, 255)}
    SpectralBand(name="red", product=product, band_index=0, data_type="Byte", **ranges).save()
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open("a.tif", "w", transform=from_origin(5e5, 5e6, 10, 10), **profile) as file:
        file.write(np.ones((8, 8), "uint8"), 1)
    todo = [(Image(product=product, name="a", acquired="2020-01-01"), "a.tif")]
    return {"product": product, "todo": todo, "p": p}


PREPARED = {
    "index.md": dict,
    "tiles.md": scenes,
    "access.md": of_acme,
    "errors.md": file_that_is_no_image,
    "notifications.md": watched,
    "tutorials/many-images.md": files,
}


@pytest.mark.parametrize("page", PREPARED)
def test_the_examples_of_a_page_run(page, demo_product, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    if page == "index.md":
        request.getfixturevalue("replayed_sources")
    names = PREPARED[page]()
    blocks = BLOCK.findall((DOCS / page).read_text())
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    for upload in names.get("uploads", ()):
        upload.wait_for_completion(timeout=60)
    for made in ("subscription", "hook"):
        if made in names:
            names[made].delete()


def test_all_pages_with_examples_are_run():
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if BLOCK.search(path.read_text())}
    assert {page for page in pages if not page.startswith(ELSEWHERE)} == set(PREPARED)
