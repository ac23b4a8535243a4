"""Compiled pixel loops of the raster engine.

All functions release the GIL. They check shapes, types and ranges of their arguments once per call, and raise
`ValueError` or `TypeError` if one does not fit.
"""

import os
from typing import TYPE_CHECKING

try:
    from landbridge.kernels import _native
except ImportError as error:
    raise ImportError(
        "The compiled part of landbridge-kernels is missing or does not fit this Python and machine "
        f"({error}); install a wheel that does, or a C++ compiler and then landbridge-kernels again."
    ) from error
from landbridge.kernels._native import (
    CELL,
    INVALID,
    MISSING,
    VALID,
    Canvas,
    Layer,
    NodeGrid,
    add_to_sums,
    composite_aligned_tile,
    composite_warped_tile,
    count_pixels,
    decode_tile,
    fill_missing,
    instruction_sets,
    interpolate_locally,
    keep_extremes,
    round_floats,
    take_means,
    take_medians,
    tile_boxes,
    touches_missing_pixels,
    undo_differences,
    use_instruction_set,
)

__all__ = [
    "CELL",
    "INVALID",
    "MISSING",
    "VALID",
    "Canvas",
    "Layer",
    "NodeGrid",
    "add_to_sums",
    "composite_aligned_tile",
    "composite_warped_tile",
    "count_pixels",
    "decode_tile",
    "fill_missing",
    "instruction_sets",
    "interpolate_locally",
    "keep_extremes",
    "round_floats",
    "take_means",
    "take_medians",
    "tile_boxes",
    "touches_missing_pixels",
    "undo_differences",
    "use_instruction_set",
]

use_instruction_set(os.environ.get("LANDBRIDGE_INSTRUCTION_SET") or _native.instruction_sets()[0])


if not TYPE_CHECKING:  # type checkers would take any name for one of this module

    def __getattr__(name: str) -> str:
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("landbridge-kernels")
else:
    __version__: str
