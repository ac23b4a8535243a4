"""Threads that composite at the same time: into bands of one canvas, and into canvases of their own."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from landbridge import kernels
from landbridge.kernels import Canvas, Layer

pytestmark = pytest.mark.usefixtures("instruction_set")
THREADS, SIZE, EDGE = 4, 300, 100


def layer_of(band):
    return Layer([band], [band], np.zeros(THREADS, "uint16")[:1], [True])


def composite(canvas, tile, bands):
    """Composite copies of a tile over a whole canvas, band by band."""
    for band in bands:
        for y in range(0, SIZE, EDGE):
            for x in range(0, SIZE, EDGE):
                kernels.composite_aligned_tile(
                    tile, False, np.arange(EDGE), np.arange(EDGE), (y, x), layer_of(band), canvas
                )


@pytest.fixture
def tile():
    return np.random.default_rng(0).integers(0, 4, (EDGE, EDGE, THREADS)).astype("uint16")


def expected(tile):
    return np.tile(np.moveaxis(tile, 2, 0), (1, SIZE // EDGE, SIZE // EDGE))


def test_threads_fill_bands_of_one_canvas(tile):
    values, state = np.full((THREADS, SIZE, SIZE), 9, "uint16"), np.full((THREADS, SIZE, SIZE), 9, np.uint8)
    canvas = Canvas(values, state)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda band: composite(canvas, tile, [band]), range(THREADS)))
    assert (values == expected(tile)).all()
    assert (state == (expected(tile) == 0)).all()
    assert canvas.remaining.sum() == np.count_nonzero(state)


def test_threads_fill_canvases_of_their_own(tile):
    arrays = [
        (np.full((THREADS, SIZE, SIZE), 9, "uint16"), np.full((THREADS, SIZE, SIZE), 9, np.uint8))
        for _ in range(THREADS)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda pair: composite(Canvas(*pair), tile, range(THREADS)), arrays))
    for values, state in arrays:
        assert (values == expected(tile)).all()
        assert (state == (expected(tile) == 0)).all()
