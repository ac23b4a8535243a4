"""A view: what is drawn of the items, without their place."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

from landbridge.stac_api.tiles.formats import Format

__all__ = ["RGBA", "Colormap", "ScalingEntry", "View"]

RGBA = tuple[int, int, int, int]
"""Red, green, blue and alpha from 0 to 255."""

ScalingEntry = str | tuple[float | str, ...] | None
"""Scaling of one output, as the raster engine takes it: a mode, 2 or 4 bounds, None for unchanged values."""


@dataclass(frozen=True, slots=True)
class Colormap:
    """Colors of the values of one band or expression.

    Attributes
    ----------
    name : str, optional
        Name of a colormap of 256 colors, for values that are scaled to 0-255.
    values : tuple of (float, RGBA)
        Colors of single values; other values are transparent.
    intervals : tuple of (float, float, RGBA)
        Colors of intervals, which include their lower and exclude their upper end; other values are
        transparent.
    """

    name: str | None = None
    values: tuple[tuple[float, RGBA], ...] = ()
    intervals: tuple[tuple[float, float, RGBA], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """Bands or expressions, their display, and the format of the answer.

    Attributes
    ----------
    bands : tuple of str
        Names of the bands that are read, unique.
    expressions : tuple of str
        Expressions of the bands, one per output; without expressions the bands are the outputs.
    scaling : tuple
        Scaling of each output in the raster engine's form.
    as_bytes : bool
        True if the outputs are scaled to 0-255.
    colormap : Colormap, optional
        Colors of the only output.
    resampling : str
        Name of the resampling method in the raster engine.
    method : str
        Way to combine items: "last" (the first item of the search is on top), "mean", "median", "min", "max"
        or "count".
    nodata : float, optional
        Value of missing pixels, instead of the bands' own.
    alpha : bool
        True if the answer has a band that tells valid pixels from others.
    buffer : float
        Pixels that are added to each side of a tile.
    format : Format
        Format of the answer.
    """

    bands: tuple[str, ...]
    expressions: tuple[str, ...] = ()
    scaling: tuple[ScalingEntry, ...] = ()
    as_bytes: bool = True
    colormap: Colormap | None = None
    resampling: str = "near"
    method: str = "last"
    nodata: float | None = None
    alpha: bool = True
    buffer: float = 0.0
    format: Format = Format.AUTO

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs: expressions, or else bands."""
        return self.expressions or self.bands

    @property
    def identity(self) -> str:
        """Hexadecimal digest, equal for equal views in all processes; part of entity tags."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the view as a JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the view that `to_json` described."""
        colors = document["colormap"]
        return cls(
            **{
                **document,
                "bands": tuple(document["bands"]),
                "expressions": tuple(document["expressions"]),
                "scaling": tuple(
                    tuple(entry) if isinstance(entry, list) else entry for entry in document["scaling"]
                ),
                "colormap": colors
                and Colormap(
                    colors["name"],
                    tuple((value, tuple(color)) for value, color in colors["values"]),
                    tuple((low, high, tuple(color)) for low, high, color in colors["intervals"]),
                ),
                "format": Format(document["format"]),
            }
        )
