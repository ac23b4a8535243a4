"""Arguments that do not fit are refused before anything is read or written."""

import numpy as np
import pytest

from landbridge import kernels
from landbridge.kernels import Canvas, Layer, NodeGrid

SHAPE = (2, 20, 30)


def canvas_of(dtype="uint16", **changes):
    return Canvas(np.zeros(SHAPE, dtype), np.zeros(SHAPE, np.uint8), **changes)


def layer_of(dtype="uint16", **changes):
    arguments = {"samples": [0], "bands": [0], "nodata": np.zeros(1, dtype), "has_nodata": [True]}
    return Layer(**{**arguments, **changes})


def grid_of(nodes=(4, 4), **changes):
    arguments = {
        "rows": np.zeros(nodes),
        "columns": np.zeros(nodes),
        "step": 16,
        "first": (0, 0),
        "taps": 2,
        "weights": np.ones((2, 16)),
        "max_deviation": (0.0, 0.0),
    }
    return NodeGrid(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("values", "state"),
    [
        (np.zeros((2, 20, 31), "uint8"), np.zeros(SHAPE, np.uint8)),
        (np.zeros((2, 20, 60), "uint8")[:, :, ::2], np.zeros(SHAPE, np.uint8)),
        (np.zeros(SHAPE, "uint8"), np.zeros((2, 30, 20), np.uint8).transpose(0, 2, 1)),
        (np.zeros(SHAPE, "uint8"), np.zeros(SHAPE, bool)),
        (np.zeros(SHAPE, "uint8"), np.zeros(SHAPE, np.uint16)),
        (np.zeros(SHAPE, "complex128"), np.zeros(SHAPE, np.uint8)),
        (np.zeros(SHAPE, ">u2"), np.zeros(SHAPE, np.uint8)),
        (np.zeros(SHAPE[1:], "uint8"), np.zeros(SHAPE[1:], np.uint8)),
        (np.broadcast_to(np.uint8(0), SHAPE), np.zeros(SHAPE, np.uint8)),
        (np.zeros(2 * 20 * 30 * 2 + 1, "uint8")[1:].view("uint16").reshape(SHAPE), np.zeros(SHAPE, np.uint8)),
    ],
    ids=[
        "other shape", "strided rows", "transposed states", "bool states", "wide states", "complex",
        "big-endian", "two axes", "read-only", "not aligned",
    ],
)  # fmt: skip
def test_a_canvas_refuses_arrays_that_it_cannot_write_to(values, state):
    with pytest.raises((TypeError, ValueError)):
        Canvas(values, state)


@pytest.mark.parametrize("fill", [np.zeros(2, "uint8"), np.zeros(3, "uint16"), np.zeros((1, 2), "uint16")])
def test_a_canvas_refuses_fill_values_of_another_type_or_number(fill):
    with pytest.raises((TypeError, ValueError)):
        canvas_of(fill_values=fill)


BOXES = [(-1, 5, 0, 5), (0, 21, 0, 5), (0, 5, 0, 31), (5, 4, 0, 5), (0, 5, 7, 6)]


@pytest.mark.parametrize("box", BOXES)
def test_boxes_outside_the_block_are_refused(box):
    canvas, place = canvas_of(), ((0, 0), (5, 5), grid_of())
    for call in (
        lambda: canvas.update_remaining([0], box),
        lambda: canvas.has_missing_pixels([0], box),
        lambda: kernels.touches_missing_pixels(*place, box, layer_of(), canvas),
        lambda: kernels.composite_warped_tile(np.zeros((5, 5, 1), "uint16"), *place, box, layer_of(), canvas),
    ):
        with pytest.raises(ValueError, match="are not in a block of 20 x 30 pixels"):
            call()


def test_an_empty_box_has_no_missing_pixels():
    canvas = canvas_of()
    assert not canvas.has_missing_pixels([0], (3, 3, 0, 30))
    assert not canvas.has_missing_pixels([0], (0, 20, 0, 0))
    canvas.update_remaining([0], (0, 0, 0, 0))
    assert canvas.remaining.sum() == np.prod(SHAPE)


@pytest.mark.parametrize("bands", [[2], [-1], [0, 5]])
def test_bands_that_do_not_exist_are_refused(bands):
    canvas, count = canvas_of(), len(bands)
    layer = layer_of(
        samples=[0] * count, bands=bands, nodata=np.zeros(count, "uint16"), has_nodata=[True] * count
    )
    for call in (
        lambda: canvas.update_remaining(bands, (0, 5, 0, 5)),
        lambda: canvas.has_missing_pixels(bands, (0, 5, 0, 5)),
        lambda: kernels.composite_aligned_tile(
            np.zeros((5, 5, 1), "uint16"), False, np.arange(5), np.arange(5), (0, 0), layer, canvas
        ),
    ):
        with pytest.raises(ValueError, match="does not exist; the canvas has 2 bands"):
            call()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": np.array([0, 5])}, "Row 5 is not in a tile of 5"),
        ({"rows": np.array([-1, 0])}, "Row -1 is not in a tile of 5"),
        ({"columns": np.array([6])}, "Column 6 is not in a tile of 6"),
        ({"place": (19, 0)}, "are not in a block"),
        ({"place": (0, -1)}, "are not in a block"),
        ({"layer": layer_of(samples=[2])}, "Sample 2 does not exist; the tile has 2 samples"),
        ({"layer": layer_of(alpha=2)}, "Sample 2 does not exist"),
        ({"layer": layer_of(alpha=-2)}, "Sample -2 does not exist"),
        ({"layer": layer_of(visible=np.ones((20, 31), np.uint8))}, "visible pixels are 20 x 31"),
        ({"layer": layer_of(visible=np.ones((20, 60), np.uint8)[:, ::2])}, "must be contiguous"),
        ({"layer": layer_of("uint8")}, "type of the canvas"),
        ({"tile": np.zeros((5, 6, 2), "uint8")}, "must have the same type"),
        ({"tile": np.zeros((5, 6, 2), "int16")}, "must have the same type"),
    ],
)
def test_an_aligned_tile_that_does_not_fit_is_refused(changes, message):
    arguments = {
        "tile": np.zeros((5, 6, 2), "uint16"),
        "differences": False,
        "rows": np.arange(5),
        "columns": np.arange(6),
        "place": (0, 0),
        "layer": layer_of(),
        "canvas": canvas_of(),
    }
    kernels.composite_aligned_tile(**arguments)
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.composite_aligned_tile(**{**arguments, **changes})


def test_differences_of_floats_are_refused():
    with pytest.raises(TypeError, match="needs pixels of an integer type"):
        kernels.composite_aligned_tile(
            np.zeros((5, 5, 1), "float32"), True, np.arange(5), np.arange(5), (0, 0),
            layer_of("float32"), canvas_of("float32"),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (6, 5)}, "5 x 5 pixels, but 6 x 5 were expected"),
        ({"size": (-1, 5)}, "-1 x 5 pixels does not exist"),
        ({"grid": grid_of((2, 4))}, "2 x 4 nodes do not cover rows 0 to 20"),
        ({"grid": grid_of((4, 3))}, "do not cover"),
        ({"grid": grid_of(first=(40, 0))}, "do not cover"),
        ({"tile": np.zeros((5, 5, 1), "float32")}, "must have the same type"),
    ],
)
def test_a_warped_tile_that_does_not_fit_is_refused(changes, message):
    arguments = {
        "tile": np.zeros((5, 5, 1), "uint16"),
        "corner": (0, 0),
        "size": (5, 5),
        "grid": grid_of(),
        "box": (0, 20, 0, 30),
        "layer": layer_of(),
        "canvas": canvas_of(),
    }
    kernels.composite_warped_tile(**arguments)
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.composite_warped_tile(**{**arguments, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": np.zeros((4, 5))},
        {"step": 0},
        {"taps": 3},
        {"taps": 1},
        {"weights": np.ones((2, 15))},
        {"weights": np.ones((4, 16))},
    ],
)
def test_a_coordinate_grid_that_does_not_fit_is_refused(changes):
    with pytest.raises(ValueError, match=r"different shapes|do not exist|must have the shape"):
        grid_of(**changes)


@pytest.mark.parametrize(("block", "tile", "source"), [((0, 1), (1, 1), (1, 1)), ((1, 1), (0, 1), (1, 1))])
def test_boxes_of_nothing_are_refused(block, tile, source):
    with pytest.raises(ValueError, match="must be positive"):
        kernels.tile_boxes(grid_of(), block, tile, source)


@pytest.mark.parametrize(
    "changes", [{"samples": [0, 1]}, {"has_nodata": []}, {"nodata": np.zeros(2, "uint8")}]
)
def test_a_layer_of_unequal_lengths_is_refused(changes):
    with pytest.raises(ValueError, match="different lengths"):
        layer_of(**changes)


def test_a_canvas_keeps_its_arrays():
    canvas = canvas_of()
    rows = canvas.initialised_rows
    canvas.initialise()
    del canvas
    assert (rows == 20).all()
    with pytest.raises(ValueError, match="read-only"):
        rows[:] = 0
