"""Reading and mosaicking on grids that coincide: equal to plain numpy, value for value."""

import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from landbridge.geo import AOI
from landbridge.raster import Band, RasterError, Request, Source, mosaic, read_image, stack, stacked
from landbridge.raster.composite.render import Renderer
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.plan import make_plan

REAL = Path(__file__).parents[4] / "shared" / "data" / "landsat8"


def random_values(seed, shape, dtype="uint16", fringe=40, low=1, high=200):
    values = np.random.default_rng(seed).integers(low, high, shape).astype(dtype)
    if fringe:
        rows, columns = np.indices(shape[1:])
        values[:, (rows + columns) < fringe] = 0
    return values


def overlay(scenes, rows, columns, nodata=0, alpha=None):
    """Return the expected mosaic by plain NumPy: each pixel's last valid value, and the missing pixels."""
    count = scenes[0].values.shape[0]
    out = np.zeros((count, rows, columns), scenes[0].values.dtype)
    missing = np.ones(out.shape, bool)
    for scene in scenes:
        top = round((4_200_000 - scene.transform.f) / 30)
        left = round((scene.transform.c - 500_000) / 30)
        for band, y, x in product(range(count), range(rows), range(columns)):
            r, c = y - top, x - left
            if 0 <= r < scene.values.shape[1] and 0 <= c < scene.values.shape[2]:
                shown = alpha is None or scene.values[alpha, r, c] != 0
                if shown and (scene.values[band, r, c] != nodata or band == alpha):
                    out[band, y, x] = scene.values[band, r, c]
                    missing[band, y, x] = False
    return out, missing


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
def test_an_images_own_context_gives_the_files_pixels_untouched(make_scene, request_of, dtype):
    scene = make_scene("a", random_values(1, (2, 130, 77), dtype))
    raster = read_image(scene.source, request_of("b1 b0", scene.own, mask_nodata=False))
    assert raster.data.dtype == dtype
    assert (raster.array() == scene.values[::-1]).all()
    assert not isinstance(raster.array(), np.ma.MaskedArray)


@pytest.mark.parametrize(
    "crs",
    [
        "+proj=utm +zone=14 +datum=WGS84 +units=m +no_defs",
        rasterio.crs.CRS.from_epsg(32614).to_wkt(version="WKT1_GDAL"),
        rasterio.crs.CRS.from_epsg(32614).to_wkt(version="WKT2_2019"),
    ],
    ids=["proj", "wkt1", "wkt2"],
)
def test_the_text_of_a_coordinate_system_does_not_matter(make_scene, request_of, crs):
    scene = make_scene("a", random_values(1, (1, 130, 77)))
    own = scene.own.assign(crs=crs, bounds_crs=crs)
    raster = read_image(scene.source, request_of("b0", own, mask_nodata=False))
    assert (raster.data == scene.values).all()


def test_a_footprint_of_the_corners_cuts_nothing_off(make_scene, request_of):
    scene = make_scene("a", random_values(1, (1, 3000, 40), fringe=0))
    corners = [scene.transform @ corner for corner in ((0, 0), (40, 0), (40, 3000), (0, 3000))]
    xs, ys = rasterio.warp.transform("EPSG:32614", "EPSG:4326", *zip(*corners, strict=True))
    ring = [*zip(xs, ys, strict=True), (xs[0], ys[0])]
    own = scene.own.assign(geometry={"type": "Polygon", "coordinates": [ring]})
    assert not read_image(scene.source, request_of("b0", own)).mask.any()


@pytest.mark.parametrize("split", [False, True], ids=["one file", "file per band"])
def test_6_9_the_last_image_wins_where_it_is_valid(make_scene, grid, request_of, split):
    scenes = [
        make_scene("a", random_values(1, (3, 60, 70)), split=split, nodata=0),
        make_scene("b", random_values(2, (3, 50, 50), fringe=30), split=split, nodata=0, place=(10, 20)),
        make_scene("c", random_values(3, (3, 20, 40), fringe=10), split=split, nodata=0, place=(-5, 45)),
    ]
    raster = mosaic([scene.source for scene in scenes], request_of("b0 b1 b2", grid(0, 0, 64, 90)))
    values, missing = overlay(scenes, 64, 90)
    assert (raster.data == values).all()
    assert (raster.mask == missing).all()


def test_blocks_on_many_threads_give_the_same_as_one(make_scene, grid, request_of, monkeypatch):
    scenes = [
        make_scene("a", random_values(1, (2, 300, 300)), nodata=0),
        make_scene(
            "b", random_values(2, (2, 300, 300), fringe=200), nodata=0, place=(33, 17), crs="EPSG:32614"
        ),
    ]
    wanted = request_of("b0 b1", grid(-7, -3, 400, 380))
    whole = mosaic([scene.source for scene in scenes], wanted)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.BLOCK", 37)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.SMALLEST_BLOCK", 37)
    blocks = mosaic([scene.source for scene in scenes], wanted)
    assert (whole.data == blocks.data).all()
    assert (whole.mask == blocks.mask).all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mosaics_of_any_places_types_nodata_and_alpha(make_scene, grid, request_of, data):
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "int16", "float32"]))
    with_alpha = data.draw(st.booleans())
    split = data.draw(st.booleans())
    file_nodata = data.draw(st.sampled_from([None, 0]))
    names = ["b0", "alpha"] if with_alpha else ["b0", "b1"]
    scenes = []
    for index in range(data.draw(st.integers(1, 3))):
        rows, columns = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
        values = np.array(
            data.draw(st.lists(st.integers(0, 2), min_size=2 * rows * columns, max_size=2 * rows * columns)),
            dtype,
        ).reshape(2, rows, columns)
        place = data.draw(st.tuples(st.integers(-3, 8), st.integers(-3, 8)))
        scenes.append(
            make_scene(
                f"s{index}", values, bands=names, split=split, nodata=0, file_nodata=file_nodata, place=place
            )
        )
    sources = [scene.source for scene in scenes]
    raster = mosaic(sources, request_of(" ".join(names), grid(0, 0, 10, 11)))
    values, missing = overlay(scenes, 10, 11, alpha=1 if with_alpha else None)
    assert (raster.mask == missing).all()
    assert (raster.data == values).all()


def test_6_6_nodata_masks_its_own_band_only_and_bands_differ(make_scene, request_of):
    values = np.array([[[1, 2, 0]], [[9, 0, 3]]], "uint8")
    scene = make_scene("a", values)
    bands = {"b0": Band("b0", "Byte", nodata=2), "b1": Band("b1", "Byte", nodata=9, band_index=1)}
    source = Source("a", scene.source.files, bands)
    raster = read_image(source, request_of("b0 b1", scene.own))
    assert raster.mask.tolist() == [[[False, True, False]], [[True, False, False]]]
    assert raster.data.tolist() == [[[1, 0, 0]], [[0, 0, 3]]]


def test_the_files_nodata_wins_over_the_bands(make_scene, request_of):
    scene = make_scene("a", np.array([[[65535, 0, 7]]], "uint16"), nodata=0, file_nodata=65535)
    assert read_image(scene.source, request_of("b0", scene.own)).mask.tolist() == [[[True, False, False]]]
    silent = make_scene("b", np.array([[[65535, 0, 7]]], "uint16"), file_nodata=65535)
    over = mosaic([scene.source, silent.source], request_of("b0", scene.own))
    assert over.mask.tolist() == [[[True, False, False]]]


def test_a_nodata_that_the_type_cannot_hold_masks_nothing(make_scene, request_of):
    scene = make_scene("a", np.array([[[0, 1, 255]]], "uint8"), nodata=-9999)
    assert not read_image(scene.source, request_of("b0", scene.own)).mask.any()


def test_nodata_of_floating_files_stays_what_it_is(make_scene, request_of):
    scene = make_scene("a", np.array([[[-9999, 1.5]]], "float32"), file_nodata=-9999)
    raw = read_image(scene.source, request_of("b0", scene.own, mask_nodata=False))
    assert raw.array().tolist() == [[[-9999, 1.5]]]
    assert read_image(scene.source, request_of("b0", scene.own)).mask.tolist() == [[[True, False]]]


def test_nan_is_never_valid(make_scene, request_of):
    scene = make_scene("a", np.array([[[np.nan, 1.5]]], "float32"))
    raster = read_image(scene.source, request_of("b0", scene.own))
    assert raster.mask.tolist() == [[[True, False]]]
    assert raster.data.tolist() == [[[0, 1.5]]]


def test_6_7_alpha_masks_all_bands_and_comes_from_the_image_that_wins(make_scene, grid, request_of):
    newest = make_scene("n", np.array([[[100, 100]], [[0, 1]]], "uint8"), bands=["red", "alpha"])
    older = make_scene("o", np.array([[[200, 200]], [[1, 1]]], "uint8"), bands=["red", "alpha"])
    sources = [older.source, newest.source]
    raster = mosaic(sources, request_of("red alpha", grid(0, 0, 1, 2)))
    assert raster.data.tolist() == [[[200, 100]], [[1, 1]]]
    only = mosaic(sources, request_of("red", grid(0, 0, 1, 3)))
    assert only.data.tolist() == [[[200, 100, 0]]]
    assert only.mask.tolist() == [[[False, False, True]]]
    plain = mosaic(sources, request_of("red", grid(0, 0, 1, 2), mask_alpha=False, mask_nodata=False))
    assert plain.array().tolist() == [[[100, 100]]]
    with pytest.raises(ValueError, match="must be the last"):
        mosaic(sources, request_of("alpha red", grid(0, 0, 1, 2)))


def test_6_6_one_product_without_alpha_lets_none_mask_but_a_stack_decides_by_group(
    make_scene, grid, request_of
):
    with_alpha = make_scene("n", np.array([[[100]], [[0]]], "uint8"), bands=["red", "alpha"], product="x")
    without = make_scene("o", np.array([[[200]]], "uint8"), bands=["red"], product="y")
    wanted = request_of("red", grid(0, 0, 1, 1))
    assert mosaic([without.source, with_alpha.source], wanted).data.tolist() == [[[100]]]
    layers = stack([[with_alpha.source], [without.source]], wanted)
    assert [layer.mask.tolist() for layer in layers] == [[[[True]]], [[[False]]]]


def test_6_8_a_result_is_masked_exactly_if_something_masks(make_scene, request_of):
    scene = make_scene("a", np.array([[[0, 5]], [[1, 0]]], "uint8"), bands=["red", "alpha"], nodata=0)

    def result(**masks):
        return read_image(scene.source, request_of("red", scene.own, **masks)).array()

    assert result().mask.tolist() == [[[True, True]]]
    assert result(mask_alpha=False).mask.tolist() == [[[True, False]]]
    assert result(mask_nodata=False).mask.tolist() == [[[False, True]]]
    assert result(mask_nodata=False).data.tolist() == [[[0, 0]]]
    assert type(result(mask_nodata=False, mask_alpha=False)) is np.ndarray
    assert result(mask_nodata=False, mask_alpha=False).tolist() == [[[0, 5]]]


def test_without_masks_what_is_missing_shows_as_nodata(make_scene, grid, request_of):
    scene = make_scene("a", np.array([[[-9999, 5]]], "int16"), nodata=-9999)
    raster = read_image(scene.source, request_of("b0", grid(0, 0, 1, 3), mask_nodata=False))
    assert raster.array().tolist() == [[[-9999, 5, -9999]]]


def test_6_4_a_cutline_masks_what_is_outside(make_scene, grid, request_of):
    scene = make_scene("a", random_values(1, (1, 20, 20), fringe=0))
    left, top = rasterio.warp.transform("EPSG:32614", "EPSG:4326", [500_000, 500_305], [4_200_000, 4_199_695])
    cutline = box(left[0] - 1, top[1], left[1], top[0] + 1)
    context = grid(0, 0, 20, 20, geometry=cutline)
    mask = read_image(scene.source, request_of("b0", context)).mask[0]
    assert not mask[:10, :10].any()
    assert mask[11:, :].all()
    assert mask[:, 11:].all()
    touched = read_image(scene.source, request_of("b0", context.assign(all_touched=True))).mask[0]
    assert not touched[:11, :11].any()
    assert touched.sum() < mask.sum()


def test_6_17_the_type_without_scaling(make_scene, request_of):
    values = np.array([[[1]], [[1]]], "uint8")
    scene = make_scene("a", values, bands=["red", "alpha"])
    wide = {**scene.source.bands, "alpha": Band("alpha", "UInt16", band_index=1, type="mask")}
    source = Source("a", scene.source.files, wide)
    assert read_image(source, request_of("red", scene.own)).data.dtype == "uint8"
    assert mosaic([source], request_of("red", scene.own)).data.dtype == "uint8"
    assert mosaic([source], request_of("red alpha", scene.own)).data.dtype == "uint16"
    assert read_image(source, request_of("red", scene.own, data_type="Float32")).data.dtype == "float32"


def test_a_file_of_a_wider_type_than_its_band_says_is_trusted(make_scene, request_of):
    scene = make_scene("a", np.array([[[300]]], "uint16"), data_type="Byte")
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "a file holds uint16", UserWarning)
        raster = read_image(scene.source, request_of("b0", scene.own))
    assert "reading as UInt16" in str(caught[0].message)
    assert raster.data.tolist() == [[[300]]]


def test_7_14_scaling_keeps_masked_pixels_masked(make_scene, request_of):
    scene = make_scene("a", np.array([[[0, 2000, 9000]]], "uint16"), nodata=0)
    raster = read_image(scene.source, request_of("b0", scene.own, scaling=[(1000, 3000)]))
    assert raster.data.dtype == "uint8"
    assert raster.array().tolist() == [[[None, 128, 255]]]
    auto = read_image(scene.source, request_of("b0", scene.own, scaling="auto"))
    assert auto.array().tolist() == [[[None, 0, 255]]]


def test_6_10_stacks_keep_their_order_and_share_one_array(make_scene, grid, request_of):
    scenes = [make_scene(f"s{n}", np.full((1, 4, 4), n + 1, "uint8")) for n in range(5)]
    layers = stack([[s.source] for s in scenes], request_of("b0", grid(0, 0, 4, 4)), max_workers=3)
    array = stacked(layers)
    assert array[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert np.shares_memory(array.data, layers[0].data)
    grouped = stack([[s.source for s in scenes[:3]], [scenes[4].source]], request_of("b0", grid(0, 0, 4, 4)))
    assert stacked(grouped)[:, 0, 0, 0].tolist() == [3, 5]
    for of_none in (stack, mosaic):
        with pytest.raises(ValueError, match="no images"):
            of_none([], request_of("b0", grid(0, 0, 4, 4)))


def test_an_image_that_lacks_a_file_is_masked_in_that_band_if_others_have_it(make_scene, grid, request_of):
    older = make_scene("o", random_values(1, (2, 4, 4), fringe=0), split=True)
    newer = make_scene("n", random_values(2, (2, 4, 4), fringe=0), split=True)
    lacking = Source("n", (newer.source.files[0], ""), newer.source.bands)
    with pytest.raises(RasterError, match="image 'n' has no asset with band 'b1'"):
        read_image(lacking, request_of("b0 b1", grid(0, 0, 4, 4)))
    assert not read_image(lacking, request_of("b0", grid(0, 0, 4, 4))).mask.any()
    layer = stack([[older.source], [lacking]], request_of("b0 b1", grid(0, 0, 4, 4)))[1]
    assert not layer.mask[0].any()
    assert layer.mask[1].all()
    both = mosaic([older.source, lacking], request_of("b0 b1", grid(0, 0, 4, 4)))
    assert (both.data[0] == newer.values[0]).all()
    assert (both.data[1] == older.values[1]).all()


@pytest.mark.parametrize("files", [(), ("",)])
def test_remote_images_are_refused(files, grid, request_of):
    source = Source("remote:image", files, {"b0": Band("b0")})
    with pytest.raises(RasterError, match="remote:image"):
        read_image(source, request_of("b0", grid(0, 0, 1, 1)))


@pytest.mark.parametrize("harm", ["missing", "truncated", "no raster"])
def test_a_broken_file_is_an_error_that_names_image_band_and_file(make_scene, grid, request_of, harm):
    good = make_scene("good", random_values(1, (1, 200, 200)), nodata=0)
    bad = make_scene("bad", random_values(2, (1, 200, 200)), nodata=0)
    path = Path(bad.source.files[0])
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if harm == "truncated" else b"nothing")
    with pytest.raises(RasterError) as caught:
        mosaic([good.source, bad.source], request_of("b0", grid(0, 0, 200, 200)))
    assert caught.value.image_id == "bad"
    assert caught.value.bands == ("b0",)
    assert caught.value.file == str(path)
    assert all(word in str(caught.value) for word in ("'bad'", "'b0'", str(path)))
    assert mosaic([good.source], request_of("b0", grid(0, 0, 200, 200))).mask.any()


def test_a_band_that_the_file_has_not_is_an_error(make_scene, request_of):
    scene = make_scene("a", random_values(1, (1, 4, 4)))
    source = Source("a", scene.source.files, {"b9": Band("b9", band_index=9)})
    with pytest.raises(RasterError, match="band_index 9"):
        read_image(source, request_of("b9", scene.own))


def test_an_image_beside_a_block_is_not_opened_for_it(make_scene, grid, request_of):
    here = make_scene("here", np.full((1, 40, 40), 3, "uint8"), nodata=3)
    west, east = (box(left, 37.8, left + 0.01, 38.0) for left in (-99.0, -98.9))
    sources = [
        Source("there", ("/nowhere.tif",), here.source.bands, east),
        Source("here", here.source.files, here.source.bands, west),
    ]
    plan = make_plan(sources, request_of("b0", grid(0, 0, 40, 400)))
    assert len(plan.sources) == 2
    renderer = Renderer(plan, TileCache())

    def render(left):
        mask = np.zeros((1, 40, 40), bool)
        renderer.render((slice(0, 40), slice(left, left + 40)), np.zeros((1, 40, 40), "uint8"), mask)
        return mask

    assert render(0).all()
    with pytest.raises(RasterError, match="'there'"):
        render(300)


def test_an_image_below_a_full_mosaic_is_never_opened(make_scene, grid, request_of):
    hidden = Source("hidden", ("/nowhere.tif",), {"b0": Band("b0", "Byte")})
    top = make_scene("top", np.ones((1, 8, 8), "uint8"))
    assert mosaic([hidden, top.source], request_of("b0", grid(0, 0, 8, 8))).data.all()


def test_images_far_from_the_grid_are_passed_over(make_scene, grid, request_of):
    top = make_scene("top", np.ones((1, 8, 8), "uint8"))
    far = Source("far", ("/nowhere.tif",), {"b0": Band("b0", "Byte")}, box(10, 10, 11, 11))
    near = Source("near", ("/nowhere.tif",), {"b0": Band("b0", "Byte")}, box(-99.01, 37.9, -98, 38.5))
    wanted = request_of("b0", grid(0, 0, 9, 9))
    assert [read.source.id for read in make_plan([far, near, top.source], wanted).sources] == ["near", "top"]


def test_internal_masks_and_undeclared_alpha_hide_pixels(make_scene, request_of):
    scene = make_scene("a", np.full((1, 2, 2), 7, "uint8"))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(scene.source.files[0], "r+") as dataset:
        dataset.write_mask(np.array([[True, False], [True, True]]))
    assert read_image(scene.source, request_of("b0", scene.own)).mask.tolist() == [
        [[False, True], [False, False]]
    ]
    rgba = make_scene(
        "c",
        np.array([[[7, 7]]] * 3 + [[[0, 255]]], "uint8"),
        bands=["r", "g", "b", "a"],
        photometric="RGB",
        alpha="YES",
    )
    visible = {name: band for name, band in rgba.source.bands.items() if name != "a"}
    raster = read_image(Source("c", rgba.source.files, visible), request_of("r", rgba.own))
    assert raster.mask.tolist() == [[[True, False]]]


def test_a_request_for_too_many_pixels_says_how_many(make_scene, grid, request_of, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_MAX_PIXELS", "99")
    scene = make_scene("a", np.ones((1, 10, 10), "uint8"))
    with pytest.raises(ValueError, match="LANDBRIDGE_MAX_PIXELS"):
        read_image(scene.source, request_of("b0", scene.own))


def test_gdals_settings_outside_a_call_stay_as_they_are(make_scene, request_of):
    scene = make_scene("a", np.ones((1, 4, 4), "uint8"))
    with rasterio.Env(GDAL_HTTP_MAX_RETRY=7) as env:
        before = dict(env.options)
        read_image(scene.source, request_of("b0", scene.own))
        assert rasterio.env.getenv()["GDAL_HTTP_MAX_RETRY"] == 7
        assert env.options == before


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pair of Landsat scenes is not there")
def test_a_mosaic_of_real_scenes_is_the_later_laid_over_the_earlier():
    names = {"blue": "B2", "green": "B3", "red": "B4"}
    bands = {name: Band(name, nodata=0, file_index=index) for index, name in enumerate(names)}
    sources = [
        Source(
            scene,
            tuple(str(next(REAL.glob(f"*_{scene}_*_{suffix}.TIF"))) for suffix in names.values()),
            bands,
            product_id="landsat",
        )
        for scene in ("224077", "224078")
    ]
    with rasterio.open(sources[0].files[0]) as one, rasterio.open(sources[1].files[0]) as other:
        edges = np.array([one.bounds, other.bounds])
        crs = one.crs.to_string()
    left, bottom = edges[:, :2].min(axis=0)
    right, top = edges[:, 2:].max(axis=0)
    context = AOI(
        bounds=(left, bottom, right, top), bounds_crs=crs, crs=crs, resolution=30, align_pixels=False
    )
    raster = mosaic(sources, Request(("red", "green", "blue"), context))
    expected = np.zeros_like(raster.data)
    for source in sources:
        for band, name in enumerate(("red", "green", "blue")):
            with rasterio.open(source.files[bands[name].file_index]) as dataset:
                pixels = dataset.read(1)
                y, x = round((top - dataset.bounds.top) / 30), round((dataset.bounds.left - left) / 30)
            part = expected[band, y : y + pixels.shape[0], x : x + pixels.shape[1]]
            part[pixels != 0] = pixels[pixels != 0]
    assert raster.data.dtype == "uint16"
    assert (raster.data == expected).all()
    assert (raster.mask == (expected == 0)).all()
