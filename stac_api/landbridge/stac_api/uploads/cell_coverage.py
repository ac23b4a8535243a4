"""Area that a raster's grid cells cover, cell by cell: for rasters that contain a pole or the edge of their
projection, such as a satellite's view of half of the Earth.
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
# A cell that lies partly on the Earth is divided into so many along each side.
_PARTS = 4
_FEW = 64
# Largest error of a point transformed to longitude and latitude and back, in pixels; a point with a larger
# one is beyond the edge of the map.
_MAX_ROUND_TRIP = 0.1
# A cell wider than this, in degrees, lies around a pole and contains it.
_MAX_WIDTH = 60
# Margin for the bend of a cell's edges, as a fraction of its size.
_MARGIN = 0.05
_EDGE_MARGIN = 0.25  # beside the edge of the map


@dataclass(frozen=True, slots=True)
class CellGrid:
    """Grid of cells of a raster.

    Attributes
    ----------
    size : tuple of int
        Columns and rows of the raster, in pixels.
    valid : ndarray of bool, (rows, columns) of cells
        True for a cell with a valid pixel.
    cell : int
        Pixels along a cell.
    """

    size: tuple[int, int]
    valid: np.ndarray
    cell: int


@dataclass(frozen=True, slots=True)
class _Boxes:
    """Boxes in degrees; west is within ±180, east may be beyond 180."""

    west: np.ndarray
    south: np.ndarray
    east: np.ndarray
    north: np.ndarray


class PixelToLonLat:
    """Transformation from a raster's pixels to longitude and latitude."""

    def __init__(self, crs: CRS, transform: Affine) -> None:
        """Prepare the transformation by the raster's reference system and geotransform."""
        # The import takes longer than most footprints. GDAL's transformation fails if one of the points does.
        import pyproj

        own = pyproj.CRS.from_wkt(crs.to_wkt())
        self._forward = pyproj.Transformer.from_crs(own, "EPSG:4326", always_xy=True)
        self._transform = transform
        self._turn = math.tau / own.axis_info[0].unit_conversion_factor if own.is_geographic else None

    def __call__(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes within ±180 and latitudes of points in pixels; NaN beyond the edge of the map."""
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
            there = np.isfinite(lon) & np.isfinite(lat) & (off <= _MAX_ROUND_TRIP) & (np.abs(lat) <= 90)
            lon = (lon + 180) % _TURN - 180
        return np.where(there, lon, np.nan), np.where(there, lat, np.nan)

    def has_any(self, size: tuple[int, int], count: int) -> bool:
        """Return whether any of `count` x `count` points of the raster lies on the Earth."""
        lon, _ = self(*np.meshgrid(*(np.linspace(0, length, count) for length in size)))
        return bool(np.isfinite(lon).any())


def outline_of_cells(crs: CRS, transform: Affine, grid: CellGrid) -> BaseGeometry:
    """Return an outline of the area of all valid cells; longitudes may be beyond 180."""
    to_lonlat = PixelToLonLat(crs, transform)
    boxes = _boxes(to_lonlat, grid)
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
    return simplify_outwards(shapely.union_all(filled), step, _CORNERS)


def simplify_outwards(area: BaseGeometry, slack: float, corners: int) -> BaseGeometry:
    """Return an outline around an area with at most `corners` corners."""
    while True:
        # Simplifying moves the line by less than the buffer moved it outwards.
        outline = area.buffer(slack, join_style="mitre").simplify(slack)
        if shapely.get_num_coordinates(outline) <= corners:
            return outline
        slack *= 2


def _boxes(to_lonlat: PixelToLonLat, grid: CellGrid) -> _Boxes:
    """Return boxes around all valid cells that lie on the Earth."""
    (width, height), cell = grid.size, grid.cell
    rows, columns = grid.valid.shape
    lon, lat = to_lonlat(
        *np.meshgrid(
            np.minimum(np.arange(columns + 1) * cell, width), np.minimum(np.arange(rows + 1) * cell, height)
        )
    )
    lons, lats = _corners(lon), _corners(lat)
    there = np.isfinite(lons)
    # Near the edge of the map the edges of a cell are bent strongly.
    whole = ~_dilate(~there.all(axis=0))
    found = [_bounding_boxes(lons[:, grid.valid & whole], lats[:, grid.valid & whole])]
    # All of the Earth may lie in one cell.
    partly = _dilate(there.any(axis=0)) if there.any() else np.ones_like(whole)
    found += _partial(to_lonlat, grid.size, np.argwhere(grid.valid & ~whole & partly), cell)
    return _Boxes(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _dilate(flags: np.ndarray) -> np.ndarray:
    """Return which cells are true or have a true neighbour."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(flags, 1), (3, 3))
    return np.asarray(windows.any(axis=(2, 3)))


def _corners(nodes: np.ndarray) -> np.ndarray:
    """Return the four corners of the squares between nodes (..., row, column)."""
    return np.stack(
        [nodes[..., :-1, :-1], nodes[..., :-1, 1:], nodes[..., 1:, 1:], nodes[..., 1:, :-1]],
    )


def _bounding_boxes(lons: np.ndarray, lats: np.ndarray, slack: float = _MARGIN) -> tuple[np.ndarray, ...]:
    """Return (west, south, east, north) around the corners (corner, cell) of cells, without NaN."""
    first = np.take_along_axis(lons, np.isfinite(lons).argmax(axis=0)[None], axis=0)
    lons = lons - _TURN * np.round((lons - first) / _TURN)
    west, east = np.fmin.reduce(lons, axis=0), np.fmax.reduce(lons, axis=0)
    south, north = np.fmin.reduce(lats, axis=0), np.fmax.reduce(lats, axis=0)
    wide = east - west > _MAX_WIDTH
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
    to_lonlat: PixelToLonLat, size: tuple[int, int], cells: np.ndarray, cell: int
) -> list[tuple[np.ndarray, ...]]:
    """Return boxes around the parts on the Earth of cells (row, column) at the edge of the map."""
    found = []
    while len(cells) and cell > _PARTS:
        # Cells on the edge of the map are divided, down to pixels.
        cell //= _PARTS
        within = np.stack(np.meshgrid(np.arange(_PARTS), np.arange(_PARTS), indexing="ij"), -1).reshape(-1, 2)
        cells = (cells[:, None] * _PARTS + within).reshape(-1, 2)
        cells = cells[(cells[:, 0] * cell < size[1]) & (cells[:, 1] * cell < size[0])]
        lons, lats = _points(to_lonlat, size, cells, np.linspace(0, cell, _PARTS + 1))
        there = np.isfinite(lons)
        whole = np.isfinite(lons).all(axis=0)
        found.append(_bounding_boxes(lons[:, whole], lats[:, whole], slack=_EDGE_MARGIN))
        cells = cells[~whole & (there.any(axis=0) | (len(cells) <= _FEW))]
    if len(cells):
        # Squares between the centers of four pixels, including pixels of the neighbouring cells.
        lons, lats = _points(to_lonlat, size, cells, np.arange(-1, cell + 1) + 0.5)
        side = cell + 2
        squares = [
            _corners(np.moveaxis(n.reshape(side, side, -1), 2, 0)).reshape(4, -1) for n in (lons, lats)
        ]
        seen: np.ndarray = np.isfinite(squares[0]).any(axis=0)
        found.append(_bounding_boxes(squares[0][:, seen], squares[1][:, seen]))
    return found


def _points(
    to_lonlat: PixelToLonLat, size: tuple[int, int], cells: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes (point, cell) at offsets from the corners of cells, in pixels."""
    cell = offsets[-1] + offsets[0]
    y, x = (n.reshape(-1, 1) for n in np.meshgrid(offsets, offsets, indexing="ij"))
    rows, columns = cells[:, 0] * cell + y, cells[:, 1] * cell + x
    lon, lat = to_lonlat(columns, rows)
    beyond = (columns < 0) | (columns > size[0]) | (rows < 0) | (rows > size[1])
    lon[beyond] = lat[beyond] = np.nan
    return lon, lat


def _span(boxes: _Boxes) -> tuple[float, float]:
    """Return the west end and the width of the shortest interval of longitudes that contains all boxes."""
    # Repeated one turn to the west, for boxes beyond 180.
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
    """Return which bins (row, column) of a grid of `step` degrees are touched by a box."""
    columns, rows = shape
    start = (boxes.west - west) % _TURN
    # Rounding may move the westmost box by a whole turn.
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
        # Longitudes beyond a whole turn start again at the first column.
        over = touched[:, around : around + columns]
        marked[:, : over.shape[1]] |= over
    return marked
