"""Headers of remote files that were kept: no request for them, and never the pixels of another file."""

import json
import os
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.geo.grids.geobox import output_grid
from landbridge.raster import RasterError, mosaic, odc_driver, read_image, stack, stacked
from landbridge.raster.io import header_codec, header_index, headers
from support import range_server as rs
from unit.raster.test_odc_driver import item_of, load, pixels

SECRET = "?X-Amz-Signature=very-secret&X-Amz-Date=1"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """A new folder for headers, and nothing in memory."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LANDBRIDGE_CACHE", str(folder))
    empty_memory()
    yield folder / "headers"
    empty_memory()


def empty_memory():
    """Forget what this process has in memory, as another process would start."""
    header_index._memory.clear()
    header_index._memory_bytes = 0
    header_index._folder_in.cache_clear()


def kept_files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def over(server, source, query=""):
    return replace(source, files=tuple(f"{server.url}/{Path(path).name}{query}" for path in source.files))


def noise(seed, shape, dtype="uint16", hole=100):
    values = np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)
    rows, columns = np.indices(shape[1:])
    values[:, (rows + columns) < hole] = 0
    return values


def scenes_of(make_scene, **options):
    kinds = {"nodata": 0, "file_nodata": 0, **options}
    return [
        make_scene("a", noise(1, (3, 300, 310)), **kinds),
        make_scene("b", noise(2, (3, 290, 300)), place=(40, 30), **kinds),
        make_scene("c", noise(3, (3, 200, 220)), place=(90, 60), **kinds),
    ]


def headers_among(server):
    return [seen for seen in server.gets() if seen.range.startswith("bytes=0-")]


@pytest.mark.parametrize("split", [False, True], ids=["interleaved", "split"])
def test_a_second_call_requests_tiles_only(make_scene, grid, request_of, server, split):
    scenes = scenes_of(make_scene, split=split, cog=True)
    wanted = request_of("b0 b2", grid(-3, 5, 310, 330))
    expected = mosaic([scene.source for scene in scenes], wanted)
    sources = [over(server, scene.source) for scene in scenes]
    for in_memory in (False, True, False):
        before = len(server.seen)
        found = mosaic(sources, wanted)
        np.testing.assert_array_equal(found.data, expected.data)
        np.testing.assert_array_equal(found.mask, expected.mask)
        if before:
            assert not headers_among(server)
        server.seen.clear()
        if not in_memory:
            empty_memory()


PROCESS = """
import json, sys, time, pickle
from landbridge.raster import mosaic
sources, request = pickle.load(open(sys.argv[1], "rb"))
start = time.perf_counter()
raster = mosaic(sources, request, progress=False)
print(json.dumps([int(raster.data.astype("u8").sum()), time.perf_counter() - start]))
"""


def in_process(path):
    found = subprocess.run([sys.executable, "-c", PROCESS, path], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def test_a_second_process_requests_no_header(make_scene, grid, request_of, server, tmp_path):
    import pickle

    scenes = scenes_of(make_scene, split=True, cog=True)
    wanted = request_of("b0 b1 b2", grid(0, 0, 300, 310))
    job = tmp_path / "job"
    job.write_bytes(pickle.dumps(([over(server, scene.source) for scene in scenes], wanted)))
    (first, _) = in_process(job)
    assert len(headers_among(server)) == 9
    tiles = len(server.seen) - 9
    server.seen.clear()
    (second, _) = in_process(job)
    assert first == second == int(mosaic([s.source for s in scenes], wanted).data.astype("u8").sum())
    assert not headers_among(server)
    assert len(server.seen) == tiles


def test_odc_stac_requests_no_header_again(make_scene, grid, server):
    scenes = scenes_of(make_scene, interleave="pixel")
    items = [item_of(scene, nodata=0, base=server.url) for scene in scenes]
    where = {"bands": ["b0", "b1"], "geobox": output_grid(grid(0, 0, 300, 310)), "driver": odc_driver()}
    first = pixels(load(items, **where))
    server.seen.clear()
    empty_memory()
    np.testing.assert_array_equal(pixels(load(items, **where)), first)
    assert not headers_among(server)
    path = Path(scenes[0].source.files[0])
    changed = make_scene("a", noise(9, (3, 300, 310)), nodata=0, file_nodata=0, interleave="pixel")
    assert changed.source.files[0] == str(path)
    again = pixels(load(items, **where))
    np.testing.assert_array_equal(again, pixels(load([item_of(s, nodata=0) for s in scenes], **where)))
    assert (again != first).any()


@pytest.mark.parametrize("behaviour", [None, rs.careless], ids=["conditions", "no conditions"])
@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize(
    "after",
    [
        {},
        {"dtype": "uint8"},
        {"shape": (3, 80, 90)},
        {"shape": (1, 300, 310)},
        {"place": (30, 70)},
        {"sparse": True},
    ],
    ids=str,
)
def test_a_replaced_file_gives_its_new_pixels(make_scene, grid, request_of, server, after, where, behaviour):
    server.behave = None if behaviour is None else lambda _: behaviour
    wanted = request_of("b0", grid(-3, 5, 310, 330))
    options = {"nodata": 0, "file_nodata": 0, "interleave": "pixel"}
    below = make_scene("b", noise(2, (3, 290, 300)), place=(40, 30), **options)
    scene = make_scene("a", noise(1, (3, 300, 310)), **options)
    sources = [over(server, each.source) for each in (below, scene)]
    mosaic(sources, wanted)
    if where == "disk":
        empty_memory()
    values = noise(7, after.get("shape", (3, 300, 310)), after.get("dtype", "uint16"))
    if after.get("sparse"):
        values[:, :250] = 0
        options |= {"sparse_ok": True}
    changed = make_scene(
        "a", values, place=after.get("place", (0, 0)), bands=["b0", "b1", "b2"][: len(values)], **options
    )
    expected = mosaic([below.source, replace(scene.source, files=changed.source.files)], wanted)
    for _ in range(2):
        found = mosaic(sources, wanted)
        np.testing.assert_array_equal(found.data, expected.data)
        np.testing.assert_array_equal(found.mask, expected.mask)


def test_tiles_that_were_not_stored_are_checked(make_scene, grid, request_of, server):
    """A header alone says that a tile has no data: a byte is requested to know that it still holds."""
    options = {"nodata": 0, "file_nodata": 0, "sparse_ok": True}
    empty = np.zeros((1, 128, 128), "uint16")
    empty[:, 100:, 100:] = 5
    wanted = request_of("b0", grid(0, 0, 60, 60))
    source = over(server, make_scene("a", empty, **options).source)
    assert not mosaic([source], wanted).data.any()
    server.seen.clear()
    assert not mosaic([source], wanted).data.any()
    assert [seen.range for seen in server.seen] == ["bytes=0-0"]
    make_scene("a", empty + np.uint16(3), **options)
    assert (mosaic([source], wanted).data == 3).all()


def test_a_header_of_a_file_that_moved_away_is_checked(make_scene, grid, request_of, server):
    options = {"nodata": 0, "file_nodata": 0}
    values = noise(1, (1, 100, 100), hole=0)
    wanted = request_of("b0", grid(500, 500, 60, 60))
    source = over(server, make_scene("a", values, **options).source)
    assert mosaic([source], wanted).mask.all()
    make_scene("a", values, place=(500, 500), **options)
    found = mosaic([source], wanted)
    np.testing.assert_array_equal(found.data[0], values[0, :60, :60])


def test_interpolated_and_reduced_pixels_are_those_of_the_new_file(make_scene, grid, request_of, server):
    scene = make_scene("a", noise(1, (2, 300, 310)), nodata=0, file_nodata=0, cog=True)
    source = over(server, scene.source)
    jobs = [
        request_of("b0 b1", grid(0, 0, 60, 60, resolution=70), resampler="bilinear"),
        request_of("b0", grid(0, 0, 100, 100), method="median"),
    ]
    for seed in (1, 5, 6):
        scene = make_scene("a", noise(seed, (2, 300, 310)), nodata=0, file_nodata=0, cog=True)
        empty_memory()
        for wanted in jobs:
            found, expected = (mosaic([each, each], wanted) for each in (source, scene.source))
            np.testing.assert_array_equal(found.data, expected.data)


def test_a_file_that_changes_after_its_first_tiles_is_an_error(make_scene, grid, request_of, server):
    scene = make_scene("a", noise(1, (1, 640, 640)), compress=None, nodata=0)
    source, wanted = over(server, scene.source), request_of("b0", grid(0, 0, 640, 640))
    read_image(source, wanted)
    content = Path(scene.source.files[0]).read_bytes()
    answered = []

    def behave(seen):
        answered.append(seen)
        if len(answered) == 2:
            changed = bytearray(content)
            changed[-1] ^= 1
            Path(scene.source.files[0]).write_bytes(changed)

    server.behave = behave
    context = [grid(0, 0, 64, 640), grid(500, 0, 64, 640)]
    with pytest.raises(RasterError, match="the file was changed while it was being read"):
        read_in_turn(source, [request_of("b0", each) for each in context])


def read_in_turn(source, requests):
    """Read two areas by one open file."""
    from landbridge.raster.io.tile_reader import TileCache

    with_header = header_index.read_header(source.files[0])
    from landbridge.raster.io.headers import tile_reader_for

    tiles = tile_reader_for(with_header, 0, TileCache())
    try:
        tiles.read([1], (slice(0, 64), slice(0, 640)))
        tiles.read([1], (slice(500, 564), slice(0, 640)))
    except OSError as error:
        raise RasterError(str(error)) from error


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:0],
        lambda content: content[:-1],
        lambda content: content[:40],
        lambda content: b"\0" * len(content),
        lambda content: b"another program's file"[: len(content)],
        lambda content: content[:60] + bytes([content[60] ^ 255]) + content[61:],
        lambda content: content + b"x",
    ],
)
def test_a_broken_file_of_the_cache_is_replaced(make_scene, request_of, server, cache, damage):
    scene = make_scene("a", noise(1, (1, 170, 170)))
    source, wanted = over(server, scene.source), request_of("b0", scene.own)
    read_image(source, wanted)
    (path,) = kept_files(cache)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    empty_memory()
    server.seen.clear()
    assert (read_image(source, wanted).data == scene.values).all()
    assert len(headers_among(server)) == 1
    assert path.read_bytes() == whole


def test_the_header_of_another_address_is_not_used(make_scene, request_of, server, cache):
    one, other = (make_scene(name, noise(seed, (1, 170, 170))) for name, seed in (("a", 1), ("b", 2)))
    for scene in (one, other):
        read_image(over(server, scene.source), request_of("b0", scene.own))
    first, second = kept_files(cache)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    empty_memory()
    for scene in (one, other):
        found = read_image(over(server, scene.source), request_of("b0", scene.own))
        assert (found.data == scene.values).all()


WRITING = """
import sys
import tempfile
from landbridge.raster.io import header_index, headers
header = headers.read_header(sys.argv[1])
for _ in range(200):
    header_index.put(sys.argv[1], header)
    header_index._memory.clear()
    assert header_index.get(sys.argv[1]) is not None
"""


def test_processes_share_the_folder(make_scene, server, cache):
    address = over(server, make_scene("a", noise(1, (3, 300, 310))).source).files[0]
    processes = [subprocess.Popen([sys.executable, "-c", WRITING, address]) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(kept_files(cache)) == 1


@pytest.mark.parametrize("obstacle", ["a file", "off", "no permission"])
def test_without_a_folder_everything_works(make_scene, request_of, server, tmp_path, monkeypatch, obstacle):
    folder = tmp_path / "obstacle"
    if obstacle == "a file":
        folder.write_text("")
    elif obstacle == "no permission":
        # The tests may run as root, whom permissions do not stop; nobody makes a folder there.
        folder = Path("/proc/landbridge" if Path("/proc/self").exists() else "/dev/landbridge")
    monkeypatch.setenv("LANDBRIDGE_CACHE", "off" if obstacle == "off" else str(folder))
    scene = make_scene("a", noise(1, (1, 170, 170)))
    source = over(server, scene.source)
    for _ in range(2):
        empty_memory()
        assert (read_image(source, request_of("b0", scene.own)).data == scene.values).all()
    assert len(headers_among(server)) == 2


def test_the_folder_has_neither_addresses_nor_secrets(make_scene, request_of, server, cache):
    scene = make_scene("a", noise(1, (1, 170, 170)))
    read_image(over(server, scene.source, SECRET), request_of("b0", scene.own))
    (path,) = kept_files(cache)
    content = path.read_bytes()
    text = content + zlib.decompress(content[len(header_codec._MAGIC) + 16 :]) + str(path).encode()
    assert b"very-secret" not in text
    assert b"127.0.0.1" not in text
    assert path.parent.stat().st_mode & 0o077 == 0


def test_other_signatures_of_an_address_share_its_header(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (1, 170, 170)))
    wanted = request_of("b0", scene.own)
    for query in (SECRET, SECRET.replace("very", "another"), ""):
        assert (read_image(over(server, scene.source, query), wanted).data == scene.values).all()
    assert len(headers_among(server)) == 1
    read_image(over(server, scene.source, "?file=2"), wanted)
    assert len(headers_among(server)) == 2


@pytest.mark.parametrize("behaviour", [rs.without_tags, rs.without_versions], ids=["no tag", "no version"])
def test_without_an_etag_nothing_is_kept(make_scene, request_of, server, cache, behaviour):
    server.behave = lambda _: behaviour
    scene = make_scene("a", noise(1, (1, 170, 170)))
    for _ in range(2):
        read_image(over(server, scene.source), request_of("b0", scene.own))
    assert len(headers_among(server)) == 2
    assert not cache.exists()


def test_the_size_of_the_folder_is_bounded(make_scene, server, cache, monkeypatch):
    monkeypatch.setattr(header_index, "_PART_LETTERS", 0)
    scene = make_scene("a", noise(1, (3, 300, 310)))
    header = headers.read_header(over(server, scene.source).files[0])
    size = len(header_codec.encode("0" * 64, header))
    monkeypatch.setattr(header_index, "_MAX_DISK", 5 * size)
    unfinished = cache / ".0123.new"
    cache.mkdir(parents=True)
    unfinished.write_text("x")
    os.utime(unfinished, (0, 0))
    for number in range(12):
        address = f"{server.url}/{number}.tif"
        header_index.put(address, header)
        path = cache / header_index._key(address)
        os.utime(path, (time.time() - 100 + number, time.time() - 100 + number))
    assert 3 <= len(kept_files(cache)) <= 6
    assert not unfinished.exists()
    empty_memory()
    assert header_index.get(f"{server.url}/11.tif") is not None
    assert header_index.get(f"{server.url}/0.tif") is None


def test_the_memory_is_bounded(make_scene, server, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_CACHE", "off")
    monkeypatch.setattr(header_index, "_MAX_MEMORY", 10_000)
    header = headers.read_header(over(server, make_scene("a", noise(1, (3, 300, 310))).source).files[0])
    for number in range(50):
        header_index.put(f"{server.url}/{number}.tif", header)
    assert len(header_index._memory) < 10
    assert header_index._memory_bytes <= 10_000
    assert header_index.get(f"{server.url}/49.tif") is not None
    header_index.forget(f"{server.url}/49.tif")
    assert header_index.get(f"{server.url}/49.tif") is None


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "float32", "file_nodata": float("nan"), "cog": True},
        {"dtype": "float64", "file_nodata": -1e30},
        {"dtype": "uint32", "file_nodata": 2**32 - 1, "interleave": "band"},
        {"dtype": "uint8", "crs": "EPSG:3857"},
        {"dtype": "uint8", "photometric": "rgb", "shape": (4, 90, 80), "alpha": "unassociated"},
        {"crs": "+proj=sinu +R=6371007.181 +units=m"},
    ],
    ids=str,
)
def test_a_header_is_the_same_after_a_round_trip(make_scene, server, options):
    options = dict(options)
    values = noise(1, options.pop("shape", (3, 150, 170)), options.pop("dtype", "uint16"))
    scene = make_scene("a", values, **options)
    address = over(server, scene.source).files[0]
    header = headers.read_header(address)
    assert header_codec.is_encodable(header)
    version, decoded = header_codec.decode("k", header_codec.encode("k", header))
    assert version == header_codec.version_of(header)
    assert repr(replace(decoded, tiff=None)) == repr(replace(header, address="", tiff=None))
    assert decoded.grid == header.grid
    assert (decoded.tiff.has_alpha, decoded.tiff.overview_origins) == (
        header.tiff.has_alpha,
        header.tiff.overview_origins,
    )
    for page, expected in zip(decoded.tiff.pages, header.tiff.pages, strict=True):
        np.testing.assert_array_equal(page.offsets, expected.offsets)
        np.testing.assert_array_equal(page.counts, expected.counts)
        plain = {"offsets": None, "counts": None}
        assert repr(replace(page, **plain)) == repr(replace(expected, **plain))
    assert header_codec.decode("another key", header_codec.encode("k", header)) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_of_others_are_no_header(content):
    assert header_codec.decode("k", content) is None
    packed = zlib.compress(content)
    data = header_codec._MAGIC + header_codec._digest(packed) + packed
    assert header_codec.decode("k", data) is None


def test_threads_that_read_a_replaced_file_get_its_new_pixels(make_scene, grid, request_of, server):
    scene = make_scene("a", noise(1, (2, 600, 600)), nodata=0, split=True)
    source = over(server, scene.source)
    wanted = request_of("b0 b1", grid(0, 0, 600, 600))
    stack([[source]] * 2, wanted, chunks=128)
    changed = make_scene("a", noise(2, (2, 600, 600)), nodata=0, split=True)
    with ThreadPoolExecutor(3) as pool:
        found = [*pool.map(lambda _: stacked(stack([[source]] * 2, wanted, chunks=128)), range(3))]
    for each in found:
        np.testing.assert_array_equal(each[0].data, changed.values)
        np.testing.assert_array_equal(each[1].data, changed.values)
