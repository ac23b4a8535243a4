"""Hidden pixels (alpha, masks, nodata) take no part in those that are shown, by any resampler."""

import itertools

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.warp import reproject

from landbridge.geo import AOI
from landbridge.raster import Band, Source, mosaic, read_image
from landbridge.raster.io.headers import tile_reader_for
from landbridge.raster.plan.arguments import BLENDING, RESAMPLERS

SHOWN, HIDDEN = 200, 0
NAMES = ("red", "green", "blue", "alpha")
CRS = "EPSG:32614"
PLACE = Affine(10, 0, 500_000, 0, -10, 4_200_000)


def patches(size=256, seed=0, cell=8):
    """Return the pixels that are shown: about half of the cells."""
    chosen = np.random.default_rng(seed).random((size // cell, size // cell)) < 0.5
    return chosen.repeat(cell, 0).repeat(cell, 1)


def rgba(shown):
    values = np.where(shown, SHOWN, HIDDEN)
    return np.stack([values] * 3 + [np.where(shown, 255, 0)]).astype("uint8")


def bands(*, split=False, nodata=None, alpha=True, data_type="Byte"):
    names = NAMES if alpha else NAMES[:3]
    return {
        name: Band(
            name,
            data_type,
            nodata,
            band_index=0 if split and name == "alpha" else number,
            file_index=int(split and name == "alpha"),
            type="mask" if name == "alpha" else "spectral",
            is_alpha=name == "alpha",
        )
        for number, name in enumerate(names)
    }


def tiff(path, values, *, overviews=None, before=None, **options):
    """Write a file, with `overviews` by a method; what `before` does to the dataset comes ahead of them."""
    count, height, width = values.shape
    profile = {
        "driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype,
        "crs": CRS, "transform": PLACE, "tiled": True, "blockxsize": 64, "blockysize": 64,
        "compress": "deflate", **options,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values)
    if overviews:
        with rasterio.open(path, "r+") as dataset:
            if before:
                before(dataset)
            dataset.build_overviews([2, 4, 8], Resampling[overviews])
    return str(path)


def shifted(resolution, crs=CRS, size=256):
    """Return a grid that lies half a pixel off the file's."""
    left, top = PLACE.c + 5, PLACE.f - 5
    span = (size - 2) * 10
    return AOI(
        bounds=(left, top - span, left + span, top),
        bounds_crs=CRS,
        crs=crs,
        resolution=resolution,
        align_pixels=False,
    )


SMOOTH = [name for name in RESAMPLERS if name != "near"]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("crs", [CRS, "EPSG:3857"])
@pytest.mark.parametrize("split", [False, True])
def test_what_alpha_hides_never_bleeds(tmp_path, request_of, name, crs, split):
    values = rgba(patches())
    parts = [values[:3], values[3:]] if split else [values]
    files = tuple(tiff(tmp_path / f"{n}.tif", part) for n, part in enumerate(parts))
    source = Source("a", files, bands(split=split))
    for resolution in (7, 10, 23):
        raster = read_image(source, request_of("red blue", shifted(resolution, crs), resampler=name))
        assert 0.3 < raster.mask.mean() < 0.7 or name not in ("bilinear", "cubic")
        assert set(np.unique(raster.data[~raster.mask])) == {SHOWN}
        # As gdalwarp has it with a source's alpha.
        assert (raster.mask[0] == raster.mask[1]).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_what_an_undeclared_alpha_or_a_mask_hides_never_bleeds(tmp_path, request_of, name):
    shown = patches()
    values = rgba(shown)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        masked = tiff(tmp_path / "m.tif", values[:3], photometric="RGB")
        with rasterio.open(masked, "r+") as dataset:
            dataset.write_mask(shown)
    beside = tiff(tmp_path / "b.tif", values[:3], photometric="RGB")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(beside, "r+") as dataset:
        dataset.write_mask(shown)
    assert (tmp_path / "b.tif.msk").exists()
    own = tiff(tmp_path / "u.tif", values, photometric="RGB", alpha="yes")
    found = []
    for file in (masked, beside, own):
        source = Source("a", (file,), bands(alpha=False))
        raster = read_image(source, request_of("red green", shifted(17), resampler=name))
        assert set(np.unique(raster.data[~raster.mask])) == {SHOWN}
        found.append(raster.mask)
    assert found[0].any()
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_nodata_of_each_band_stays_out_of_that_band_only(tmp_path, request_of, name):
    values = rgba(patches())[:3]
    values[1] = rgba(patches(seed=1))[0]
    source = Source("a", (tiff(tmp_path / "a.tif", values),), bands(nodata=HIDDEN, alpha=False))
    raster = read_image(source, request_of("red green", shifted(17), resampler=name))
    assert set(np.unique(raster.data[~raster.mask])) == {SHOWN}
    assert (raster.mask[0] != raster.mask[1]).any()


@pytest.mark.parametrize("name", ["bilinear", "cubic", "average"])
def test_partial_alpha_counts_in_full(tmp_path, request_of, name):
    """Alpha masks: 0 hides, and all other values show, and weigh the same."""
    shown = patches()
    opaque, partial = rgba(shown), rgba(shown)
    partial[3][shown] = np.random.default_rng(0).integers(1, 255, shown.sum())
    opaque[:3][:, shown] = partial[:3][:, shown] = np.random.default_rng(1).integers(1, 255, shown.sum())
    results = [
        read_image(
            Source("a", (tiff(tmp_path / f"{n}.tif", values),), bands()),
            request_of("red green", shifted(23), resampler=name),
        )
        for n, values in enumerate((opaque, partial))
    ]
    assert (results[0].mask == results[1].mask).all()
    assert (results[0].data == results[1].data).all()


@pytest.mark.parametrize(
    "kind", ["declared late", "not declared", "declared", "split", "band nodata", "masked", "ours"]
)
@pytest.mark.parametrize("method", ["average", "nearest", "cubic"])
def test_what_is_hidden_never_bleeds_from_overviews(tmp_path, request_of, kind, method):
    """Overviews of others may be made without regard to what hides: they are read only if they can't be."""
    values = rgba(patches(512, cell=4))
    path = tmp_path / "a.tif"
    options, described = {}, bands()
    if kind == "declared":
        files = (tiff(path, values, overviews=method, photometric="RGB", alpha="yes"),)
    elif kind == "split":
        files = (tiff(path, values[:3], overviews=method), tiff(tmp_path / "b.tif", values[3:]))
        described = bands(split=True)
    elif kind == "band nodata":
        files, described = (tiff(path, values[:3], overviews=method),), bands(alpha=False, nodata=HIDDEN)
    elif kind == "masked":
        files, described = (tiff(path, values[:3], overviews=method),), bands(alpha=False)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
            dataset.write_mask(values[3])
    else:
        files = (tiff(path, values, overviews=method, photometric="MINISBLACK", **options),)
    if kind == "declared late":
        with rasterio.open(path, "r+") as dataset:
            dataset.colorinterp = [
                ColorInterp.red,
                ColorInterp.green,
                ColorInterp.blue,
                ColorInterp.alpha,
            ]
    for name, resolution in itertools.product(["near", *BLENDING], (40, 90)):
        context = shifted(resolution, size=512)
        raster = read_image(Source("a", files, described), request_of("red", context, resampler=name))
        assert not raster.mask.all(), name
        assert set(np.unique(raster.data[~raster.mask])) <= {SHOWN}, name


def test_alpha_is_applied_as_gdal_applies_that_of_a_source(tmp_path, request_of):
    values = rgba(patches())
    values[:3][:, patches()] = np.random.default_rng(0).integers(100, 255, patches().sum())
    path = tiff(tmp_path / "a.tif", values, photometric="RGB", alpha="yes")
    source = Source("a", (path,), bands())
    for name in ("bilinear", "lanczos", "average"):
        raster = read_image(source, request_of("red", shifted(10), resampler=name, data_type="Float32"))
        expected = np.zeros((2, *raster.data.shape[1:]), "float32")
        with rasterio.open(path) as dataset:
            reproject(
                rasterio.band(dataset, (1, 4)),
                expected,
                dst_crs=CRS,
                dst_transform=raster.geobox.transform,
                src_alpha=4,
                dst_alpha=2,
                resampling=Resampling[name],
            )
        valid = ~raster.mask[0]
        assert (expected[1][valid] > 0).all()
        assert np.abs(raster.data[0] - expected[0])[valid].max() < 0.51


def test_the_mosaic_under_hidden_pixels_is_not_touched_by_them(tmp_path, request_of):
    over = rgba(patches())
    under = np.full((4, 256, 256), 90, "uint8")
    sources = [
        Source(name, (tiff(tmp_path / f"{name}.tif", values),), bands())
        for name, values in (("under", under), ("over", over))
    ]
    for name in BLENDING:
        raster = mosaic(sources, request_of("red green", shifted(7), resampler=name))
        assert not raster.mask[:, 5:-5, 5:-5].any()
        assert set(np.unique(raster.data[~raster.mask])) == {90, SHOWN}


@pytest.mark.parametrize("method", ["average", "nearest", "mode", "cubic", "rms"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_overviews_that_say_nothing_are_read_as_averages_only_if_they_are(
    tmp_path, request_of, method, dtype
):
    values = np.random.default_rng(0).integers(1, 200, (1, 1024, 1024)).astype(dtype)
    plain = tiff(tmp_path / "plain.tif", values, nodata=0)
    path = str(tmp_path / "cog.tif")
    rasterio.shutil.copy(plain, path, driver="COG", blocksize=128, overview_resampling=method)
    names = {"uint8": "Byte", "int16": "Int16", "float32": "Float32"}
    source = Source("a", (path,), {"b": Band("b", names[dtype])})
    left, top, span = PLACE.c, PLACE.f, 1024 * 10
    context = AOI(
        bounds=(left, top - span, left + span, top),
        bounds_crs=CRS,
        crs=CRS,
        resolution=40,
        align_pixels=False,
    )
    read = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "landbridge.raster.io.open_files.tile_reader_for",
            lambda header, level, cache: read.append(level) or tile_reader_for(header, level, cache),
        )
        raster = read_image(source, request_of("b", context, resampler="average", data_type="Float32"))
    means = values[0].reshape(256, 4, 256, 4).mean((1, 3))
    assert np.sqrt(((raster.data[0] - means) ** 2).mean()) < 0.45
    assert read == [2 if method == "average" else 0]
