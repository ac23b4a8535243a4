"""Files behind HTTP: the pixels of local ones, by few requests, and by GDAL where it has to be."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import rasterio

from landbridge.raster import mosaic, read_image, stack, stacked
from landbridge.raster.io import object_stores
from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.headers import read_header
from landbridge.raster.io.remote_file import RemoteFile
from support import range_server as rs


def over(server, source, query=""):
    """The image with its files behind the server."""
    return replace(
        source, files=tuple(f"{server.url}/{quote(Path(path).name)}{query}" for path in source.files)
    )


def noise(seed, shape, dtype="uint16"):
    values = np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)
    rows, columns = np.indices(shape[1:])
    values[:, (rows + columns) < 100] = 0
    return values


def same(one, other):
    return (
        one.data.dtype == other.data.dtype
        and (one.data == other.data).all()
        and (one.mask == other.mask).all()
    )


def scenes_of(make_scene, **options):
    """Three overlapping images, each of one zone, the middle one of the zone beside."""
    return [
        make_scene("a", noise(1, (3, 300, 310)), nodata=0, **options),
        make_scene("b", noise(2, (3, 290, 300)), nodata=0, place=(40, 30), **options),
        make_scene("c", noise(3, (3, 200, 220)), nodata=0, place=(90, 60), **options),
    ]


@pytest.mark.parametrize("split", [False, True], ids=["multi", "split"])
@pytest.mark.parametrize(
    "options",
    [
        {"compress": None, "interleave": "pixel"},
        {"compress": "deflate", "predictor": 2, "interleave": "pixel"},
        {"compress": "lzw", "predictor": 2, "interleave": "band"},
        {"compress": "zstd", "interleave": "band", "sparse_ok": True},
        {"cog": True},
    ],
    ids=str,
)
def test_pixels_over_http_are_those_of_the_files(make_scene, grid, request_of, server, options, split):
    sources = [scene.source for scene in scenes_of(make_scene, split=split, **options)]
    remote = [over(server, source) for source in sources]
    wanted = request_of("b2 b0", grid(-3, 5, 310, 330))
    assert same(mosaic(remote, wanted), mosaic(sources, wanted))
    far, near = (stacked(stack([[each] for each in which], wanted)) for which in (remote, sources))
    np.testing.assert_array_equal(far.data, near.data)
    np.testing.assert_array_equal(far.mask, near.mask)  # type: ignore[attr-defined]
    coarse = request_of("b1", grid(0, 0, 40, 40, resolution=210, crs="EPSG:32614"), resampler="bilinear")
    assert same(mosaic(remote, coarse), mosaic(sources, coarse))
    assert {seen.method for seen in server.seen} == {"GET"}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_all_types_are_read_over_http(make_scene, request_of, server, dtype):
    scene = make_scene("a", noise(1, (2, 100, 90), dtype))
    assert (read_image(over(server, scene.source), request_of("b0 b1", scene.own)).data == scene.values).all()


def test_a_mosaic_asks_each_file_for_its_header_and_its_tiles_once(make_scene, grid, request_of, server):
    sources = [over(server, scene.source) for scene in scenes_of(make_scene, cog=True)]
    mosaic(sources, request_of("b0 b1 b2", grid(0, 0, 256, 256)))
    assert len(server.seen) == 2 * 3
    assert sorted(seen.path for seen in server.seen if seen.range.startswith("bytes=0-")) == [
        "/a-0.tif",
        "/b-0.tif",
        "/c-0.tif",
    ]


def test_a_stack_asks_each_file_for_its_header_and_its_tiles_once(make_scene, grid, request_of, server):
    sources = [over(server, scene.source) for scene in scenes_of(make_scene, split=True, cog=True)]
    stack([[source] for source in sources], request_of("b0 b1 b2", grid(100, 100, 120, 120)))
    assert len(server.seen) == 2 * 9


def test_an_image_below_a_full_mosaic_costs_a_header_at_most(make_scene, grid, request_of, server):
    sources = [over(server, scene.source) for scene in scenes_of(make_scene)]
    mosaic(sources, request_of("b0", grid(200, 100, 80, 80)))
    assert len(server.gets("c-0.tif")) == 2
    assert len(server.gets("a-0.tif")) <= 1


def test_names_are_sent_as_they_are_written(make_scene, request_of, server, tmp_path):
    scene = make_scene("a", noise(1, (1, 70, 70)))
    path = Path(scene.source.files[0])
    for name in ("a b+c%2F=ä.tif", "#odd?.tif"):
        path = path.rename(tmp_path / name)
        source = replace(scene.source, files=(str(path),))
        for query in ("", "?sig=a%2Fb%3D&X-Date=2020%3A01&list=1,2"):
            raster = read_image(over(server, source, query), request_of("b0", scene.own))
            assert (raster.data == scene.values).all()
            assert {(seen.path, seen.query) for seen in server.seen} == {(f"/{quote(name)}", query[1:])}
            server.seen.clear()


def test_redirects_are_followed(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (1, 170, 170)))
    source = over(server, scene.source)

    def elsewhere(seen):
        return None if seen.query else rs.redirect(f"{server.url}{seen.path}?token=1")

    server.behave = elsewhere
    assert (read_image(source, request_of("b0", scene.own)).data == scene.values).all()


def test_a_server_without_ranges_gives_whole_files(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (2, 170, 170)))
    source = over(server, scene.source)
    server.behave = lambda _: rs.without_ranges
    assert open_file(source.files[0]) is None
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()


def test_a_server_without_versions_is_read_by_tiles_too(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (2, 170, 170)))
    source = over(server, scene.source)
    server.behave = lambda _: rs.without_versions
    assert isinstance(open_file(source.files[0]), RemoteFile)
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()


def test_hrefs_in_gdals_words_are_left_to_gdal(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (2, 170, 170)))
    source = replace(
        scene.source, files=tuple(f"/vsicurl/{href}" for href in over(server, scene.source).files)
    )
    assert open_file(source.files[0]) is None
    assert (read_image(source, request_of("b0 b1", scene.own)).data == scene.values).all()


@pytest.mark.parametrize("name", ["GDAL_HTTP_HEADERS", "GDAL_HTTP_USERPWD"])
def test_what_only_gdal_can_send_along_makes_it_read(make_scene, request_of, server, monkeypatch, name):
    scene = make_scene("a", noise(1, (1, 70, 70)))
    source = over(server, scene.source)
    monkeypatch.setenv(name, "X-Key: 5" if name.endswith("HEADERS") else "user:word")
    assert open_file(source.files[0]) is None
    assert (read_image(source, request_of("b0", scene.own)).data == scene.values).all()


OTHERS = [
    {"tiled": False, "blockysize": 8},
    {"compress": "jpeg", "photometric": "minisblack"},
    {"compress": "packbits"},
]


def test_what_a_users_env_sends_along_makes_gdal_read(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (1, 70, 70)))
    source = over(server, scene.source)
    with rasterio.Env(GDAL_HTTP_HEADERS="X-Key: 5"):
        assert open_file(source.files[0]) is None
        assert (read_image(source, request_of("b0", scene.own)).data == scene.values).all()
    assert isinstance(open_file(source.files[0]), RemoteFile)


@pytest.mark.parametrize("options", OTHERS, ids=str)
def test_files_without_our_kind_of_tiles_are_read_by_gdal(make_scene, request_of, server, options):
    scene = make_scene("a", noise(1, (3, 170, 170), "uint8"), **options)
    source = over(server, scene.source)
    assert read_header(source.files[0]).tiff is None
    wanted = request_of("b0 b1 b2", scene.own)
    assert same(read_image(source, wanted), read_image(scene.source, wanted))


@pytest.mark.parametrize("options", [{"compress": "deflate"}, {"compress": "packbits"}], ids=str)
def test_the_next_call_reads_what_the_server_has_then(make_scene, request_of, server, options):
    for seed in (1, 2):
        scene = make_scene("a", noise(seed, (1, 170, 170), "uint8"), **options)
        source = over(server, scene.source)
        assert (read_image(source, request_of("b0", scene.own)).data == scene.values).all()


@pytest.mark.parametrize("options", [{"compress": "deflate"}, {"compress": "packbits"}], ids=str)
def test_a_file_that_came_after_the_first_call_is_found_by_the_next(make_scene, request_of, server, options):
    from landbridge.raster import RasterError

    scene = make_scene("a", noise(1, (1, 170, 170), "uint8"), **options)
    path = Path(scene.source.files[0])
    path.rename(f"{path}.hidden")
    source = over(server, scene.source)
    with pytest.raises(RasterError, match="404"):
        read_image(source, request_of("b0", scene.own))
    Path(f"{path}.hidden").rename(path)
    assert (read_image(source, request_of("b0", scene.own)).data == scene.values).all()


def test_calls_where_an_event_loop_runs(make_scene, grid, request_of, server):
    import asyncio

    scene = make_scene("a", noise(1, (1, 400, 600)))
    source = over(server, scene.source)

    async def read():
        return read_image(source, request_of("b0", grid(0, 0, 400, 600)), progress=False)

    assert (asyncio.run(read()).data == scene.values).all()


def test_gdals_settings_are_those_of_a_calls_own_threads(make_scene, grid, request_of, server, monkeypatch):
    from landbridge.raster.io import headers

    seen = []
    scene = make_scene("a", noise(1, (1, 170, 170)), compress="packbits")
    wanted = request_of("b0", scene.own)
    read = headers._read_by_gdal

    def spied(*arguments):
        seen.append(_setting_elsewhere("GDAL_HTTP_MERGE_CONSECUTIVE_RANGES"))
        seen.append(_setting("GDAL_HTTP_MERGE_CONSECUTIVE_RANGES"))
        return read(*arguments)

    monkeypatch.setattr(headers, "_read_by_gdal", spied)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    import os

    before = dict(os.environ)
    read_image(over(server, scene.source), wanted)
    assert seen == [None, "YES"]
    assert _setting("GDAL_HTTP_MERGE_CONSECUTIVE_RANGES") is None
    assert _setting("AWS_S3_ENDPOINT") is None
    assert dict(os.environ) == before


def _setting(name):
    from rasterio._env import get_gdal_config

    return get_gdal_config(name, normalize=False)


def _setting_elsewhere(name):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_setting, name).result()


def test_threads_that_ask_at_once_share_one_store():
    begin = threading.Barrier(8)

    def ask(_):
        begin.wait()
        return object_stores.stored_file("http://one-store.test/scene.tif").store

    with ThreadPoolExecutor(8) as pool:
        assert len({id(store) for store in pool.map(ask, range(8))}) == 1
