"""Noise that depends only on position and seed, for any window of an infinite plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Float = NDArray[np.float32]


def hashed(x: NDArray[Any], y: NDArray[Any], seed: int) -> Float:
    """Return a number in [0, 1) for every pair of integers."""
    h = x.astype(np.uint32) * np.uint32(374_761_393) + y.astype(np.uint32) * np.uint32(668_265_263)
    h += np.uint32(seed * 2_246_822_519 % 2**32)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(2_654_435_761)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1_274_126_177)
    fraction: Float = ((h ^ (h >> np.uint32(16))) >> np.uint32(8)).astype(np.float32) / np.float32(2**24)
    return fraction


def _octave(rows: range, columns: range, step: float, seed: int) -> Float:
    """Return gradient noise, about -1 to 1, of features `step` pixels wide, rotated by the seed."""
    turn = 2.4 * seed
    x0, y0 = np.array(columns) / step, np.array(rows)[:, None] / step
    x = np.cos(turn) * x0 - np.sin(turn) * y0
    y = np.sin(turn) * x0 + np.cos(turn) * y0
    column, row = np.floor(x), np.floor(y)
    right, down = (x - column).astype(np.float32), (y - row).astype(np.float32)
    column, row = column.astype(np.int32), row.astype(np.int32)

    def corner(i: int, j: int) -> Float:
        slope = np.float32(2 * np.pi) * hashed(column + i, row + j, seed)
        along: Float = np.cos(slope) * (right - i) + np.sin(slope) * (down - j)
        return along

    across = right * right * (3 - 2 * right)
    above, below = corner(0, 0), corner(0, 1)
    above += (corner(1, 0) - above) * across
    below += (corner(1, 1) - below) * across
    above += (below - above) * (down * down * (3 - 2 * down))
    above *= np.float32(2.3)
    return above


def _finer(grid: Float) -> Float:
    """Halve the spacing of a grid by cubic spline subdivision; one point is lost on every side."""
    for _ in range(2):
        fine = np.empty((2 * len(grid) - 4, grid.shape[1]), np.float32)
        fine[0::2] = grid[1:-1] * np.float32(0.75) + (grid[:-2] + grid[2:]) * np.float32(0.125)
        fine[1::2] = (grid[1:-1] + grid[2:]) * np.float32(0.5)
        grid = fine.T
    return grid


def fractal(
    rows: range,
    columns: range,
    steps: Sequence[float],
    *,
    seed: int,
    gain: float = 0.5,
    ridged: bool = False,
    spacing: int = 1,
) -> Float:
    """Return fractal noise: octaves of falling `steps`, each `gain` times the one before.

    Ridged noise has crests where the octaves cross 0. With a `spacing`, only every such row and column is
    given, from the last multiple of the spacing at or before the first one.
    """
    level = 16
    # An octave is evaluated on a grid that is just fine enough for it; the sum is refined for the next one.
    at = {step: min(level, max(2, 2 ** int(np.log2(step / 4)))) for step in steps}

    def around(wanted: range, spacing: int) -> range:
        """Return indices of a grid around the wanted pixels, with the margin that refining removes."""
        return range(wanted.start // spacing - 4, wanted.stop // spacing + 5)

    grid_rows, grid_columns = around(rows, level), around(columns, level)
    total = np.zeros((len(grid_rows), len(grid_columns)), np.float32)
    while True:
        for i, step in enumerate(steps):
            if at[step] == level:
                y = range(grid_rows.start * level, grid_rows.stop * level, level)
                x = range(grid_columns.start * level, grid_columns.stop * level, level)
                octave = _octave(y, x, step, seed + i)
                total += np.float32(gain**i) * (np.float32(0.5) - 2 * np.abs(octave) if ridged else octave)
        if level == spacing:
            break
        total = _finer(total)
        level //= 2
        fine_rows, fine_columns = around(rows, level), around(columns, level)
        down = fine_rows.start - 2 * (grid_rows.start + 1)
        right = fine_columns.start - 2 * (grid_columns.start + 1)
        total = total[down : down + len(fine_rows), right : right + len(fine_columns)]
        grid_rows, grid_columns = fine_rows, fine_columns
    down, right = rows.start // spacing - grid_rows.start, columns.start // spacing - grid_columns.start
    return total[down : down + -(-len(rows) // spacing), right : right + -(-len(columns) // spacing)]
