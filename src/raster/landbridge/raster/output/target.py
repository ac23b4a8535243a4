"""The file that a raster is written to: what it can hold, and how it stores masked pixels."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from landbridge.errors import LandbridgeError
from landbridge.raster.array_types import Array, BoolArray
from landbridge.raster.dtypes import representable_nodata
from landbridge.raster.plan.arguments import check_format, format_of
from landbridge.raster.plan.plan import Plan

# Per format: numbers of bands and pixel types (None: any).
_COUNTS = {"tif": None, "png": (1, 3, 4), "jpg": (1, 3)}
_TYPES = {"tif": None, "png": ("uint8", "uint16"), "jpg": ("uint8",)}
# Larger nodata values of integers are rounded by rasterio.
_MAX_EXACT_INTEGER = 2**53


class _AmbiguousMaskError(LandbridgeError):
    """Error of an encoding in which some masked pixels equal valid ones."""


@dataclass(frozen=True, slots=True)
class MaskEncoding:
    """Encoding of masked pixels in a file.

    Masked pixels have the value `nodata`, which no valid pixel may have; if it is None, the file has one mask
    for all bands. With `strict`, an ambiguous encoding is an error, after which another one is tried.
    """

    masked: bool
    nodata: float | None = None
    strict: bool = True


def mask_encoding_of(plan: Plan) -> MaskEncoding:
    declared = {band.nodata for band in plan.bands}
    as_stored = plan.scales is None and plan.method != "count" and len(declared) == 1
    return MaskEncoding(plan.masked, declared.pop() if as_stored else None)


def write_with_fallbacks(
    write_all: Callable[[MaskEncoding], Path], encoding: MaskEncoding, dtype: np.dtype[Any]
) -> Path:
    """Write a file; try further encodings if some masked pixels equal valid ones."""
    tried = [encoding, replace(encoding, nodata=None)]
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        tried += [replace(encoding, nodata=value) for value in (0, limits.max, limits.min)]
    for each in tried:
        try:
            return write_all(each)
        except _AmbiguousMaskError:
            continue
    return write_all(replace(encoding, nodata=None, strict=False))


class Target:
    """Destination file, checked before any pixel is read."""

    def __init__(
        self,
        path: Path,
        format: str | None,
        count: int,
        dtype: np.dtype[Any],
        nodata: float | None,
        encoding: MaskEncoding,
    ) -> None:
        self.path = path
        self.format: str = format_of(path) if format is None else check_format(format)
        self.count = count
        self.dtype = dtype
        self.nodata: float | None = None
        self.has_mask: bool = False
        self.is_declared: bool = False
        self.strict: bool = False
        counts, types = _COUNTS[self.format], _TYPES[self.format]
        if counts is not None and count not in counts:
            raise ValueError(f"a {self.format} has {' or '.join(map(str, counts))} bands, got {count}")
        if types is not None and dtype.name not in types:
            raise ValueError(
                f"a {self.format} holds {' or '.join(types)} values, got {dtype}: use a scaling or "
                "data_type, or write a tif"
            )
        if nodata is not None and self.format == "tif":
            self.nodata = representable_nodata(dtype, nodata)
            if self.nodata is None:
                raise ValueError(f"the data type {dtype} cannot hold nodata {nodata}")
        elif encoding.masked and self.format == "tif":
            held = None if encoding.nodata is None else representable_nodata(dtype, encoding.nodata)
            self.is_declared = held is not None and not abs(held) > _MAX_EXACT_INTEGER
            self.nodata = held if self.is_declared else math.nan if dtype.kind == "f" else None
            self.has_mask = self.nodata is None
            self.strict = encoding.strict
        if self.nodata is not None and dtype.kind == "f":
            self.nodata = float(dtype.type(self.nodata))

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """Numpy type of the file's pixels."""
        return np.dtype("float32") if self.dtype == np.float16 else self.dtype

    def encode(self, values: Array, mask: BoolArray | None) -> tuple[Array, BoolArray | None]:
        """Return pixels (band, y, x) as the file stores them, and its mask (y, x; True: shown).

        Raises:
            _AmbiguousMaskError: if valid pixels would equal masked ones.
        """
        shown: BoolArray | None = None
        if mask is not None and self.nodata is not None:
            encode = np.where(mask, values.dtype.type(self.nodata), values)
            if self.is_declared and self._is_used_by_valid_pixels(encode, mask):
                raise _AmbiguousMaskError
            values = encode
        elif mask is not None and self.has_mask:
            shown = np.logical_not(mask.all(axis=0, keepdims=True))[0]
            if (mask & shown).any():
                if self.strict:
                    raise _AmbiguousMaskError
                self._warn_of_shared_mask()
        return values.astype(self.stored_dtype, copy=False), shown

    def _is_used_by_valid_pixels(self, encode: Array, mask: BoolArray) -> bool:
        """Return whether valid pixels have the nodata value."""
        others = np.count_nonzero(encode) if self.nodata == 0 else np.count_nonzero(encode != self.nodata)
        return encode.size - int(others) > int(np.count_nonzero(mask))

    def _warn_of_shared_mask(self) -> None:
        warnings.warn(
            f"{self.path}: some pixels are masked in some bands only, and a file has one mask for all bands: "
            "there these bands are 0. Give `nodata` to keep the mask of each band.",
            UserWarning,
            stacklevel=2,
        )
