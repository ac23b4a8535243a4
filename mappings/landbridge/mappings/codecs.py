"""Named converters between an attribute's value and its STAC value.

A codec is a pair of pure functions on JSON values. A function of None means that the value is the same on
both sides. Units change by shifting the decimal point of a number's shortest notation, so that 0.29 is 29 %
and not 28.999999999999996 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from landbridge.mappings import times

__all__ = ["CODECS", "DOCUMENT_CODECS", "METRES_PER_DEGREE", "Codec", "shift_decimal", "to_metres"]

# Length of one degree, as the Catalog uses it to compare resolutions.
METRES_PER_DEGREE = 111111


@dataclass(frozen=True, slots=True)
class Codec:
    """Pair of functions: ``encode`` returns the STAC value, ``decode`` the attribute's; None: unchanged."""

    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None


def shift_decimal(value: float, places: int) -> float:
    """Return ``value`` times ten to the power of ``places``, exact in decimal notation, as a float."""
    if value == 0:
        return value
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a number")
    shifted = Decimal(repr(value)).scaleb(places)
    return float(shifted)


def to_metres(value: Any) -> float:
    """Return a resolution in metres, from a number of metres or from ``{"value", "unit"}``."""
    if not isinstance(value, Mapping):
        return _number(value)
    number, unit = _number(value["value"]), value.get("unit", "meters")
    if unit == "meters":
        return number
    if unit == "degrees":
        return float(Decimal(repr(number)) * METRES_PER_DEGREE)
    raise ValueError(f"{unit!r} is not a unit of resolution; use 'meters' or 'degrees'")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def _resolution(value: Any) -> dict[str, Any]:
    return {"value": _number(value), "unit": "meters"}


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _finite(value: Any) -> float:
    number = _float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _numbers(value: Any) -> list[float]:
    return [_finite(number) for number in value]


# Data type of the Catalog -> its name in STAC and numpy.
DATA_TYPES = {
    "Byte": "uint8",
    "UInt16": "uint16",
    "Int16": "int16",
    "UInt32": "uint32",
    "Int32": "int32",
    "Float32": "float32",
    "Float64": "float64",
    "Int8": "int8",
    "Int64": "int64",
    "UInt64": "uint64",
    "Float16": "float16",
}
_CATALOG_TYPES = {stac: catalog for catalog, stac in DATA_TYPES.items()}


def _data_type(value: Any) -> str:
    if value not in DATA_TYPES:
        raise ValueError(f"{value!r} is not one of {', '.join(DATA_TYPES)}")
    return DATA_TYPES[value]


_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _nodata_to_stac(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _nodata_from_stac(value: Any) -> Any:
    return _NOT_FINITE.get(value.lower(), value) if isinstance(value, str) else value


def _transform_to_stac(value: Any) -> list[float]:
    # GDAL's order is c, a, b, f, d, e; the projection extension's order is a, b, c, d, e, f.
    c, a, b, f, d, e = _numbers(value)
    return [a, b, c, d, e, f]


def _transform_from_stac(value: Any) -> list[float]:
    a, b, c, d, e, f = value[:6]
    return [float(c), float(a), float(b), float(f), float(d), float(e)]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _list(value: Any) -> list[Any]:
    if isinstance(value, str | Mapping):
        raise TypeError(f"{value!r} is not a list")
    return list(value)


CODECS: Mapping[str, Codec] = {
    "identity": Codec(),
    "string": Codec(decode=_text),
    "float": Codec(_finite, _float),
    "floats": Codec(_numbers, _numbers),
    "list": Codec(_list, _list),
    "datetime": Codec(times.normalize, times.normalize),
    "percent": Codec(
        lambda value: shift_decimal(_finite(value), 2), lambda value: shift_decimal(_finite(value), -2)
    ),
    "nm_to_um": Codec(lambda value: shift_decimal(value, -3), lambda value: shift_decimal(value, 3)),
    "resolution": Codec(to_metres, _resolution),
    "data_type": Codec(_data_type, _CATALOG_TYPES.__getitem__),
    "nodata": Codec(_nodata_to_stac, _nodata_from_stac),
    "geotrans": Codec(_transform_to_stac, _transform_from_stac),
}

# Codecs that read and write several members of a document; each kind's module implements them.
DOCUMENT_CODECS = frozenset(
    {
        "identifier",
        "acquired",
        "acquired_end",
        "geometry",
        "code",
        "wkt",
        "shape",
        "files",
        "data",
        "thumbnail",
        "via",
        "extra_properties",
        "described",
        "extent",
        "classes",
    }
)
