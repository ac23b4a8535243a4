"""Semantics 10.1 and 10.2: checks before an upload, and their order; 10.5: waiting for an upload."""

import io
import time
from pathlib import Path

import numpy as np
import pytest

from landbridge.catalog import Image, ImageUpload, Product
from landbridge.catalog.stac.images import IMAGES
from landbridge.exceptions import ConflictError, ServerError

GEO = {"cs_code": "EPSG:32621", "geotrans": (0, 30, 0, 0, 0, -30)}
CUBE = np.zeros((1, 20, 20), "uint8")


@pytest.fixture(autouse=True)
def no_image_exists(monkeypatch):
    monkeypatch.setattr(type(IMAGES), "get", lambda *_args: None)


@pytest.fixture
def new_image(saved_product):
    def make(**attributes):
        return Image(**{"product": saved_product(), "name": "x", "acquired": "2020-01-01", **attributes})

    return make


@pytest.mark.parametrize("missing", [{"product": None, "name": "x"}, {}])
def test_an_upload_needs_an_id_first_10_1(missing):
    image = Image(acquired="2020-01-01", **{key: value for key, value in missing.items() if value})
    for upload in (lambda: image.upload(5), lambda: image.upload_ndarray(5)):
        with pytest.raises(ValueError, match="product"):
            upload()


def test_an_upload_needs_acquired_second_10_1(saved_product):
    with pytest.raises(ValueError, match="acquired"):
        Image(product=saved_product(), name="x").upload(5)


def test_a_reference_system_of_ones_own_is_warned_of_10_1(new_image):
    with pytest.warns(FutureWarning, match="cs_code"), pytest.raises(ValueError, match="files"):
        new_image(cs_code="EPSG:32621").upload(5)


def test_only_a_new_image_is_uploaded_10_1(saved_image):
    with pytest.raises(ValueError, match="is saved"):
        saved_image().upload(5)


def test_an_existing_image_is_not_replaced_10_1(new_image, monkeypatch):
    monkeypatch.setattr(type(IMAGES), "get", lambda *_args: {"id": "x"})
    with pytest.raises(ConflictError, match="overwrite=True"):
        new_image().upload(5)
    with pytest.raises(ValueError, match="files"):
        new_image().upload(5, overwrite=True)


def test_the_product_must_be_saved_10_1(saved_product, monkeypatch):
    product = saved_product()
    image = Image(product=product, name="x", acquired="2020-01-01")
    product.name = "Q"
    with pytest.raises(ValueError, match="is modified"):
        image.upload("x.tif")
    monkeypatch.setattr(Product, "get", lambda *_args, **_kwargs: None)
    with pytest.raises(ValueError, match="Image none:x: Product none does not exist"):
        Image(product_id="none", name="x", acquired="2020-01-01").upload("x.tif")


@pytest.mark.parametrize(
    "files", [Path("x.tif"), [Path("x.tif")], [], 5, None, b"x.tif", io.StringIO("x"), [5]]
)
def test_files_are_texts_or_binary_files_10_1(new_image, files):
    with pytest.raises(ValueError, match="file"):
        new_image().upload(files)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2, 2, 2), "uint8"),
        np.zeros(5, "uint8"),
        np.zeros((20, 20), "complex64"),
        np.zeros((20, 20), "float128"),
        np.zeros((20, 20), "datetime64[s]"),
        np.zeros((20, 20), "bool"),
        [[1, 2]],
        5,
        [],
    ],
)
def test_arrays_of_another_kind_are_refused_10_2(new_image, array):
    with pytest.raises(ValueError, match="array"):
        new_image(**GEO).upload_ndarray(array)


def test_many_bands_are_warned_of_10_2(new_image):
    with pytest.warns(UserWarning, match="first axis"), pytest.raises(ValueError, match="georeferencing"):
        new_image().upload_ndarray(np.zeros((5, 20, 30), "uint8"))


def test_two_reference_systems_are_warned_of_10_2(new_image):
    image = new_image(cs_code="EPSG:32621", projection="+proj=longlat")
    with pytest.warns(FutureWarning, match="Both"), pytest.raises(ValueError, match="georeferencing"):
        image.upload_ndarray(CUBE)


@pytest.mark.parametrize(
    "meta",
    [None, {}, {"geoTransform": (0, 1, 0, 0, 0, -1)}, {"coordinateSystem": {"proj4": "+proj=longlat"}}],
)
def test_an_array_needs_georeferencing_10_2(new_image, meta):
    with pytest.raises(ValueError, match="georeferencing"):
        new_image().upload_ndarray(CUBE, raster_meta=meta)


def test_at_most_sixteen_overviews_10_3(new_image):
    with pytest.raises(ValueError, match="16"):
        new_image(**GEO).upload_ndarray(CUBE, overviews=list(range(2, 19)))


@pytest.fixture
def waited(monkeypatch):
    """An upload to wait for: the answers of the service, the requested waits, and the pauses."""

    class Waited:
        answers, asked, pauses = [], [], []

        def get(self, _client, _id, params, _headers):
            self.asked.append(params["wait"])
            answer = self.answers.pop(0) if self.answers else "success"
            if isinstance(answer, Exception):
                raise answer
            return {"id": "1", "status": answer}

    made = Waited()
    made.upload = ImageUpload._from_record({"id": "1", "status": "pending"}, None)  # type: ignore[attr-defined]
    monkeypatch.setattr(type(ImageUpload._resource), "get", lambda _self, *args: made.get(*args))
    monkeypatch.setattr(time, "sleep", made.pauses.append)
    return made


def test_waiting_uses_long_polling_10_5(waited):
    waited.upload.wait_for_completion()
    waited.upload.wait_for_completion()
    assert (waited.asked, waited.pauses, waited.upload.status) == ([30], [], "success")


def test_a_timeout_bounds_the_wait_of_the_service_too_10_5(waited):
    waited.upload.wait_for_completion(timeout=5)
    (wait,) = waited.asked
    assert 0 < wait <= 5


def test_pauses_grow_without_long_polling_10_5(waited):
    waited.answers.extend(["running"] * 7)
    waited.upload.wait_for_completion()
    assert waited.pauses == [1, 1, 1, 1, 1, 5, 10]


def test_failures_of_the_service_while_waiting_are_warnings_10_5(waited):
    waited.answers.extend([ServerError("away"), ServerError("away")])
    with pytest.warns(UserWarning, match="upload 1: away"):
        waited.upload.wait_for_completion()
    waited.upload._values["status"] = "running"
    waited.answers.append(ServerError("away"))
    waited.upload.wait_for_completion(warn_transient_errors=False)
    assert waited.upload.status == "success"
