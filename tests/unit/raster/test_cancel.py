"""Calls that are ended by their token: soon, with an error, and without leaving threads at work."""

import threading
from types import SimpleNamespace

import pytest

from landbridge.errors import LandbridgeError
from landbridge.raster import (
    CancelToken,
    RenderCancelledError,
    RenderDeadlineError,
    mosaic,
    mosaic_pages,
    read_image,
    stack,
)
from landbridge.raster.composite.render import Renderer
from landbridge.raster.runtime import crews
from unit.raster.test_pages import scene_of


@pytest.fixture
def sources(make_scene):
    return [scene_of(make_scene, number) for number in range(6)]


@pytest.fixture
def composited(monkeypatch):
    """Images that were composited, and a function that is called after each."""
    log = SimpleNamespace(images=[], then=lambda: None)
    original = Renderer._composite_image

    def counted(renderer, source, *arguments):
        original(renderer, source, *arguments)
        log.images.append(source.source.id)
        log.then()

    monkeypatch.setattr(Renderer, "_composite_image", counted)
    return log


CALLS = {
    "read_image": lambda sources, wanted, token: read_image(sources[0], wanted, cancel=token),
    "mosaic": lambda sources, wanted, token: mosaic(sources, wanted, cancel=token),
    "stack": lambda sources, wanted, token: stack([[each] for each in sources], wanted, cancel=token),
    "pages": lambda sources, wanted, token: mosaic_pages([sources], wanted, cancel=token),
}


@pytest.mark.parametrize("method", ["last", "first", "mean", "median"])
@pytest.mark.parametrize("call", CALLS)
def test_a_cancelled_call_reads_nothing(sources, grid, request_of, composited, call, method):
    token = CancelToken()
    token.cancel()
    wanted = request_of("b0", grid(0, 0, 40, 40), method=method)
    with pytest.raises(RenderCancelledError, match="cancelled before its pixels were complete"):
        CALLS[call](sources, wanted, token)
    assert composited.images == []


@pytest.mark.parametrize("method", ["last", "first", "mean", "median"])
@pytest.mark.parametrize("call", ["mosaic", "pages"])
def test_a_call_ends_at_the_next_image(sources, grid, request_of, composited, call, method):
    token = CancelToken()
    found = composited.images
    composited.then = lambda: token.cancel() if len(found) == 2 else None
    with pytest.raises(RenderCancelledError):
        CALLS[call](sources, request_of("b0", grid(0, 0, 40, 40), method=method), token)
    assert len(found) == 2
    assert crews._busy == 0


@pytest.mark.parametrize("call", CALLS)
def test_a_token_that_is_not_cancelled_changes_nothing(sources, grid, request_of, call):
    wanted = request_of("b0", grid(0, 0, 40, 40))
    plain, found = (CALLS[call](sources, wanted, token) for token in (None, CancelToken(seconds=1000)))
    for one, other in zip(
        plain if isinstance(plain, list) else [plain],
        found if isinstance(found, list) else [found],
        strict=True,
    ):
        assert (one.data == other.data).all()


def test_a_call_ends_when_its_time_is_over(sources, grid, request_of, composited):
    token = CancelToken(seconds=0)
    assert token.remaining_seconds == 0
    with pytest.raises(RenderDeadlineError, match="more than its limit of 0 seconds") as raised:
        mosaic(sources, request_of("b0", grid(0, 0, 40, 40)), cancel=token)
    assert composited.images == []
    assert isinstance(raised.value, RenderCancelledError)
    assert isinstance(raised.value, TimeoutError)
    assert isinstance(raised.value, LandbridgeError)


def test_no_page_is_asked_for_after_the_end(sources, grid, request_of):
    token = CancelToken()
    asked = []

    def pages():
        for source in sources:
            asked.append(source.id)
            if len(asked) == 3:
                token.cancel()
            yield [source]

    with pytest.raises(RenderCancelledError):
        mosaic_pages(pages(), request_of("b0", grid(-5, -5, 60, 60)), cancel=token)
    assert len(asked) == 3


def test_all_threads_of_a_call_end(sources, grid, request_of, composited):
    token = CancelToken()
    composited.then = token.cancel
    before = threading.active_count()
    # Two blocks, on two threads
    with pytest.raises(RenderCancelledError):
        mosaic(sources, request_of("b0", grid(-1000, -1000, 2100, 2100)), chunks=1050, cancel=token)
    assert crews._busy == 0
    assert len(composited.images) < 2 * len(sources)
    assert threading.active_count() - before <= 2  # idle threads are kept for later calls


def test_another_thread_may_cancel(sources, grid, request_of, composited):
    token = CancelToken()
    reached, cancelled = threading.Event(), threading.Event()

    def wait():
        reached.set()
        assert cancelled.wait(60)

    composited.then = wait

    def cancel():
        assert reached.wait(60)
        token.cancel()
        cancelled.set()

    other = threading.Thread(target=cancel)
    other.start()
    with pytest.raises(RenderCancelledError):
        mosaic(sources, request_of("b0", grid(0, 0, 40, 40)), cancel=token)
    other.join()
    assert len(composited.images) == 1


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_time_must_not_be_negative(seconds):
    with pytest.raises(ValueError, match="seconds must not be negative"):
        CancelToken(seconds)


def test_a_token_tells_its_state():
    token = CancelToken()
    assert token.remaining_seconds is None
    assert not token.is_cancelled
    token.check()
    token.cancel()
    assert token.is_cancelled
    assert CancelToken(0).is_cancelled
    assert 0 < CancelToken(100).remaining_seconds <= 100
    assert repr(CancelToken(10)) == "CancelToken(seconds=10)"
