"""Grids that do not coincide: nearest against an exact reference, the other resamplers against GDAL."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.warp import Resampling, reproject

from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.geo.grids.geobox import output_grid
from landbridge.raster import Band, Source, mosaic, read_image
from landbridge.raster.io.headers import read_header
from landbridge.raster.io.overview_choice import choose_read_level
from landbridge.raster.plan.arguments import RESAMPLERS
from landbridge.raster.resample.block import Block, BlockMappings
from landbridge.raster.runtime import buffer_pool

# These pick one of the pixels below, which changes at once where interpolation changes by degrees.
_COUNTING = ("mode", "max", "min", "med", "q1", "q3")


def smooth(rows, columns, seed=0, dtype="uint16"):
    y, x = np.indices((rows, columns))
    base = 3000 + 1000 * np.sin(x / 9 + seed) + 900 * np.cos(y / 7) + 3 * x
    return np.stack([base, base / 2 + 50]).astype(dtype)


def exact_nearest(scene, geobox):
    """Each output center taken to the file's own coordinates one by one, and the pixel it falls into."""
    rows, columns = np.indices(geobox.shape)
    x, y = geobox.transform @ (columns + 0.5, rows + 0.5)
    x, y = Transformer.from_crs(str(geobox.crs), scene.crs, always_xy=True).transform(x, y)
    column, row = ~scene.transform @ (np.asarray(x), np.asarray(y))
    row, column = np.floor(row).astype(int), np.floor(column).astype(int)
    height, width = scene.values.shape[1:]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    values = scene.values[:, np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return np.where(inside, values, 0), ~inside


@pytest.mark.parametrize(
    ("crs", "resolution"),
    [
        ("EPSG:32615", 30),
        ("EPSG:3857", 38),
        ("EPSG:4326", 0.0003),
        ("EPSG:5070", 45),
        ("+proj=sinu +R=6371007.181 +units=m", 33),
    ],
)
def test_14_12_nearest_across_systems_is_exact(make_scene, request_of, crs, resolution):
    scene = make_scene("a", smooth(300, 280))
    own = scene.own
    context = AOI(bounds=own.bounds, bounds_crs=own.crs, crs=crs, resolution=resolution)
    raster = read_image(scene.source, request_of("b0 b1", context))
    values, outside = exact_nearest(scene, raster.geobox)
    # A center on the border of two pixels may go either way by the last digits.
    assert (raster.data != values).mean() < 1e-4
    assert (raster.mask[0] != outside).mean() < 1e-4
    assert raster.mask.any()


def test_nearest_across_systems_does_not_depend_on_blocks(make_scene, request_of, monkeypatch):
    scene = make_scene("a", smooth(300, 280))
    context = AOI(bounds=scene.own.bounds, bounds_crs=scene.crs, crs="EPSG:3857", resolution=35)
    whole = {
        name: read_image(scene.source, request_of("b0 b1", context, resampler=name)) for name in RESAMPLERS
    }
    monkeypatch.setattr("landbridge.raster.grids.block_windows.BLOCK", 101)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.SMALLEST_BLOCK", 101)
    for name, expected in whole.items():
        blocks = read_image(scene.source, request_of("b0 b1", context, resampler=name))
        assert (blocks.mask == expected.mask).all(), name
        difference = np.abs(blocks.data.astype(float) - expected.data)
        # The warper's coordinates are exact to a ten-thousandth of a pixel: a tie may fall either way.
        assert (difference > (0 if name == "near" else 1)).mean() < (1e-4 if name in _COUNTING else 1e-9), (
            name
        )


@pytest.mark.parametrize("shift", [0.04, 0.3, 0.49, 0.5, 0.6, 0.97])
@pytest.mark.parametrize("scale", [1, 0.5, 1.7, 3])
def test_nearest_on_a_shifted_or_scaled_grid_is_exact(make_scene, request_of, shift, scale):
    scene = make_scene("a", smooth(90, 80))
    left, top = scene.transform @ (shift - 3, shift - 2)
    step = 30 * scale
    context = AOI(
        bounds=(left, top - 50 * step, left + 60 * step, top),
        bounds_crs=scene.crs,
        crs=scene.crs,
        shape=(50, 60),
    )
    raster = read_image(scene.source, request_of("b0 b1", context))
    column = np.floor((np.arange(60) + 0.5) * scale + shift - 3 + 1e-9).astype(int)
    row = np.floor((np.arange(50) + 0.5) * scale + shift - 2 + 1e-9).astype(int)
    inside = ((row >= 0) & (row < 90))[:, None] & ((column >= 0) & (column < 80))[None]
    values = scene.values[:, np.clip(row, 0, 89)[:, None], np.clip(column, 0, 79)[None]]
    assert (raster.data == np.where(inside, values, 0)).all()
    assert (raster.mask[0] == ~inside).all()


def test_two_zones_mosaic_in_either_system(make_scene, request_of):
    first = make_scene("a", smooth(200, 200), nodata=0)
    x, y = Transformer.from_crs("EPSG:32614", "EPSG:32615", always_xy=True).transform(503000, 4198000)
    second = make_scene("b", smooth(200, 200, seed=2), nodata=0, crs="EPSG:32615", origin=(x, y))
    for under, over in ((first, second), (second, first)):
        context = AOI(bounds=first.own.bounds, bounds_crs=first.crs, crs=first.crs, resolution=30)
        raster = mosaic([under.source, over.source], request_of("b0 b1", context))
        low, _ = exact_nearest(under, raster.geobox)
        high, missing = exact_nearest(over, raster.geobox)
        assert (raster.data != np.where(missing, low, high)).mean() < 1e-4


def test_sampling_is_interpolated_only_where_that_is_exact():
    source = GeoBox((7800, 7700), Affine(30, 0, 600000, 0, -30, 4300000), "EPSG:32615")
    x, y = Transformer.from_crs(32615, 32614, always_xy=True).transform(680000, 4250000)
    for crs, transform in (
        ("EPSG:32614", Affine(30, 0, x, 0, -30, y)),
        ("EPSG:32661", Affine(300, 0, 2_000_000, 0, -300, -2_800_000)),
    ):
        target = GeoBox((300, 260), transform, crs)
        sample = BlockMappings(Block(target, (5, 9), (1000, 1000))).get(source).full()
        rows, columns = np.indices((300, 260))
        tx, ty = transform @ (columns + 0.5, rows + 0.5)  # type: ignore[operator]
        tx, ty = Transformer.from_crs(crs, "EPSG:32615", always_xy=True).transform(tx, ty)
        column, row = ~source.transform @ (np.asarray(tx), np.asarray(ty))
        inside = (row >= 0) & (row < 7800) & (column >= 0) & (column < 7700)
        if sample is None:
            assert not inside.any()
            continue
        width = sample.window[1].stop - sample.window[1].start
        got = np.full((300, 260), -1)
        got[sample.roi] = (sample.index // width + sample.window[0].start) * 7700 + (
            sample.index % width + sample.window[1].start
        )
        if sample.inside is not None:
            got[sample.roi][~sample.inside] = -1
        wanted = np.where(inside, np.floor(row) * 7700 + np.floor(column), -1)
        assert (got != wanted).mean() < 3e-4


@pytest.mark.parametrize("name", [name for name in RESAMPLERS if name != "near"])
@pytest.mark.parametrize("nodata", [None, 0])
def test_6_12_resamplers_agree_with_gdals_own_warp(make_scene, request_of, name, nodata):
    scene = make_scene("a", smooth(120, 110), nodata=nodata, file_nodata=nodata)
    context = AOI(bounds=scene.own.bounds, bounds_crs=scene.crs, crs="EPSG:3857", resolution=60)
    raster = read_image(scene.source, request_of("b0 b1", context, resampler=name))
    # GDAL estimates the scale, by which kernels grow, from the window of each chunk: here it is pinned.
    scale = choose_read_level(read_header(scene.source.files[0]), raster.geobox).scale
    with rasterio.open(scene.source.files[0]) as dataset:
        for band in (0, 1):
            expected = np.full(raster.data.shape[1:], -1, "int32")
            with rasterio.Env():
                reproject(
                    rasterio.band(dataset, band + 1),
                    expected,
                    src_nodata=nodata,
                    dst_nodata=-1,
                    dst_crs="EPSG:3857",
                    dst_transform=raster.geobox.transform,
                    resampling=Resampling[RESAMPLERS[name]],
                    XSCALE=1 / scale[0],
                    YSCALE=1 / scale[1],
                )
            valid = ~raster.mask[band]
            assert valid.sum() > 3000
            # Beyond the outermost centers GDAL extrapolates by a fraction of a pixel; we mask there.
            assert (expected[valid] >= 0).all()
            difference = np.abs(raster.data[band][valid].astype(int) - expected[valid])
            # rasterio's warp is itself exact to an eighth of a pixel only.
            assert (difference <= 1).mean() > 0.99


def test_interpolation_keeps_nodata_of_one_band_out_of_it(make_scene, request_of):
    values = np.full((2, 40, 40), 100, "uint8")
    values[0, :, 15:25] = 0
    scene = make_scene("a", values, nodata=0, file_nodata=0)
    left, bottom, right, top = scene.own.bounds
    context = AOI(
        bounds=(left + 11, bottom + 11, right - 19, top - 19),
        bounds_crs=scene.crs,
        crs=scene.crs,
        resolution=30,
    )
    raster = read_image(
        scene.source, request_of("b0 b1", context.assign(align_pixels=False), resampler="bilinear")
    )
    assert raster.data[0].max() == raster.data[0][~raster.mask[0]].min() == 100
    assert raster.mask[0].any()
    assert not raster.mask[1].any()


def test_without_a_nodata_every_value_counts_in_interpolation(make_scene, request_of):
    values = np.zeros((1, 20, 20), "uint8")
    scene = make_scene("a", values)
    context = AOI(bounds=scene.own.bounds, bounds_crs=scene.crs, crs="EPSG:3857", resolution=30)
    raster = read_image(scene.source, request_of("b0", context, resampler="cubic"))
    assert raster.data.dtype == "uint8"
    assert not raster.data.any()
    assert not raster.mask[:, 6:14, 6:14].any()
    assert raster.mask[:, 0, 0].all()


@pytest.mark.parametrize(("factor", "overview"), [(2, 2), (3, 2), (4, 4), (5, 4), (8, 8)])
def test_coarse_grids_read_the_overview_below_them(make_scene, request_of, factor, overview):
    values = np.random.default_rng(0).integers(1, 60000, (2, 1024, 1024)).astype("uint16")
    scene = make_scene("a", values, cog=True)
    size = 1024 // factor
    left, _, _, top = scene.own.bounds
    side = size * factor * 30
    context = AOI(
        bounds=(left, top - side, left + side, top), bounds_crs=scene.crs, crs=scene.crs, shape=(size, size)
    )
    raster = read_image(scene.source, request_of("b0 b1", context))
    level = {2: 0, 4: 1, 8: 2}[overview]
    with rasterio.open(scene.source.files[0], overview_level=level) as dataset:
        pixels = dataset.read()
    index = np.floor((np.arange(size) + 0.5) * factor / overview).astype(int)
    assert (raster.data == pixels[:, index][:, :, index]).all()
    ranked = read_image(scene.source, request_of("b0", context, resampler="max"))
    assert ranked.data[0, 3, 3] == values[0, 3 * factor : 4 * factor, 3 * factor : 4 * factor].max()


def test_windows_too_large_for_memory_are_read_in_parts(make_scene, request_of, monkeypatch):
    scene = make_scene("a", smooth(200, 180))
    context = AOI(bounds=scene.own.bounds, bounds_crs=scene.crs, crs="EPSG:3857", resolution=41)
    whole = read_image(scene.source, request_of("b0 b1", context))
    monkeypatch.setattr("landbridge.raster.composite.read_block._MAX_WINDOW_PIXELS", 1000)
    parts = read_image(scene.source, request_of("b0 b1", context))
    assert (whole.data == parts.data).all()
    assert (whole.mask == parts.mask).all()


def write(path, values, transform, **options):
    """A GeoTIFF of values (band, y, x), however it lies."""
    count, height, width = values.shape
    profile = {"count": count, "height": height, "width": width, "dtype": values.dtype, **options}
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:32614", transform=transform, **profile
    ) as dataset:
        dataset.write(values)


def test_rotated_files_are_read_where_they_lie(tmp_path, request_of):
    transform = Affine.translation(500000, 4200000) @ Affine.rotation(30) @ Affine.scale(30, -30)
    values = smooth(60, 50)
    path = tmp_path / "rotated.tif"
    write(path, values, transform)
    source = Source("r", (str(path),), {"b0": Band("b0"), "b1": Band("b1", band_index=1)})
    context = AOI(
        bounds=(499000, 4198000, 503000, 4202000), bounds_crs="EPSG:32614", crs="EPSG:32614", resolution=20
    )
    raster = read_image(source, request_of("b0 b1", context))
    rows, columns = np.indices(raster.geobox.shape)
    column, row = ~transform @ (raster.geobox.transform @ (columns + 0.5, rows + 0.5))
    inside = (row >= 0) & (row < 60) & (column >= 0) & (column < 50)
    assert (raster.mask[0] == ~inside).mean() > 0.9999
    assert (
        raster.data[0][inside] == values[0][row[inside].astype(int), column[inside].astype(int)]
    ).mean() > 0.999


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_files_without_a_place_are_errors(tmp_path, request_of):
    from landbridge.raster import RasterError

    path = tmp_path / "bare.tif"
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="GTiff", width=5, height=5, count=1, dtype="uint8"),
    ):
        pass
    context = AOI(bounds=(0, 0, 10, 10), crs="EPSG:4326", resolution=1)
    with pytest.raises(RasterError, match="coordinate reference system"):
        read_image(Source("x", (str(path),), {"b": Band("b", "Byte")}), request_of("b", context))


def test_14_12_aligned_grids_grow_outward_to_the_resolution():
    context = AOI(
        bounds=(500007, 4199993, 500071, 4200061), bounds_crs="EPSG:32614", crs="EPSG:32614", resolution=30
    )
    assert output_grid(context).transform.to_gdal() == (499980, 30, 0, 4200090, 0, -30)
    assert output_grid(context).shape == (4, 4)
    exact = AOI(bounds=(0.1, 0.2, 0.3, 0.4), crs="EPSG:4326", resolution=0.1)
    assert output_grid(exact).shape == (2, 2)
    plain = context.assign(align_pixels=False)
    assert output_grid(plain).transform.to_gdal() == (500007, 30, 0, 4200061, 0, -30)
    assert output_grid(plain).shape == (2, 2)


def test_bounds_are_reprojected_with_their_bulging_edges():
    bounds = (-100.0, 40.0, -80.0, 45.0)
    box = output_grid(AOI(bounds=bounds, crs="EPSG:5070", resolution=1000)).boundingbox
    top = Transformer.from_crs(4326, 5070, always_xy=True).transform(-96, 40)[1]
    assert box.bottom <= top < box.bottom + 5000


def test_tiles_have_the_size_they_say():
    tile = DLTile.from_key("128:16:960.0:15:-1:37")
    grid = output_grid(tile)
    assert grid.shape == (160, 160)
    assert grid.transform.to_gdal() == tile.geotrans
    assert output_grid(XYZTile(5, 9, 4)).shape == (256, 256)


@pytest.mark.parametrize("missing", ["bounds", "crs", "resolution"])
def test_6_14_incomplete_contexts_are_refused_before_anything_is_opened(missing, request_of):
    fields = {"bounds": (0, 0, 1, 1), "crs": "EPSG:4326", "resolution": 1, missing: None}
    with pytest.raises(ValueError, match=missing):
        read_image(Source("x", ("/nowhere.tif",), {"b": Band("b")}), request_of("b", AOI(**fields)))


def test_an_unknown_coordinate_system_is_named(request_of):
    context = AOI(bounds=(0, 0, 1, 1), crs="EPSG:999999", resolution=1)
    with pytest.raises(ValueError, match="EPSG:999999"):
        output_grid(context)


def test_what_a_rotated_tile_passes_by_is_left_to_other_images(tmp_path, grid, request_of, monkeypatch):
    """Its outline on the grid has corners in which nothing of it lies, and memory that is new is zero."""
    monkeypatch.setattr(buffer_pool, "empty", np.zeros)
    turned = Affine.translation(500_000 + 650 * 30, 4_197_000) @ Affine.rotation(-45) @ Affine.scale(30, -30)
    plain = Affine(30, 0, 500_000, 0, -30, 4_200_000)
    sources = []
    for name, transform, value, edge, tile in (("below", plain, 1, 1300, 64), ("above", turned, 2, 768, 768)):
        path = tmp_path / f"{name}.tif"
        values = np.full((1, edge, edge), value, "uint16")
        write(path, values, transform, tiled=True, blockxsize=tile, blockysize=tile)
        sources.append(Source(name, (str(path),), {"b0": Band("b0", "UInt16", nodata=0)}, None, "p"))
    raster = mosaic(sources, request_of("b0", grid(0, 0, 1300, 1300)))
    assert not raster.mask.any()
    assert set(np.unique(raster.data)) == {1, 2}
    assert np.count_nonzero(raster.data == 2) == pytest.approx(768**2, rel=0.01)
