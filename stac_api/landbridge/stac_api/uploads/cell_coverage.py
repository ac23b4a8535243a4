"""The ground that a raster's cells cover, gathered one by one: for rasters with a pole, or whose projection
ends inside them, as those of satellites that see half of the Earth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio.features
import shapely
from rasterio.transform import Affine

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from shapely.geometry.base import BaseGeometry

_TURN = 360.0
_BINS = 1024  # along the longer side of the grid of longitudes and latitudes
_CORNERS = 300
# A cell that lies only partly on the Earth is divided by so many along each side.
_PARTS = 4
_FEW = 64
# A place that leads back to another one, by more than so much of a pixel, is beyond the edge of the map.
_BACK = 0.1
# A cell that is wider, in degrees, bends around a pole, and reaches to it.
_WIDEST = 60
# Largest bend of a cell, in parts of its size.
_BEND = 0.05
_EDGE_BEND = 0.25  # beside the edge of the map


@dataclass(frozen=True, slots=True)
class CellGrid:
    """Squares of `cell` pixels that hold valid ones (row, column), of a raster of `size` (columns, rows)."""

    size: tuple[int, int]
    valid: np.ndarray
    cell: int


@dataclass(frozen=True, slots=True)
class _Boxes:
    """Boxes in degrees. West is within ±180, and east may be beyond 180."""

    west: np.ndarray
    south: np.ndarray
    east: np.ndarray
    north: np.ndarray


class Ground:
    """The way from a raster's pixels to longitude and latitude."""

    def __init__(self, crs: CRS, transform: Affine) -> None:
        """Take the raster's reference system and transformation."""
        # Its import takes longer than most footprints. GDAL's own way fails if one of the places does.
        import pyproj

        own = pyproj.CRS.from_wkt(crs.to_wkt())
        self._forward = pyproj.Transformer.from_crs(own, "EPSG:4326", always_xy=True)
        self._transform = transform
        self._turn = math.tau / own.axis_info[0].unit_conversion_factor if own.is_geographic else None

    def of(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes, of ±180, and latitudes of places in pixels; NaN beyond the edge of the map."""
        t = self._transform
        x, y = t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f
        lon, lat = self._forward.transform(x, y)
        with np.errstate(invalid="ignore", over="ignore"):
            back_x, back_y = self._forward.transform(lon, lat, direction="INVERSE")
            off_x, off_y = back_x - x, back_y - y
            if self._turn is not None:
                off_x -= self._turn * np.round(off_x / self._turn)
            inverse = ~t
            off = np.maximum(
                np.abs(inverse.a * off_x + inverse.b * off_y), np.abs(inverse.d * off_x + inverse.e * off_y)
            )
            there = np.isfinite(lon) & np.isfinite(lat) & (off <= _BACK) & (np.abs(lat) <= 90)
            lon = (lon + 180) % _TURN - 180
        return np.where(there, lon, np.nan), np.where(there, lat, np.nan)

    def has_any(self, size: tuple[int, int], count: int) -> bool:
        """Return whether any of so many places along each side lies on the Earth."""
        lon, _ = self.of(*np.meshgrid(*(np.linspace(0, length, count) for length in size)))
        return bool(np.isfinite(lon).any())


def outline_of_cells(crs: CRS, transform: Affine, grid: CellGrid) -> BaseGeometry:
    """Return an outline of all that valid cells cover, with longitudes that may go on beyond 180."""
    ground = Ground(crs, transform)
    boxes = _boxes(ground, grid)
    if not len(boxes.west):
        return shapely.Polygon()
    west, width = _span(boxes)
    south, north = float(boxes.south.min()), float(boxes.north.max())
    step = max(width, north - south, 1e-9) / _BINS
    marked = _marked(boxes, west, south, (round(width / step) + 1, round((north - south) / step) + 1), step)
    traced = rasterio.features.shapes(
        marked.astype("uint8"), mask=marked, connectivity=4, transform=Affine(step, 0, west, 0, step, south)
    )
    filled = [shapely.Polygon(geometry["coordinates"][0]) for geometry, _ in traced]
    return simplified(shapely.union_all(filled), step, _CORNERS)


def simplified(area: BaseGeometry, slack: float, corners: int) -> BaseGeometry:
    """Return an outline around an area that has few corners."""
    while True:
        # Simplifying moves the line by less than it was moved outwards before.
        outline = area.buffer(slack, join_style="mitre").simplify(slack)
        if shapely.get_num_coordinates(outline) <= corners:
            return outline
        slack *= 2


def _boxes(ground: Ground, grid: CellGrid) -> _Boxes:
    """Return boxes around all valid cells that lie on the Earth."""
    (width, height), cell = grid.size, grid.cell
    rows, columns = grid.valid.shape
    lon, lat = ground.of(
        *np.meshgrid(
            np.minimum(np.arange(columns + 1) * cell, width), np.minimum(np.arange(rows + 1) * cell, height)
        )
    )
    lons, lats = _corners(lon), _corners(lat)
    there = np.isfinite(lons)
    # Towards the edge of the map the ground bends between the corners of a cell.
    whole = ~_widened(~there.all(axis=0))
    found = [_around(lons[:, grid.valid & whole], lats[:, grid.valid & whole])]
    # All of the Earth may lie in one cell.
    partly = _widened(there.any(axis=0)) if there.any() else np.ones_like(whole)
    found += _partial(ground, grid.size, np.argwhere(grid.valid & ~whole & partly), cell)
    return _Boxes(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _widened(flags: np.ndarray) -> np.ndarray:
    """Return which cells are true or beside a true one."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(flags, 1), (3, 3))
    return np.asarray(windows.any(axis=(2, 3)))


def _corners(nodes: np.ndarray) -> np.ndarray:
    """Return the four corners of the squares between nodes (..., row, column)."""
    return np.stack(
        [nodes[..., :-1, :-1], nodes[..., :-1, 1:], nodes[..., 1:, 1:], nodes[..., 1:, :-1]],
    )


def _around(lons: np.ndarray, lats: np.ndarray, slack: float = _BEND) -> tuple[np.ndarray, ...]:
    """Return (west, south, east, north) around the corners of cells, (corner, cell); NaN is not there."""
    first = np.take_along_axis(lons, np.isfinite(lons).argmax(axis=0)[None], axis=0)
    lons = lons - _TURN * np.round((lons - first) / _TURN)
    west, east = np.fmin.reduce(lons, axis=0), np.fmax.reduce(lons, axis=0)
    south, north = np.fmin.reduce(lats, axis=0), np.fmax.reduce(lats, axis=0)
    wide = east - west > _WIDEST
    around = east - west > _TURN / 2
    slack_x, slack_y = slack * (east - west), slack * (north - south)
    west, east = west - slack_x, east + slack_x
    south, north = south - slack_y, north + slack_y
    west, east = np.where(around, -180.0, west), np.where(around, 180.0, east)
    south = np.where(wide & (south < 0), -90.0, south)
    north = np.where(wide & (north > 0), 90.0, north)
    turns = _TURN * np.floor((west + 180) / _TURN)
    return west - turns, np.maximum(south, -90), east - turns, np.minimum(north, 90)


def _partial(
    ground: Ground, size: tuple[int, int], cells: np.ndarray, cell: int
) -> list[tuple[np.ndarray, ...]]:
    """Return boxes around what lies on the Earth of cells (row, column) that do so in part."""
    found = []
    while len(cells) and cell > _PARTS:
        # Those that the edge of the map goes through are divided, down to their pixels.
        cell //= _PARTS
        within = np.stack(np.meshgrid(np.arange(_PARTS), np.arange(_PARTS), indexing="ij"), -1).reshape(-1, 2)
        cells = (cells[:, None] * _PARTS + within).reshape(-1, 2)
        cells = cells[(cells[:, 0] * cell < size[1]) & (cells[:, 1] * cell < size[0])]
        lons, lats = _places(ground, size, cells, np.linspace(0, cell, _PARTS + 1))
        there = np.isfinite(lons)
        whole = np.isfinite(lons).all(axis=0)
        found.append(_around(lons[:, whole], lats[:, whole], slack=_EDGE_BEND))
        cells = cells[~whole & (there.any(axis=0) | (len(cells) <= _FEW))]
    if len(cells):
        # The squares between the centers of four pixels, also those of the cells around.
        lons, lats = _places(ground, size, cells, np.arange(-1, cell + 1) + 0.5)
        side = cell + 2
        squares = [
            _corners(np.moveaxis(n.reshape(side, side, -1), 2, 0)).reshape(4, -1) for n in (lons, lats)
        ]
        seen: np.ndarray = np.isfinite(squares[0]).any(axis=0)
        found.append(_around(squares[0][:, seen], squares[1][:, seen]))
    return found


def _places(
    ground: Ground, size: tuple[int, int], cells: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes (place, cell) at offsets from the corners of cells, in pixels."""
    cell = offsets[-1] + offsets[0]
    y, x = (n.reshape(-1, 1) for n in np.meshgrid(offsets, offsets, indexing="ij"))
    rows, columns = cells[:, 0] * cell + y, cells[:, 1] * cell + x
    lon, lat = ground.of(columns, rows)
    beyond = (columns < 0) | (columns > size[0]) | (rows < 0) | (rows > size[1])
    lon[beyond] = lat[beyond] = np.nan
    return lon, lat


def _span(boxes: _Boxes) -> tuple[float, float]:
    """Return the west end and the width of the shortest interval of longitudes that holds all boxes."""
    # Once more a turn before, for those that go on beyond 180.
    starts, stops = (np.concatenate([edge - _TURN, edge]) for edge in (boxes.west, boxes.east))
    order = np.argsort(starts)
    starts, stops = starts[order], np.maximum.accumulate(stops[order])
    gaps = starts[1:] - stops[:-1]
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 0:
        return -180.0, _TURN
    first = float(starts[widest + 1])
    return (first + 180) % _TURN - 180, _TURN - float(gaps[widest])


def _marked(boxes: _Boxes, west: float, south: float, shape: tuple[int, int], step: float) -> np.ndarray:
    """Return which bins (row, column), `step` degrees wide, of a grid any box touches."""
    columns, rows = shape
    start = (boxes.west - west) % _TURN
    # The first may be off by rounding, and so a whole turn.
    start[start > columns * step] = 0.0
    x0, x1 = (
        np.floor(start / step).astype(int),
        np.floor((start + boxes.east - boxes.west) / step).astype(int),
    )
    y0, y1 = (
        np.floor((edge - south) / step).astype(int).clip(0, rows - 1) for edge in (boxes.south, boxes.north)
    )
    around = columns - 1 if columns * step >= _TURN else columns
    counts = np.zeros((rows + 1, columns + around + 2), np.int64)
    x1 = np.minimum(x1, columns + around)
    for y, x, sign in ((y0, x0, 1), (y0, x1 + 1, -1), (y1 + 1, x0, -1), (y1 + 1, x1 + 1, 1)):
        np.add.at(counts, (y, x), sign)
    touched = counts.cumsum(axis=0).cumsum(axis=1)[:rows] > 0
    marked: np.ndarray = touched[:, :columns].copy()
    if around < columns:
        # Longitudes beyond a whole turn begin anew.
        over = touched[:, around : around + columns]
        marked[:, : over.shape[1]] |= over
    return marked
