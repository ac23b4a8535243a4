"""Copies of images in a product of one's own, on the live stack."""

import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from landbridge import sources
from landbridge.catalog import Image, ImageCollection, Product
from landbridge.mappings.sources import shipped
from support.replay import replayed

BANDS = ("red", "nir", "scl")


@pytest.fixture
def provider(monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCES", "earth-search")
    with replayed("earth-search", 5, real=False) as running:
        sources.add(replace(shipped("earth-search"), url=running.url))
        yield running
        sources.remove("earth-search")


@pytest.fixture
def originals(provider):
    product = Product.get("esa:sentinel-2:l2a:v1")
    return product.images().sort("id").collect()


def test_a_copy_has_the_pixels_and_the_attributes_of_its_original(originals, product):
    original = originals[0]
    copy = original.copy_to(product, BANDS)
    assert copy.id == f"{product.id}:{original.name}"
    assert copy.storage_state == "available"
    for name in ("acquired", "cloud_fraction", "satellite_id", "provider_url"):
        assert getattr(copy, name) == getattr(original, name)
    assert copy.cs_code == original.cs_code
    # The finest band decides the grid of both.
    assert copy.geotrans == original.geotrans
    for name in BANDS:
        own, far = copy.ndarray(name), original.ndarray(name)
        assert own.dtype == far.dtype
        assert (own.mask == far.mask).all()
        assert (own == far).all()
    own, far = (image.ndarray("red nir", scaling="physical") for image in (copy, original))
    np.testing.assert_allclose(own.filled(-9), far.filled(-9), atol=1e-9)
    bands = {band.name: band for band in product.bands()}
    assert {name: band.data_type for name, band in bands.items()} == {
        "red": "UInt16",
        "nir": "UInt16",
        "scl": "Byte",
    }
    assert bands["red"].nodata == 0
    assert bands["scl"].type == "class"


def test_copies_are_made_once(originals, product):
    assert repr(originals.copy_to(product, "red", progress=False)) == "5 copied, 0 skipped, 0 failed"
    before = {image.id: image.modified for image in product.images()}
    results = originals.copy_to(product, "red", progress=False)
    assert len(results.skipped) == 5
    assert {image.id: image.modified for image in product.images()} == before
    Image.get(results[2].image_id).delete()
    again = originals.copy_to(product.id, "red", progress=False)
    assert [result.status for result in again] == ["skipped", "skipped", "copied", "skipped", "skipped"]
    assert repr(originals[:1].copy_to(product, "red", overwrite=True)) == "1 copied, 0 skipped, 0 failed"


def test_a_remote_image_of_the_name_is_no_copy(originals, product):
    remote = Image(product=product, name=originals[0].name, acquired="2020-01-01", storage_state="remote")
    remote.geometry = originals[0].geometry
    remote.save()
    (result,) = originals[:1].copy_to(product, "red", progress=False)
    assert result.status == "copied"
    assert Image.get(remote.id).storage_state == "available"


def test_an_error_of_one_image_does_not_stop_the_others(originals, provider, product):
    name = originals[3].name
    provider.files.behave = lambda seen: (404, b"", {}) if f"/{name}/" in seen.path else None
    results = originals.copy_to(product, "red", progress=False)
    assert [result.status for result in results] == ["copied", "copied", "copied", "failed", "copied"]
    (failed,) = results.failed
    assert (failed.source_id, failed.image_id) == (originals[3].id, f"{product.id}:{name}")
    assert name in str(failed.error)
    provider.files.behave = None
    assert repr(originals.copy_to(product, "red", progress=False)) == "1 copied, 4 skipped, 0 failed"


def test_a_chosen_grid(originals, product):
    copy = originals[0].copy_to(product, "red", resolution=60)
    assert copy.geotrans[1] == 60
    assert (copy.ndarray("red") == originals[0].ndarray("red", resolution=60)).all()


def test_values_of_another_offset_are_shifted(provider, product):
    """The items say what the values mean, one by one; of the copies only the product says it."""
    changed = provider.of("sentinel-2-c1-l2a")[1]
    changed.properties["s2:processing_baseline"] = "02.14"
    images = Product.get("esa:sentinel-2:l2a:v1").images().sort("id").collect()
    assert [one.error for one in images.copy_to(product, "red", progress=False)] == [None] * 5
    for image in images:
        copy = Image.get(f"{product.id}:{image.name}")
        own, far = (one.ndarray("red", scaling="physical") for one in (copy, image))
        np.testing.assert_allclose(own.filled(-9), far.filled(-9), atol=1e-9)
        shift = 1000 if image.name == changed.id else 0
        assert (copy.ndarray("red") == image.ndarray("red") + shift).all()


@pytest.mark.parametrize(
    ("bands", "message"),
    [("nothing", "has no band 'nothing'"), ("red", "needs band 'nir'")],
)
def test_bands_must_fit(originals, banded, bands, message):
    with pytest.raises(ValueError, match=message):
        originals[0].copy_to(banded, bands)


def test_two_images_of_one_name_are_refused(originals, product):
    with pytest.raises(ValueError, match="several images"):
        ImageCollection([originals[0], originals[0]]).copy_to(product)
    with pytest.raises(ValueError, match="does not exist"):
        originals[0].copy_to("local:nothing")


def test_killed_copies_are_completed(provider, product, originals):
    names = [image.name for image in originals]
    reached, release = threading.Event(), threading.Event()

    def stop_answering(seen):
        # The files of the last image are not delivered: all others are complete, since one is made at a time.
        if f"/{names[-1]}/" in seen.path:
            reached.set()
            release.wait()

    provider.files.behave = stop_answering
    code = (
        "from dataclasses import replace\n"
        "from landbridge import sources\n"
        "from landbridge.catalog import Product\n"
        "from landbridge.mappings.sources import shipped\n"
        f"sources.add(replace(shipped('earth-search'), url={provider.url!r}))\n"
        "images = Product.get('esa:sentinel-2:l2a:v1').images().sort('id').collect()\n"
        f"images.copy_to({product.id!r}, 'red', progress=False, max_workers=1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            assert reached.wait(200)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            provider.files.behave = None
            release.set()
    done = {image.name for image in product.images()}
    assert done == set(names[:-1])
    results = originals.copy_to(product, "red", progress=False)
    assert len(results.skipped) == 4
    assert [result.image_id for result in results.copied] == [f"{product.id}:{names[-1]}"]
    for image, original in zip(product.images().sort("id"), originals, strict=True):
        assert (image.ndarray("red") == original.ndarray("red")).all()
