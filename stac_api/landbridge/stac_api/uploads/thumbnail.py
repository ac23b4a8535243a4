"""Thumbnail of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.enums import Resampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SIDE = 512  # pixels along the longer side, at most
_RGB = ("red", "green", "blue")
_PERCENTILES = (2, 98)


def write(files: Sequence[tuple[Path, Sequence[Mapping[str, Any]]]], target: Path) -> Path | None:
    """Write a PNG of red, green and blue, else of the first band; return None if there is no band to show.

    Invalid pixels are transparent. A band with a colormap is shown by it; other bands are stretched from
    their `display_range`, else from their 2nd to their 98th percentile.
    """
    chosen = _bands_to_show(files)
    if not chosen:
        return None
    shape: tuple[int, int] | None = None
    layers, opaque = [], None
    for path, band in chosen:
        with rasterio.open(path) as cog:
            if shape is None:
                scale = SIDE / max(cog.height, cog.width, SIDE)
                shape = (max(1, round(cog.height * scale)), max(1, round(cog.width * scale)))
            number = (band.get("band_index") or 0) + 1
            exact = Resampling.nearest if band.get("type") == "class" else Resampling.average
            data = cog.read(number, out_shape=shape, resampling=exact, masked=True)
        valid = ~np.ma.getmaskarray(data)
        if data.dtype.kind == "f":
            valid &= np.isfinite(data.data)
        opaque = valid if opaque is None else opaque | valid
        layers += (
            _colored(data.data, valid, band) if len(chosen) == 1 else [_stretched(data.data, valid, band)]
        )
    assert shape is not None
    assert opaque is not None
    picture = np.stack([*layers, np.where(opaque, 255, 0).astype("uint8")])
    with rasterio.open(
        target, "w", driver="PNG", height=shape[0], width=shape[1], count=len(picture), dtype="uint8"
    ) as file:
        file.write(picture)
    return target


def _bands_to_show(
    files: Sequence[tuple[Path, Sequence[Mapping[str, Any]]]],
) -> list[tuple[Path, Mapping[str, Any]]]:
    bands = [
        (path, band) for path, bands_of_file in files for band in bands_of_file if band.get("type") != "mask"
    ]
    by_name = {str(band.get("name")).lower(): (path, band) for path, band in bands}
    if all(name in by_name for name in _RGB):
        return [by_name[name] for name in _RGB]
    bands.sort(key=lambda pair: pair[1].get("sort_order") or 0)
    return bands[:1] or [(path, {}) for path, _ in files[:1]]


def _colored(data: np.ndarray, valid: np.ndarray, band: Mapping[str, Any]) -> list[np.ndarray]:
    """Return one band as three layers by its colormap, or as one gray layer."""
    colormap = band.get("colormap")
    if not colormap or data.dtype.kind not in "ui":
        return [_stretched(data, valid, band)]
    try:
        table = np.array([color[:3] for color in colormap], "uint8")
    except (TypeError, ValueError, IndexError, OverflowError):
        return [_stretched(data, valid, band)]
    colors = table[np.clip(data, 0, len(table) - 1)]
    return list(np.moveaxis(colors, -1, 0))


def _stretched(data: np.ndarray, valid: np.ndarray, band: Mapping[str, Any]) -> np.ndarray:
    values = data[valid].astype("float64")
    if not values.size:
        return np.zeros(data.shape, "uint8")
    shown = band.get("display_range")
    low, high = shown if shown and shown[0] != shown[1] else np.percentile(values, _PERCENTILES)
    if low == high:
        low, high = low - 1, high + 1
    with np.errstate(all="ignore"):
        scaled = (data.astype("float64") - low) * (255.0 / (high - low))
    return np.where(valid, np.clip(np.nan_to_num(scaled), 0, 255), 0).astype("uint8")
