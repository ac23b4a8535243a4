"""Idle threads of a call take a part of the work of the others."""

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from landbridge.raster import RasterError, mosaic
from landbridge.raster.io.gdal_threads import run_jobs
from landbridge.raster.io.shared_work import results_of
from landbridge.raster.runtime import crews
from support.wait import wait_until


@pytest.fixture(autouse=True)
def _cores(monkeypatch):
    """Take the machine for one of two cores, both of them idle."""
    # Helpers of a call that failed before may be at their last item.
    wait_until(lambda: crews._busy == 0)
    monkeypatch.setattr(crews, "default_worker_count", lambda: 2)


def square(number):
    return number * number


def test_without_a_call_a_thread_works_alone():
    thread = threading.get_ident()
    found = list(results_of(range(5), lambda _: threading.get_ident(), square))
    assert found == [(number, thread) for number in range(5)]


@pytest.mark.parametrize("limit", [1, 2, 8])
def test_each_item_is_worked_on_once(limit):
    (found,) = run_jobs([lambda: list(results_of(range(100), square, square))], limit)
    assert sorted(found) == [(number, square(number)) for number in range(100)]


def test_an_idle_thread_helps_and_a_busy_one_does_not():
    is_helped = threading.Event()

    def work(number):
        # The first item is done only after another thread has taken one.
        assert is_helped.wait(20)
        return threading.get_ident()

    def helped(number):
        is_helped.set()
        return threading.get_ident()

    (found,) = run_jobs([lambda: list(results_of(range(6), work, helped))], 2)
    assert len(dict(found)) == 6
    assert len({thread for _, thread in found}) == 2
    is_helped.set()
    alone = [partial(lambda: {thread for _, thread in results_of(range(6), work, helped)})]
    assert len(run_jobs(alone, 1)[0]) == 1
    # The other core is busy with another call.
    busy = crews.Crew(1)
    assert busy.join()
    assert len(run_jobs(alone, 2)[0]) == 1
    busy.leave()


def test_an_error_of_a_helper_is_raised_here_and_ends_the_work():
    is_helped = threading.Event()
    done = []

    def work(number):
        assert is_helped.wait(20)
        done.append(number)

    def helped(number):
        is_helped.set()
        raise OSError(f"item {number}")

    with pytest.raises(OSError, match="item 999"):
        run_jobs([lambda: list(results_of(range(1000), work, helped))], 2)
    assert run_jobs([lambda: list(results_of(range(9), square, square))], 2)[0]


def test_a_reader_that_stops_early_leaves_no_thread_at_work():
    def stop_early():
        for _ in results_of(range(1000), square, square):
            break

    run_jobs([stop_early] * 4, 2)
    # A helper that is still at its item counts as busy until it is done.
    assert len(run_jobs([lambda: list(results_of(range(9), square, square))], 2)[0]) == 9


@pytest.mark.parametrize(
    "options", [{"predictor": 2}, {"interleave": "band"}, {"split": True}, {"cog": True}], ids=str
)
@pytest.mark.parametrize("crs", ["EPSG:32614", "EPSG:3857"])
def test_pixels_do_not_depend_on_the_number_of_threads(
    make_scene, grid, request_of, monkeypatch, options, crs
):
    scenes = [
        make_scene(
            f"s{n}",
            np.random.default_rng(n).integers(0, 3, (3, 300, 310)).astype("uint16"),
            place=(10 * n, 20 * n),
            nodata=0,
            file_nodata=0,
            **options,
        )
        for n in range(3)
    ]
    wanted = request_of("b2 b0", grid(-5, -5, 330, 340, crs=crs))
    sources = [scene.source for scene in scenes]
    helped = mosaic(sources, wanted)
    monkeypatch.setattr(crews.Crew, "join", lambda _: False)
    alone = mosaic(sources, wanted)
    np.testing.assert_array_equal(helped.data, alone.data)
    np.testing.assert_array_equal(helped.mask, alone.mask)


def test_a_truncated_file_is_an_error_whoever_reads_it(make_scene, grid, request_of):
    scene = make_scene("a", np.random.default_rng(1).integers(1, 200, (2, 600, 600)).astype("uint16"))
    path = Path(scene.source.files[0])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(RasterError, match="'a'"):
        mosaic([scene.source], request_of("b0 b1", grid(0, 0, 600, 600)))
