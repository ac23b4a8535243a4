"""Blocks of the output grid, and their sampling of the grids of files."""

from dataclasses import dataclass
from typing import Any

from odc.geo.geobox import GeoBox

from landbridge.raster.grids.coordinate_grid import Lattice, Net, extent_in, lattice_of, net_of
from landbridge.raster.grids.crs import crs_on
from landbridge.raster.grids.geobox import GridKey, key_of
from landbridge.raster.grids.longitudes import turn_of, turns_between
from landbridge.raster.grids.windows import Window
from landbridge.raster.resample.nearest import Nearest

# A place this near to a file's edge, in pixels, may belong to its other edge, a turn of longitudes further.
_TURN_SLACK = 1e-3
# Bytes of nets, and how many, that are kept for blocks still to come.
_SMALL_NET, _MOST_NETS = 64 * 2**10, 512

Nets = dict[tuple[Any, ...], Net]
"""Nets by the system and resolution of files, and among several blocks by their place and size."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an output grid of `whole` (rows, columns), with the place (y, x) of its corner there."""

    grid: GeoBox
    origin: tuple[int, int]
    whole: tuple[int, int]

    def part(self, window: Window) -> "Block":
        """Return a window (y, x) of the block as a block."""
        y, x = window
        if (y.stop - y.start, x.stop - x.start) == self.grid.shape.yx:
            return self
        origin = (self.origin[0] + y.start, self.origin[1] + x.start)
        return Block(self.grid[y, x], origin, self.whole)

    @property
    def sides(self) -> tuple[bool, bool, bool, bool]:
        """Sides (top, bottom, left, right) at which the output grid goes on."""
        (top, left), (height, width) = self.origin, self.grid.shape.yx
        return (top > 0, top + height < self.whole[0], left > 0, left + width < self.whole[1])


class Samples:
    """Sampling of the grids of files by a block.

    Files that share a grid, as the bands of an image do, or a system and resolution, are looked at once.
    """

    def __init__(self, block: Block, nets: Nets | None = None) -> None:
        """Take the block, and what blocks of the same output grid have found: stacks come back to each of
        them.
        """
        self.block = block
        self._known: dict[GridKey, Nearest] = {}
        self._nets: Nets = {}
        self._shared: Nets = {} if nets is None else nets

    def get(self, source: GeoBox) -> Nearest:
        """Return the block's sampling of a file's grid by the nearest pixel."""
        key = key_of(source)
        sampling = self._known.get(key)
        if sampling is None:
            sampling = self._known[key] = Nearest(source, self.block.grid, lambda: self._lattice(source))
        return sampling

    def turns(self, source: GeoBox) -> list[float]:
        """Return the distances along x by which a file's grid is moved to lie on the block.

        That is 0, but for longitudes that the block counts otherwise than the file: then whole turns.
        """
        turn = turn_of(crs_on(source))
        if turn is None:
            return [0.0]
        extent = extent_in(source, self.block.grid, lambda: self._net(source))
        if extent is None:
            return []
        slack = abs(source.resolution.x) * _TURN_SLACK
        left, _, right, _ = source.boundingbox.bbox
        turns = turns_between(extent[0] - slack, extent[1] + slack, left, right, turn)
        return [number * turn for number in turns]

    def _lattice(self, source: GeoBox) -> Lattice:
        return lattice_of(source, self._net(source))

    def _net(self, source: GeoBox) -> Net:
        transform = source.transform
        key = (str(crs_on(source)), transform.a, transform.b, transform.d, transform.e)
        net = self._nets.get(key)
        if net is None:
            here = (*key, self.block.origin, self.block.grid.shape.yx)
            net = self._shared.get(here)
            if net is None:
                net = net_of(source, self.block.grid, self.block.origin)
                if net.nbytes <= _SMALL_NET and len(self._shared) < _MOST_NETS:
                    self._shared[here] = net
            self._nets[key] = net
        return net
