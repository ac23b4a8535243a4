"""Mosaics of images that come by pages: the pixels of one call with all images, and no page too many."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from conftest import LONG
from landbridge.raster import (
    PixelCache,
    RasterError,
    TooManyImagesError,
    mosaic,
    mosaic_pages,
)
from landbridge.raster.plan.arguments import METHODS, RESAMPLERS


def pages_of(sources, sizes):
    """Yield sources by pages of sizes, which repeat."""
    start = number = 0
    while start < len(sources):
        size = sizes[number % len(sizes)]
        yield sources[start : start + size]
        start, number = start + size, number + 1


def in_call_order(sources, method):
    return sources if method == "first" else sources[::-1]


def assert_same(found, expected):
    assert found.data.dtype == expected.data.dtype
    np.testing.assert_array_equal(np.ma.getmaskarray(found.data), np.ma.getmaskarray(expected.data))
    np.testing.assert_array_equal(np.ma.getdata(found.data), np.ma.getdata(expected.data))
    assert (found.mask is None) == (expected.mask is None)
    assert found.geobox == expected.geobox


def scene_of(make_scene, seed, count=2, *, dtype="uint16", holes=0.4, alpha=False, **options):
    random = np.random.default_rng(seed)
    values = random.integers(1, 250, (count, 40, 50)).astype(dtype)
    values[random.random(values.shape) < holes] = 0
    names = [f"b{n}" for n in range(count)]
    if alpha:
        values = np.concatenate([values, random.integers(0, 2, (1, 40, 50)).astype(dtype)])
        names.append("alpha")
    place = tuple(map(int, random.integers(-8, 12, 2)))
    return make_scene(
        f"s{seed}-{dtype}-{len(names)}-{options.get('split')}",
        values,
        bands=names,
        place=place,
        **{"nodata": 0, **options},
    ).source


@pytest.fixture(scope="module")
def kept():
    """Scenes by their options: examples of a test share files."""
    return {}


@settings(
    max_examples=400 if LONG else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_pages_have_the_pixels_of_one_call(make_scene, grid, request_of, kept, data):
    alpha, split = data.draw(st.booleans()), data.draw(st.booleans())
    dtypes = data.draw(st.lists(st.sampled_from(["uint8", "uint16", "int16"]), min_size=1, max_size=6))
    sources = []
    for seed, dtype in enumerate(dtypes):
        key = (seed, dtype, alpha, split)
        if key not in kept:
            made = scene_of(make_scene, seed, dtype=dtype, alpha=alpha, split=split, product=dtype)
            kept[key] = made
        sources.append(kept[key])
    crs = data.draw(st.sampled_from(["EPSG:32614", "EPSG:3857", "EPSG:4326"]))
    area = grid(-3, -2, 41, 45)
    if crs != "EPSG:32614":
        bounds = area.geobox.extent.to_crs(crs).boundingbox.bbox
        area = area.assign(bounds=bounds, bounds_crs=crs, crs=crs, resolution=None, shape=(37, 39))
    if data.draw(st.booleans()):
        middle = area.geobox.extent.to_crs("EPSG:4326").geom.centroid
        area = area.assign(geometry=middle.buffer(0.005))
    method = data.draw(st.sampled_from(["last", "first", "last", "first", *METHODS]))
    scaling = None
    if method != "count":
        scaling = data.draw(st.sampled_from([None, "auto", "raw", [(0, 200)], ["auto"]]))
    wanted = request_of(
        "b1",
        area,
        method=method,
        resampler=data.draw(st.sampled_from(["near", "near", *RESAMPLERS])),
        mask_nodata=data.draw(st.booleans()),
        mask_alpha=data.draw(st.sampled_from([None, True, False])) if alpha else None,
        scaling=scaling,
    )
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    cache = data.draw(st.sampled_from([None, PixelCache(10_000), PixelCache()]))
    taken = []

    def pages():
        for page in pages_of(sources, sizes):
            taken.extend(page)
            yield page

    found = mosaic_pages(pages(), wanted, cache=cache)
    assert_same(found, mosaic(in_call_order(taken, method), wanted))
    if len({source.product_id for source in sources}) == 1 and wanted.scaling not in ("auto", ["auto"]):
        # Images below those that fill the area change nothing.
        assert_same(found, mosaic(in_call_order(sources, method), wanted))


@pytest.mark.parametrize("method", ["last", "first"])
def test_no_page_is_asked_for_after_all_pixels_are_valid(make_scene, grid, request_of, method):
    sources = [scene_of(make_scene, 0, holes=0.5), *(scene_of(make_scene, n, holes=0) for n in range(1, 5))]
    asked = []

    def pages():
        for number, source in enumerate(sources):
            asked.append(number)
            yield [source]

    wanted = request_of("b0 b1", grid(12, 12, 8, 8), method=method)
    found = mosaic_pages(pages(), wanted)
    assert asked == [0, 1]
    assert not found.mask.any()
    assert_same(found, mosaic(in_call_order(sources, method), wanted))


def test_blocks_of_a_large_grid_are_filled_by_themselves(make_scene, grid, request_of):
    sources = [scene_of(make_scene, n, holes=0.3) for n in range(4)]
    wanted = request_of("b0", grid(-1000, -1000, 2100, 2100))
    assert_same(mosaic_pages(pages_of(sources, [1]), wanted), mosaic(sources[::-1], wanted))


def test_a_later_product_with_a_wider_type_widens_the_whole(make_scene, grid, request_of):
    narrow = scene_of(make_scene, 1, dtype="uint8", product="a")
    wide = scene_of(make_scene, 2, dtype="int32", product="b")
    wanted = request_of("b0", grid(0, 0, 30, 30))
    found = mosaic_pages([[narrow], [wide], [narrow]], wanted)
    assert found.data.dtype == "int32"
    assert_same(found, mosaic([narrow, wide, narrow], wanted))


def test_a_file_with_a_wider_type_than_declared_widens_the_whole(make_scene, grid, request_of):
    first = scene_of(make_scene, 1, dtype="uint8")
    second = scene_of(make_scene, 2, dtype="uint16", data_type="Byte")
    wanted = request_of("b0", grid(0, 0, 30, 30))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        found = mosaic_pages([[first], [second]], wanted)
        expected = mosaic([second, first], wanted)
    assert [str(each.message)[:27] for each in warned] == ["a file holds uint16 values,"] * 2
    assert found.data.dtype == "uint16"
    assert_same(found, expected)


def test_a_band_may_be_in_images_of_a_later_page_only(make_scene, grid, request_of):
    first = scene_of(make_scene, 1)
    lacking = replace(first, places={"b1": None})
    wanted = request_of("b1", grid(0, 0, 30, 30))
    found = mosaic_pages([[lacking], [lacking], [first]], wanted)
    assert_same(found, mosaic([first, lacking, lacking], wanted))
    with pytest.raises(RasterError, match="has no asset with band 'b1', nor has any other image"):
        mosaic_pages([[lacking], [lacking]], wanted)


@pytest.mark.parametrize("method", ["last", "mean"])
def test_images_beyond_the_limit_are_an_error_if_they_are_needed(make_scene, grid, request_of, method):
    sources = [scene_of(make_scene, n, holes=0.6) for n in range(4)]
    wanted = request_of("b0", grid(0, 0, 30, 30), method=method)
    for size in (1, 2, 3, 4):
        with pytest.raises(TooManyImagesError, match="not complete after 3 images") as raised:
            mosaic_pages(pages_of(sources, [size]), wanted, limit=3)
        assert raised.value.limit == 3
        assert_same(mosaic_pages(pages_of(sources, [size]), wanted, limit=4), mosaic(sources[::-1], wanted))


def test_images_beyond_the_limit_are_no_error_if_the_first_ones_fill_the_area(make_scene, grid, request_of):
    sources = [scene_of(make_scene, n, holes=0) for n in range(3)]
    wanted = request_of("b0", grid(12, 12, 8, 8))
    assert_same(mosaic_pages([sources], wanted, limit=1), mosaic(sources[:1], wanted))


def test_images_outside_the_area_leave_it_empty(make_scene, grid, request_of):
    far = replace(scene_of(make_scene, 1), geometry=box(10, 10, 11, 11))
    found = mosaic_pages([[far], [far]], request_of("b0", grid(0, 0, 9, 9)))
    assert found.mask.all()
    assert not found.data.any()


def test_without_images_there_is_no_mosaic(grid, request_of):
    for method in ("last", "mean"):
        for pages in ([], [[], []]):
            with pytest.raises(ValueError, match="there are no images"):
                mosaic_pages(pages, request_of("b0", grid(0, 0, 9, 9), method=method))


def test_an_empty_page_is_skipped(make_scene, grid, request_of):
    source = scene_of(make_scene, 1)
    wanted = request_of("b0", grid(0, 0, 30, 30))
    assert_same(mosaic_pages([[], [source], []], wanted), mosaic([source], wanted))


def test_an_error_of_the_pages_is_raised(make_scene, grid, request_of):
    def pages():
        yield [scene_of(make_scene, 1)]
        raise ConnectionError("the search failed")

    with pytest.raises(ConnectionError, match="the search failed"):
        mosaic_pages(pages(), request_of("b0", grid(0, 0, 30, 30)))
