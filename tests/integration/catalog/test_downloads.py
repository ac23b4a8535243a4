"""Semantics section 8, downloads, statement by statement on the live stack."""

import inspect
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landbridge.catalog import Image, ImageCollection

SHAPE = (40, 60)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def image(images):
    return images[0]


def read(path):
    """Return a file's pixels and profile, without the warning that the file is not georeferenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            return file.read(), file.profile


@pytest.fixture
def pictures(product_of, uploaded):
    """An image with five bands of bytes, which PNG and JPEG files support."""
    product = product_of(*"abcde", data_type="Byte", nodata=None)
    values = np.random.default_rng(0).integers(1, 255, (5, *SHAPE)).astype("uint8")
    return uploaded(product, "i", values)


# Formats and names
def test_the_extension_decides_the_format_8_1(image, images, frame, folder):
    kinds = {"tif": b"II", "png": b"\x89PNG", "jpg": b"\xff\xd8"}
    for extension, start in kinds.items():
        for other in kinds:
            path = folder / f"{other}.{extension}"
            assert image.download("red", dest=path, scaling="display", format=other) == path
            assert path.read_bytes().startswith(start)
            mosaic = folder / f"mosaic-{other}.{extension}"
            images.download_mosaic("red", frame, dest=str(mosaic), scaling="display", format=other)
            assert mosaic.read_bytes().startswith(start)
    several = images.download("red", frame, dest=["a.png", "b.jpg"], scaling="display", format="tif")
    assert [Path(path).read_bytes()[:2] for path in several] == [b"\x89P", b"\xff\xd8"]
    before = sorted(folder.iterdir())
    for name in ("x.tiff", "x.jpeg", "x.TIF", "x.Png", "x", "tif", "x.tif.gz", ".tif"):
        for call in (
            lambda name=name: image.download("red", dest=name),
            lambda name=name: images.download_mosaic("red", frame, dest=Path(name)),
            lambda name=name: images.download("red", frame, dest=["y.tif", name]),
        ):
            with pytest.raises(ValueError, match=r"extension of .* must be one of \.tif, \.png, \.jpg"):
                call()
    for unknown in ("tiff", "TIF", "jpeg", ""):
        for call in (image.download, images.download_mosaic, images.download):
            with pytest.raises(ValueError, match="format must be one of tif, png, jpg"):
                call("red", frame, format=unknown)
    assert sorted(folder.iterdir()) == before


def test_an_image_has_a_default_name_and_replaces_an_existing_file_8_2(image, folder):
    assert image.download("red nir") == f"{image.id}-red-nir.tif"
    assert image.download("red", format="png", scaling="display") == f"{image.id}-red.png"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{image.id}-red-nir.tif",
        f"{image.id}-red.png",
    ]
    pixels, profile = read(f"{image.id}-red-nir.tif")
    assert (pixels[0] == 100).all()
    assert (pixels[1] == 200).all()
    assert profile["crs"].to_epsg() == 32621
    assert profile["transform"].to_gdal() == (600000, 30, 0, 7000000, 0, -30)
    for dest in ("some/new/folder/x.tif", folder / "other" / "x.tif"):
        assert image.download("red", dest=dest) is dest
        assert (read(dest)[0] == 100).all()
        assert image.download("nir", dest=dest) is dest
        assert (read(dest)[0] == 200).all()
        assert [path.name for path in Path(dest).parent.iterdir()] == ["x.tif"]


def test_file_objects_are_no_destination_8_2(image, images, frame, folder):
    with (folder / "y.tif").open("wb") as file:
        for dest in (file, io.BytesIO(), 5):
            with pytest.raises(TypeError):
                image.download("red", dest=dest)
            with pytest.raises(TypeError):
                images.download_mosaic("red", frame, dest=dest)
            with pytest.raises(TypeError):
                images.download("red", frame, dest=dest)


# Collections
def test_a_collection_is_downloaded_into_a_folder_8_3(images, frame, folder):
    assert images.download("red", frame) == [f"./{image.id}-red.tif" for image in images]
    for dest in ("x.tif", Path("scenes"), folder / "deep" / "er"):
        paths = images.download("red nir", frame, dest=dest)
        assert paths == [f"{dest}/{image.id}-red-nir.tif" for image in images]
        assert (folder / dest).is_dir()
        for path, value in zip(paths, (100, 1000), strict=True):
            pixels, _ = read(path)
            assert pixels.shape == (2, 40, 80)
            assert pixels[0, 20, 40] == value
    assert images.download("red", frame, format="png", scaling="display")[0].endswith("-red.png")


def test_a_collection_is_downloaded_to_a_path_for_each_image_8_3(images, frame, folder):
    for paths in (["a.tif", "b.tif"], (folder / "c.tif", folder / "d.png")):
        got = images.download("red", frame, dest=paths, data_type="UInt16")
        assert got == list(paths)
        assert [read(path)[0][0, 20, 40] for path in got] == [100, 1000]
    for paths in (["a.tif"], ["a.tif", "b.tif", "c.tif"], []):
        with pytest.raises(ValueError, match=f"{len(paths)} paths for 2 images"):
            images.download("red", frame, dest=paths)
    for paths in (["e.tif", "e.tif"], ["e.tif", "./e.tif"], ["e.tif", folder / "e.tif"]):
        with pytest.raises(RuntimeError, match="more than once"):
            images.download("red", frame, dest=paths)
    with pytest.raises(TypeError):
        images.download("red", frame, dest=iter(["e.tif", "f.tif"]))
    assert not list(folder.glob("[ef].tif"))


def test_failures_are_reported_after_all_images_8_3(images, frame, folder):
    (folder / "file").touch()
    many = ImageCollection([images[0], images[1], images[0], images[1]])
    paths = ["file/a.tif", "b.tif", "file/c.tif", "d.tif"]
    with pytest.raises(RuntimeError, match="2 of 4") as raised:
        many.download("red", frame, dest=paths)
    message = str(raised.value)
    for path in ("file/a.tif", "file/c.tif"):
        line = next(line for line in message.splitlines() if path in line)
        assert len(line) > len(path) + 4  # followed by the error
    assert "b.tif" not in message
    assert [read(path)[0][0, 20, 40] for path in ("b.tif", "d.tif")] == [1000, 1000]


# Mosaics
def test_mosaics_have_a_default_name_8_4(images, frame, folder):
    assert images.download_mosaic("red", frame) == "mosaic-red.tif"
    assert images.download_mosaic("nir red", frame, format="tif") == "mosaic-nir-red.tif"
    assert images[0:1].download_mosaic("red", frame) == f"{images[0].id}-red.tif"
    pixels, _ = read("mosaic-nir-red.tif")
    assert np.array_equal(pixels, images.mosaic("nir red", frame).filled(0))


def test_an_alpha_that_masks_is_not_written_8_4(masked, uploaded):
    values = np.full((3, *SHAPE), 500, "uint16")
    values[2] = 1
    values[2, :, :30] = 0
    image = uploaded(masked, "i", values)
    images = ImageCollection([image, image], geocontext=image.geocontext.assign(geometry=None))
    assert images.download_mosaic("nir red", nodata=7) == "mosaic-nir-red.tif"
    pixels, profile = read("mosaic-nir-red.tif")
    assert profile["count"] == 2
    assert (pixels[:, :, :30] == 7).all()
    assert (pixels[:, :, 30:] == 500).all()
    images.download_mosaic("nir red", dest="all.tif", mask_alpha=False, nodata=7)
    assert (read("all.tif")[0] == 500).all()
    asked = images.download_mosaic("red alpha")
    assert asked == "mosaic-red-alpha.tif"
    assert read(asked)[1]["count"] == 2


def test_a_jpeg_is_written_to_its_path_8_5(image, images, frame, folder):
    assert image.download("red", format="jpg", scaling="display") == f"{image.id}-red.jpg"
    assert images.download_mosaic("red", frame, format="jpg", scaling="display") == "mosaic-red.jpg"
    assert image.download("red", dest="own.jpg", scaling="display") == "own.jpg"
    paths = images.download("red", frame, dest="each", format="jpg", scaling="display")
    written = [f"{image.id}-red.jpg", "mosaic-red.jpg", "own.jpg", *paths]
    for path in written:
        assert (folder / path).read_bytes()[:2] == b"\xff\xd8"
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".jpg"}


# Contents of files
def test_nodata_fills_masked_pixels_of_a_geotiff_8_6(images, frame, folder):
    later = images[1]
    later.download("red", dest="a.tif", nodata=65535)
    pixels, profile = read("a.tif")
    assert profile["nodata"] == 65535
    assert (pixels[0, :10] == 65535).all()
    assert (pixels[0, 10:] == 1000).all()
    images.download_mosaic("red", frame, dest="m.tif", nodata=9)
    pixels, profile = read("m.tif")
    assert profile["nodata"] == 9
    assert np.array_equal(pixels, images.mosaic("red", frame).filled(9))
    later.download("red", dest="plain.tif")
    pixels, profile = read("plain.tif")
    assert profile["nodata"] == 0, "the band's own"
    assert (pixels[0, :10] == 0).all()
    later.download("red", dest="a.png", nodata=65535)
    assert (read("a.png")[0][0, :10] == 0).all()
    with pytest.raises(ValueError, match="nodata 70000"):
        later.download("red", dest="b.tif", nodata=70000)
    with pytest.raises(TypeError, match="nodata"):
        images.download("red", frame, nodata=9)


def test_pictures_have_so_many_bands_8_6(pictures):
    allowed = {"png": (1, 3, 4), "jpg": (1, 3), "tif": (1, 2, 3, 4, 5)}
    for kind, counts in allowed.items():
        for count in range(1, 6):
            bands = list("abcde"[:count])
            if count in counts:
                path = pictures.download(bands, format=kind)
                pixels, profile = read(path)
                assert profile["count"] == count
                if kind != "jpg":
                    assert np.array_equal(pixels, pictures.ndarray(bands).filled(0))
            else:
                with pytest.raises(ValueError, match=f"a {kind} has .* bands, got {count}"):
                    pictures.download(bands, format=kind)
                with pytest.raises(ValueError, match=f"a {kind} has .* bands, got {count}"):
                    ImageCollection([pictures]).download_mosaic(bands, pictures.geocontext, format=kind)


def test_geotiffs_are_tiled_and_packed_8_6(image):
    fine = image.geocontext.assign(geometry=None, shape=None, resolution=1.5)
    image.download("red nir", fine, dest="a.tif")
    pixels, profile = read("a.tif")
    assert pixels.shape == (2, 800, 1200)
    assert (profile["driver"], profile["tiled"], profile["compress"]) == ("GTiff", True, "lzw")
    assert (profile["blockxsize"], profile["blockysize"]) == (512, 512)


def test_downloads_have_no_arguments_about_masks_and_axes_8_7(image, images, frame, folder):
    calls = {
        Image.download: lambda **given: image.download("red", frame, **given),
        ImageCollection.download: lambda **given: images.download("red", frame, **given),
        ImageCollection.download_mosaic: lambda **given: images.download_mosaic("red", frame, **given),
    }
    for method, call in calls.items():
        accepted = set(inspect.signature(method).parameters)
        mosaic = method is ImageCollection.download_mosaic
        assert ("mask_alpha" in accepted) == mosaic
        for name, value in (
            ("mask_nodata", False),
            ("mask_alpha", False),
            ("bands_axis", 0),
            ("raster_info", True),
        ):
            if not (mosaic and name == "mask_alpha"):
                with pytest.raises(TypeError, match=name):
                    call(**{name: value})
    assert not list(folder.iterdir())
    assert all(path.startswith("./") for path in images.download("red", frame))


def test_downloads_of_images_take_no_alpha_8_7(masked, uploaded):
    values = np.full((3, *SHAPE), 500, "uint16")
    values[2] = 0
    image = uploaded(masked, "i", values)
    assert image.ndarray("red").mask.all()
    path = image.download("red", nodata=7)
    assert path == f"{image.id}-red.tif"
    (each,) = ImageCollection([image]).download("red", image.geocontext.assign(geometry=None))
    for one in (path, each):
        pixels, profile = read(one)
        assert profile["count"] == 1
        assert (pixels == 500).all()
