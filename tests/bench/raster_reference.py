"""Expected results of the raster jobs, computed pixel by pixel, and the tiles that they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import rasterio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.raster_work import Work
    from scenes import Scene

Array = np.ndarray[Any, Any]
Tile = tuple[int, int, int]
"""The scene's number, and row and column of the tile."""

TILE = 512
# Step between the rows and columns of the result that are computed.
_STRIDE = 5
_ROWS = 64
_TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Reference:
    """Some pixels of a result, and the tiles that every implementation has to read."""

    pixels: Array
    tiles: frozenset[Tile]

    def check(self, name: str, result: Array, tolerance: float, *, alike: bool = False) -> None:
        """Raise AssertionError if more than a share of the pixels differ.

        `alike`: if they differ by more than that share of their value, on average: for another overview.
        """
        sample = result[..., _STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE]
        if sample.shape != self.pixels.shape:
            raise AssertionError(f"{name} gave the shape {result.shape}")
        if alike:
            share = float(np.abs(sample.astype("int32") - self.pixels).mean() / self.pixels.mean())
        else:
            share = float((sample != self.pixels).mean())
        if share > tolerance:
            raise AssertionError(f"{name} is off the reference by {share:.2%}, more than {tolerance:.2%}")


def reference(work: Work) -> Reference:
    """Return the reference of a job: every output center transformed to the scene's coordinates."""
    rows, columns = work.grid.shape.yx
    ys, xs = np.arange(_STRIDE // 2, rows, _STRIDE), np.arange(_STRIDE // 2, columns, _STRIDE)
    layers = len(work.scenes) if work.stacked else 1
    out = np.zeros((layers, len(work.bands), len(ys), len(xs)), "uint16")
    tiles: set[Tile] = set()
    for number in reversed(range(len(work.scenes))):
        layer = out[number if work.stacked else 0]
        if not (layer == 0).any():
            continue
        colors, alpha, transform = _pixels(work, work.scenes[number])
        for strip in range(0, len(ys), _ROWS):
            part = layer[:, strip : strip + _ROWS]
            for row, column, where in _places(work, number, transform, ys[strip : strip + _ROWS], xs):
                inside = where & (row < colors.shape[1]) & (column < colors.shape[2])
                r, c = np.where(inside, row, 0), np.where(inside, column, 0)
                if alpha is not None:
                    inside &= alpha[r, c] != 0
                for band, target in zip(colors, part, strict=True):
                    take = inside & (target == 0) & (band[r, c] != 0)
                    target[take] = band[r, c][take]
                    found = np.unique(np.stack([r[take] // TILE, c[take] // TILE]), axis=1)
                    tiles.update((number, int(y), int(x)) for y, x in found.T)
    return Reference(out if work.stacked else out[0], frozenset(tiles))


def _pixels(work: Work, scene: Scene) -> tuple[Array, Array | None, rasterio.Affine]:
    options = {} if work.overview is None else {"overview_level": work.overview}
    with rasterio.open(work.ground.file(scene, "multi"), **options) as dataset:
        colors = dataset.read(work.indexes)
        transform = dataset.transform
    if not work.alpha:
        return colors, None, transform
    with rasterio.open(work.ground.file(scene, "alpha"), **options) as dataset:
        return colors, dataset.read(1), transform


def _places(
    work: Work, number: int, transform: rasterio.Affine, ys: Array, xs: Array
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield rows and columns of output centers in a scene, and a mask of those not before it."""
    x: Any
    y: Any
    x, y = work.grid.transform @ tuple(np.meshgrid(xs + 0.5, ys + 0.5))  # type: ignore[operator]  # for scalars
    code = work.scenes[number].epsg
    if work.epsg != code:
        x, y = pyproj.Transformer.from_crs(work.epsg, code, always_xy=True).transform(x, y)
    column, row = ~transform @ (x, y)
    row, column = (np.floor(value + _TIE).astype(int) for value in (row, column))
    yield row, column, (row >= 0) & (column >= 0)
