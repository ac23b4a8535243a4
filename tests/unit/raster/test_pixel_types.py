"""Int8, Int64, UInt64 and Float16 through the raster engine: exact, or a message."""

import math
import re
import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from landbridge.raster import Band, Request, Source, download, lazy_stack, mosaic, read_image, stack
from landbridge.raster.dtypes import DATA_TYPES, common_type, numpy_type
from landbridge.raster.rescale import convert

from .conftest import Scene, write_tiff

TYPES = {"int8": "Int8", "int64": "Int64", "uint64": "UInt64", "float16": "Float16"}
LIMITS = {"int8": (-128, 127), "int64": (-(2**63), 2**63 - 1), "uint64": (0, 2**64 - 1)}


def values_of(dtype):
    """Return values (band, y, x) that only this type holds."""
    rng = np.random.default_rng(3)
    if dtype == "float16":
        return rng.normal(0, 3000, (2, 200, 150)).astype(dtype)
    low, high = LIMITS[dtype]
    values = rng.integers(low, high, (2, 200, 150), dtype=dtype, endpoint=True)
    values[:, 0, :2] = low, high
    return values


@pytest.fixture
def scene(tmp_path):
    """Make a scene of a type, tiled or (for GDAL to read) in strips."""

    def make(dtype, nodata=None, values=None, **options):
        array = values_of(dtype) if values is None else values
        stored = array.astype("float32") if dtype == "float16" else array
        path = write_tiff(tmp_path / f"{dtype}.tif", stored, **{"predictor": 2, **options})
        bands = {
            name: Band(name, TYPES.get(dtype, dtype), nodata=nodata, band_index=place)
            for place, name in enumerate(("a", "b"))
        }
        with rasterio.open(path) as file:
            transform = file.transform
        return Scene(Source(f"i-{dtype}", (path,), bands), array, transform, "EPSG:32614")

    return make


def wanted(scene, **options):
    return Request(("a", "b"), scene.own, **options)


LAYOUTS = {"tiles": {}, "strips": {"tiled": False, "blockxsize": None, "blockysize": 16}}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES)
def test_pixels_come_back_as_they_are_stored(scene, tmp_path, dtype, layout):
    made = scene(dtype, **LAYOUTS[layout])
    whole = read_image(made.source, wanted(made))
    assert whole.data.dtype == dtype
    assert np.array_equal(whole.data, made.values)
    assert not whole.mask.any()
    assert np.array_equal(mosaic([made.source, made.source], wanted(made)).data, made.values)
    assert np.array_equal(stack([[made.source]], wanted(made))[0].data, made.values)
    lazy, _, _ = lazy_stack([[made.source]], wanted(made), {"y": 64, "x": 64})
    assert lazy.dtype == dtype
    assert np.array_equal(lazy.compute()[0], made.values)
    path = download(made.source, wanted(made), tmp_path / "out.tif")
    with rasterio.open(path) as file:
        assert file.dtypes[0] == ("float32" if dtype == "float16" else dtype)
        assert np.array_equal(file.read(), made.values)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("int8", -128),
        ("int64", -(2**63)),
        ("int64", 2**63 - 1),
        ("int64", 2**53 + 1),
        ("uint64", 2**64 - 1),
        ("uint64", 2**53 + 1),
        ("float16", -9984.0),
        ("float16", math.nan),
    ],
)
def test_nodata_of_bands_masks_exactly_its_value(scene, tmp_path, dtype, nodata, layout):
    values = values_of(dtype)
    values[values == nodata] = 1
    if dtype != "float16":
        step = 1 if nodata < 0 else -1
        values[:, 5] = nodata + step  # a float has both for one
    values[0, 10:20] = values[1, 15:40] = nodata
    made = scene(dtype, nodata, values, **LAYOUTS[layout])
    hidden = np.zeros(values.shape, bool)
    hidden[0, 10:20] = hidden[1, 15:40] = True
    for raster in (read_image(made.source, wanted(made)), mosaic([made.source], wanted(made))):
        assert np.array_equal(raster.mask, hidden)
        assert np.array_equal(raster.data[~hidden], values[~hidden])
        assert not raster.data[hidden].any()


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("int64", -(2**63)), ("int64", 2**53 + 1), ("uint64", 2**64 - 1)]
)
@pytest.mark.parametrize("tiled", [True, False])
def test_nodata_that_a_file_of_64_bits_states_is_exact(scene, tmp_path, dtype, nodata, tiled):
    """Rasterio gives it as a float, or as none."""
    import tifffile

    values = values_of(dtype)
    values[:, 5] = nodata + (1 if nodata < 0 else -1)
    values[:, 10:20] = nodata
    made = scene(dtype)
    (path,) = made.source.files
    with rasterio.open(path) as file:
        profile = file.profile
    tifffile.imwrite(
        path,
        np.moveaxis(values, 0, 2),
        tile=(64, 64) if tiled else None,
        photometric="minisblack",
        planarconfig="contig",
        extratags=[
            (33550, 12, 3, (30.0, 30.0, 0.0), True),
            (33922, 12, 6, (0, 0, 0, profile["transform"].c, profile["transform"].f, 0.0), True),
            (34735, 3, 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32614), True),
            (42113, 2, 0, str(nodata), True),
        ],
    )
    raster = read_image(made.source, wanted(made))
    assert raster.mask[:, 10:20].all()
    assert np.array_equal(raster.mask, values == nodata)
    assert np.array_equal(raster.data[~raster.mask], values[~raster.mask])


@pytest.mark.parametrize("values", [[[0.1, 1.0]], [[70000.0, 1.0]]])
def test_a_file_that_is_more_than_half_floats_is_read_as_it_is(scene, values):
    array = np.tile(np.array(values, "float32"), (2, 64, 32))
    made = scene("float16", values=array.astype("float32"))
    write_tiff(made.source.files[0], array)
    with pytest.warns(UserWarning, match="float32 values, which the bands' data type Float16 does not"):
        raster = read_image(made.source, wanted(made))
    assert raster.data.dtype == "float32"
    assert np.array_equal(raster.data, array)


def test_types_without_a_common_one_say_so():
    for first, second in (
        ("Int64", "UInt64"),
        ("Int64", "Float32"),
        ("UInt64", "Float64"),
        ("UInt64", "Int8"),
    ):
        with pytest.raises(ValueError, match=f"of {first} and of {second}.*data_type='Float64'"):
            common_type([first, second])


def test_a_common_type_holds_the_values_of_all():
    """Int32 in Float32 is the Catalog's own rule."""
    for first in DATA_TYPES:
        for second in DATA_TYPES:
            try:
                common = numpy_type(common_type([first, second]))
            except ValueError:
                continue
            for part in (first, second):
                if (part, common) != ("Int32", np.dtype("float32")):
                    assert np.can_cast(numpy_type(part), common), (first, second, common)


INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


@pytest.mark.parametrize("source", [*INTEGERS, "float16", "float32", "float64"])
@pytest.mark.parametrize("target", INTEGERS)
def test_values_beyond_a_type_become_its_limits(source, target):
    kind, limits = np.dtype(source), np.iinfo(target)
    if kind.kind == "f":
        large = [1e30, 2.0**62, 2.0**63, 2.0**64, 2.0**31, 2.0**32, 32767, 65504.0]
        numbers = [-5.4, 0, 5.6, math.inf, -math.inf, math.nan, *large, *(-number for number in large)]
        most = float(np.finfo(kind).max)
        numbers = [number for number in numbers if not math.isfinite(number) or abs(number) <= most]
    else:
        own = np.iinfo(kind)
        numbers = [own.min, own.min + 1, 0, 5, own.max - 1, own.max]
    values = np.array(numbers, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = convert(values, np.dtype(target))

    def expected(value):
        if math.isnan(value):
            return 0
        if math.isinf(value):
            return limits.max if value > 0 else limits.min
        return min(max(round(value), limits.min), limits.max)

    assert found.dtype == target
    assert [int(value) for value in found] == [expected(value.item()) for value in values]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("scaling", [(0, 100, 0, 200), "raw"])
def test_scaling_takes_every_type(scene, dtype, scaling):
    values = np.tile(np.arange(100).astype(dtype), (2, 64, 1))
    made = scene(dtype, values=values)
    if scaling == "raw":
        raster = read_image(made.source, wanted(made, scaling=["raw"] * 2))
        assert raster.data.dtype == dtype
        assert np.array_equal(raster.data, values)
    else:
        raster = read_image(made.source, wanted(made, scaling=[scaling] * 2, data_type="UInt16"))
        assert np.array_equal(raster.data, values.astype(int) * 2)


@pytest.mark.parametrize("data_type", TYPES.values())
def test_every_type_can_be_asked_for(scene, data_type):
    values = np.tile(np.arange(100, dtype="int8"), (2, 64, 1))
    made = scene("int8", values=values)
    raster = read_image(made.source, wanted(made, data_type=data_type))
    assert raster.data.dtype == numpy_type(data_type)
    assert np.array_equal(raster.data, values)
    assert re.search(data_type, str(raster.info()))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("resampler", ["bilinear", "average", "mode", "max"])
def test_every_type_is_resampled(scene, dtype, resampler):
    values = np.tile(np.arange(100).astype(dtype), (2, 64, 1))
    made = scene(dtype, values=values)
    coarse = made.own.assign(shape=(32, 50))
    raster = read_image(made.source, Request(("a", "b"), coarse, resampler=resampler))
    assert raster.data.dtype == dtype
    pairs = np.arange(100).reshape(50, 2)
    low, high = pairs.min(1) - 1, pairs.max(1) + 1
    inner = slice(1, -1)
    assert (raster.data[:, :, inner] >= low[inner]).all()
    assert (raster.data[:, :, inner] <= high[inner]).all()


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_what_a_resampler_rounds_beyond_floats_is_told(scene, dtype):
    highest = LIMITS[dtype][1]
    made = scene(dtype, values=np.full((2, 64, 100), highest, dtype))
    coarse = made.own.assign(shape=(32, 50))
    with pytest.warns(UserWarning, match=r"beyond 2\*\*53 are rounded by the resampler 'mode'"):
        raster = read_image(made.source, Request(("a", "b"), coarse, resampler="mode"))
    assert (raster.data == highest).all(), "cut, not turned into the lowest"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert (read_image(made.source, Request(("a", "b"), coarse)).data == highest).all()
