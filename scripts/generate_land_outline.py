"""Write the outline of the land that maps of the server's pages show, from Natural Earth (public domain).

`npm pack world-atlas@2.0.2`, unpack it, then `scripts/generate_land_outline.py package/land-110m.json`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "stac_api/landbridge/stac_api/pages/files/land.json"
DIGITS = 2


def main(source: Path) -> None:
    """Convert the TopoJSON of `world-atlas` to a GeoJSON MultiPolygon."""
    topology = json.loads(source.read_text())
    arcs = [_decoded(arc, topology["transform"]) for arc in topology["arcs"]]
    polygons: list[Any] = []
    for geometry in topology["objects"]["land"]["geometries"]:
        parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        polygons += [[_ring(ring, arcs) for ring in polygon] for polygon in parts]
    land = {"type": "MultiPolygon", "coordinates": polygons}
    OUTPUT.write_text(json.dumps(land, separators=(",", ":")) + "\n")


def _decoded(arc: list[list[int]], transform: dict[str, list[float]]) -> list[list[float]]:
    """Return the positions of an arc, whose points are differences of whole numbers."""
    (x_scale, y_scale), (x_first, y_first) = transform["scale"], transform["translate"]
    x = y = 0
    positions = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        positions.append([round(x * x_scale + x_first, DIGITS), round(y * y_scale + y_first, DIGITS)])
    return positions


def _ring(numbers: list[int], arcs: list[list[list[float]]]) -> list[list[float]]:
    """Return the ring of some arcs; a negative number is an arc in the other direction."""
    ring: list[list[float]] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring += arc[1:] if ring else arc
    return ring


if __name__ == "__main__":
    main(Path(sys.argv[1]))
