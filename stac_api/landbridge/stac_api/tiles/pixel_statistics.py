"""Statistics of rendered pixels, with the members of titiler's; they run in the worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.stac_api.tiles.grid import Grid
    from landbridge.stac_api.tiles.pixels import Picture

__all__ = ["statistics"]

Array = np.ndarray[Any, np.dtype[Any]]
_PERCENTILES = (2, 98)
_MAX_CATEGORIES = 1000


def inside(polygon: Mapping[str, Any], grid: Grid) -> Array:
    """Return the pixels (y, x) of a grid whose center is within a GeoJSON geometry, in degrees."""
    from rasterio.features import geometry_mask
    from rasterio.transform import from_bounds
    from rasterio.warp import transform_geom

    geometry = transform_geom("OGC:CRS84", grid.crs, polygon)
    transform = from_bounds(*grid.bounds, grid.width, grid.height)
    mask: Array = geometry_mask([geometry], (grid.height, grid.width), transform, invert=True)
    return mask


def statistics(
    names: tuple[str, ...], picture: Picture, within: Array | None, *, bins: int, categorical: bool
) -> dict[str, dict[str, Any]]:
    """Return the statistics of each output by its name."""
    found = {}
    for name, values, valid in zip(names, picture.values, picture.valid, strict=True):
        counted = valid if within is None else valid & within
        total = valid.size if within is None else int(within.sum())
        found[name] = _of(values[counted], total, bins=bins, categorical=categorical)
    return found


def _of(values: Array, total: int, *, bins: int, categorical: bool) -> dict[str, Any]:
    count = int(values.size)
    known: dict[str, Any] = {
        "count": float(count),
        "masked_pixels": float(total - count),
        "valid_pixels": float(count),
        "valid_percent": round(100 * count / total, 2) if total else 0.0,
    }
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    names = ("min", "max", "mean", "sum", "std", "median", "majority", "minority", "unique", "histogram")
    if not values.size:
        return {**dict.fromkeys(names), **dict.fromkeys(f"percentile_{one}" for one in _PERCENTILES), **known}
    exact = values.astype(np.float64)
    different, counts = np.unique(values, return_counts=True)
    if categorical:
        shown = slice(0, _MAX_CATEGORIES)
        histogram = [counts[shown].tolist(), different[shown].tolist()]
    else:
        heights, edges = np.histogram(exact, bins=bins)
        histogram = [heights.tolist(), edges.tolist()]
    percentiles = np.percentile(exact, _PERCENTILES)
    return {
        "min": float(exact.min()),
        "max": float(exact.max()),
        "mean": float(exact.mean()),
        "sum": float(exact.sum()),
        "std": float(exact.std()),
        "median": float(np.median(exact)),
        "majority": float(different[counts.argmax()]),
        "minority": float(different[counts.argmin()]),
        "unique": float(different.size),
        "histogram": histogram,
        **{f"percentile_{one}": float(value) for one, value in zip(_PERCENTILES, percentiles, strict=True)},
        **known,
    }
