"""Pixels against references of their own: numpy pixel by pixel, plain rasterio, and GDAL's warper."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.vrt import WarpedVRT
from rasterio.warp import Resampling, reproject

from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, mosaic, read_image
from landbridge.raster.plan.arguments import RESAMPLERS

REAL = Path(__file__).parents[4] / "shared" / "data" / "landsat8"
# GDAL's approximate transformer, and that of gdalwarp, may be off by so much of a pixel.
GDALS_ERROR = 0.125
# A center so near to the border of two pixels may go either way: places may be interpolated.
BORDER = 1e-4


def noise(seed, rows=260, columns=240):
    """Values that tell of a place: no neighbors alike, and holes of nodata."""
    values = np.random.default_rng(seed).integers(1, 60000, (2, rows, columns)).astype("uint16")
    y, x = np.indices((rows, columns))
    values[:, (x + 2 * y) < 150] = 0
    values[:, ((x - 150) ** 2 + (y - 120) ** 2) < 900] = 0
    return values


def places(geobox, transform, crs):
    """Columns and rows, with their fractions, where the centers of a grid's pixels lie in a file."""
    rows, columns = np.indices(geobox.shape)
    x, y = geobox.transform @ (columns + 0.5, rows + 0.5)
    if str(geobox.crs) != crs:
        x, y = Transformer.from_crs(str(geobox.crs), crs, always_xy=True).transform(x, y)
    return ~transform @ (np.asarray(x), np.asarray(y))


def to_border(position):
    """Return the distance of places from the nearest border of a pixel."""
    return np.abs(position - np.round(position))


def laid(scenes, geobox):
    """Return the expected mosaic: values, missing pixels, and the least distance from a border."""
    values = np.zeros((2, *geobox.shape), "uint16")
    missing = np.ones(values.shape, bool)
    margin = np.full(geobox.shape, np.inf)
    for scene in scenes:
        column, row = places(geobox, scene.transform, scene.crs)
        height, width = scene.values.shape[1:]
        near = (column > -1) & (column < width + 1) & (row > -1) & (row < height + 1)
        margin[near] = np.minimum(margin, np.minimum(to_border(column), to_border(row)))[near]
        c, r = np.floor(column).astype(int), np.floor(row).astype(int)
        inside = (c >= 0) & (c < width) & (r >= 0) & (r < height)
        found = scene.values[:, np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)]
        take = inside & (found != 0)
        values[take] = found[take]
        missing[take] = False
    return values, missing, margin


GRIDS = {
    "the same zone, shifted": ("EPSG:32614", 30, 11.7),
    "the same zone, coarser": ("EPSG:32614", 37, 0),
    "the zone beside": ("EPSG:32615", 30, 0),
    "two zones away": ("EPSG:32616", 31, 0),
    "of the south": ("EPSG:32714", 30, 7),
    "web mercator": ("EPSG:3857", 38.2185, 0),
    "longitude and latitude": ("EPSG:4326", 0.0003, 0),
    "an equal area": ("EPSG:5070", 29, 0),
    "a pole's": ("EPSG:3413", 33, 0),
}


def grid_over(scene, crs, resolution, shift=0):
    left, bottom, right, top = scene.own.bounds
    return AOI(
        bounds=(left + shift, bottom + shift, right + shift, top + shift),
        bounds_crs=scene.crs,
        crs=crs,
        resolution=resolution,
        align_pixels=False,
    )


def pair(make_scene, **options):
    """Two scenes of two zones that lie over each other, with holes."""
    first = make_scene("first", noise(1), nodata=0, **options)
    x, y = Transformer.from_crs(first.crs, "EPSG:32615", always_xy=True).transform(502_000, 4_198_500)
    return first, make_scene("second", noise(2), nodata=0, crs="EPSG:32615", origin=(x, y), **options)


@pytest.mark.parametrize("kind", ["tiles", "gdal"])
@pytest.mark.parametrize("name", GRIDS)
def test_nearest_takes_the_pixel_that_a_center_falls_into(make_scene, request_of, name, kind):
    scenes = pair(make_scene, **({} if kind == "tiles" else {"compress": "packbits"}))
    raster = mosaic([s.source for s in scenes], request_of("b0 b1", grid_over(scenes[0], *GRIDS[name])))
    values, missing, margin = laid(scenes, raster.geobox)
    assert 0.02 < missing.mean() < 0.9
    differs = (raster.data != values) | (raster.mask != missing)
    assert (margin[differs.any(axis=0)] < BORDER).all()
    assert differs.mean() < 1e-4
    assert ((raster.data == 0) == raster.mask).all()


@pytest.mark.parametrize("angle", [12, 45, 90, 163])
def test_rotated_grids_are_sampled_exactly(tmp_path, make_scene, request_of, angle):
    transform = Affine.translation(503_000, 4_195_000) @ Affine.rotation(angle) @ Affine.scale(30, -24)
    scene = make_scene("a", noise(3), nodata=0)
    with rasterio.open(scene.source.files[0], "r+") as dataset:
        dataset.transform = transform
    scene = replace(scene, transform=transform)
    for crs in ("EPSG:32614", "EPSG:32615", "EPSG:3857"):
        context = AOI(
            bounds=(499_000, 4_188_000, 509_000, 4_200_000), bounds_crs="EPSG:32614", crs=crs, resolution=41
        )
        raster = read_image(scene.source, request_of("b0 b1", context))
        values, missing, margin = laid([scene], raster.geobox)
        differs = ((raster.data != values) | (raster.mask != missing)).any(axis=0)
        assert not missing.all()
        assert (margin[differs] < BORDER).all()
        assert differs.mean() < 1e-4


def test_web_mercator_files_on_longitude_and_latitude(make_scene, request_of):
    scene = make_scene("a", noise(4), nodata=0, crs="EPSG:3857", origin=(-1.1e7, 4.6e6))
    for crs, resolution in (("EPSG:4326", 0.00027), ("EPSG:32613", 23)):
        raster = read_image(scene.source, request_of("b0 b1", grid_over(scene, crs, resolution)))
        values, missing, margin = laid([scene], raster.geobox)
        differs = ((raster.data != values) | (raster.mask != missing)).any(axis=0)
        assert (margin[differs] < BORDER).all()
        assert differs.mean() < 1e-4


def _by_warper(scenes, geobox):
    """The mosaic by GDAL's warper at its usual error threshold, scene after scene."""
    out = np.zeros((2, *geobox.shape), "uint16")
    for scene in scenes:
        with rasterio.open(scene.source.files[0]) as dataset:
            reproject(
                rasterio.band(dataset, [1, 2]),
                out,
                src_nodata=0,
                dst_nodata=0,
                init_dest_nodata=False,
                dst_crs=str(geobox.crs),
                dst_transform=geobox.transform,
                resampling=Resampling.nearest,
                tolerance=GDALS_ERROR,
            )
    return out


def _by_gdalwarp(scenes, geobox, folder):
    left, bottom, right, top = geobox.boundingbox.bbox
    rows, columns = geobox.shape.yx
    paths = [scene.source.files[0] for scene in scenes]
    grid = ["-t_srs", str(geobox.crs), "-te", *map(repr, (left, bottom, right, top)), "-ts", columns, rows]
    nodata = ["-srcnodata", "0", "-dstnodata", "0"]
    out = folder / "warped.tif"
    subprocess.run(["gdalwarp", "-q", *map(str, grid), *nodata, *paths, str(out)], check=True)
    with rasterio.open(out) as dataset:
        return dataset.read()


@pytest.mark.parametrize("by", ["warper", "gdalwarp"])
@pytest.mark.parametrize("name", GRIDS)
def test_gdal_agrees_but_for_an_eighth_of_a_pixel_at_borders(make_scene, request_of, tmp_path, name, by):
    if by == "gdalwarp" and shutil.which("gdalwarp") is None:
        pytest.skip("the gdalwarp command is not installed")
    scenes = pair(make_scene)
    raster = mosaic([s.source for s in scenes], request_of("b0 b1", grid_over(scenes[0], *GRIDS[name])))
    theirs = (
        _by_warper(scenes, raster.geobox) if by == "warper" else _by_gdalwarp(scenes, raster.geobox, tmp_path)
    )
    differs = (raster.data != theirs).any(axis=0)
    *_, margin = laid(scenes, raster.geobox)
    # Seams and edges lie on borders of pixels: of the one above, of its nodata, or of its file.
    assert (margin[differs] <= GDALS_ERROR).all()
    assert differs.mean() < 0.1


def smooth_scene(make_scene, **options):
    """A scene that interpolation can be told by: every pixel of it another, and a corner of nodata."""
    y, x = np.indices((260, 240))
    values = np.stack([3000 + 900 * np.sin(x / 9) + 800 * np.cos(y / 7), 5000 + 9 * x - 4 * y])
    values[:, (x + 2 * y) < 150] = 0
    return make_scene("a", values.astype("uint16"), nodata=0, file_nodata=0, **options)


def away_from_nodata(scene, column, row):
    """Return the places whose kernels (up to 4 by 4 pixels) hold only valid pixels."""
    inside = (column >= 3) & (row >= 3) & (column < 237) & (row < 257)
    c, r = np.where(inside, column, 3).astype(int), np.where(inside, row, 3).astype(int)
    steps = range(-2, 3)
    return inside & np.all([scene.values[0][r + y, c + x] != 0 for y in steps for x in steps], axis=0)


# Of about the file's resolution or finer: else GDAL's kernels grow by what it takes for the scale.
FINE = {
    "the same zone, shifted": ("EPSG:32614", 30, 11.7),
    "the zone beside": ("EPSG:32615", 30, 0),
    "web mercator": ("EPSG:3857", 31, 0),
    "longitude and latitude": ("EPSG:4326", 0.00025, 0),
}


@pytest.mark.parametrize("name", FINE)
def test_bilinear_is_within_a_unit_of_the_formula(make_scene, request_of, name):
    scene = smooth_scene(make_scene)
    raster = read_image(
        scene.source, request_of("b0 b1", grid_over(scene, *FINE[name]), resampler="bilinear")
    )
    column, row = places(raster.geobox, scene.transform, scene.crs)
    sure = away_from_nodata(scene, column, row)
    assert sure.mean() > 0.5
    assert not raster.mask[:, sure].any()
    c, r = column[sure] - 0.5, row[sure] - 0.5
    left, top = np.floor(c).astype(int), np.floor(r).astype(int)
    across, down = c - left, r - top
    for band in (0, 1):
        pixels = scene.values[band].astype(float)
        upper = pixels[top, left] * (1 - across) + pixels[top, left + 1] * across
        lower = pixels[top + 1, left] * (1 - across) + pixels[top + 1, left + 1] * across
        expected = upper * (1 - down) + lower * down
        assert np.abs(raster.data[band][sure] - expected).max() < 1


def _warped(path, geobox, name):
    """A file of one band by GDAL's warper, whole and with exact places; 0 where it is not valid."""
    with (
        rasterio.open(path) as dataset,
        WarpedVRT(
            dataset,
            crs=str(geobox.crs),
            transform=geobox.transform,
            height=geobox.shape.y,
            width=geobox.shape.x,
            src_nodata=0,
            nodata=0,
            resampling=Resampling[RESAMPLERS[name]],
            tolerance=1e-4,
        ) as warped,
    ):
        return warped.read(1)


@pytest.mark.parametrize("name", ["bilinear", "cubic"])
@pytest.mark.parametrize("grid_name", FINE)
def test_interpolation_is_within_a_unit_of_gdals(make_scene, request_of, name, grid_name):
    scene = smooth_scene(make_scene, split=True)
    raster = read_image(scene.source, request_of("b0 b1", grid_over(scene, *FINE[grid_name]), resampler=name))
    theirs = np.stack([_warped(path, raster.geobox, name) for path in scene.source.files])
    column, row = places(raster.geobox, scene.transform, scene.crs)
    inside = (column > 0) & (row > 0) & (column < 240) & (row < 260)
    masked_otherwise = (raster.mask != (theirs == 0)) & inside
    margin = np.minimum(to_border(column), to_border(row))
    assert (margin[masked_otherwise.any(axis=0)] < GDALS_ERROR).all()
    assert masked_otherwise.mean() < 1e-3
    # The exact mask: a pixel is valid where its center falls into a valid one.
    _, missing, _ = laid([scene], raster.geobox)
    assert (margin[(raster.mask != missing).any(axis=0)] < BORDER).all()
    assert raster.mask[:, ~inside].all()
    valid = ~raster.mask & (theirs != 0)
    assert valid.sum() > 40_000
    difference = np.abs(np.where(valid, raster.data.astype(int) - theirs, 0))
    assert difference[:, away_from_nodata(scene, column, row)].max() <= 1
    # At the edge of nodata what is left of a kernel is scaled up, and with it what is off.
    assert difference.max() <= 2


@pytest.mark.parametrize("name", [name for name in RESAMPLERS if name != "near"])
def test_a_band_is_the_same_read_alone_or_with_others(make_scene, request_of, name):
    scene = make_scene("a", noise(5), nodata=0)
    context = grid_over(scene, "EPSG:32615", 41)
    both = read_image(scene.source, request_of("b0 b1", context, resampler=name))
    for band in (0, 1):
        alone = read_image(scene.source, request_of(f"b{band}", context, resampler=name))
        np.testing.assert_array_equal(alone.mask[0], both.mask[band])
        np.testing.assert_array_equal(alone.data[0], both.data[band])


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pair of Landsat scenes is not there")
def test_the_real_pair_across_systems_is_what_plain_numpy_makes_of_it():
    sources, scenes = [], []
    for scene in ("224077", "224078"):
        path = next(REAL.glob(f"*_{scene}_*_B4.TIF"))
        sources.append(Source(scene, (str(path),), {"red": Band("red", nodata=0)}, product_id="landsat"))
        with rasterio.open(path) as dataset:
            scenes.append((dataset.read(1), dataset.transform, dataset.crs.to_string(), dataset.bounds))
    _, _, crs, bounds = scenes[0]
    # Where the two meet.
    top = scenes[1][3].top + 15_000
    area = (bounds.left + 40_000, top - 30_000, bounds.left + 70_000, top)
    for system, resolution in ((crs, 30), ("EPSG:3857", 33), ("EPSG:4326", 0.00031)):
        context = AOI(bounds=area, bounds_crs=crs, crs=system, resolution=resolution, align_pixels=False)
        raster = mosaic(sources, Request(("red",), context))
        expected = np.zeros(raster.geobox.shape, "uint16")
        for pixels, transform, own, _ in scenes:
            column, row = places(raster.geobox, transform, own)
            c, r = np.floor(column).astype(int), np.floor(row).astype(int)
            inside = (c >= 0) & (c < pixels.shape[1]) & (r >= 0) & (r < pixels.shape[0])
            found = np.where(inside, pixels[np.where(inside, r, 0), np.where(inside, c, 0)], 0)
            expected[found != 0] = found[found != 0]
        assert (expected != 0).any()
        assert (raster.data[0] != expected).mean() < 1e-4
        assert (raster.mask[0] != (expected == 0)).mean() < 1e-4
