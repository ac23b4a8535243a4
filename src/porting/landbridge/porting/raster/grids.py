"""Output grids of the Raster service as GeoContexts of the Catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import shapely
from pyproj import CRS, Transformer

from landbridge.catalog import ImageCollection
from landbridge.geo import AOI, DLTile
from landbridge.porting.arguments.areas import to_dltile, to_geometry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from landbridge.catalog import Image
    from landbridge.geo import GeoContext

__all__ = ["Grid", "output_grid", "own_grid"]

Bounds = tuple[float, float, float, float]
_WGS84 = "EPSG:4326"
# Vertices that are put on each edge of bounds before it is projected.
_DENSITY = 21


class Grid(NamedTuple):
    """Arguments for the area and grid of a raster, by their old names."""

    srs: str | None = None
    resolution: float | None = None
    dimensions: Any = None
    cutline: Any = None
    bounds: Any = None
    bounds_srs: str | None = None
    align_pixels: bool = False
    dltile: Any = None
    cutline_all_touched: bool = False


class _Native(NamedTuple):
    """Grid of an image's stored pixels."""

    crs: str
    bounds: Bounds
    shape: tuple[int, int]

    @property
    def pixel(self) -> tuple[float, float]:
        """Width and height of a pixel."""
        left, bottom, right, top = self.bounds
        return (right - left) / self.shape[1], (top - bottom) / self.shape[0]


def own_grid(grid: Grid, images: Sequence[Image]) -> dict[str, Any] | None:
    """Return the arguments of `Image.ndarray` for the own grid of a single image that only its file states.

    None if there are several images, if the document states the grid, or if another area is given.
    """
    elsewhere = (grid.srs, grid.dimensions, grid.bounds, grid.dltile, to_geometry(grid.cutline))
    if len(images) > 1 or any(value is not None for value in elsewhere) or _native(images[0]) is not None:
        return None
    return {} if grid.resolution is None else {"resolution": float(grid.resolution)}


def output_grid(grid: Grid, images: Sequence[Image]) -> GeoContext:
    """Return the area and grid of a raster of some images.

    Raises
    ------
    ValueError
        If arguments contradict each other.
    """
    cutline = to_geometry(grid.cutline)
    if grid.dltile is not None:
        return _of_tile(to_dltile(grid.dltile), cutline, grid)
    natives = [native for image in images if (native := _native(image)) is not None]
    crs = _system(grid.srs) or (natives[0].crs if natives else str(_default(images).crs))
    bounds, bounds_crs = _bounds(grid, cutline, natives, images, crs)
    is_whole = grid.bounds is None and cutline is None and len(natives) < len(images)
    common: dict[str, Any] = {
        "geometry": cutline,
        "crs": crs,
        "bounds": bounds,
        "bounds_crs": bounds_crs,
        "align_pixels": grid.align_pixels,
        "all_touched": grid.cutline_all_touched,
    }
    if is_whole and grid.srs is None and grid.resolution is None and grid.dimensions is None:
        # The grid of the files, in which the lines of the pixels lie.
        return _default(images).assign(geometry=None)
    if grid.dimensions is not None:
        if grid.resolution is not None:
            raise ValueError("Give either `resolution` or `dimensions`, not both.")
        columns, rows = (int(number) for number in grid.dimensions)
        return AOI(shape=(rows, columns), **common)
    if grid.resolution is not None:
        return AOI(resolution=float(grid.resolution), **common)
    width, height = _default_pixel(natives, images, crs)
    if width == height:
        return AOI(resolution=width, **common)
    left, bottom, right, top = _project(bounds, bounds_crs, crs)
    return AOI(
        shape=(max(round((top - bottom) / height), 1), max(round((right - left) / width), 1)), **common
    )


def _of_tile(tile: DLTile, cutline: BaseGeometry | None, grid: Grid) -> GeoContext:
    """Return the grid of a tile, with a cutline if there is one."""
    given = {
        "srs": (_system(grid.srs), tile.crs),
        "resolution": (grid.resolution, tile.resolution),
        "bounds": (None if grid.bounds is None else tuple(map(float, grid.bounds)), tile.bounds),
        "dimensions": (
            None if grid.dimensions is None else tuple(grid.dimensions),
            (tile.tile_extent, tile.tile_extent),
        ),
    }
    for name, (value, of_tile) in given.items():
        if value is not None and value != of_tile:
            raise ValueError(
                f"`dltile` has {name} {of_tile!r}, but `{name}` is {value!r}: leave one of them out."
            )
    if cutline is None:
        return tile.assign(all_touched=grid.cutline_all_touched)
    return AOI(
        geometry=cutline,
        crs=tile.crs,
        bounds=tile.bounds,
        bounds_crs=tile.crs,
        resolution=tile.resolution,
        align_pixels=False,
        all_touched=grid.cutline_all_touched,
    )


def _system(srs: str | None) -> str | None:
    """Return a reference system in the form that the Catalog compares, such as "EPSG:4326"."""
    if srs is None:
        return None
    text = str(srs).strip()
    if text.upper() in {"WGS84", "EPSG:4326"}:
        return _WGS84
    return text.upper() if text.lower().startswith("epsg:") else text


def _native(image: Image) -> _Native | None:
    """Return the grid of an image's pixels; None if its document does not state it."""
    own = image.geocontext
    if own.crs is None or own.bounds is None or own.shape is None:
        return None
    return _Native(own.crs, own.bounds, own.shape)


def _default(images: Sequence[Image]) -> AOI:
    """Return the Catalog's grid for the area of images whose documents state none."""
    footprint = shapely.union_all([image.geometry for image in images if image.geometry is not None])
    found = ImageCollection(images, geocontext=AOI(geometry=footprint)).geocontext
    if not isinstance(found, AOI) or found.crs is None or found.resolution is None:
        raise ValueError("The images state no grid: give `srs`, `resolution` and `bounds` or `cutline`.")
    return found


def _assumed(found: AOI) -> _Native:
    """Return the grid of the Catalog's default area, as if it were an image."""
    crs, resolution = str(found.crs), float(found.resolution or 0)
    left, bottom, right, top = _project_geometry(found.geometry, crs)
    return _Native(
        crs,
        (left, bottom, right, top),
        (round((top - bottom) / resolution), round((right - left) / resolution)),
    )


def _bounds(
    grid: Grid, cutline: BaseGeometry | None, natives: Sequence[_Native], images: Sequence[Image], crs: str
) -> tuple[Bounds, str]:
    """Return the bounds of a raster and their reference system."""
    if grid.bounds is not None:
        left, bottom, right, top = (float(number) for number in grid.bounds)
        return (left, bottom, right, top), _system(grid.bounds_srs) or crs
    if cutline is not None:
        return _project_geometry(cutline, crs), crs
    if len(natives) < len(images):
        return _project_geometry(_default(images).geometry, crs), crs
    parts = [_project(native.bounds, native.crs, crs) for native in natives]
    lefts, bottoms, rights, tops = zip(*parts, strict=True)
    return (min(lefts), min(bottoms), max(rights), max(tops)), crs


def _is_same(one: str, other: str) -> bool:
    return one == other or bool(CRS.from_user_input(one) == CRS.from_user_input(other))


def _project(bounds: Bounds, source: str, target: str) -> Bounds:
    if _is_same(source, target):
        return bounds
    transformer = Transformer.from_crs(source, target, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*bounds, densify_pts=_DENSITY)
    return left, bottom, right, top


def _project_geometry(geometry: BaseGeometry | None, target: str) -> Bounds:
    """Return the bounds of a geometry in longitude and latitude, in another reference system."""
    if geometry is None:
        raise ValueError("The images have no footprint: give `bounds` or `cutline`.")
    left, bottom, right, top = geometry.bounds
    step = max(right - left, top - bottom) / _DENSITY
    dense = shapely.segmentize(geometry, step) if step else geometry
    transformer = Transformer.from_crs(_WGS84, target, always_xy=True)
    project: Any = transformer.transform
    projected = shapely.transform(dense, project, interleaved=False)
    left, bottom, right, top = projected.bounds
    return left, bottom, right, top


def _default_pixel(natives: Sequence[_Native], images: Sequence[Image], crs: str) -> tuple[float, float]:
    """Return the width and height of the first image's pixels in another system, as gdalwarp does."""
    native = natives[0] if natives else _assumed(_default(images))
    if _is_same(native.crs, crs):
        return native.pixel if natives else (float(_default(images).resolution or 0),) * 2
    from rasterio.warp import calculate_default_transform

    rows, columns = native.shape
    transform, _, _ = calculate_default_transform(native.crs, crs, columns, rows, *native.bounds)
    return transform.a, -transform.e
