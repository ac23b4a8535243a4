"""Division of an output grid into blocks for rendering."""

from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Window

BLOCK = 2048


SMALLEST_BLOCK = 512


def block_windows(geobox: GeoBox, workers: int, max_edge: int | None = None) -> list[Window]:
    """Return windows (y, x) that cover a grid, row by row, with edges of at most `max_edge` pixels.

    A small grid is divided among the workers.
    """
    rows, columns = geobox.shape.yx
    width = min(max_edge or BLOCK, BLOCK)
    height = min(width, max(SMALLEST_BLOCK, -(-rows // workers)))
    return [
        (slice(y, min(rows, y + height)), slice(x, min(columns, x + width)))
        for y in range(0, rows, height)
        for x in range(0, columns, width)
    ]
