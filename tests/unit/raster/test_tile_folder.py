"""Decoded pixels on disk: later processes read nothing again, and never get the pixels of another file."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from odc.geo.geobox import GeoBox
from shapely.geometry import shape

from conftest import LONG
from landbridge.raster import PixelCache, RasterError, mosaic, read_image
from landbridge.raster.dtypes import NUMPY_TYPES
from landbridge.raster.io import header_index
from landbridge.raster.io.tile_folder import TileFolder
from landbridge.raster.pixel_cache import process_cache
from support import range_server as rs
from unit.raster.conftest import write_tiff
from unit.raster.test_pixel_cache import noise, scenes_of


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory, monkeypatch):
    """A new folder for what is kept, and no header in memory."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LANDBRIDGE_CACHE", str(folder))
    header_index._memory.clear()
    yield folder
    header_index._memory.clear()


@pytest.fixture
def tiles(cache_folder):
    return cache_folder / "tiles"


def over(server, scene, query=""):
    """Return the image behind the server, with its footprint."""
    outline = GeoBox(scene.values.shape[1:], scene.transform, scene.crs).extent.to_crs("EPSG:4326").json
    files = tuple(f"{server.url}/{Path(path).name}{query}" for path in scene.source.files)
    return replace(scene.source, files=files, geometry=shape(outline))


def another_process(tiles, size=2**28):
    """Return a cache as another process begins with: nothing in memory, neither tiles nor headers."""
    header_index._memory.clear()
    return PixelCache(size, tiles)


def render(sources, wanted, cache):
    found = mosaic(sources, wanted, cache=cache)
    cache.flush()
    return found


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("footprints", [False, True], ids=["no footprints", "footprints"])
@pytest.mark.parametrize("crs", ["EPSG:32614", "EPSG:3857"])
@pytest.mark.parametrize("memory", [0, 2**28], ids=["no memory", "memory"])
@pytest.mark.parametrize(
    "options",
    [{"interleave": "pixel", "predictor": 2}, {"interleave": "band"}, {"split": True}, {"cog": True}],
    ids=str,
)
def test_another_process_asks_for_versions_only(
    make_scene, grid, request_of, server, tiles, decoded, options, crs, memory, footprints
):
    scenes = scenes_of(make_scene, **options)
    sources = [over(server, scene) for scene in scenes]
    if not footprints:
        sources = [replace(source, geometry=None) for source in sources]
    wanted = request_of("b2 b0", grid(-5, -5, 260, 270, crs=crs))
    expected = mosaic([scene.source for scene in scenes], wanted)
    for _ in range(2):
        before = decoded[0]
        server.seen.clear()
        found = render(sources, wanted, another_process(tiles, memory))
        np.testing.assert_array_equal(found.data, expected.data)
        np.testing.assert_array_equal(found.mask, expected.mask)
    assert decoded[0] == before > 0
    asked = server.gets()
    versions = [seen.path for seen in asked if seen.range == "bytes=0-0"]
    assert len(versions) == len(set(versions)) == len({seen.path for seen in asked})
    # By their footprints, images below may fill what those above left open: their tiles are requested ahead.
    assert not {seen.range for seen in asked} & {"bytes=0-32767", None}
    assert footprints or len(asked) == len(versions)


READING = """
import sys
import numpy as np
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, mosaic

*files, output = sys.argv[1:]
bands = {"b0": Band("b0", "UInt16", nodata=0, band_index=0)}
sources = [Source(f"i{n}", (file,), bands, None, "p") for n, file in enumerate(files)]
bounds, crs = (500_000, 4_193_000, 507_000, 4_200_000), "EPSG:32614"
area = AOI(bounds=bounds, bounds_crs=crs, crs=crs, resolution=30)
np.save(output, mosaic(sources, Request(("b0",), area), progress=False).data)
"""


def test_processes_share_what_the_end_of_one_has_written(server, tiles, tmp_path):
    for number in range(2):
        write_tiff(tmp_path / f"{number}.tif", noise(number, (1, 230, 230)), nodata=0)
    command = [sys.executable, "-c", READING, *(f"{server.url}/{number}.tif" for number in range(2))]
    environment = {**os.environ, "LANDBRIDGE_PIXEL_CACHE_DISK": "16"}
    first, *others = (tmp_path / f"{number}.npy" for number in range(4))
    subprocess.run([*command, first], env=environment, check=True)
    assert np.load(first).any()
    server.seen.clear()
    processes = [subprocess.Popen([*command, path], env=environment) for path in others]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert {seen.range for seen in server.gets()} == {"bytes=0-0"}
    for path in others:
        np.testing.assert_array_equal(np.load(path), np.load(first))


def test_versions_of_all_files_are_asked_for_at_once(make_scene, grid, request_of, server, tiles):
    scenes = [make_scene(f"s{n}", noise(n), nodata=0, file_nodata=0, split=True) for n in range(12)]
    sources = [over(server, scene) for scene in scenes]
    wanted = request_of("b0 b1", grid(0, 0, 200, 210))
    expected = render(sources, wanted, another_process(tiles)).data
    server.seen.clear()
    mosaic(sources, wanted, cache=another_process(tiles))
    asked = {seen.path for seen in server.gets()}
    assert len(asked) > 8
    all_are_there = threading.Barrier(len(asked))
    server.behave = lambda _: all_are_there.wait(20) and None
    assert (mosaic(sources, wanted, cache=another_process(tiles)).data == expected).all()


def test_a_file_that_was_replaced_is_read_again(make_scene, grid, request_of, server, tiles):
    wanted = request_of("b0 b1", grid(0, 0, 260, 270))
    for edition in range(3):
        scenes = [
            make_scene(f"s{n}", noise(n + 10 * edition), place=(20 * n, 30 * n), nodata=0, file_nodata=0)
            for n in range(3)
        ]
        expected = mosaic([scene.source for scene in scenes], wanted).data
        sources = [over(server, scene) for scene in scenes]
        assert (render(sources, wanted, another_process(tiles)).data == expected).all()


def test_a_caller_who_is_refused_gets_no_kept_pixels(make_scene, request_of, server, tiles):
    scene = make_scene("a", noise(1))
    wanted = request_of("b0", scene.own)
    server.behave = lambda seen: None if seen.query == "signature=right-one" else rs.refuse(403)
    allowed = over(server, scene, "?signature=right-one")
    assert (render([allowed], wanted, another_process(tiles)).data == scene.values[:1]).all()
    assert files_in(tiles)
    with pytest.raises(RasterError, match="403"):
        read_image(over(server, scene, "?signature=wrong-one"), wanted, cache=another_process(tiles))


@pytest.mark.parametrize("behaviour", [rs.without_tags, rs.without_versions], ids=["no tag", "no version"])
def test_files_without_tags_are_not_kept(make_scene, grid, request_of, server, tiles, behaviour):
    scene = make_scene("a", noise(1, (1, 1100, 1100)))
    server.behave = lambda _: behaviour
    # Several blocks need the same tiles, so that these are cached during the call.
    wanted = request_of("b0", grid(3, 3, 1090, 1090, crs="EPSG:3857"))
    render([over(server, scene)], wanted, another_process(tiles))
    assert not files_in(tiles)


def test_local_files_are_not_kept(make_scene, request_of, tiles):
    scene = make_scene("a", noise(1))
    render([scene.source], request_of("b0", scene.own), another_process(tiles))
    assert not files_in(tiles)


def test_the_folder_is_private_and_has_no_addresses(make_scene, request_of, server, tiles):
    scene = make_scene("a", noise(1))
    render([over(server, scene, "?sig=secret")], request_of("b0", scene.own), another_process(tiles))
    for path in files_in(tiles):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
        content = path.read_bytes() + str(path).encode()
        assert b"secret" not in content
        assert b"127.0.0.1" not in content


@pytest.mark.parametrize("size", [0, 20_000, 2_000_000])
def test_the_size_of_the_folder_is_bounded(make_scene, grid, request_of, server, tiles, size):
    sources = [over(server, scene) for scene in scenes_of(make_scene)]
    wanted = request_of("b0 b1 b2", grid(0, 0, 260, 270))
    expected = mosaic(sources, wanted).data
    for _ in range(2):
        header_index._memory.clear()
        assert (render(sources, wanted, PixelCache(0, tiles, size)).data == expected).all()
        assert sum(path.stat().st_size for path in files_in(tiles)) <= size * 17 / 16


@pytest.mark.parametrize("obstacle", ["a file", "no permission"])
def test_without_a_folder_everything_works(make_scene, request_of, server, tmp_path, obstacle):
    # The tests may run as root, whom permissions do not stop; nobody makes a folder there.
    folder = Path("/proc/landbridge" if Path("/proc/self").exists() else "/dev/landbridge")
    if obstacle == "a file":
        folder = tmp_path / "obstacle"
        folder.write_text("")
    scene = make_scene("a", noise(1))
    for _ in range(2):
        found = render([over(server, scene)], request_of("b0", scene.own), another_process(folder))
        assert (found.data == scene.values[:1]).all()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_of_other_users_are_not_read(tmp_path):
    folder = TileFolder(tmp_path, 2**20)
    folder.put(("a",), np.ones((4, 4, 1), "uint8"))
    folder.flush()
    (path,) = files_in(tmp_path)
    assert folder.get(("a",)) is not None
    os.chown(path, 12345, 12345)
    assert folder.get(("a",)) is None


def test_variables_give_the_process_a_folder(make_scene, request_of, server, monkeypatch, tiles, decoded):
    scene = make_scene("a", noise(1))
    source, wanted = over(server, scene), request_of("b0", scene.own)
    monkeypatch.setenv("LANDBRIDGE_PIXEL_CACHE_DISK", "16")
    cache = process_cache()
    assert cache is not None
    assert cache.max_bytes == 128 * 2**20
    read_image(source, wanted)
    cache.flush()
    assert files_in(tiles)
    before = decoded[0]
    monkeypatch.setenv("LANDBRIDGE_PIXEL_CACHE", "1")
    other = process_cache()
    assert other is not None
    assert other.max_bytes == 2**20
    assert (read_image(source, wanted).data == scene.values[:1]).all()
    assert decoded[0] == before
    monkeypatch.setenv("LANDBRIDGE_CACHE", "off")
    in_memory = process_cache()
    assert in_memory is not None
    assert in_memory.tiles.folder is None
    monkeypatch.setenv("LANDBRIDGE_PIXEL_CACHE_DISK", "1 GB")
    with pytest.raises(
        ValueError, match="LANDBRIDGE_PIXEL_CACHE_DISK must be a whole number of MiB, got '1 GB'"
    ):
        read_image(source, wanted)


def test_a_folder_needs_a_size(tmp_path):
    with pytest.raises(ValueError, match="max_folder_bytes must not be negative, got -1"):
        PixelCache(1, tmp_path, -1)


TYPES = st.sampled_from(sorted({dtype.str for dtype in NUMPY_TYPES.values()}))
PIXELS = TYPES.flatmap(
    lambda name: hnp.arrays(
        name,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
        fill=st.sampled_from([0, 1]) if name[1] != "f" else st.sampled_from([0.0, -0.0, float("nan"), 1.5]),
    )
)


@settings(max_examples=500 if LONG else 60, deadline=None)
@given(pixels=PIXELS, damage=st.data())
def test_a_tile_comes_back_to_the_bit_or_not_at_all(tmp_path_factory, pixels, damage):
    folder, key = TileFolder(tmp_path_factory.mktemp("tiles"), 2**20), ("place", 1, (0, 0))
    folder.put(key, pixels)
    folder.flush()
    found = folder.get(key)
    assert found is not None
    assert found.dtype == pixels.dtype
    assert found.shape == pixels.shape
    assert found.tobytes() == pixels.tobytes()
    assert folder.get(("place", 2, (0, 0))) is None
    (path,) = files_in(folder._folder.path)
    content = path.read_bytes()
    at = damage.draw(st.integers(0, len(content) - 1))
    kind = damage.draw(st.sampled_from(["flip", "cut", "longer", "other"]))
    path.write_bytes(
        {
            "flip": content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :],
            "cut": content[:at],
            "longer": content + b"\0" * (at + 1),
            "other": os.urandom(at),
        }[kind]
    )
    assert folder.get(key) is None


@settings(max_examples=40 if LONG else 6, deadline=None)
@given(data=st.data())
def test_broken_and_exchanged_files_change_no_pixel(generated, data):
    server, folder, sources, wanted, expected = generated
    server.behave = None
    render(sources, wanted, another_process(folder))
    kept = files_in(folder)
    for path in data.draw(st.lists(st.sampled_from(kept), min_size=1, max_size=len(kept), unique=True)):
        other = data.draw(st.sampled_from(kept))
        content = data.draw(
            st.sampled_from([b"", other.read_bytes(), path.read_bytes()[:-1], os.urandom(200)])
        )
        path.write_bytes(content)
    found = render(sources, wanted, another_process(folder))
    np.testing.assert_array_equal(found.data, expected)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A server of two files, a folder, their images, a request, and its pixels."""
    from landbridge.geo import AOI
    from landbridge.raster import Band, Request, Source
    from unit.raster.conftest import ORIGIN

    files = tmp_path_factory.mktemp("files")
    bands = {f"b{n}": Band(f"b{n}", "UInt16", nodata=0, band_index=n) for n in range(2)}
    with rs.serving(files) as server:
        sources = []
        for number in range(2):
            write_tiff(files / f"{number}.tif", noise(number, (2, 130, 140)), nodata=0)
            sources.append(Source(f"i{number}", (f"{server.url}/{number}.tif",), bands, None, "p"))
        bounds = (ORIGIN[0], ORIGIN[1] - 130 * 30, ORIGIN[0] + 140 * 30, ORIGIN[1])
        area = AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", resolution=30)
        wanted = Request(("b1", "b0"), area, mask_alpha=False)
        yield server, tmp_path_factory.mktemp("tiles"), sources, wanted, mosaic(sources, wanted).data


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.integers(0, 3)),
        st.tuples(st.sampled_from(["read", "read anew"]), st.integers(0, 100), st.integers(0, 100)),
    ),
    min_size=2,
    max_size=10,
)


@settings(max_examples=60 if LONG else 8, deadline=None)
@given(steps=STEPS, memory=st.sampled_from([0, 20_000, 10**7]), size=st.sampled_from([100_000, 10**7]))
def test_writes_and_reads_in_any_order_agree_with_reads_without_a_cache(
    tmp_path_factory, generated, steps, memory, size
):
    from landbridge.geo import AOI
    from landbridge.raster import Request
    from unit.raster.conftest import ORIGIN

    server, _, sources, _, _ = generated
    tiles = tmp_path_factory.mktemp("steps")
    cache = PixelCache(memory, tiles, size)
    try:
        for kind, first, second in steps:
            if kind == "write":
                write_tiff(server.folder / f"{first}.tif", noise(second, (2, 130, 140)), nodata=0)
                continue
            if kind == "read anew":
                cache.flush()
                header_index._memory.clear()
                cache = PixelCache(memory, tiles, size)
            left, top = ORIGIN[0] + 30 * first, ORIGIN[1] - 30 * second
            bounds = (left, top - 60 * 30, left + 60 * 30, top)
            area = AOI(bounds=bounds, bounds_crs="EPSG:32614", crs="EPSG:32614", resolution=30)
            wanted = Request(("b1", "b0"), area, mask_alpha=False)
            found = mosaic(sources, wanted, cache=cache).data
            np.testing.assert_array_equal(found, mosaic(sources, wanted).data)
    finally:
        for number in range(2):
            write_tiff(server.folder / f"{number}.tif", noise(number, (2, 130, 140)), nodata=0)
