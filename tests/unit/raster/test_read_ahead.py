"""Tiles of the next images of a mosaic are requested while the first one is composited."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from landbridge.raster import RasterError, mosaic
from landbridge.raster.io import header_index
from landbridge.raster.io.read_ahead import Budget, ReadAhead
from landbridge.raster.io.remote_file import RemoteFile
from landbridge.raster.io.tile_reader import TileCache


@pytest.fixture(autouse=True)
def _no_kept_headers(monkeypatch):
    """Begin without headers in memory, and keep none on disk."""
    monkeypatch.setenv("LANDBRIDGE_CACHE", "off")
    header_index._memory.clear()


def over(server, scene):
    """Return the image behind the server, with its footprint."""
    outline = GeoBox(scene.values.shape[1:], scene.transform, scene.crs).extent.to_crs("EPSG:4326").json
    files = tuple(f"{server.url}/{Path(path).name}" for path in scene.source.files)
    return replace(scene.source, files=files, geometry=shape(outline))


def noise(seed, shape=(2, 200, 200)):
    return np.random.default_rng(seed).integers(1, 200, shape).astype("uint16")


def side_by_side(make_scene, count=3, **options):
    """Make images that overlap by a fifth."""
    options = {"nodata": 0, "file_nodata": 0, **options}
    return [make_scene(f"s{n}", noise(n), place=(0, 160 * n), **options) for n in range(count)]


def tile_requests(server, name=""):
    return [seen for seen in server.gets(name) if not seen.range.startswith("bytes=0-")]


@pytest.mark.parametrize("split", [False, True], ids=["interleaved", "split"])
@pytest.mark.parametrize("crs", ["EPSG:32614", "EPSG:3857"])
def test_the_pixels_are_those_of_local_files(make_scene, grid, request_of, server, split, crs):
    scenes = side_by_side(make_scene, split=split)
    wanted = request_of("b1 b0", grid(-5, -5, 210, 540, crs=crs))
    expected = mosaic([scene.source for scene in scenes], wanted)
    sources = [over(server, scene) for scene in scenes]
    for _ in range(2):
        found = mosaic(sources, wanted)
        np.testing.assert_array_equal(found.data, expected.data)
        np.testing.assert_array_equal(found.mask, expected.mask)
        ranges = [(seen.path, seen.range) for seen in tile_requests(server)]
        assert len(set(ranges)) == len(ranges)
        server.seen.clear()


def test_the_next_image_is_requested_before_the_first_one_is_answered(make_scene, grid, request_of, server):
    scenes = side_by_side(make_scene)
    sources = [over(server, scene) for scene in scenes]
    wanted = request_of("b0", grid(0, 0, 200, 520))
    expected = mosaic(sources, wanted).data
    server.seen.clear()
    below_is_requested = threading.Event()
    waited = []

    def behave(seen):
        if "s0" in seen.path:
            below_is_requested.set()
        if "s2" in seen.path:
            waited.append(below_is_requested.wait(20))

    server.behave = behave
    np.testing.assert_array_equal(mosaic(sources, wanted).data, expected)
    assert waited
    assert all(waited)


def test_images_below_full_ones_are_not_requested(make_scene, grid, request_of, server):
    """Each footprint counts, and those of several images together."""
    options = {"nodata": 0, "file_nodata": 0}
    below = [make_scene(f"s{n}", noise(n, (1, 200, 360)), **options) for n in range(2)]
    above = side_by_side(lambda name, values, **more: make_scene(f"t{name}", values[:1], **more), 2)
    sources = [over(server, scene) for scene in [*below, *above]]
    wanted = request_of("b0", grid(0, 0, 200, 360))
    for _ in range(2):
        found = mosaic(sources, wanted)
        assert not found.mask.any()
        assert not tile_requests(server, "/s0-0.tif") + tile_requests(server, "/s1-0.tif")
        assert tile_requests(server, "/ts0-0.tif")


def test_holes_that_footprints_do_not_tell_are_filled(make_scene, grid, request_of, server):
    values = noise(1, (1, 200, 200))
    values[:, 50:120, 30:90] = 0
    options = {"nodata": 0, "file_nodata": 0}
    scenes = [make_scene("a", noise(2, (1, 200, 200)), **options), make_scene("b", values, **options)]
    wanted = request_of("b0", grid(0, 0, 200, 200))
    expected = mosaic([scene.source for scene in scenes], wanted)
    found = mosaic([over(server, scene) for scene in scenes], wanted)
    np.testing.assert_array_equal(found.data, expected.data)
    assert not found.mask.any()


def test_a_file_that_was_replaced_is_noticed_ahead_too(make_scene, grid, request_of, server):
    scenes = side_by_side(make_scene)
    sources = [over(server, scene) for scene in scenes]
    wanted = request_of("b0 b1", grid(0, 0, 200, 520))
    mosaic(sources, wanted)
    for n in range(3):
        make_scene(f"s{n}", noise(n + 10), place=(0, 160 * n), nodata=0, file_nodata=0)
    expected = mosaic([scene.source for scene in scenes], wanted)
    np.testing.assert_array_equal(mosaic(sources, wanted).data, expected.data)


def test_a_failed_request_is_the_error_of_its_image(make_scene, grid, request_of, server):
    scenes = side_by_side(make_scene)
    sources = [over(server, scene) for scene in scenes]
    wanted = request_of("b0", grid(0, 0, 200, 520))
    mosaic(sources, wanted)
    Path(scenes[0].source.files[0]).unlink()
    with pytest.raises(RasterError, match=r"s0-0\.tif") as caught:
        mosaic(sources, wanted)
    assert caught.value.image_id == "s0"


def test_a_budget_bounds_what_is_on_its_way():
    budget, ahead, sent = Budget(100), ReadAhead(), []

    def send(ranges):
        from concurrent.futures import Future

        answers = []
        for each in ranges:
            answer: Future = Future()
            sent.append((each, answer))
            answers.append((answer, [each]))
        return answers

    ahead.start([(0, 60), (60, 60), (200, 40)], budget, send)
    assert [each for each, _ in sent] == [(0, 60), (200, 40)]
    ahead.start([(0, 60)], budget, send)
    assert len(sent) == 2
    answers, others = ahead.take([(0, 60), (60, 60)])
    assert answers == {sent[0][1]: {(0, 60)}}
    assert others == [(60, 60)]
    ahead.start([(60, 60)], budget, send)
    assert sent[-1][0] == (60, 60)
    ahead.cancel()
    assert [answer.cancelled() for _, answer in sent] == [False, True, True]


def test_requests_that_another_call_cancelled_are_sent_again(make_scene, server):
    scene = make_scene("a", noise(1), nodata=0)
    header = header_index.read_header(over(server, scene).files[0])
    assert header.tiff is not None
    file = header.tiff.file
    assert isinstance(file, RemoteFile)
    page = header.tiff.pages[0]
    ranges = [(int(offset), int(count)) for offset, count in zip(page.offsets, page.counts, strict=True)]
    expected = {each: bytes(data) for each, data in file.read(ranges)}
    from concurrent.futures import Future

    cancelled: Future = Future()
    cancelled.cancel()
    cancelled.set_running_or_notify_cancel()
    file.ahead.start(ranges, Budget(10**9), lambda new: [(cancelled, list(new))])
    assert {each: bytes(data) for each, data in file.read(ranges)} == expected


def test_a_cached_tile_is_known():
    cache = TileCache()
    assert not cache.knows((1,))
    assert cache.claim((1,)) is None
    assert cache.knows((1,))


def stacked_with_holes(make_scene, count):
    """Make images of one place whose footprints do not tell their holes; the last one is on top."""
    scenes = []
    for n in range(count):
        values = noise(n, (1, 200, 200))
        if n:
            values[:, 40:170, 40:170] = 0
        scenes.append(make_scene(f"h{n}", values, nodata=0, file_nodata=0))
    return scenes


def test_images_below_a_hole_are_requested_at_once(make_scene, grid, request_of, server):
    scenes = stacked_with_holes(make_scene, 5)
    wanted = request_of("b0", grid(0, 0, 200, 200))
    expected = mosaic([scene.source for scene in scenes], wanted)
    sources = [over(server, scene) for scene in scenes]
    assert (mosaic(sources, wanted).data == expected.data).all()
    server.seen.clear()
    lowest_is_requested = threading.Event()
    waited = []

    def behave(seen):
        if "h0" in seen.path:
            lowest_is_requested.set()
        if "h3" in seen.path:
            waited.append(lowest_is_requested.wait(20))

    server.behave = behave
    np.testing.assert_array_equal(mosaic(sources, wanted).data, expected.data)
    assert waited
    assert all(waited)
    assert not expected.mask.any()


@pytest.mark.parametrize("bound", [0, 9_000, 2**23])
def test_bytes_that_prove_unneeded_are_bounded(make_scene, grid, request_of, server, monkeypatch, bound):
    from landbridge.raster.io import open_files, remote_file

    # Bytes between the tiles of a request come on top.
    monkeypatch.setattr(remote_file, "_MERGE_GAP", 0)
    monkeypatch.setattr(open_files, "_MAX_GUESSED_BYTES", bound)
    below = [make_scene(f"f{n}", noise(n, (1, 200, 200)), nodata=0, file_nodata=0) for n in range(5)]
    scenes = [*below, stacked_with_holes(make_scene, 2)[1]]
    wanted = request_of("b0", grid(0, 0, 200, 200))
    expected = mosaic([scene.source for scene in scenes], wanted)
    sources = [over(server, scene) for scene in scenes]
    # Only tiles of files whose headers are known are requested on a guess.
    mosaic(sources, wanted)
    server.seen.clear()
    np.testing.assert_array_equal(mosaic(sources, wanted).data, expected.data)
    unneeded = [seen.range for n in range(4) for seen in tile_requests(server, f"/f{n}-0.tif")]
    sizes = [int(stop) + 1 - int(start) for start, stop in (text[6:].split("-") for text in unneeded)]
    assert sum(sizes) <= bound
    # The first image below fills the hole, which is not known before.
    assert bool(unneeded) == (bound > 0)
