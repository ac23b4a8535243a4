"""Semantics sections 5.10, 6 and 8 as far as the catalog itself decides them, on the live stack."""

import numpy as np
import pytest
import rasterio

from landbridge.catalog import Image, ImageCollection, Product
from landbridge.catalog import properties as p
from landbridge.geo import AOI

SHAPE = (40, 60)


@pytest.fixture
def pair(banded, uploaded):
    """Two overlapping images: the later one 20 columns to the east, with a fringe of 10 rows of nodata."""
    first = np.full((2, *SHAPE), 100, "uint16")
    first[1] = 200
    later = np.full((2, *SHAPE), 1000, "uint16")
    later[1] = 2000
    later[:, :10] = 0
    uploaded(banded, "early", first, acquired="2020-01-05")
    uploaded(
        banded, "later", later, acquired="2020-02-05", geotrans=(600000 + 20 * 30, 30, 0, 7000000, 0, -30)
    )
    return banded


@pytest.fixture
def images(pair):
    return pair.images().sort("acquired").collect()


@pytest.fixture
def frame():
    """Both images, on their own grid."""
    return AOI(
        crs="EPSG:32621",
        bounds=(600000, 7000000 - 40 * 30, 600000 + 80 * 30, 7000000),
        bounds_crs="EPSG:32621",
        resolution=30,
        align_pixels=False,
    )


def test_the_geocontext_of_an_image_is_its_grid_9_9(images):
    context = images[0].geocontext
    assert context.shape == SHAPE
    assert context.bounds == (600000, 6998800, 601800, 7000000)
    assert (context.crs, context.bounds_crs, context.align_pixels) == ("EPSG:32621", "EPSG:32621", False)
    assert context.geometry.equals(images[0].geometry)
    assert images[0].geocontext is context


def test_an_image_gives_its_own_pixels_6_3_6_5_6_8(images):
    array = images[0].ndarray("red")
    assert array.shape == (1, *SHAPE)
    assert array.dtype == np.uint16
    assert not array.mask.any()
    assert (array == 100).all()
    assert images[0].ndarray(["nir", "red"], bands_axis=-1).shape == (*SHAPE, 2)
    assert not hasattr(images[0].ndarray("red", mask_nodata=False), "mask")
    assert images[1].ndarray("red").mask[0, :10].all()
    assert images[0].ndarray("red", resolution=60).shape == (1, 20, 30)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"bands": []}, ValueError),
        ({"bands": {"red"}}, TypeError),
        ({"bands": "red  nir"}, ValueError),
        ({"bands": "blue"}, ValueError),
        ({"bands_axis": 3}, ValueError),
        ({"bands_axis": -3}, ValueError),
        ({"mask_alpha": True}, ValueError),
        ({"mask_alpha": 1}, ValueError),
        ({"resampler": "nearest"}, ValueError),
        ({"data_type": "uint8"}, ValueError),
        ({"scaling": "nonsense"}, ValueError),
        ({"geocontext": AOI()}, ValueError),
        ({"geocontext": AOI(resolution=10)}, ValueError),
        ({"geocontext": {"type": "Point"}}, TypeError),
        ({"nonsense": 1}, TypeError),
    ],
)
def test_wrong_arguments_are_refused_6_1_6_5_6_6_6_12_6_14(images, arguments, error):
    with pytest.raises(error):
        images[0].ndarray(**{"bands": "red", **arguments})
    if "geocontext" not in arguments:
        with pytest.raises(error):
            images.mosaic(**{"bands": "red", "geocontext": images[0].geocontext, **arguments})


def test_the_last_valid_pixel_wins_6_9(images, frame):
    mosaic = images.mosaic("red nir", geocontext=frame)
    expected = np.zeros((40, 80), "uint16")
    expected[:, :60] = 100
    expected[10:, 20:] = 1000
    assert np.array_equal(mosaic[0].filled(0), expected)
    assert np.array_equal(mosaic.mask[0], expected == 0)
    reverse = images.sort("acquired", ascending=False).mosaic("red", geocontext=frame)
    assert reverse[0, 20, 30] == 100


def test_a_stack_has_a_layer_for_each_image_or_group_6_5_6_10(images, frame):
    stack = images.stack("red nir", geocontext=frame)
    assert stack.shape == (2, 2, 40, 80)
    assert stack[0, 0, 0, 0] == 100
    assert stack[1, 0].mask[0, 0]
    assert images.stack("red", geocontext=frame, bands_axis=-1).shape == (2, 40, 80, 1)
    for axis in (0, -4):
        with pytest.raises(NotImplementedError):
            images.stack("red", geocontext=frame, bands_axis=axis)
    for axis in (-3, 4):
        with pytest.raises(ValueError, match="bands_axis"):
            images.stack("red", geocontext=frame, bands_axis=axis)
    flat, infos = images.stack("red", geocontext=frame, flatten="acquired.year", raster_info=True)
    assert flat.shape == (1, 1, 40, 80)
    assert np.array_equal(flat[0].filled(0), images.mosaic("red", geocontext=frame).filled(0))
    assert infos[0]["size"] == [80, 40]
    months = images.stack("red", geocontext=frame, flatten=lambda image: -image.acquired.month)
    assert months[0, 0, 20, 70] == 1000


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


def test_without_any_geocontext_or_image_nothing_is_rastered_6_3_6_10(images, frame):
    for raster in (images.stack, images.mosaic, images.download, images.download_mosaic):
        with pytest.raises(ValueError, match="geocontext"):
            raster("red")
    for raster in (
        ImageCollection().stack,
        ImageCollection().mosaic,
        ImageCollection().download,
        ImageCollection().download_mosaic,
    ):
        with pytest.raises(ValueError, match="no images"):
            raster("red", geocontext=frame)


def test_alpha_masks_all_bands_6_7(masked, uploaded):
    array = np.full((3, *SHAPE), 500, "uint16")
    array[2] = 1
    array[2, :, :30] = 0
    image = uploaded(masked, "i", array)
    raster = image.ndarray("red nir")
    assert raster.shape == (2, *SHAPE)
    assert raster.mask[:, :, :30].all()
    assert not raster.mask[:, :, 30:].any()
    assert not image.ndarray("red", mask_alpha=False).mask.any()
    with pytest.raises(ValueError, match="last"):
        image.ndarray("alpha red")


def test_a_saved_band_takes_effect_at_once_6_2(images, pair):
    assert images[0].ndarray("red", scaling="display").max() == int(100 / 4000 * 255)
    band = pair.get_band("red")
    band.display_range = (0, 100)
    band.save()
    assert images[0].ndarray("red", scaling="display").max() == 255


def test_scaling_6_7(images):
    assert images[0].scaling_parameters("red", scaling="display") == ([(0.0, 4000.0, 0, 255)], "Byte")
    assert images.scaling_parameters("red", scaling="display") == ([(0.0, 4000.0, 0, 255)], "Byte")
    assert images[0].ndarray("red", scaling="display").dtype == np.uint8


def test_downloads_8_1_8_2_8_4(images, frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = images[0]
    path = image.download("red nir")
    assert path == f"{image.id}-red-nir.tif"
    with rasterio.open(path) as file:
        assert (file.count, file.crs.to_epsg(), file.shape) == (2, 32621, SHAPE)
        assert (file.read(1) == 100).all()
    target = tmp_path / "deep" / "folder" / "x.tif"
    assert image.download("red", dest=target, nodata=7) == target
    with rasterio.open(target) as file:
        assert file.nodata == 7
    assert images.download_mosaic("red", geocontext=frame) == "mosaic-red.tif"
    assert images[0:1].download_mosaic("red", geocontext=frame) == f"{image.id}-red.tif"
    assert image.download("red", dest=str(tmp_path / "x.png"), scaling="display", format="jpg").endswith(
        "x.png"
    )
    with pytest.raises(ValueError, match="tif"):
        image.download("red", dest="x.tiff")
    with (tmp_path / "y.tif").open("wb") as file, pytest.raises(TypeError):
        image.download("red", dest=file)


def test_downloads_of_collections_8_3(images, frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = images.download("red", geocontext=frame)
    assert paths == [f"./{image.id}-red.tif" for image in images]
    with rasterio.open(paths[1]) as file:
        assert file.shape == (40, 80)
    own = [tmp_path / "a.tif", tmp_path / "b.tif"]
    assert images.download("red", geocontext=frame, dest=own) == own
    assert images.download("red", geocontext=frame, dest="x.tif")[0].startswith("x.tif/")
    with pytest.raises(ValueError, match="1 paths for 2"):
        images.download("red", geocontext=frame, dest=["a.tif"])
    with pytest.raises(RuntimeError, match="more than once"):
        images.download("red", geocontext=frame, dest=["a.tif", "a.tif"])
    with pytest.raises(TypeError):
        images.download("red", geocontext=frame, dest=iter(own))


def test_failed_downloads_are_told_when_all_are_done_8_3(images, frame, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match="1 of 2") as raised:
        images.download("red", geocontext=frame, dest=[tmp_path / "file" / "a.tif", tmp_path / "b.tif"])
    assert "a.tif" in str(raised.value)
    assert (tmp_path / "b.tif").exists()


def test_pixels_are_read_from_the_store_on_this_machine(images, stack):
    from landbridge.catalog.image_raster import sources

    (address,) = sources(images[0:1])[0].files
    assert address.startswith(str(stack.store))
    from landbridge.catalog.image_raster import _address

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
