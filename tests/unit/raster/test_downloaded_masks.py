"""Files that are written without a nodata value hide what the result masks, and nothing else."""

import warnings

import numpy as np
import pytest
import rasterio

from landbridge.raster import Band, Request, Source, download, read_image, write


def of(dtype, count=2):
    rng = np.random.default_rng(5)
    return rng.integers(10, 120, (count, 200, 150)).astype(dtype)


def read(path):
    with rasterio.open(path) as file:
        masks = file.read_masks() != 0
        values = file.read()
        if values.dtype.kind == "f":
            masks &= ~np.isnan(values)
        return values, masks, file.nodata


@pytest.fixture
def request_of(make_scene):
    def make(values, nodata=None, file_nodata=None, **options):
        scene = make_scene("i", values, nodata=nodata, file_nodata=file_nodata)
        names = tuple(scene.source.bands)
        return scene.source, Request(names, scene.own, **options)

    return make


def check(source, request, path, **options):
    """Write by both ways, and assert that what is masked in the result is masked in the file."""
    raster = read_image(source, request)
    found = []
    for write_it in (
        lambda: download(source, request, path, **options),
        lambda: write(raster, path, **options),
    ):
        write_it()
        values, masks, nodata = read(path)
        assert np.array_equal(masks, ~raster.mask)
        assert np.array_equal(values[masks], raster.data[~raster.mask])
        found.append(nodata)
    return found


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize("nodata", [0, 7, None])
def test_a_geotiff_hides_what_is_masked(request_of, tmp_path, dtype, nodata):
    values = of(dtype)
    hidden = np.zeros(values.shape, bool)
    hidden[:, 10:60, 20:90] = True
    values[hidden] = 7 if nodata is None else nodata
    source, request = request_of(values, nodata=nodata, file_nodata=7 if nodata is None else None)
    streamed, _ = check(source, request, tmp_path / "a.tif")
    if nodata is not None:
        assert streamed == nodata, "what the bands declare is what the file notes"
    elif np.dtype(dtype).kind == "f":
        assert np.isnan(streamed)
    else:
        assert streamed is None, "there is a mask"


def test_bands_that_are_masked_each_for_itself_keep_their_masks(request_of, tmp_path):
    values = of("uint16")
    values[0, :50] = 0
    values[1, :, :40] = 0
    source, request = request_of(values, nodata=0)
    download(source, request, tmp_path / "a.tif")
    found, masks, nodata = read(tmp_path / "a.tif")
    assert nodata == 0
    assert np.array_equal(masks, values != 0)
    assert np.array_equal(found, values)


def test_a_valid_pixel_that_has_the_bands_nodata_stays_valid(request_of, tmp_path):
    """The nodata of the file wins over that of the band: pixels of the band's value are valid."""
    values = of("uint16")
    values[:, :30] = 0
    values[:, 90:120] = 255
    source, request = request_of(values, nodata=0, file_nodata=255)
    assert check(source, request, tmp_path / "a.tif") == [None, None]


def differing(values, source, first, second):
    """Declare another nodata for each of two bands."""
    declared = zip(source.bands, (first, second), (0, 1), strict=True)
    kind = "Byte" if values.dtype == "uint8" else "UInt16"
    bands = {name: Band(name, kind, nodata=nodata, band_index=place) for name, nodata, place in declared}
    return Source(source.id, source.files, bands)


def test_masks_that_differ_get_a_value_that_no_valid_pixel_has(request_of, tmp_path):
    values = of("uint16")
    values[0, :50] = 1
    values[1, :, :40] = 2
    values[:, 180:] = 0
    source, request = request_of(values)
    streamed, written = check(differing(values, source, 1, 2), request, tmp_path / "a.tif")
    assert streamed == written == 65535


def test_masks_that_differ_and_leave_no_value_are_told(request_of, tmp_path):
    values = of("uint8")
    values[0, :50] = 1
    values[1, :, :40] = 2
    values[:, 180:] = 0
    values[:, 190:] = 255
    source, request = request_of(values)
    source = differing(values, source, 1, 2)
    with pytest.warns(UserWarning, match="masked in some bands only"):
        download(source, request, tmp_path / "a.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        download(source, request, tmp_path / "b.tif", nodata=5)
    found, masks, _ = read(tmp_path / "b.tif")
    assert np.array_equal(masks, ~read_image(source, request).mask)
    assert (found[~masks] == 5).all()


def test_scaled_pixels_are_hidden_by_a_mask(request_of, tmp_path):
    """A valid pixel that is scaled to 0 is not nodata."""
    values = of("uint16")
    values[:, :50] = 0
    source, request = request_of(values, nodata=0, scaling=[(60, 120, 0, 255)] * 2, data_type="Byte")
    assert check(source, request, tmp_path / "a.tif") == [None, None]
    source, request = request_of(values, nodata=0, scaling="auto")
    check(source, request, tmp_path / "b.tif")


def test_without_a_mask_nothing_is_hidden(request_of, tmp_path):
    values = of("uint16")
    values[:, :50] = 0
    source, request = request_of(values, nodata=0, mask_nodata=False)
    download(source, request, tmp_path / "a.tif")
    found, masks, nodata = read(tmp_path / "a.tif")
    assert nodata is None
    assert masks.all()
    assert np.array_equal(found, values)


def test_nothing_of_the_mask_stays_beside_the_file(request_of, tmp_path):
    values = of("uint16")
    values[:, :50] = 7
    source, request = request_of(values, file_nodata=7)
    before = set(tmp_path.iterdir())
    (tmp_path / "out").mkdir()
    download(source, request, tmp_path / "out" / "a.tif")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.tif"]
    assert set(tmp_path.iterdir()) == {*before, tmp_path / "out"}
