"""A mosaic's pixels are those of plain rasterio: valid pixels of the later scene over the earlier one."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from rasterio.transform import rowcol

import demo
import scenes
from datasets import from_folder, generated
from landbridge.catalog import Product


def uploaded(dataset):
    """The images of a data set, uploaded, oldest first, and a frame on their pixel grid."""
    product = demo.create_product(Product.namespace_id(dataset.name), dataset)
    assert demo.upload_images(product, dataset)
    images = product.images().collect().sorted("acquired", "name")
    assert [image.name for image in images] == [source.name for source in dataset.images]
    return images, demo.common_frame(images, dataset)


def overlaid(dataset, names, frame, *, alpha):
    """Return the mosaic by plain rasterio: pixels (0 if no scene is valid), and where any is."""
    left, bottom, right, top = frame.bounds
    shape = round((top - bottom) / dataset.resolution), round((right - left) / dataset.resolution)
    transform = rasterio.Affine(dataset.resolution, 0, left, 0, -dataset.resolution, top)
    bands = {band.name: band for band in dataset.bands}
    pixels = np.zeros((len(names), *shape), np.uint16)
    seen = np.zeros(pixels.shape, bool)
    for source in dataset.images:
        files = source.files()

        def read(band, files=files):
            with rasterio.open(files[band.file_index]) as file:
                return file.read(band.band_index + 1), file.transform

        opaque = read(bands["alpha"])[0] != 0 if alpha else True
        for i, name in enumerate(names):
            values, placed = read(bands[name])
            row, column = rowcol(transform, placed.c + 1, placed.f - 1)
            there = (i, slice(row, row + values.shape[0]), slice(column, column + values.shape[1]))
            valid = (values != 0) & opaque
            pixels[there][valid] = values[valid]
            seen[there] |= valid
    return pixels, seen


def assert_same(mosaic, expected):
    pixels, seen = expected
    assert mosaic.dtype == np.uint16
    np.testing.assert_array_equal(np.ma.getmaskarray(mosaic), ~seen)
    np.testing.assert_array_equal(mosaic.filled(0), pixels)


@pytest.fixture(scope="module")
def one_zone(stack, tmp_path_factory):
    """Four generated scenes of one UTM zone, and what became of them."""
    dataset = generated(400, tmp_path_factory.mktemp("scenes"))
    west = {scene.name for scene in scenes.plan(6, 400) if scene.epsg == 32612}
    images = tuple(image for image in dataset.images if image.name in west)
    assert len(images) == 4
    dataset = replace(dataset, name="mosaic-one-zone", images=images)
    return dataset, *uploaded(dataset)


def test_generated_scenes_where_nodata_is_transparent(one_zone):
    dataset, images, frame = one_zone
    mosaic = images.mosaic("red green blue", frame, mask_alpha=False)
    assert_same(mosaic, overlaid(dataset, ["red", "green", "blue"], frame, alpha=False))


def test_generated_scenes_where_clouds_are_transparent(one_zone):
    dataset, images, frame = one_zone
    assert_same(images.mosaic("nir red", frame), overlaid(dataset, ["nir", "red"], frame, alpha=True))


def test_the_order_of_the_collection_decides_which_scene_lies_on_top(one_zone):
    dataset, images, frame = one_zone
    earlier_on_top = replace(dataset, images=dataset.images[::-1])
    mosaic = images.sorted("acquired", reverse=True).mosaic("red", frame)
    expected = overlaid(earlier_on_top, ["red"], frame, alpha=True)
    assert not np.array_equal(expected[0], overlaid(dataset, ["red"], frame, alpha=True)[0])
    assert_same(mosaic, expected)


def test_a_downloaded_mosaic_has_the_same_pixels_and_a_nodata_tag(one_zone, tmp_path):
    dataset, images, frame = one_zone
    path = images.download_mosaic(
        "red green blue", frame, dest=tmp_path / "mosaic.tif", nodata=0, progress=False
    )
    with rasterio.open(path) as file:
        assert file.nodata == 0
        assert file.bounds == pytest.approx(frame.bounds)
        pixels, _ = overlaid(dataset, ["red", "green", "blue"], frame, alpha=True)
        np.testing.assert_array_equal(file.read(), pixels)


def test_the_real_landsat_pair(stack, landsat8):
    dataset = from_folder(landsat8)
    images, frame = uploaded(replace(dataset, name="mosaic-landsat8"))
    mosaic = images.mosaic("red green blue", frame)
    assert_same(mosaic, overlaid(dataset, ["red", "green", "blue"], frame, alpha=False))
