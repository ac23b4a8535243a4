"""Data types of the Catalog: numpy counterparts, ranges and common types.

`landbridge.mappings` has a table of its own, from Catalog names to STAC names, because it imports neither
numpy nor the engine. `tests/unit/mappings/test_data_types.py` checks that they agree.
"""

import math
from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np

# In the order in which `common_type` tries them.
NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    "Byte": np.dtype("uint8"),
    "UInt16": np.dtype("uint16"),
    "Int16": np.dtype("int16"),
    "UInt32": np.dtype("uint32"),
    "Int32": np.dtype("int32"),
    "Float32": np.dtype("float32"),
    "Float64": np.dtype("float64"),
    "Int8": np.dtype("int8"),
    "Int64": np.dtype("int64"),
    "UInt64": np.dtype("uint64"),
    "Float16": np.dtype("float16"),
}
DATA_TYPES = tuple(NUMPY_TYPES)
_CATALOG_TYPES = {dtype: name for name, dtype in NUMPY_TYPES.items()}

# Types to which each type may be cast to hold another type's values. By the Catalog's rules an Int32 or
# UInt16 fits a Float32. No floating type holds integers of 64 bits.
_LOSSLESS_CASTS: dict[str, tuple[str, ...]] = {
    "Byte": (
        "UInt16", "Int16", "UInt32", "Int32", "Float32", "Float64", "Int64", "UInt64", "Float16",
    ),
    "UInt16": ("UInt32", "Int32", "Float32", "Float64", "Int64", "UInt64"),
    "Int16": ("Int32", "Float32", "Float64", "Int64"),
    "UInt32": ("Float64", "Int64", "UInt64"),
    "Int32": ("Float32", "Float64", "Int64"),
    "Float32": ("Float64",),
    "Float64": (),
    "Int8": ("Int16", "Int32", "Float32", "Float64", "Int64", "Float16"),
    "Int64": (),
    "UInt64": (),
    "Float16": ("Float32", "Float64"),
}  # fmt: skip
# In ascending order of size, by the Catalog's rules.
_INTEGERS = ("Byte", "UInt16", "Int16", "UInt32", "Int32")
_RANGES: dict[str, tuple[float, float]] = {
    name: (0.0, 1.0) if dtype.kind == "f" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in NUMPY_TYPES.items()
}


def check_data_type(data_type: str) -> str:
    """Return a data type's name unchanged if it is valid.

    Raises:
        ValueError: if it is not exactly one of `DATA_TYPES`.
    """
    if not isinstance(data_type, str) or data_type not in NUMPY_TYPES:
        raise ValueError(f"data_type must be one of {', '.join(DATA_TYPES)}, got {data_type!r}")
    return next(name for name in DATA_TYPES if name == data_type)


def numpy_type(data_type: str) -> np.dtype[Any]:
    """Return the numpy type of a data type."""
    return NUMPY_TYPES[check_data_type(data_type)]


def data_type_of(dtype: np.dtype[Any]) -> str:
    """Return the data type that holds a numpy type's values; the next larger one if the Catalog lacks it."""
    name = _CATALOG_TYPES.get(np.dtype(dtype))
    if name is not None:
        return name
    if dtype.kind == "b":
        return "Byte"
    return "Float32" if dtype.itemsize <= 4 else "Float64"


def interpolation_type(data_type: str) -> str:
    """Return the floating data type in which values of a data type are interpolated and averaged."""
    return "Float32" if NUMPY_TYPES[data_type].itemsize <= 2 or data_type == "Float32" else "Float64"


def file_data_type(data_type: str) -> str:
    """Return the data type that a file holds pixels of a data type in.

    GDAL before 3.11 and the compiled loops have no half floats: pixels stay Float32 until they are returned.
    """
    return "Float32" if data_type == "Float16" else data_type


def is_integer(data_type: str) -> bool:
    """Return whether a data type holds integers."""
    return NUMPY_TYPES[data_type].kind in "ui"


def full_range(data_type: str) -> tuple[float, float]:
    """Return the lowest and highest value of a data type; (0, 1) for the floating types."""
    return _RANGES[data_type]


def common_type(data_types: Iterable[str]) -> str:
    """Return the smallest data type that holds the values of several, combined in their order.

    Raises:
        ValueError: if no type does, as for Int64 and Float32.
    """
    return reduce(_common_type, map(check_data_type, data_types))


def smallest_integer(low: float, high: float) -> str | None:
    """Return the first integer type whose range holds both bounds; None if no type does."""
    for name in _INTEGERS:
        if _RANGES[name][0] <= low and high <= _RANGES[name][1]:
            return name
    return None


def _common_type(first: str, second: str) -> str:
    if first == second or second in _LOSSLESS_CASTS[first]:
        return second
    if first in _LOSSLESS_CASTS[second]:
        return first
    common = [
        name for name in DATA_TYPES if name in _LOSSLESS_CASTS[first] and name in _LOSSLESS_CASTS[second]
    ]
    if not common:
        raise ValueError(
            f"no data type holds all values of {first} and of {second}: read the bands one by one, or give "
            "data_type='Float64', which rounds integers beyond 2**53"
        )
    return common[0]


def representable_nodata(dtype: np.dtype[Any], nodata: float | None) -> float | None:
    """Return a nodata value if the type can hold it, else None."""
    if nodata is None:
        return None
    if dtype.kind == "f":
        return float(nodata)
    if not math.isfinite(nodata) or nodata != int(nodata):
        return None
    limits = np.iinfo(dtype)
    return int(nodata) if limits.min <= nodata <= limits.max else None


def compute_type(method: str, data_type: str) -> str:
    """Return the data type in which a mosaic method computes pixels of a data type."""
    if method == "count":
        return "UInt16"
    return "Float64" if method in ("mean", "median") else data_type
