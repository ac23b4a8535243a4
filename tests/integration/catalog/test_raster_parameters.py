"""Semantics section 6, bands, areas, other arguments and errors of rasters on the live stack."""

import inspect
import sys
import threading
import warnings

import numpy as np
import pytest
from shapely.affinity import scale
from shapely.geometry import box

from landbridge.catalog import (
    Band,
    CatalogClient,
    Image,
    ImageCollection,
    Product,
    ResampleAlgorithm,
)
from landbridge.catalog.client import client as client_module
from landbridge.exceptions import BadRequestError, NotFoundError, ServerError
from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.raster import RasterError
from landbridge.raster.composite.render import Renderer

SHAPE = (40, 60)


def everywhere(images, frame, folder):
    """The pixel methods of a collection and of its first image, as functions of bands and other arguments."""

    def download(bands, **arguments):
        return images[0].download(bands, geocontext=frame, dest=folder / "image.tif", **arguments)

    def download_all(bands, **arguments):
        return images.download(bands, geocontext=frame, dest=folder, **arguments)

    def download_mosaic(bands, **arguments):
        return images.download_mosaic(bands, geocontext=frame, dest=folder / "mosaic.tif", **arguments)

    return {
        "ndarray": lambda bands, **arguments: images[0].ndarray(bands, geocontext=frame, **arguments),
        "stack": lambda bands, **arguments: images.stack(bands, geocontext=frame, **arguments),
        "mosaic": lambda bands, **arguments: images.mosaic(bands, geocontext=frame, **arguments),
        "download": download,
        "download all": download_all,
        "download_mosaic": download_mosaic,
    }


# Bands
def test_bands_are_a_text_list_or_tuple_6_1(images, frame, tmp_path):
    calls = everywhere(images, frame, tmp_path)
    for name in ("ndarray", "stack", "mosaic"):
        arrays = [calls[name](bands) for bands in ("nir red", ["nir", "red"], ("nir", "red"))]
        assert all(np.ma.allequal(array, arrays[0]) for array in arrays), name
        assert arrays[0].shape[-3] == 2
    calls |= {"one": images[0].scaling_parameters, "all": images.scaling_parameters}
    for call in calls.values():
        for bands in ([], (), "", "red  nir", " red", ["red", ""]):
            with pytest.raises(ValueError, match="bands"):
                call(bands)
        for bands in ({"red"}, 5, None, [1], {"red": 1}):
            with pytest.raises(TypeError, match="band"):
                call(bands)
        with pytest.raises(ValueError, match="band 'blue' is not available"):
            call("red blue")
    assert not list(tmp_path.iterdir())


def test_bands_of_collections_are_in_every_product_6_1(images, frame, tmp_path, product_of, uploaded):
    other = uploaded(product_of("red"), "other", np.full((1, *SHAPE), 7, "uint16"))
    both = ImageCollection([*images, other])
    calls = everywhere(both, frame, tmp_path)
    assert (calls["mosaic"]("red")[0, :, :60] == 7).all()
    assert both.scaling_parameters("red") == (None, "UInt16")
    for call in (
        *(calls[name] for name in calls if name not in ("ndarray", "download")),
        both.scaling_parameters,
    ):
        with pytest.raises(ValueError, match=f"band 'nir' is not available in product '{other.product_id}'"):
            call("nir")


def test_bands_are_cached_for_ten_minutes_or_until_a_save_6_2(pair, monkeypatch):
    images = pair.images().sort("acquired").collect()
    assert images[0].ndarray("red", scaling="display").max() == int(100 / 4000 * 255)
    # Edits by another client
    other = CatalogClient()
    band = Band.get(f"{pair.id}:red", client=other)
    band.display_range = (0, 1000)
    band.save()
    other.close()
    assert images[0].ndarray("red", scaling="display").max() == int(100 / 4000 * 255)
    assert client_module._BAND_CACHE_SECONDS == 600
    with monkeypatch.context() as patch:
        patch.setattr(client_module, "_BAND_CACHE_SECONDS", 0)
        assert images[0].ndarray("red", scaling="display").max() == round(100 / 1000 * 255)
    band = pair.get_band("red")
    band.display_range = (0, 100)
    band.save()
    assert images[0].ndarray("red", scaling="display").max() == 255
    band.delete()
    with pytest.raises(ValueError, match="band 'red' is not available"):
        images[0].ndarray("red")


# Areas
def test_the_default_area_is_the_whole_image_6_3(banded, uploaded):
    values = np.arange(2 * 40 * 60, dtype="uint16").reshape(2, *SHAPE) + 1
    footprint = uploaded(banded, "whole", values).geometry
    image = uploaded(banded, "half", values, geometry=scale(footprint, 0.5, 0.5))
    whole = image.ndarray("red nir")
    assert np.array_equal(whole, values)
    assert not whole.mask.any()
    cut = image.ndarray("red nir", geocontext=image.geocontext)
    assert cut.shape == whole.shape
    assert cut.mask.any()


def test_geocontexts_are_given_or_those_of_the_collection_6_3(images, frame, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layers, described = images.stack("red", raster_info=True)
        mosaic = images.mosaic("red")
    stated = [str(each.message) for each in caught if each.category is UserWarning]
    rows, columns = mosaic.shape[-2:]
    size = f"that of the 2 images: {rows:,} by {columns:,} pixels of 30 in EPSG:"
    assert len(stated) == 2
    assert all(size in each for each in stated)
    # Each image lies whole in the union, on its own pixels.
    for image, layer in zip(images, layers, strict=True):
        alone = image.ndarray("red")
        assert np.ma.count(layer) == np.ma.count(alone)
        assert layer.sum() == alone.sum()
    assert mosaic.shape == layers[0].shape
    assert described[0]["geoTransform"][1] == 30
    with pytest.raises(ValueError, match=r"together cover .* too many for a default"):
        images.mosaic("red", resolution=0.01)
    own = ImageCollection(images, geocontext=frame)
    assert np.ma.allequal(own.mosaic("red"), images.mosaic("red", geocontext=frame))
    assert own.stack("red").shape == (2, 1, 40, 80)
    assert own.download_mosaic("red", dest=tmp_path / "m.tif") == tmp_path / "m.tif"
    found = Product.get(images[0].product_id).images().intersects(images[0].geometry).collect()
    assert np.ma.allequal(found.mosaic("red"), found.mosaic("red", geocontext=found.geocontext))
    for geocontext in ({"type": "Point"}, "EPSG:32621", images[0].geometry):
        with pytest.raises(TypeError, match="GeoContext"):
            own.mosaic("red", geocontext=geocontext)


def test_crs_resolution_and_all_touched_override_the_geocontext_6_3(images, frame):
    image = images[0]
    assert image.ndarray("red", resolution=60).shape == (1, 20, 30)
    assert images.mosaic("red", geocontext=frame, resolution=60).shape == (1, 20, 40)
    assert images.stack("red", geocontext=frame, resolution=60).shape == (2, 1, 20, 40)
    _, info = image.ndarray("red", geocontext=frame, crs="EPSG:32620", raster_info=True)
    assert info["coordinateSystem"]["epsg"] == 32620
    assert info["geoTransform"][1] == 30
    triangle = AOI(image.geometry.buffer(-0.001), crs="EPSG:32621", resolution=30)
    some = image.ndarray("red", geocontext=triangle).mask.sum()
    assert image.ndarray("red", geocontext=triangle, all_touched=True).mask.sum() < some


def test_geocontexts_that_cannot_be_overridden_are_refused_6_3(images):
    tile = DLTile.from_latlon(63.1, -55.03, resolution=30, tilesize=32, pad=0)
    square = XYZTile(5, 8, 4)
    assert images[0].ndarray("red", geocontext=tile).shape == (1, 32, 32)
    assert images[0].ndarray("red", geocontext=square).shape == (1, 256, 256)
    for context in (tile, square):
        for override in ({"crs": "EPSG:3857"}, {"resolution": 10}):
            with pytest.raises(ValueError, match=f"a {type(context).__name__} cannot change its"):
                images[0].ndarray("red", geocontext=context, **override)
            with pytest.raises(ValueError, match="cannot change its"):
                images.mosaic("red", geocontext=context, **override)


def test_pixels_outside_a_geometry_are_masked_6_4(images, frame):
    # The western half of the frame, in longitude and latitude
    left, bottom, right, top = images[0].geometry.bounds
    half = box(left, bottom, (left + right) / 2, top)
    context = frame.assign(geometry=half)
    array = images[0].ndarray("red nir", geocontext=context)
    assert not array.mask[:, 5:-5, 5:25].any()
    assert array.mask[:, :, 35:].all()
    assert (array.data[array.mask] == 0).all()
    assert np.ma.allequal(images.mosaic("red nir", geocontext=context).mask[:, :, 35:], True)
    assert images.stack("red nir", geocontext=context).mask[:, :, :, 35:].all()
    plain = images[0].ndarray("red", geocontext=context, mask_nodata=False)
    assert type(plain) is np.ndarray
    assert (plain[:, :, 35:] == 0).all()


# Other arguments
def test_unknown_keywords_are_refused_6_12(images, frame, tmp_path):
    for call in everywhere(images, frame, tmp_path).values():
        with pytest.raises(TypeError, match="nonsense"):
            call("red", nonsense=1)
    assert not list(tmp_path.iterdir())


def test_there_are_twelve_resamplers_6_12(banded, uploaded, frame, tmp_path):
    ramp = np.arange(1, 41, dtype="uint16")[:, None] * 10 + np.zeros(60, "uint16")
    image = uploaded(banded, "i", np.stack([ramp, ramp]))
    names = ["near", "bilinear", "cubic", "cubicspline", "lanczos", "average"]
    names += ["mode", "max", "min", "med", "q1", "q3"]
    assert [str(value) for value in ResampleAlgorithm] == names
    assert inspect.signature(Image.ndarray).parameters["resampler"].default == "near"
    coarse = {name: image.ndarray("red", resolution=60, resampler=name) for name in names}
    for name, array in coarse.items():
        assert array.shape == (1, 20, 30), name
        assert not array.mask.any(), name
        # One of two rows, or a value between them
        assert (np.abs(array[0, 1:-1].astype(int) - (np.arange(1, 19) * 20 + 15)[:, None]) <= 6).all(), name
    assert (coarse["max"] - coarse["min"] == 10).all()
    assert (coarse["average"] - coarse["min"] == 5).all()
    assert np.array_equal(image.ndarray("red", resolution=60), coarse["near"])
    for call in everywhere(ImageCollection([image]), frame, tmp_path).values():
        for resampler in ("nearest", "NEAR", "", None, 1):
            with pytest.raises(ValueError, match="resampler must be one of near"):
                call("red", resampler=resampler)


class Terminal:
    """A standard error stream that is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


@pytest.mark.parametrize("on_terminal", [True, False])
def test_progress_shows_always_never_or_on_a_terminal_6_13(
    images, frame, tmp_path, monkeypatch, capsys, on_terminal
):
    def shown(call, **arguments):
        if not on_terminal:
            capsys.readouterr()
            call("red", **arguments)
            return bool(capsys.readouterr().err)
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            call("red", **arguments)
        return bool(terminal.text)

    for name, call in everywhere(images, frame, tmp_path).items():
        downloads = name.startswith("download")
        assert shown(call, progress=True), name
        assert not shown(call, progress=False), name
        assert shown(call, progress=None) == (on_terminal and not downloads), name
        assert shown(call) == (on_terminal and not downloads), name


# Errors
def test_an_image_that_is_none_is_not_found_6_14(frame, pair):
    images = pair.images().sort("acquired").collect()
    nobody = Image(product=pair, name="nobody")
    for call in (nobody.ndarray, ImageCollection([nobody]).mosaic, ImageCollection([nobody]).stack):
        with pytest.raises(NotFoundError, match=rf"{nobody.id} does not exist"):
            call("red", geocontext=frame)
    gone = Image.get(images[0].id)
    images[0].delete()
    for file in gone.files:
        file.href = f"{file.href}.gone"
    with pytest.raises(NotFoundError, match=rf"{gone.id} does not exist"):
        ImageCollection([gone, images[1]]).mosaic("red", geocontext=frame)
    with pytest.raises(NotFoundError, match=r"Product .*-none does not exist"):
        Image(id=f"{pair.id}-none:x").ndarray("red", geocontext=frame)


def test_an_image_without_pixels_is_there_all_the_same_6_14(banded, remote, frame, monkeypatch):
    image = remote(banded, "far", x=-55.5, y=62.5)
    for raster in (image.ndarray, image.download, ImageCollection([image]).stack):
        with pytest.raises(RasterError, match="storage state 'remote'"):
            raster("red", geocontext=frame)

    def unreachable(*arguments, **others):
        raise ServerError("nobody answers")

    # The check for the image's existence must not raise another error.
    monkeypatch.setattr(Image, "exists", unreachable)
    with pytest.raises(RasterError, match="storage state 'remote'"):
        image.ndarray("red", geocontext=frame)


def test_errors_name_the_invalid_arguments_6_14(images, frame, tmp_path, monkeypatch):
    wrong = frame.assign(crs="EPSG:999999")
    for raster in (images[0].ndarray, images[0].download, images.mosaic, images.stack):
        with pytest.raises(BadRequestError, match="EPSG:999999") as raised:
            raster("nir red", geocontext=wrong, scaling=[(0, 77), None])
        for told in ("'nir red'", "resolution=30", "resampler='near'", "scaling=[(0, 77), None]"):
            assert told in str(raised.value)
        assert isinstance(raised.value, ValueError)
    monkeypatch.setenv("LANDBRIDGE_MAX_PIXELS", "100")
    with pytest.raises(BadRequestError, match=r"LANDBRIDGE_MAX_PIXELS.*'red'"):
        images.mosaic("red", geocontext=frame)


def test_incomplete_geocontexts_are_refused_before_any_request_6_14():
    # No service at this address
    client = CatalogClient("http://127.0.0.1:9")
    image = Image(id="org:product:image", client=client)
    complete = {"bounds": (0, 0, 1, 1), "crs": "EPSG:4326", "resolution": 0.1}
    for missing in complete:
        context = AOI(**{**complete, missing: None})
        for raster in (image.ndarray, image.download, ImageCollection([image]).mosaic):
            with pytest.raises(ValueError, match=missing) as raised:
                raster("red", geocontext=context)
            assert not isinstance(raised.value, BadRequestError)
    client.close()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_max_workers_caps_the_threads_6_15(images, frame, tmp_path, monkeypatch, workers):
    seen, at_once, lock = [], [0, 0], threading.Lock()
    render = Renderer.render

    def spied(self, *arguments):
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
            seen.append(self)
        try:
            return render(self, *arguments)
        finally:
            with lock:
                at_once[0] -= 1

    monkeypatch.setattr(Renderer, "render", spied)
    many = ImageCollection([images[number % 2] for number in range(6)])
    # Enough rows for several blocks per image
    fine = frame.assign(resolution=2)
    paths = [tmp_path / f"{number}.tif" for number in range(6)]
    for raster in (
        lambda: many.stack("red", fine, max_workers=workers),
        lambda: many.download("red", fine, dest=paths, max_workers=workers),
    ):
        seen.clear()
        at_once[:] = [0, 0]
        raster()
        assert len(seen) >= 6
        assert at_once[1] <= workers
