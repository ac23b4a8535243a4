"""Uploads of images on a running stack (semantics section 10)."""

import numpy as np
import pytest

from landbridge.catalog import Image, ImageUpload, ImageUploadStatus, OverviewResampler, SpectralBand
from landbridge.catalog import properties as p
from landbridge.exceptions import ConflictError

from .conftest import add_bands

ARRAY = np.arange(2 * 40 * 60, dtype="uint16").reshape(2, 40, 60) + 1


def test_an_uploaded_file_becomes_an_image_10_4_14_5(banded, geotiff):
    path = geotiff(array=ARRAY)
    image = Image(product=banded, name="scene", acquired="2012-01-02", cloud_fraction=0.1)
    upload = image.upload(str(path))
    assert upload.status in set(ImageUploadStatus) - {"transferring"}
    assert upload.state == "saved"
    assert upload.image is image
    assert upload.image_upload_options.upload_type == "file"
    assert upload.image_upload_options.image_files == ["scene.tif"]
    assert upload.wait_for_completion(timeout=60) is None
    assert upload.status == ImageUploadStatus.SUCCESS, upload.events
    assert image.state == "saved"
    assert (image.x_pixels, image.y_pixels, image.cs_code) == (60, 40, "EPSG:32621")
    assert image.geotrans == (600000.0, 30.0, 0.0, 4200000.0, 0.0, -30.0)
    assert image.cloud_fraction == 0.1
    assert image.storage_state == "available"
    assert image.files[0].size_bytes > 0
    assert len(image.files[0].hash) == 32
    assert image.geometry.area > 0
    assert banded.get_image("scene") == image
    assert np.array_equal(image.ndarray("red nir").data, ARRAY)


def test_events_are_in_order_10_6(banded, uploaded):
    uploaded(banded, "i", ARRAY)
    (upload,) = banded.image_uploads()
    assert [event.event_type for event in upload.events] == ["queue", "run", "usage", "complete"]
    assert {event.severity for event in upload.events} == {"INFO"}
    moments = [event.event_datetime for event in upload.events]
    assert moments == sorted(moments)
    assert moments[0].tzinfo is not None
    with pytest.raises(ValueError, match="read-only"):
        upload.events[0].message = "x"


def test_a_file_without_pixels_fails_and_leaves_no_image_10_6_14_5(banded, tmp_path):
    empty = tmp_path / "empty.tif"
    empty.touch()
    image = Image(product=banded, name="bad", acquired="2012-03-01")
    upload = image.upload(str(empty))
    upload.wait_for_completion(timeout=60)
    assert upload.status == "failure"
    errors = [event for event in upload.events if event.severity == "ERROR"]
    assert errors
    assert errors[-1].message
    assert image.state == "unsaved"
    assert banded.get_image("bad") is None


def test_open_files_are_read_from_their_position_and_left_open_10_1(banded, geotiff):
    with geotiff(array=ARRAY).open("rb") as file:
        upload = Image(product=banded, name="open", acquired="2012-01-02").upload(file)
        assert not file.closed
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success"
    assert upload.image.x_pixels == 60


def test_one_file_for_each_band(product, geotiff):
    for index, name in enumerate(("red", "nir")):
        SpectralBand(
            name=name,
            product=product,
            data_type="UInt16",
            file_index=index,
            band_index=0,
            data_range=(0, 10000),
            display_range=(0, 4000),
        ).save()
    paths = [str(geotiff(f"b{index}.tif", array=ARRAY[index : index + 1])) for index in range(2)]
    upload = Image(product=product, name="split", acquired="2012-01-02").upload(paths)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    assert len(upload.image.files) == 2
    assert np.array_equal(upload.image.ndarray("nir red").data, ARRAY[::-1])


def test_several_arrays_are_the_files_of_one_image_10_2(product):
    for name, file_index, band_index in (("red", 0, 0), ("nir", 0, 1), ("blue", 1, 0)):
        SpectralBand(
            name=name,
            product=product,
            data_type="UInt16",
            file_index=file_index,
            band_index=band_index,
            data_range=(0, 10000),
            display_range=(0, 4000),
        ).save()
    grid = {"cs_code": "EPSG:32621", "geotrans": (600000, 30, 0, 7000000, 0, -30)}
    image = Image(product=product, name="i", acquired="2020-01-01", **grid)
    upload = image.upload_ndarray([ARRAY, ARRAY[0] * 2])
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    assert len(image.files) == 2
    assert np.array_equal(image.ndarray("blue red nir").data, np.stack([ARRAY[0] * 2, *ARRAY]))


def test_an_uploaded_array_is_read_back_unchanged_10_2_14_5(banded, uploaded):
    image = uploaded(banded, "first", ARRAY)
    array, meta = image.ndarray("red nir", raster_info=True)
    copy = Image(product=banded, name="second", acquired="2020-01-01")
    upload = copy.upload_ndarray(array.data, raster_meta=meta)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    again, info = copy.ndarray("red nir", raster_info=True)
    assert np.array_equal(again.data, ARRAY)
    assert info["geoTransform"] == meta["geoTransform"]
    assert (copy.geotrans, copy.cs_code, copy.x_pixels) == (image.geotrans, image.cs_code, image.x_pixels)
    assert copy.geometry.equals_exact(image.geometry, 1e-9)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", Image.SUPPORTED_DATATYPES)
def test_arrays_of_every_type_and_byte_order_10_2(product, uploaded, dtype, order):
    from landbridge.catalog import GenericBand

    kind = "Byte" if dtype == "uint8" else dtype.capitalize().replace("Uint", "UInt")
    GenericBand(
        name="v", product=product, data_type=kind, band_index=0, data_range=(0, 100), display_range=(0, 100)
    ).save()
    array = (np.arange(20 * 30) % 250).reshape(20, 30).astype(dtype)
    if array.dtype.itemsize == 8:
        array[0, :2] = (np.finfo if array.dtype.kind == "f" else np.iinfo)(dtype).max
    image = uploaded(product, "i", array.astype(array.dtype.newbyteorder(order)))
    result = image.ndarray("v")
    assert result.dtype == dtype
    assert np.array_equal(result[0], array)


@pytest.mark.parametrize(
    ("kind", "nodata"), [("Int64", -(2**63)), ("Int64", 2**53 + 1), ("UInt64", 2**64 - 1), ("Int8", -128)]
)
def test_nodata_of_64_bits_is_exact_from_the_band_to_the_pixels(product, uploaded, kind, nodata):
    from landbridge.catalog import GenericBand, Product

    band = GenericBand(name="v", product=product, data_type=kind, band_index=0, nodata=nodata)
    band.data_range = band.display_range = (0, 100)
    band.save()
    assert Product.get(product.id).get_band("v").nodata == nodata
    array = np.full((20, 30), nodata, kind.lower())
    array[5:] = 7
    array[6] = nodata + (1 if nodata < 0 else -1)  # a 64 bit float cannot hold both values
    image = uploaded(product, "i", array)
    result = image.ndarray("v")[0]
    assert np.array_equal(result.mask, array == nodata)
    assert np.array_equal(result.data[~result.mask], array[array != nodata])
    item = image._client.get(f"/collections/{product.id}/items/i")
    ((statistics,),) = [asset["bands"] for asset in item["assets"].values() if "bands" in asset]
    assert statistics["statistics"]["count"] == (array != nodata).sum()


def test_bands_masked_at_different_pixels_are_read_back_unchanged(banded, uploaded):
    array = np.ma.masked_array(ARRAY, np.zeros(ARRAY.shape, bool))
    array[0, :10] = np.ma.masked
    array[1, :, 20:] = np.ma.masked
    result = uploaded(banded, "i", array).ndarray("red nir")
    assert np.array_equal(result.mask, array.mask)
    assert np.array_equal(result.compressed(), array.compressed())


def test_many_bands_are_read_back_unchanged_10_2_14_5(product, uploaded):
    array = np.arange(7 * 40 * 60, dtype="uint16").reshape(7, 40, 60) + 1
    names = [f"b{index}" for index in range(7)]
    add_bands(product, names)
    image = uploaded(product, "i", array)
    assert np.array_equal(image.ndarray(names).data, array)
    assert np.array_equal(image.ndarray("b5 b1").data, array[[5, 1]])


def test_a_rasters_description_georeferences_its_upload_6_11_10_2(banded, uploaded):
    first = uploaded(banded, "first", ARRAY)
    array, meta = first.ndarray("red nir", resolution=60, raster_info=True)
    copy = Image(product=banded, name="copy", acquired=first.acquired)
    upload = copy.upload_ndarray(
        array, raster_meta=meta, overviews=[2, 4], overview_resampler=OverviewResampler.AVERAGE
    )
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    assert upload.image_upload_options.overviews == [2, 4]
    assert (copy.x_pixels, copy.y_pixels) == (30, 20)
    assert copy.geotrans == tuple(meta["geoTransform"])


def test_masked_pixels_stay_missing(banded, uploaded):
    array = np.ma.MaskedArray(ARRAY, mask=np.zeros(ARRAY.shape, bool))
    array[:, :10] = np.ma.masked
    assert uploaded(banded, "i", array).ndarray("red").mask[0, :10].all()


def test_an_image_is_replaced_only_when_asked_14_6(banded, uploaded):
    uploaded(banded, "i", ARRAY)
    again = Image(
        product=banded, name="i", acquired="2021-01-01", cs_code="EPSG:32621", geotrans=(0, 30, 0, 0, 0, -30)
    )
    for expected in (ConflictError, ValueError):
        with pytest.raises(expected, match="exists already"):
            again.upload_ndarray(ARRAY[:, :20])
    upload = again.upload_ndarray(ARRAY[:, :20], overwrite=True)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    assert banded.get_image("i").y_pixels == 20
    assert banded.images().count() == 1


def test_uploads_are_found_10_8(banded, uploaded, tmp_path):
    uploaded(banded, "good", ARRAY)
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no tiff")
    Image(product=banded, name="bad", acquired="2020-01-01").upload(str(bad)).wait_for_completion(timeout=60)
    everything = list(banded.image_uploads().filter())
    assert [one.image_id for one in sorted(everything, key=lambda one: int(one.id))] == [
        banded.named_id("good"),
        banded.named_id("bad"),
    ]
    assert banded.image_uploads().count() == 2
    failed = banded.image_uploads().filter(p.status == ImageUploadStatus.FAILURE)
    assert [one.image_id for one in failed] == [banded.named_id("bad")]
    (upload,) = banded.get_image("good").image_uploads()
    assert upload == ImageUpload.get(upload.id)
    assert upload.image.name == "good"
    assert repr(upload).splitlines()[:3] == [
        f"ImageUpload: {upload.id}",
        f"  id: {upload.id}",
        f"  image: {banded.named_id('good')}",
    ]
    without = list(ImageUpload.search(includes=False).filter(p.product_id == banded.id))
    assert all(not one.events for one in without)


def test_finished_uploads_cannot_be_canceled_or_deleted_10_7(banded, uploaded):
    uploaded(banded, "i", ARRAY)
    (upload,) = banded.image_uploads()
    with pytest.raises(ConflictError):
        upload.cancel()
    for delete in (upload.delete, lambda: ImageUpload.delete(upload.id)):
        with pytest.raises(NotImplementedError):
            delete()


def test_waiting_ends_with_the_timeout_10_5(banded, geotiff):
    from concurrent.futures import TimeoutError as FuturesTimeoutError

    upload = Image(product=banded, name="i", acquired="2020-01-01").upload(str(geotiff(array=ARRAY)))
    if upload.status not in ("success", "failure"):
        with pytest.raises(FuturesTimeoutError, match=upload.id):
            upload.wait_for_completion(timeout=0)
    upload.wait_for_completion(timeout=60)
    upload.wait_for_completion(timeout=0)
    assert upload.status == "success"
