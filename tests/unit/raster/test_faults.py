"""Failures during a call: errors name image, band and file; nothing is left over; the next call succeeds."""

import os
import resource
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landbridge.raster import (
    RasterError,
    Source,
    download,
    download_mosaic,
    mosaic,
    read_image,
    stack,
    stacked,
)
from landbridge.raster.io.gdal_settings import GDAL_OPTIONS
from landbridge.raster.io.local_file import LocalFile
from support import range_server as rs

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with rs.serving(folder) as running:
        yield running


def noise(seed, shape=(2, 300, 280), dtype="uint16"):
    return np.random.default_rng(seed).integers(1, 60000, shape).astype(dtype)


@dataclass
class Case:
    """Images of which the second is to fail, and the way to its file."""

    sources: list[Source]
    path: Path
    context: object


@pytest.fixture
def local(make_scene, grid):
    def make(**options):
        scenes = [make_scene(f"i{n}", noise(n), nodata=0, **options) for n in range(3)]
        return Case([scene.source for scene in scenes], Path(scenes[1].source.files[0]), grid(0, 0, 300, 280))

    return make


@pytest.fixture
def remote(local, server):
    def make(**options):
        case = local(**options)
        for source in case.sources:
            path = Path(source.files[0])
            path.rename(server.folder / path.name)
        sources = [replace(s, files=(f"{server.url}/{Path(s.files[0]).name}",)) for s in case.sources]
        return Case(sources, server.folder / case.path.name, case.context)

    return make


def _ndarray(case, wanted, folder):
    return read_image(case.sources[1], wanted).data


def _stack(case, wanted, folder):
    return stacked(stack([[source] for source in case.sources], wanted)).data


def _mosaic(case, wanted, folder):
    return mosaic([case.sources[0], case.sources[2], case.sources[1]], wanted).data


def _download(case, wanted, folder):
    return _pixels(download(case.sources[1], wanted, folder / "one.tif"))


def _download_mosaic(case, wanted, folder):
    sources = [case.sources[0], case.sources[2], case.sources[1]]
    return _pixels(download_mosaic(sources, wanted, folder / "all.tif"))


def _pixels(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


CALLS = [_ndarray, _stack, _mosaic, _download, _download_mosaic]


def fails_then_works(call, case, wanted, tmp_path, *, harm, mend, match=None):
    """The call fails with what is wrong and leaves all as it was; without the harm it is right."""
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    for name in ("one.tif", "all.tif"):
        (folder / name).write_bytes(b"was here before")
    harm()
    with pytest.raises(RasterError, match=match) as caught:
        call(case, wanted, folder)
    error = caught.value
    assert (error.image_id, error.bands, error.file) == ("i1", ("b0", "b1"), case.sources[1].files[0])
    assert all(word in str(error) for word in ("'i1'", "'b0'", "'b1'", error.file))
    assert sorted(path.name for path in folder.iterdir()) == ["all.tif", "one.tif"]
    assert {path.read_bytes() for path in folder.iterdir()} == {b"was here before"}
    mend()
    right = call(case, wanted, folder)
    expected = noise(1)
    assert (right[1] == expected).all() if call is _stack else (right == expected).all()
    assert {path.suffix for path in folder.iterdir()} == {".tif"}


def _delete(path):
    path.unlink()


def _truncate(path):
    os.truncate(path, path.stat().st_size // 3)


def _replace(path):
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes()[::-1])
    new.replace(path)


def _corrupt(path):
    content = bytearray(path.read_bytes())
    content[-4000:] = b"\xff" * 4000
    path.write_bytes(content)


HARMS = [_delete, _truncate, _replace, _corrupt]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("harm", HARMS)
def test_a_local_file_harmed_in_mid_call(local, request_of, tmp_path, monkeypatch, call, harm):
    case = local()
    content = case.path.read_bytes()
    read = LocalFile.read_open
    harmed = []

    def harming(self, file, places):
        # The header was read by another way, and this file is open already.
        if self.path == str(case.path) and not harmed:
            harmed.append(harm(case.path))
        return read(self, file, places)

    def mend():
        monkeypatch.undo()
        case.path.write_bytes(content)

    fails_then_works(
        call,
        case,
        request_of("b0 b1", case.context),
        tmp_path,
        harm=lambda: monkeypatch.setattr(LocalFile, "read_open", harming),
        mend=mend,
    )
    assert harmed


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("harm", HARMS)
def test_a_file_of_a_server_harmed_in_mid_call(remote, request_of, tmp_path, server, call, harm):
    case = remote()
    content = case.path.read_bytes()
    harmed = []

    def behave(seen):
        if seen.path.endswith(case.path.name) and not seen.range.startswith("bytes=0-") and not harmed:
            harmed.append(harm(case.path))

    def mend():
        server.behave = None
        case.path.write_bytes(content)

    fails_then_works(
        call,
        case,
        request_of("b0 b1", case.context),
        tmp_path,
        harm=lambda: setattr(server, "behave", behave),
        mend=mend,
    )
    assert harmed


@pytest.mark.parametrize("answer", [rs.careless, rs.without_tags], ids=["ignores conditions", "times only"])
def test_versions_are_compared_where_a_server_does_not(remote, request_of, tmp_path, server, answer):
    case = remote()
    content = case.path.read_bytes()
    harmed = []

    def behave(seen):
        if seen.path.endswith(case.path.name) and not seen.range.startswith("bytes=0-") and not harmed:
            case.path.write_bytes(content[::-1])
            os.utime(case.path, (1e9, 1e9))
            harmed.append(True)
        return answer

    def mend():
        server.behave = None
        case.path.write_bytes(content)

    fails_then_works(
        _mosaic,
        case,
        request_of("b0 b1", case.context),
        tmp_path,
        harm=lambda: setattr(server, "behave", behave),
        mend=mend,
        match="changed while it was being read",
    )


def _of_bad(server, case, answer, *, header):
    def behave(seen):
        starts = seen.range is None or seen.range.startswith("bytes=0-")
        return answer if seen.path.endswith(case.path.name) and starts is header else None

    server.behave = behave


FAILURES = {
    "500 for the header": (rs.refuse(500), True, "500 Internal Server Error"),
    "500 for tiles": (rs.refuse(500), False, "500 Internal Server Error"),
    "403 for tiles": (rs.refuse(403), False, "403 Forbidden"),
    "no header": (rs.stall, True, "sent nothing for 0.3 s"),
    "no tiles": (rs.stall, False, "sent nothing for 0.3 s"),
    "broken off": (rs.cut_short, False, "connection broke"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("call", [_ndarray, _stack, _download_mosaic])
def test_a_server_that_fails(remote, request_of, tmp_path, server, monkeypatch, call, failure):
    answer, header, match = FAILURES[failure]
    monkeypatch.setenv("LANDBRIDGE_HTTP_TIMEOUT", "0.3")
    case = remote()
    fails_then_works(
        call,
        case,
        request_of("b0 b1", case.context),
        tmp_path,
        harm=lambda: _of_bad(server, case, answer, header=header),
        mend=lambda: setattr(server, "behave", None),
        match=match,
    )


@pytest.mark.parametrize("answer", [rs.refuse(500), rs.stall], ids=["500", "stall"])
def test_a_server_that_fails_a_file_of_gdals(remote, request_of, tmp_path, server, monkeypatch, answer):
    monkeypatch.setenv("LANDBRIDGE_HTTP_TIMEOUT", "1")
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)
    case = remote(compress="packbits")
    fails_then_works(
        _mosaic,
        case,
        request_of("b0 b1", case.context),
        tmp_path,
        harm=lambda: _of_bad(server, case, answer, header=True),
        mend=lambda: setattr(server, "behave", None),
    )


ONCE = [rs.refuse(500), rs.refuse(503), rs.refuse(429), rs.stall, rs.cut_short, rs.cut_short_without_tags]


@pytest.mark.parametrize("answer", ONCE, ids=["500", "503", "429", "stall", "cut", "cut without tags"])
def test_a_server_that_fails_once_is_asked_again(remote, request_of, server, monkeypatch, answer):
    monkeypatch.setenv("LANDBRIDGE_HTTP_TIMEOUT", "0.5")
    case = remote()
    failed = set()

    def behave(seen):
        kind = (seen.path, seen.range.startswith("bytes=0-"))
        first = kind not in failed
        failed.add(kind)
        # One that has no tags has none in any answer.
        return answer if first else rs.without_tags if answer is rs.cut_short_without_tags else None

    server.behave = behave
    assert (_mosaic(case, request_of("b0 b1", case.context), None) == noise(1)).all()
    assert failed


def test_nothing_more_is_read_after_a_failure(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (1, 70, 70)))
    names = [f"f{number}.tif" for number in range(40)]
    for name in names[1:]:
        (server.folder / name).write_bytes(Path(scene.source.files[0]).read_bytes())
    sources = [replace(scene.source, id=name, files=(f"{server.url}/{name}",)) for name in names]
    with pytest.raises(RasterError, match=r"f0\.tif"):
        stack([[source] for source in sources], request_of("b0", scene.own), max_workers=1)
    assert {seen.path for seen in server.seen} == {"/f0.tif"}
    server.seen.clear()
    (server.folder / names[-1]).unlink()
    with pytest.raises(RasterError, match=r"f39\.tif"):
        mosaic(sources, request_of("b0", scene.own))
    # Some headers had been asked for ahead.
    assert len({seen.path for seen in server.seen}) <= 8


def test_a_block_that_waits_for_a_header_is_let_go_after_a_failure(
    make_scene, grid, request_of, server, monkeypatch
):
    """Other blocks of a mosaic stop at their next file."""
    monkeypatch.setattr("landbridge.raster.grids.block_windows.SMALLEST_BLOCK", 64)
    monkeypatch.setattr("landbridge.raster.grids.block_windows.BLOCK", 64)
    monkeypatch.setattr("landbridge.raster.io.open_files._PREFETCH_THREADS", 1)
    scenes = [make_scene(f"i{n}", np.zeros((1, 300, 280), "uint16"), nodata=0) for n in range(12)]
    for scene in scenes:
        path = Path(scene.source.files[0])
        path.rename(server.folder / path.name)
    sources = [
        replace(scene.source, files=(f"{server.url}/{Path(scene.source.files[0]).name}",)) for scene in scenes
    ]
    (server.folder / "i7-0.tif").unlink()
    with pytest.raises(RasterError, match="'i7'"):
        mosaic(sources, request_of("b0", grid(0, 0, 300, 280)))
    assert not server.gets("i0-0.tif") or len(server.gets("i0-0.tif")) == 1


@pytest.fixture
def little_disk():
    """No file of this process may grow beyond 64 KiB: what the system says then is as for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 2**10, hard))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("staging", [2**30, 0], ids=["staged in memory", "staged on disk"])
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_full_disk(local, request_of, tmp_path, monkeypatch, name, staging, request):
    monkeypatch.setattr("landbridge.raster.output.writer._STAGING_MEMORY", staging)
    case = local()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / name).write_bytes(b"was here before")
    wanted = request_of("b0", case.context)
    expected = read_image(case.sources[1], wanted).data
    enlarge = request.getfixturevalue("little_disk")
    for call in (
        lambda: download(case.sources[1], wanted, folder / name),
        lambda: download_mosaic(case.sources, wanted, folder / name),
    ):
        with pytest.raises(OSError, match=f"cannot write .*{name}"):
            call()
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_bytes() == b"was here before"
    enlarge()
    download(case.sources[1], wanted, folder / name)
    with warnings.catch_warnings():
        # A PNG has no place.
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        assert (_pixels(folder / name) == expected).all()


def test_a_destination_that_is_no_place_for_files(local, request_of, tmp_path):
    case = local()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "a.tif", Path("/proc/nowhere/a.tif")):
        with pytest.raises(OSError, match=r"file|proc"):
            download(case.sources[1], request_of("b0", case.context), path)
    assert (tmp_path / "file").read_bytes() == b""
    (tmp_path / "a.tif").mkdir()
    with pytest.raises(OSError, match=r"a\.tif"):
        download(case.sources[1], request_of("b0", case.context), tmp_path / "a.tif")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_forty_threads_at_once_get_the_same_as_one(make_scene, grid, request_of, server):
    near = [
        make_scene(f"i{n}", noise(n), nodata=0, place=(20 * n, 11 * n), split=n % 2 == 0).source
        for n in range(4)
    ]
    other = make_scene("strips", noise(9), nodata=0, compress="packbits").source
    far = []
    for source in near:
        for path in map(Path, source.files):
            (server.folder / path.name).write_bytes(path.read_bytes())
        far.append(replace(source, files=tuple(f"{server.url}/{Path(path).name}" for path in source.files)))
    # Not over HTTP: GDAL waits for itself with Python's lock held, and the server would wait for that one.
    near.append(other)
    far.append(other)
    same = request_of("b0 b1", grid(-5, 7, 330, 300))
    warped = request_of("b1", grid(0, 0, 150, 140, resolution=47), resampler="bilinear")
    calls = [
        lambda: mosaic(near, same).array(),
        lambda: mosaic(far, same).array(),
        lambda: stacked(stack([[source] for source in near], same)),
        lambda: stacked(stack([[source] for source in far], same)),
        lambda: mosaic(far, warped).array(),
        lambda: mosaic(near, warped).array(),
        lambda: mosaic(near[::-1], same).array(),
        lambda: mosaic(far[::-1], same).array(),
    ]
    alone = [call() for call in calls]
    start = threading.Barrier(40)

    def at_once(number):
        start.wait()
        return calls[number % len(calls)]()

    with ThreadPoolExecutor(40) as pool:
        results = list(pool.map(at_once, range(40)))
    for number, result in enumerate(results):
        expected = alone[number % len(calls)]
        np.testing.assert_array_equal(result.data, expected.data)
        np.testing.assert_array_equal(result.mask, expected.mask)  # type: ignore[attr-defined]


def test_a_band_of_one_file_is_named_alone(make_scene, request_of, server):
    scene = make_scene("a", noise(1, (3, 70, 70)), split=True)
    Path(scene.source.files[1]).unlink()
    with pytest.raises(RasterError) as caught:
        read_image(scene.source, request_of("b0 b1 b2", scene.own))
    assert caught.value.bands == ("b1",)
