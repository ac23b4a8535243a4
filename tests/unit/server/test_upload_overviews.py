"""Overviews of uploaded files: each band by its own method, without masked pixels, also when read."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin

from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, read_image
from landbridge.raster.io import overviews as engine
from landbridge.raster.io.headers import read_header
from landbridge.stac_api.uploads import cog, overviews

CRS, PLACE, SIZE = "EPSG:32614", from_origin(500_000, 4_200_000, 10, 10), 1040


@pytest.fixture
def uploaded(tmp_path):
    """Return the COG of an upload, and its image for the raster engine."""

    def make(values, kinds, *, nodata=None, wanted=None, mask=None, before=None, **profile):
        source, target = tmp_path / "source.tif", tmp_path / "0.tif"
        count, height, width = values.shape
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(
                source, "w", driver="GTiff", count=count, height=height, width=width, dtype=values.dtype,
                crs=CRS, transform=PLACE, nodata=nodata, tiled=True, **profile,
            ) as file,
        ):  # fmt: skip
            file.write(values)
            if mask is not None:
                file.write_mask(mask)
        if before:
            with rasterio.open(source, "r+") as file:
                before(file)
        bands = [{"name": name, "type": kind, "is_alpha": name == "alpha"} for name, kind in kinds.items()]
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
            rasterio.open(source) as file,
        ):
            cog.write(file, target, file.crs, file.transform, nodata, bands, wanted or {})
        assert sorted(tmp_path.iterdir()) == [target, source]
        with rasterio.open(target) as file:
            assert (file.read() == values).all()
            assert file.overviews(1) == [2, 4]
        described = {
            name: Band(
                name,
                {"uint8": "Byte", "uint16": "UInt16"}[values.dtype.name],
                nodata,
                band_index=number,
                type=kind,
                is_alpha=name == "alpha",
            )
            for number, (name, kind) in enumerate(kinds.items())
        }
        return Source("a", (str(target),), described)

    return make


def noise(count, most=200, seed=0, dtype="uint8"):
    return np.random.default_rng(seed).integers(1, most, (count, SIZE, SIZE)).astype(dtype)


def read(source, names, resolution, resampler, **fields):
    left, top = PLACE.c, PLACE.f
    span = SIZE * 10
    context = AOI(
        bounds=(left, top - span, left + span, top),
        bounds_crs=CRS,
        crs=CRS,
        resolution=resolution,
        align_pixels=False,
    )
    return read_image(source, Request(tuple(names.split()), context, resampler=resampler, **fields))


def means(values, factor):
    return values.reshape(SIZE // factor, factor, SIZE // factor, factor).mean((1, 3))


def levels_read(source, resampler, exact, alpha=0):
    from landbridge.raster.io.overview_choice import can_use_overviews
    from landbridge.raster.plan.reads import FileRead

    header = read_header(source.files[0])
    count = len(exact)
    read = FileRead("", ("b",) * count, tuple(range(1, count + 1)), tuple(range(count)), (None,) * count,
                    frozenset({alpha}), (None,) * count, tuple(exact), alpha)  # fmt: skip
    return can_use_overviews(header, read, resampler)


def test_the_server_and_the_raster_engine_use_the_same_metadata_names():
    for name in ("METHOD_ITEM", "HIDDEN_ITEM", "MASK", "NOTHING"):
        assert getattr(engine, name) == getattr(overviews, name)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("count", [2, 6])
def test_a_class_band_does_not_make_the_overviews_of_others_nearest(uploaded, count, interleave):
    values = noise(count)
    values[-1] = np.random.default_rng(9).choice([10, 20, 30], (SIZE, SIZE))
    kinds = {f"b{number}": "spectral" for number in range(count - 1)} | {"classes": "class"}
    source = uploaded(values, kinds, interleave=interleave)
    with rasterio.open(source.files[0], overview_level=1) as file:
        for number in range(count - 1):
            assert np.abs(file.read(number + 1) - means(values[number], 4)).max() <= 1
        assert set(np.unique(file.read(count))) == {10, 20, 30}
    # The overviews fit both, and rms is that of rounding.
    raster = read(source, "b0", 40, "average", data_type="Float32")
    assert np.sqrt(((raster.data[0] - means(values[0], 4)) ** 2).mean()) < 0.45
    assert levels_read(source, "average", [False])
    assert levels_read(source, "near", [False] * (count - 1) + [True])
    for resampler in ("near", "mode"):
        raster = read(source, "classes", 40, resampler)
        assert set(np.unique(raster.data)) == {10, 20, 30}


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("count", [4, 7])
def test_overviews_of_an_image_with_alpha_leave_out_masked_pixels(uploaded, count, declared):
    shown = (np.random.default_rng(0).random((SIZE // 2, SIZE // 2)) < 0.5).repeat(2, 0).repeat(2, 1)
    values = np.where(shown, 200, 0)[None].repeat(count, 0).astype("uint8")
    values[-1] = np.where(shown, 255, 0)
    kinds = {f"b{number}": "spectral" for number in range(count - 1)} | {"alpha": "mask"}
    interpretation = [ColorInterp.undefined] * (count - 1) + [ColorInterp.alpha]

    def declare(file):
        file.colorinterp = interpretation

    source = uploaded(values, kinds, before=declare if declared else None, photometric="MINISBLACK")
    assert levels_read(source, "average", [False] * (count - 1), count)
    for resampler in ("near", "bilinear", "cubic", "lanczos", "average"):
        for resolution in (20, 40, 50):
            raster = read(source, "b0 b1", resolution, resampler)
            assert raster.mask.mean() < 0.9
            assert set(np.unique(raster.data[~raster.mask])) == {200}


@pytest.mark.parametrize("nodata", [None, 0])
def test_overviews_of_a_file_with_a_mask_leave_out_masked_pixels(uploaded, nodata):
    shown = (np.random.default_rng(0).random((SIZE // 2, SIZE // 2)) < 0.5).repeat(2, 0).repeat(2, 1)
    values = np.where(shown, 200, 7)[None].repeat(3, 0).astype("uint8")
    source = uploaded(values, dict.fromkeys(("r", "g", "b"), "spectral"), mask=shown, nodata=nodata)
    assert levels_read(source, "average", [False] * 3)
    for resampler in ("near", "bilinear", "average"):
        for resolution in (20, 40, 50):
            raster = read(source, "r b", resolution, resampler)
            assert raster.mask.mean() < 0.9
            assert set(np.unique(raster.data[~raster.mask])) == {200}


def test_pixels_masked_by_alpha_or_nodata_are_left_out(uploaded):
    shown = np.random.default_rng(0).random((SIZE, SIZE)) < 0.5
    valid = np.random.default_rng(1).random((SIZE, SIZE)) < 0.5
    values = np.where(shown & valid, 200, np.where(valid, 50, 3))[None].repeat(4, 0).astype("uint8")
    values[3] = np.where(shown, 255, 0)
    kinds = {"r": "spectral", "g": "spectral", "b": "spectral", "alpha": "mask"}
    source = uploaded(values, kinds, nodata=3, photometric="MINISBLACK")
    for resampler in ("near", "bilinear", "average"):
        raster = read(source, "r b", 40, resampler)
        assert set(np.unique(raster.data[~raster.mask])) == {200}


def test_overviews_in_a_file_are_built_again(uploaded):
    values = noise(1)

    def spoil(file):
        file.build_overviews([2, 4, 8], Resampling.nearest)
        file.update_tags(OVERVIEW_RESAMPLING="CUBIC", OVERVIEW_EXCLUDES="3")

    source = uploaded(values, {"b": "spectral"}, before=spoil)
    with rasterio.open(source.files[0], overview_level=1) as file:
        assert np.abs(file.read(1) - means(values[0], 4)).max() <= 1
    assert read_header(source.files[0]).overview_origins == (engine.OverviewOrigin("AVERAGE"),)


@pytest.mark.parametrize("wanted", ["nearest", "cubic", "mode", "gauss"])
def test_a_requested_method_applies_to_bands_that_are_no_classes(uploaded, wanted):
    values = noise(2, 4)
    source = uploaded(
        values, {"b": "spectral", "c": "class"}, wanted={"overview_resampler": wanted, "overviews": [2, 4]}
    )
    known = read_header(source.files[0]).overview_origins
    assert known[0].method == wanted.upper()
    assert known[1].method == (wanted.upper() if wanted in ("nearest", "mode") else "NEAREST")
    with rasterio.open(source.files[0], overview_level=0) as file:
        assert set(np.unique(file.read(2))) <= {1, 2, 3}
