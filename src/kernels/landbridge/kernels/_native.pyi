# Types of the extension; its sources, with the documentation of each name, are in `src`.

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Box: TypeAlias = Sequence[int]

VALID: int
MISSING: int
INVALID: int
CELL: int

def instruction_sets() -> list[str]: ...
def use_instruction_set(name: str) -> None: ...
def undo_differences(tile: npt.NDArray[np.integer[Any]], first: int, last: int) -> None: ...
def decode_tile(
    data: npt.NDArray[np.uint8],
    tile: npt.NDArray[Any],
    compression: int,
    predictor: int = 1,
    swapped: bool = False,
) -> None: ...

class Canvas:
    def __init__(
        self,
        values: npt.NDArray[Any],
        state: npt.NDArray[np.uint8],
        *,
        fill_values: npt.NDArray[Any] | None = None,
        initialised: bool = False,
    ) -> None: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def remaining(self) -> npt.NDArray[np.int64]: ...
    @property
    def initialised_rows(self) -> npt.NDArray[np.int64]: ...
    @property
    def is_full(self) -> bool: ...
    def initialise(self) -> None: ...
    def update_remaining(self, bands: Sequence[int], box: _Box) -> None: ...
    def has_missing_pixels(
        self, bands: Sequence[int], box: _Box, visible: npt.NDArray[np.uint8] | None = None
    ) -> bool: ...

class Layer:
    def __init__(
        self,
        samples: Sequence[int],
        bands: Sequence[int],
        nodata: npt.NDArray[Any],
        has_nodata: Sequence[bool],
        *,
        alpha: int = -1,
        visible: npt.NDArray[np.uint8] | None = None,
        show_invalid: bool = False,
    ) -> None: ...

class NodeGrid:
    def __init__(
        self,
        rows: npt.NDArray[np.float64],
        columns: npt.NDArray[np.float64],
        step: int,
        first: tuple[int, int],
        taps: int,
        weights: npt.NDArray[np.float64],
        max_deviation: tuple[float, float],
    ) -> None: ...

def composite_aligned_tile(
    tile: npt.NDArray[Any],
    differences: bool,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    place: tuple[int, int],
    layer: Layer,
    canvas: Canvas,
) -> None: ...
def composite_warped_tile(
    tile: npt.NDArray[Any],
    corner: tuple[int, int],
    size: tuple[int, int],
    grid: NodeGrid,
    box: _Box,
    layer: Layer,
    canvas: Canvas,
) -> None: ...
def touches_missing_pixels(
    corner: tuple[int, int],
    size: tuple[int, int],
    grid: NodeGrid,
    box: _Box,
    layer: Layer,
    canvas: Canvas,
) -> bool: ...
def tile_boxes(
    grid: NodeGrid, block: Sequence[int], tile: Sequence[int], source: Sequence[int]
) -> npt.NDArray[np.int64]: ...
def interpolate_locally(
    values: npt.NDArray[np.floating[Any]],
    valid: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.float64],
    columns: npt.NDArray[np.float64],
    row_scales: npt.NDArray[np.float64],
    column_scales: npt.NDArray[np.float64],
    kernel: int,
    out: npt.NDArray[np.floating[Any]],
    out_valid: npt.NDArray[np.uint8],
) -> None: ...
def add_to_sums(
    values: npt.NDArray[Any],
    missing: npt.NDArray[np.uint8],
    sums: npt.NDArray[Any],
    counts: npt.NDArray[np.uint32],
) -> None: ...
def count_pixels(missing: npt.NDArray[np.uint8], counts: npt.NDArray[np.uint32]) -> None: ...
def keep_extremes(
    values: npt.NDArray[Any],
    missing: npt.NDArray[np.uint8],
    greatest: bool,
    best: npt.NDArray[Any],
    extremes: npt.NDArray[Any],
    never: npt.NDArray[np.uint8],
) -> bool: ...
def fill_missing(
    values: npt.NDArray[Any],
    missing: npt.NDArray[np.uint8],
    filler: npt.NDArray[Any],
    counts: npt.NDArray[np.uint32],
) -> None: ...
def take_medians(
    values: npt.NDArray[Any], counts: npt.NDArray[np.uint32], medians: npt.NDArray[np.float64]
) -> None: ...
def take_means(
    sums: npt.NDArray[Any], counts: npt.NDArray[np.uint32], means: npt.NDArray[np.float64]
) -> None: ...
def round_floats(
    values: npt.NDArray[np.floating[Any]], out: npt.NDArray[np.integer[Any]], halves_up: bool = False
) -> None: ...
