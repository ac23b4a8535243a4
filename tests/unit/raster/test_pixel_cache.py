"""Decoded pixels that calls share: fewer reads, and never the pixels of another version of a file."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge.raster import PixelCache, RasterError, mosaic, read_image, stack
from landbridge.raster.io import header_index, local_file
from landbridge.raster.pixel_cache import process_cache
from support import range_server as rs
from unit.raster.conftest import write_tiff


@pytest.fixture
def settled(monkeypatch):
    """Keep files that have just been written: their times differ by nanoseconds here."""
    monkeypatch.setattr(local_file, "_SETTLED_NS", -(2**62))


def noise(seed, shape=(3, 200, 210), dtype="uint16"):
    values = np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)
    rows, columns = np.indices(shape[1:])
    values[:, (rows + columns) < 100] = 0
    return values


def scenes_of(make_scene, **options):
    kinds = {"nodata": 0, "file_nodata": 0, **options}
    return [make_scene(f"s{n}", noise(n), place=(20 * n, 30 * n), **kinds) for n in range(3)]


def over(server, source, query=""):
    return replace(source, files=tuple(f"{server.url}/{Path(path).name}{query}" for path in source.files))


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("crs", ["EPSG:32614", "EPSG:3857"])
@pytest.mark.parametrize(
    "options",
    [{"interleave": "pixel", "predictor": 2}, {"interleave": "band"}, {"split": True}, {"cog": True}],
    ids=str,
)
def test_a_second_call_decodes_nothing(make_scene, grid, request_of, decoded, options, crs):
    sources = [scene.source for scene in scenes_of(make_scene, **options)]
    area = grid(-5, -5, 260, 270, crs=crs)
    cache = PixelCache()
    wanted = request_of("b2 b0", area)
    expected = mosaic(sources, wanted)
    for _ in range(2):
        before = decoded[0]
        found = mosaic(sources, wanted, cache=cache)
        np.testing.assert_array_equal(found.data, expected.data)
        np.testing.assert_array_equal(found.mask, expected.mask)
    assert decoded[0] == before > 0
    # Other bands and another method take the same tiles.
    for names, method in (("b1", "near"), ("b0 b1", "bilinear")):
        other = request_of(names, area, resampler=method)
        plain, cached = mosaic(sources, other), mosaic(sources, other, cache=cache)
        np.testing.assert_array_equal(cached.data, plain.data)
    layers = stack([[source] for source in sources], wanted, cache=cache)
    for layer, plain in zip(layers, stack([[source] for source in sources], wanted), strict=True):
        np.testing.assert_array_equal(layer.data, plain.data)


@pytest.mark.usefixtures("settled")
def test_a_local_file_that_changes_is_read_again(make_scene, request_of):
    cache = PixelCache()
    for seed in range(3):
        scene = make_scene("a", noise(seed))
        wanted = request_of("b0", scene.own)
        assert (read_image(scene.source, wanted, cache=cache).data == scene.values[:1]).all()
    assert cache.used_bytes


@pytest.mark.usefixtures("settled")
def test_a_change_in_place_under_the_old_time_is_noticed(make_scene, request_of, tmp_path):
    scene = make_scene("a", noise(1), compress=None)
    cache, wanted = PixelCache(), request_of("b0", scene.own)
    assert (read_image(scene.source, wanted, cache=cache).data == scene.values[:1]).all()
    path = Path(scene.source.files[0])
    before = path.stat()
    other = noise(2)
    changed = Path(write_tiff(tmp_path / "other.tif", other, nodata=0, compress=None)).read_bytes()
    with path.open("r+b") as file:
        file.write(changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (read_image(scene.source, wanted, cache=cache).data == other[:1]).all()


def test_files_that_were_written_just_now_are_not_kept(make_scene, request_of):
    cache = PixelCache()
    scene = make_scene("a", noise(1))
    read_image(scene.source, request_of("b0", scene.own), cache=cache)
    assert cache.used_bytes == 0


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("size", [0, 10_000, 100_000, 10**8])
def test_the_size_is_bounded(make_scene, grid, request_of, size):
    sources = [scene.source for scene in scenes_of(make_scene)]
    wanted = request_of("b0 b1 b2", grid(0, 0, 260, 270))
    cache, expected = PixelCache(size), mosaic(sources, wanted).data
    for _ in range(3):
        assert (mosaic(sources, wanted, cache=cache).data == expected).all()
        assert cache.used_bytes <= size
    cache.clear()
    assert cache.used_bytes == 0
    assert (mosaic(sources, wanted, cache=cache).data == expected).all()


def test_a_cache_needs_a_size():
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        PixelCache(-1)


@pytest.mark.usefixtures("settled")
def test_threads_share_a_cache(make_scene, grid, request_of):
    sources = [scene.source for scene in scenes_of(make_scene)]
    areas = [grid(10 * n, 10 * n, 150, 160) for n in range(8)]
    expected = [mosaic(sources, request_of("b0 b1", area)).data for area in areas]
    cache = PixelCache(200_000)
    start = threading.Barrier(4)

    def work(number):
        start.wait()
        for place in range(number, number + 8):
            found = mosaic(sources, request_of("b0 b1", areas[place % 8]), cache=cache).data
            assert (found == expected[place % 8]).all()

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(work, number) for number in range(4)]:
            each.result()


@pytest.mark.parametrize("kept", [True, False], ids=["kept headers", "new headers"])
def test_a_remote_file_is_asked_for_its_version_only(
    make_scene, grid, request_of, server, monkeypatch, tmp_path, kept
):
    monkeypatch.setenv("LANDBRIDGE_CACHE", str(tmp_path / "headers") if kept else "off")
    sources = [over(server, scene.source) for scene in scenes_of(make_scene)]
    wanted = request_of("b0 b1", grid(0, 0, 260, 270))
    cache = PixelCache()
    expected = mosaic(sources, wanted, cache=cache).data
    if not kept:
        header_index._memory.clear()
    server.seen.clear()
    assert (mosaic(sources, wanted, cache=cache).data == expected).all()
    asked = {seen.range for seen in server.gets()}
    assert asked == ({"bytes=0-0"} if kept else {"bytes=0-32767"})
    assert len(server.gets()) == 3
    # A later version is noticed before any pixel of the earlier one is used.
    scenes = [
        make_scene(f"s{n}", noise(n + 10), place=(20 * n, 30 * n), nodata=0, file_nodata=0) for n in range(3)
    ]
    later = mosaic([scene.source for scene in scenes], wanted).data
    assert not (later == expected).all()
    assert (mosaic(sources, wanted, cache=cache).data == later).all()


def test_a_caller_who_is_refused_gets_no_cached_pixels(make_scene, request_of, server):
    scene = make_scene("a", noise(1))
    cache, wanted = PixelCache(), request_of("b0", scene.own)
    server.behave = lambda seen: None if seen.query == "signature=right-one" else rs.refuse(403)
    allowed = over(server, scene.source, "?signature=right-one")
    assert (read_image(allowed, wanted, cache=cache).data == scene.values[:1]).all()
    assert cache.used_bytes
    with pytest.raises(RasterError, match="403"):
        read_image(over(server, scene.source, "?signature=wrong-one"), wanted, cache=cache)


def test_remote_files_without_tags_are_not_kept(make_scene, request_of, server):
    scene = make_scene("a", noise(1))
    server.behave = lambda _: rs.without_tags
    cache = PixelCache()
    read_image(over(server, scene.source), request_of("b0", scene.own), cache=cache)
    assert cache.used_bytes == 0


@pytest.mark.usefixtures("settled")
def test_a_variable_gives_the_process_a_cache(make_scene, request_of, monkeypatch, decoded):
    scene = make_scene("a", noise(1))
    assert process_cache() is None
    monkeypatch.setenv("LANDBRIDGE_PIXEL_CACHE", "16")
    cache = process_cache()
    assert cache is not None
    assert cache.max_bytes == 16 * 2**20
    wanted = request_of("b0", scene.own)
    read_image(scene.source, wanted)
    before = decoded[0]
    assert (read_image(scene.source, wanted).data == scene.values[:1]).all()
    assert decoded[0] == before
    monkeypatch.setenv("LANDBRIDGE_PIXEL_CACHE", "much")
    with pytest.raises(ValueError, match="LANDBRIDGE_PIXEL_CACHE must be a whole number of MiB, got 'much'"):
        read_image(scene.source, wanted)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("read"), st.integers(0, 100), st.integers(0, 100)),
    ),
    min_size=2,
    max_size=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("generated")


@settings(max_examples=100 if LONG else 12, deadline=None)
@given(steps=STEPS, size=st.sampled_from([0, 20_000, 10**7]))
def test_writes_and_reads_in_any_order_agree_with_reads_without_a_cache(folder, steps, size):
    from landbridge.geo import AOI
    from landbridge.raster import Band, Request, Source
    from unit.raster.conftest import ORIGIN

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_file, "_SETTLED_NS", -(2**62))
        bands = {f"b{n}": Band(f"b{n}", "UInt16", nodata=0, band_index=n) for n in range(2)}
        sources = []
        for number in range(2):
            path = folder / f"{number}.tif"
            write_tiff(path, noise(number, (2, 130, 140)), nodata=0)
            sources.append(Source(f"i{number}", (str(path),), bands, None, "p"))
        cache = PixelCache(size)
        for kind, first, second in steps:
            if kind == "write":
                write_tiff(folder / f"{first}.tif", noise(second, (2, 130, 140)), nodata=0)
                continue
            left, top = ORIGIN[0] + 30 * first, ORIGIN[1] - 30 * second
            bounds = (left, top - 60 * 30, left + 60 * 30, top)
            area = AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", resolution=30)
            wanted = Request(("b1", "b0"), area, mask_alpha=False)
            np.testing.assert_array_equal(
                mosaic(sources, wanted, cache=cache).data, mosaic(sources, wanted).data
            )
